"""The view of `/doctor`: a sentence for everything that the bot or a member may lack, in each language."""

from __future__ import annotations

from dataclasses import replace

from cogs.doctor.commands import NEEDED_BY_MEMBERS
from cogs.doctor.views import ChannelCheck, check_view
from cogs.text.translation import use_locale
from tests.support.views import view_text

ALL_WELL = ChannelCheck(
    missing=(), in_thread=False, members_lack=(), alert_channel_id=None, alert_missing=None, rivya_down=False
)
ALL_MISSING = ChannelCheck(
    missing=("view_channel", "send_messages", "attach_files"),
    in_thread=False,
    members_lack=NEEDED_BY_MEMBERS,
    alert_channel_id=2**62,
    alert_missing=("send_messages",),
    rivya_down=True,
)
IN_THREAD = replace(
    ALL_MISSING, missing=("send_messages_in_threads",), in_thread=True, alert_missing=(), rivya_down=False
)
CHANNEL_GONE = replace(ALL_WELL, in_thread=True, alert_channel_id=5)
NOT_ADMITTED = replace(ALL_WELL, not_admitted={"state": "waiting", "contacts": [7]})
ALL = (ALL_WELL, ALL_MISSING, IN_THREAD, CHANNEL_GONE, NOT_ADMITTED)


def lines(check: ChannelCheck) -> list[str]:
    return view_text(check_view(check)).split("\n")


def test_missing_permissions_are_named_with_their_consequences() -> None:
    text_lines = lines(ALL_MISSING)
    assert (
        "**No: see this channel.** Without it I cannot post a late picture as a new message."
        " Give me View Channel."
    ) in text_lines
    assert "Members without a role cannot attach a reference: they need Attach Files." in text_lines
    assert f"**Alerts cannot be posted in <#{2**62}>.** Give me Send Messages there." in text_lines
    assert "Yes: write messages in this thread." in lines(CHANNEL_GONE)
    assert "**The channel for alerts is gone.** Choose another with `/limits alerts`." in lines(CHANNEL_GONE)


def test_every_line_is_translated() -> None:
    english = [lines(check) for check in ALL]
    with use_locale("id"):
        indonesian = [lines(check) for check in ALL]
    for translated, original in zip(indonesian, english, strict=True):
        assert len(translated) == len(original)
        assert not set(translated) & set(original)
        assert translated[0] == "### Yang boleh saya lakukan di sini"
    assert f"**Peringatan tidak bisa dikirim di <#{2**62}>.**" in indonesian[1][-2]
    assert indonesian[2][-2] == f"Peringatan tentang batas dikirim ke <#{2**62}>."
    assert any(line.startswith("Selama itu belum diubah, `/lukis` ditolak") for line in indonesian[1])
    assert indonesian[0][1:4] == [
        "Ya: melihat channel ini.",
        "Ya: menulis pesan di sini.",
        "Ya: melampirkan gambar.",
    ]
