"""The card about a server, what became of it, and the sentence of a server that is not admitted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from discord import ui

from bot.credits.approvals import GuildStanding
from bot.domain.admission import Admission, AdmissionState
from bot.domain.errors import MemberError, MemberReason
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from cogs.operator import admission_views as views
from cogs.text.error_messages import member_error
from cogs.text.translation import use_locale
from tests.support.views import view_text

NOON = 1_750_000_000_000
GUILD = 1_100_000_000_000_000_007
FACTS = re.compile(r"<[^>]+>|\d+")
CEILING = Limit(200, Period.MONTH, scope=LimitScope.CEILING)
WAITING = Admission(GUILD, AdmissionState.WAITING, "Strangers", 4321, NOON)
ADMITTED = replace(WAITING, state=AdmissionState.ADMITTED, decided_by=9, decided_at=NOON)
REFUSED = replace(ADMITTED, state=AdmissionState.REFUSED, leave_at=NOON)
STANDING = GuildStanding(GUILD, WAITING, Limit(200, Period.MONTH), CEILING)

VIEWS: dict[str, Callable[[], ui.LayoutView]] = {
    "waiting": lambda: views.card_view(STANDING),
    "unknown": lambda: views.card_view(replace(STANDING, admission=None, ceiling=None)),
    "without a name": lambda: views.card_view(
        replace(STANDING, admission=replace(WAITING, name="", members=None))
    ),
    "allowed": lambda: views.decided_view(replace(STANDING, admission=ADMITTED)),
    "allowed more than its limit": lambda: views.decided_view(
        replace(STANDING, admission=ADMITTED, ceiling=replace(CEILING, credits=900))
    ),
    "refused": lambda: views.decided_view(replace(STANDING, admission=REFUSED)),
    "refused on the command line, and left": lambda: views.decided_view(
        replace(STANDING, admission=replace(REFUSED, decided_by=0, leave_at=None))
    ),
    "question": lambda: views.refuse_question_view(STANDING, GUILD),
    "told": lambda: views.refusal_view(REFUSED, [7, 8]),
    "told without contacts": lambda: views.refusal_view(replace(REFUSED, leave_at=None), []),
}


@pytest.mark.parametrize("make_view", VIEWS.values(), ids=VIEWS)
def test_every_view_is_translated_with_the_same_facts(make_view: Callable[[], ui.LayoutView]) -> None:
    english = view_text(make_view()).splitlines()
    with use_locale("id"):
        translated = view_text(make_view()).splitlines()
    assert len(translated) == len(english)
    assert {line for line in translated if line in english} <= {
        f"**Strangers** (`{GUILD}`)",
        f"`{GUILD}`",
    }
    digits = [re.sub(r"(?<=\d)[.,](?=\d{3})", "", line) for line in english]
    translated_digits = [re.sub(r"(?<=\d)[.,](?=\d{3})", "", line) for line in translated]
    assert [sorted(FACTS.findall(line)) for line in translated_digits] == [
        sorted(FACTS.findall(line)) for line in digits
    ]


def test_a_hostile_name_stays_one_harmless_line_and_fits() -> None:
    hostile = "@everyone **x**\n# " + "<@1234567890123456789>" * 200
    text = view_text(views.card_view(replace(STANDING, admission=replace(WAITING, name=hostile))))
    assert "@everyone" not in text
    assert "\n# " not in text
    assert "<@1234567890123456789>" not in text


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("waiting", "The people who run this bot have not allowed pictures in this server yet."),
        ("refused", "The people who run this bot do not allow pictures in this server."),
        ("unlisted", "The people who run this bot allow pictures in some servers only."),
    ],
)
def test_a_server_that_is_not_admitted_reads_why_and_whom_to_ask(state: str, sentence: str) -> None:
    data = {"state": state, "contacts": [7, 8], "leave_at": NOON}
    error = MemberError(MemberReason.GUILD_NOT_ADMITTED, **data)
    assert member_error(error) == (
        f"{sentence} The bot leaves this server <t:1750000000:R>."
        " If you want it changed, ask <@7>, <@8>. Nothing was charged."
    )
    named = MemberError(MemberReason.GUILD_NOT_ADMITTED, **data, contact="@mira_m, https://example.org/a_b")
    assert r"ask @mira\_m, https://example.org/a_b. Nothing" in member_error(named)
    alone = MemberError(MemberReason.GUILD_NOT_ADMITTED, state=state, contacts=[], leave_at=None)
    assert member_error(alone) == f"{sentence} If you want it changed, ask them. Nothing was charged."
