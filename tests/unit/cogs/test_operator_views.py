"""What the operator reads: the same on the command line and in Discord, and in either language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from discord import ui

from bot.credits.overview import GuildsPage, GuildSpending, Held
from bot.credits.reconciliation.models import Booked, Booking, Closing, Finding, Kind, describe
from bot.credits.reconciliation.reconciler import Comparison
from bot.domain.jobs import Usage
from bot.domain.limits import Limit, LimitChange, Rule
from cogs.operator import reconcile_views, views
from cogs.operator.commands import Book
from cogs.text.translation import speaking

NOON = 1_750_000_000_000
GUILD, OTHER = 1_100_000_000_000_000_007, 1_100_000_000_000_000_008
STATES = ("held", "settled", "released")
FACTS = re.compile(r"<[^>]+>|\d+")
CAP = Limit(5, "day", rule=Rule.CEILING)
USED_UP = Usage(Rule.CEILING_ALL, 44, 40, 6, "day", NOON)

Card = Callable[[], ui.LayoutView]


def name_of(guild_id: int) -> str | None:
    return {GUILD: "Painters *and* co"}.get(guild_id)


def finding(kind: Kind, state: str = "settled", note: str = "") -> Finding:
    booked = Booked("0b0e7c62", GUILD, state, 40, "task", over=True, note=note, created_at=NOON)
    return Finding(booked, kind, "succeeded", 60)


def turns() -> ui.ActionRow[ui.LayoutView]:
    return ui.ActionRow(ui.Button(label="-", custom_id="kuas:x"))


def page(paused: tuple[int, ...]) -> GuildsPage:
    rows = (
        GuildSpending(GUILD, 33, Limit(200, "month"), CAP, paused=True),
        GuildSpending(OTHER, 11, Limit(100, "week"), None, paused=False),
    )
    return GuildsPage(rows, 2, 3, 22, "month", 440, NOON, USED_UP, paused)


def comparison(found: int, stopped: str = "") -> Comparison:
    return Comparison("0123456789ab", NOON, 300, 250, found, unsaid=7, stopped=stopped)


def lines(view: ui.LayoutView) -> list[str]:
    texts = (item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay))
    return [line for text in texts for line in text.split("\n")]


CARDS: dict[str, Card] = {
    "wallet": lambda: views.wallet_card(996, Held(48, 12, NOON, 8, 2), 4),
    "empty wallet": lambda: views.wallet_card(10, Held(0, 0, None, 0, 0), 4),
    "guilds": lambda: views.guilds_card(page((0, GUILD)), name_of, turns()),
    "many paused": lambda: views.guilds_card(page(tuple(range(2, 12))), name_of, turns()),
    "ceiling": lambda: views.ceiling_card(Rule.CEILING_ALL, 0, LimitChange(None, CAP, USED_UP), name_of),
    "own ceiling": lambda: views.ceiling_card(Rule.CEILING, GUILD, LimitChange(CAP, None, None), name_of),
    "each ceiling": lambda: views.ceiling_card(Rule.CEILING, 0, LimitChange(None, CAP, None), name_of),
    "pause": lambda: views.pause_card(GUILD, name_of, ""),
    "pause all": lambda: views.pause_card(0, name_of, "Back at 8"),
    "resume": lambda: views.resume_card(GUILD, name_of, ()),
    "resume within all": lambda: views.resume_card(GUILD, name_of, {0}),
    "resume all": lambda: views.resume_card(0, name_of, {GUILD, OTHER}),
    "comparing": lambda: reconcile_views.comparing_card(comparison(12)),
    "compared": lambda: reconcile_views.compared_card(
        comparison(12, "Rivya refuses the API key"), [finding(Kind.NOT_OVER)] * 9, "", None
    ),
    "agreeing": lambda: reconcile_views.compared_card(comparison(0), [], "", None),
    "booked": lambda: reconcile_views.booking_card("0123456789ab", Booking(12, 7, 2, 3, 4)),
    "booked less": lambda: reconcile_views.booking_card("0123456789ab", Booking(12, -7)),
    "booked even": lambda: reconcile_views.booking_card("0123456789ab", Booking(12)),
    "nothing booked": lambda: reconcile_views.booking_card("0123456789ab", Booking()),
    "settled by hand": lambda: reconcile_views.closing_card("0b0e7c62", 4, Closing.CLOSED),
    **{
        f"closing, {closing}": partial(reconcile_views.closing_card, "0b0e7c62", 0, closing)
        for closing in Closing
    },
}


def problems() -> Iterator[str]:
    """Everything that can be wrong with a ceiling as it was typed."""
    yield views.ceiling_problem("one", "x", None, 4, "day")
    yield views.ceiling_problem("one", None, 0, 4, "day")
    yield views.ceiling_problem("all", str(GUILD), GUILD, 4, "day")
    yield views.ceiling_problem("all", None, 0, 4, None)


@pytest.mark.parametrize("made", CARDS.values(), ids=CARDS)
def test_a_card_is_in_indonesian_and_says_the_same(made: Card) -> None:
    english = lines(made())
    with speaking("id"):
        said = lines(made())
    assert len(said) == len(english)
    servers = {views.whose(guild_id, name_of) for guild_id in (GUILD, OTHER)}
    assert set(said) & set(english) <= servers
    assert [sorted(FACTS.findall(line)) for line in said] == [sorted(FACTS.findall(line)) for line in english]


def test_indonesian_is_spoken_to_the_operator() -> None:
    with speaking("id"):
        wallet = "\n".join(lines(CARDS["wallet"]()))
        label = Book("0123456789ab").item.label
        refused = list(problems())
    for part in ("### Dompet", "cukup untuk 249 gambar", "`/operator cocokkan`", "<t:1750000000:R>"):
        assert part in wallet
    assert label == "Bukukan koreksi ini"
    assert len(set(refused)) == 4
    assert "Isi `kredit` dan `periode`" in refused[-1]
    assert not set(refused) & set(problems())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", Kind)
def test_a_difference_reads_as_on_the_command_line(kind: Kind, state: str) -> None:
    found = finding(kind, state)
    assert reconcile_views.difference(found) == describe(found)
    with speaking("id"):
        said = reconcile_views.difference(found)
    assert said != describe(found)
    assert FACTS.findall(said) == FACTS.findall(describe(found))


def test_a_note_stands_beside_its_difference_as_it_was_logged() -> None:
    found = [finding(Kind.HELD_UNKNOWN, "held", "Rivya said *nothing*")]
    with speaking("id"):
        said = "\n".join(lines(reconcile_views.compared_card(comparison(1), found, "", None)))
    assert "- `0b0e7c62`: disisihkan 40 karena belum jelas" in said
    assert "(Rivya said \\*nothing\\*)" in said
    assert "sehari: 1 perbedaan." in said
