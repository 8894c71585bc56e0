"""The views of `/privacy`, and how its export is made to fit."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace

from discord import ui

from bot.config.settings import AboutSettings
from bot.privacy.models import DataSummary, Export, Record
from cogs.privacy import views
from cogs.privacy.commands import erase_button
from cogs.text.translation import use_locale
from tests.support.views import view_text

NOTHING = DataSummary(
    requests=0,
    unfinished=0,
    guilds=0,
    oldest_at=None,
    prompts=0,
    references=0,
    kept_references=0,
    kept_pictures=0,
    drafts=0,
    member_defaults=0,
    votes=0,
    amounts=0,
    amounts_until=None,
    amounts_permanent=0,
    about=0,
    decisions=0,
    asked_at=None,
)
REQUEST: Record = {
    "job_id": "00000000-0000-4000-8000-000000000000",
    "guild_id": 2**62,
    "channel_id": 20,
    "accepted_at": 1_700_000_000_000,
    "acknowledged_at": 1_700_000_001_000,
    "finished_at": None,
    "stage": "created",
    "prompt": "ein Füchslein 🦊",
    "model": "qwen-image",
    "size": "square",
    "format": "png",
    "private": 1,
    "spoiler": 0,
    "locale": "de",
    "guild_locale": "id",
    "preset_name": None,
    "parent_job_id": None,
    "task_id": "task",
    "result_url": None,
    "failure_code": None,
    "failure_message": None,
    "message_id": 77,
    "landed_channel_id": None,
    "landed_message_id": None,
    "landed_way": None,
    "landed_url": None,
    "shared_at": None,
    "deleted_at": None,
    "picture_kept": 0,
    "state": "held",
    "reserved_credits": 4,
    "final_credits": None,
    "refunded_at": None,
    "refund_reason": None,
}
EXPORT = Export(
    user_id=2**62 + 1,
    made_at=1_700_000_000_000,
    erasure_asked_at=None,
    older_requests=0,
    requests=(REQUEST,),
    drafts=(),
    member_defaults=(),
    votes=(),
    blocks=(),
    amounts=(),
    limits=(),
    grants=(),
    decisions=(),
)


EVERYTHING = DataSummary(
    requests=12,
    unfinished=2,
    guilds=3,
    oldest_at=1_700_000_000_000,
    prompts=11,
    references=4,
    kept_references=5,
    kept_pictures=5,
    drafts=6,
    member_defaults=1,
    votes=11,
    amounts=7,
    amounts_until=1_700_000_001_000,
    amounts_permanent=8,
    about=9,
    decisions=10,
    asked_at=5_000,
)
FACTS = re.compile(r"<[^>]+>|\d+")


def all_views(summary: DataSummary) -> list[ui.LayoutView]:
    button: ui.ActionRow[ui.LayoutView] = ui.ActionRow(ui.Button(custom_id="kuas:x", label="-"))
    return [
        views.summary_view(summary, AboutSettings()),
        views.erase_question_view(summary, button),
        views.nothing_view(summary),
        views.erased_view(summary.requests, summary),
        views.export_view(EXPORT, summary.requests, ui.File("attachment://kuas-your-data.zip")),
        views.not_yours_view(),
    ]


def test_what_is_under_way_is_said_to_follow() -> None:
    text = view_text(views.erased_view(3, replace(NOTHING, requests=2, unfinished=2)))
    assert "3 requests erased" in text
    assert "Still under way: 2 requests" in text
    assert "within an hour" in text


def test_the_reason_and_the_time_for_which_an_id_stays_are_shown() -> None:
    text = view_text(views.erased_view(1, replace(NOTHING, amounts=2, amounts_until=1_700_000_000_000)))
    assert "until <t:1700000000:f>." in text
    assert "never resets" not in text
    text = view_text(views.erased_view(1, replace(NOTHING, amounts=2, amounts_permanent=1)))
    assert "in 1 server for as long as a limit that never resets is in force there" in text


def test_the_summary_lists_only_what_is_stored() -> None:
    text = view_text(views.summary_view(NOTHING, AboutSettings()))
    assert "No requests" in text
    assert "- " not in text.replace("-# ", "")
    everything = replace(
        NOTHING, requests=1, guilds=1, prompts=1, references=2, kept_pictures=1, drafts=1, amounts=1, about=1
    )
    text = view_text(views.summary_view(replace(everything, decisions=3, asked_at=5_000), AboutSettings()))
    for part in ("1 prompt\n", "2 names of attached files", "3 decisions", "asked for erasure <t:5:R>"):
        assert part in text


def test_the_export_is_readable_json() -> None:
    name, data, left_out = views.export_file(EXPORT, 10_000)
    assert (name, left_out) == ("kuas-your-data.json", 0)
    assert "ein Füchslein 🦊".encode() in data
    loaded = json.loads(data)
    assert (loaded["user_id"], loaded["made_at"]) == (str(2**62 + 1), "2023-11-14T22:13:20.000+00:00")
    (request,) = loaded["requests"]
    assert (request["guild_id"], request["private"], request["spoiler"]) == (str(2**62), True, False)
    assert (request["reserved_credits"], request["final_credits"], request["finished_at"]) == (4, None, None)


def test_an_export_too_big_is_zipped_and_then_loses_its_oldest_requests() -> None:
    requests = tuple(REQUEST | {"prompt": str(number) * 400, "message_id": number} for number in range(64))
    export = replace(EXPORT, requests=requests, older_requests=5)
    name, data, left_out = views.export_file(export, 20_000)
    assert (name, left_out) == ("kuas-your-data.zip", 5)
    assert len(data) <= 20_000
    _, data, left_out = views.export_file(export, 2_500)
    assert len(data) <= 2_500
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        loaded = json.loads(archive.read("kuas-your-data.json"))
    kept = [int(request["message_id"]) for request in loaded["requests"]]
    assert kept == list(range(len(kept)))
    assert left_out == loaded["older_requests"] == 5 + 64 - len(kept)
    text = view_text(views.export_view(export, left_out, ui.File("attachment://kuas-your-data.zip")))
    assert f"{left_out} older requests did not fit" in text


def test_an_export_that_never_fits_ends_without_requests() -> None:
    name, _, left_out = views.export_file(EXPORT, 1)
    assert (name, left_out) == ("kuas-your-data.zip", 1)


def test_every_view_is_short() -> None:
    full = replace(NOTHING, **dict.fromkeys(NOTHING.__dataclass_fields__, 10**9))
    button: ui.ActionRow[ui.LayoutView] = ui.ActionRow(ui.Button(custom_id="kuas:x", label="Erase it"))
    for view in (
        views.summary_view(full, AboutSettings()),
        views.erase_question_view(full, button),
        views.nothing_view(full),
        views.erased_view(10**9, full),
    ):
        assert len(view_text(view)) < 2000


def test_every_view_is_translated_with_the_same_facts() -> None:
    for summary in (NOTHING, EVERYTHING, replace(EVERYTHING, oldest_at=None, amounts_until=None)):
        english = [view_text(view).split("\n") for view in all_views(summary)]
        with use_locale("id"):
            indonesian = [view_text(view).split("\n") for view in all_views(summary)]
        for translated, own in zip(indonesian, english, strict=True):
            assert not set(translated) & set(own)
            assert [sorted(FACTS.findall(line)) for line in translated] == [
                sorted(FACTS.findall(line)) for line in own
            ]


def test_summary_question_and_button_are_translated() -> None:
    with use_locale("id"):
        summary_text, question, *_ = map(view_text, all_views(EVERYTHING))
        label = erase_button(7).label
    for part in (
        "**12 permintaan** di 3 server, yang tertua dari <t:1700000000:D>",
        "\n- 11 prompt\n",
        "<t:5:R>",
    ):
        assert part in summary_text
    for part in ("### Hapus data yang disimpan tentangmu?", "sampai <t:1700000001:f>, di 8 server selama"):
        assert part in question
    assert label == "Hapus"
