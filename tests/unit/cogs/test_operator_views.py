"""The views of the operator: the same facts as on the command line, and in each language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from discord import ui

from bot.credits.overview import GuildsPage, GuildSpending, HeldSummary
from bot.credits.reconciliation.models import (
    ApplyResult,
    BookedReservation,
    CloseResult,
    Discrepancy,
    DiscrepancyKind,
    describe,
)
from bot.credits.reconciliation.reconciler import ReconcileRun
from bot.domain.image_models import QWEN_IMAGE
from bot.domain.limits import Limit, LimitChange, LimitScope, ReservationState, Usage
from bot.domain.model_catalog import CatalogEntry
from bot.domain.periods import Period
from cogs.operator import reconcile_views, views
from cogs.operator.model_views import models_view
from cogs.operator.reconcile_views import apply_button
from cogs.text.translation import use_locale
from tests.support.prices import ONE_MODEL
from tests.support.views import view_text

NOON = 1_750_000_000_000
GUILD, OTHER = 1_100_000_000_000_000_007, 1_100_000_000_000_000_008
FACTS = re.compile(r"<[^>]+>|\d+")
CAP = Limit(5, Period.DAY, scope=LimitScope.CEILING)
USED_UP_FOR_GOOD = Usage(LimitScope.CEILING_ALL, 44, 44, 0, Period.TOTAL, None)
USED_UP = Usage(LimitScope.CEILING_ALL, 44, 40, 6, Period.DAY, NOON)

MakeView = Callable[[], ui.LayoutView]


def name_of(guild_id: int) -> str | None:
    return {GUILD: "Painters *and* co"}.get(guild_id)


def make_discrepancy(
    kind: DiscrepancyKind, state: ReservationState = ReservationState.SETTLED, note: str = ""
) -> Discrepancy:
    booked = BookedReservation(
        "0b0e7c62", GUILD, state, 40, "qwen-image", "task", over=True, note=note, created_at=NOON
    )
    other_model = "z-image" if kind is DiscrepancyKind.OTHER_MODEL else "qwen-image"
    return Discrepancy(booked, kind, "succeeded", 60, other_model)


def page_buttons() -> ui.ActionRow[ui.LayoutView]:
    return ui.ActionRow(ui.Button(label="-", custom_id="kuas:x"))


def make_page(paused: tuple[int, ...]) -> GuildsPage:
    rows = (
        GuildSpending(GUILD, 33, Limit(200, Period.MONTH), CAP, paused=True),
        GuildSpending(OTHER, 11, Limit(100, Period.WEEK), None, paused=False),
    )
    return GuildsPage(rows, 2, 3, 22, Period.MONTH, 440, NOON, USED_UP, paused)


def make_run(found: int, stopped: str = "") -> ReconcileRun:
    return ReconcileRun("0123456789ab", NOON, 300, 250, found, unpriced=7, stopped=stopped)


def no_name(_: str) -> None:
    """As where one model is offered."""


def lines(view: ui.LayoutView) -> list[str]:
    return view_text(view).split("\n")


VIEWS: dict[str, MakeView] = {
    "wallet": lambda: views.wallet_view(996, HeldSummary(48, 12, NOON, 8, 2), ONE_MODEL),
    "empty wallet": lambda: views.wallet_view(10, HeldSummary(0, 0, None, 0, 0), ONE_MODEL),
    "guilds": lambda: views.guilds_view(make_page((0, GUILD)), name_of, page_buttons()),
    "guilds in total": lambda: views.guilds_view(
        replace(make_page(()), period=Period.TOTAL, resets_at=None), name_of, page_buttons()
    ),
    "many paused": lambda: views.guilds_view(make_page(tuple(range(2, 12))), name_of, page_buttons()),
    "ceiling": lambda: views.ceiling_view(
        LimitScope.CEILING_ALL, 0, LimitChange(None, CAP, USED_UP), name_of
    ),
    "ceiling in total": lambda: views.ceiling_view(
        LimitScope.CEILING_ALL,
        0,
        LimitChange(None, CAP, Usage(LimitScope.CEILING_ALL, 44, 44, 0, Period.TOTAL, None)),
        name_of,
    ),
    "ceiling of the settings": lambda: views.ceiling_view(
        LimitScope.CEILING, 0, LimitChange(replace(CAP, limit_id=3), CAP, None), name_of
    ),
    "own ceiling": lambda: views.ceiling_view(
        LimitScope.CEILING, GUILD, LimitChange(CAP, None, None), name_of
    ),
    "each ceiling": lambda: views.ceiling_view(LimitScope.CEILING, 0, LimitChange(None, CAP, None), name_of),
    "pause": lambda: views.pause_view(GUILD, name_of, ""),
    "pause all": lambda: views.pause_view(0, name_of, "Back at 8"),
    "resume": lambda: views.resume_view(GUILD, name_of, ()),
    "resume within all": lambda: views.resume_view(GUILD, name_of, {0}),
    "resume all": lambda: views.resume_view(0, name_of, {GUILD, OTHER}),
    "comparing": lambda: reconcile_views.reconcile_progress_view(make_run(12)),
    "compared": lambda: reconcile_views.reconcile_result_view(
        make_run(12, "Rivya refuses the API key"),
        [make_discrepancy(DiscrepancyKind.NOT_OVER)] * 9,
        "",
        no_name,
    ),
    "agreeing": lambda: reconcile_views.reconcile_result_view(make_run(0), [], "", no_name),
    "booked": lambda: reconcile_views.reconcile_applied_view("0123456789ab", ApplyResult(12, 7, 2, 3, 4)),
    "booked less": lambda: reconcile_views.reconcile_applied_view("0123456789ab", ApplyResult(12, -7)),
    "booked even": lambda: reconcile_views.reconcile_applied_view("0123456789ab", ApplyResult(12)),
    "nothing booked": lambda: reconcile_views.reconcile_applied_view("0123456789ab", ApplyResult()),
    "settled by hand": lambda: reconcile_views.reservation_closed_view("0b0e7c62", 4, CloseResult.CLOSED),
    **{
        f"closing, {closing}": partial(reconcile_views.reservation_closed_view, "0b0e7c62", 0, closing)
        for closing in CloseResult
    },
}


def all_ceiling_ceiling_problems() -> Iterator[str]:
    """Yield the message of each mistake in the options of a ceiling."""
    yield views.ceiling_problem("one", "x", None, 4, "day")
    yield views.ceiling_problem("one", None, 0, 4, "day")
    yield views.ceiling_problem("all", str(GUILD), GUILD, 4, "day")
    yield views.ceiling_problem("all", None, 0, 4, None)


@pytest.mark.parametrize("make_view", VIEWS.values(), ids=VIEWS)
def test_every_view_is_translated_with_the_same_facts(make_view: MakeView) -> None:
    english = lines(make_view())
    with use_locale("id"):
        translated = lines(make_view())
    assert len(translated) == len(english)
    servers = {views.guild_text(guild_id, name_of) for guild_id in (GUILD, OTHER)}
    assert set(translated) & set(english) <= servers
    assert [sorted(FACTS.findall(line)) for line in translated] == [
        sorted(FACTS.findall(line)) for line in english
    ]


def test_a_ceiling_that_never_resets_is_not_said_to_end() -> None:
    text = "\n".join(lines(VIEWS["ceiling in total"]()))
    assert "It never resets. No new pictures until it is raised." in text
    assert "No new pictures until then." in "\n".join(lines(VIEWS["ceiling"]()))


def test_a_removed_ceiling_of_each_server_brings_back_the_setting() -> None:
    text = view_text(VIEWS["ceiling of the settings"]())
    assert "from **5 credits a day** to **5 credits a day, as `limits.guild_ceiling` says**" in text


def test_buttons_and_mistakes_are_translated() -> None:
    with use_locale("id"):
        wallet = "\n".join(lines(VIEWS["wallet"]()))
        label = apply_button("0123456789ab").label
        refused = list(all_ceiling_ceiling_problems())
    for part in ("### Dompet", "cukup untuk 249 gambar", "`/operator cocokkan`", "<t:1750000000:R>"):
        assert part in wallet
    assert label == "Bukukan koreksi ini"
    assert len(set(refused)) == 4
    assert "Isi `kredit` dan `periode`" in refused[-1]
    assert not set(refused) & set(all_ceiling_ceiling_problems())


@pytest.mark.parametrize("state", ReservationState)
@pytest.mark.parametrize("kind", DiscrepancyKind)
def test_a_discrepancy_has_the_text_of_the_command_line(
    kind: DiscrepancyKind, state: ReservationState
) -> None:
    found = make_discrepancy(kind, state)
    assert reconcile_views.difference(found) == describe(found)
    with use_locale("id"):
        translated = reconcile_views.difference(found)
    assert translated != describe(found)
    assert FACTS.findall(translated) == FACTS.findall(describe(found))


def test_the_note_of_a_discrepancy_is_shown_untranslated() -> None:
    found = [make_discrepancy(DiscrepancyKind.HELD_UNKNOWN, ReservationState.HELD, "Rivya said *nothing*")]
    with use_locale("id"):
        translated = "\n".join(lines(reconcile_views.reconcile_result_view(make_run(1), found, "", no_name)))
    assert "- `0b0e7c62`: disisihkan 40 karena belum jelas" in translated
    assert "(Rivya said \\*nothing\\*)" in translated
    assert "sehari: 1 perbedaan." in translated


def test_a_difference_of_credits_also_names_another_model_of_rivya() -> None:
    found = replace(make_discrepancy(DiscrepancyKind.CHARGED_OTHER), rivya_model="z-image")
    assert describe(found) == "booked 40, Rivya charged 60; Rivya names the model z-image"
    assert reconcile_views.difference(found) == describe(found)


def test_with_several_models_a_comparison_counts_by_model() -> None:
    one, other = make_discrepancy(DiscrepancyKind.CHARGED_OTHER), make_discrepancy(DiscrepancyKind.NOT_OVER)
    found = [other, one, replace(one, booked=replace(one.booked, model="gone"))]
    names = {"qwen-image": "Qwen Image"}
    view = reconcile_views.reconcile_result_view(
        make_run(3), found, "", lambda model: names.get(model, model)
    )
    text = view_text(view)
    assert "By model: Qwen Image: 2, gone: 1." in text
    assert "- `0b0e7c62` (gone): booked 40" in text
    plain = view_text(reconcile_views.reconcile_result_view(make_run(2), found[:2], "", no_name))
    assert "model" not in plain
    header, *data = reconcile_views.csv_file(found).decode("utf-8-sig").splitlines()
    assert header.endswith(",note,model,rivya_model")
    assert [line.rsplit(",", 2)[1:] for line in data][-1] == ["gone", "qwen-image"]


def test_a_list_of_models_without_room_for_all_says_how_many_are_left_out() -> None:
    models = [replace(QWEN_IMAGE, model_id=f"{number:060}", name="x" * 60) for number in range(90)]
    entries = [CatalogEntry(each, number < 45, True, 4) for number, each in enumerate(models)]
    text = view_text(models_view(entries))
    shown = text.count("4 credits")
    assert 0 < shown < 90
    assert sum(int(left_out) for left_out in re.findall(r"- and (\d+) more", text)) == 90 - shown
    assert text.endswith("the first is the default.")
