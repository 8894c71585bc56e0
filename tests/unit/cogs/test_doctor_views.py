"""What `/doctor` says: a sentence for each thing the bot or a member may lack, in either language."""

from __future__ import annotations

from dataclasses import replace

from discord import ui

from cogs.doctor.commands import NEEDED_BY_MEMBERS
from cogs.doctor.views import ChannelCheck, check_view
from cogs.text.translation import use_locale

WELL = ChannelCheck(
    missing=(), in_thread=False, members_lack=(), alert_channel_id=None, alert_missing=None, rivya_down=False
)
ILL = ChannelCheck(
    missing=("view_channel", "send_messages", "attach_files"),
    in_thread=False,
    members_lack=NEEDED_BY_MEMBERS,
    alert_channel_id=2**62,
    alert_missing=("send_messages",),
    rivya_down=True,
)
IN_THREAD = replace(
    ILL, missing=("send_messages_in_threads",), in_thread=True, alert_missing=(), rivya_down=False
)
GONE = replace(WELL, in_thread=True, alert_channel_id=5)
ALL = (WELL, ILL, IN_THREAD, GONE)


def lines(seen: ChannelCheck) -> list[str]:
    texts = (item.content for item in check_view(seen).walk_children() if isinstance(item, ui.TextDisplay))
    return [line for text in texts for line in text.split("\n")]


def test_what_is_missing_is_named_with_what_it_costs_and_who_can_change_it() -> None:
    said = lines(ILL)
    assert (
        "**No: see this channel.** Without it I cannot post a late picture as a new message."
        " Give me View Channel."
    ) in said
    assert "Members without a role cannot attach a reference: they need Attach Files." in said
    assert f"**Alerts cannot be posted in <#{2**62}>.** Give me Send Messages there." in said
    assert "Yes: write messages in this thread." in lines(GONE)
    assert "**The channel for alerts is gone.** Choose another with `/limits alerts`." in lines(GONE)


def test_an_examination_is_in_indonesian() -> None:
    english = [lines(seen) for seen in ALL]
    with use_locale("id"):
        indonesian = [lines(seen) for seen in ALL]
    for said, own in zip(indonesian, english, strict=True):
        assert len(said) == len(own)
        assert not set(said) & set(own)
        assert said[0] == "### Yang boleh saya lakukan di sini"
    assert f"**Peringatan tidak bisa diposting di <#{2**62}>.**" in indonesian[1][-2]
    assert indonesian[2][-2] == f"Peringatan tentang batas dikirim ke <#{2**62}>."
    assert any(line.startswith("Selama itu belum diubah, `/lukis` ditolak") for line in indonesian[1])
    assert indonesian[0][1:4] == [
        "Ya: melihat channel ini.",
        "Ya: menulis pesan di sini.",
        "Ya: melampirkan gambar.",
    ]
