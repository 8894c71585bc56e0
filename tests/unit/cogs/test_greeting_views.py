"""The greeting: what a server may spend, and its length."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.config.settings import AboutSettings
from bot.credits.approvals import GuildStanding
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.periods import Period
from bot.domain.prices import ShownPrice
from cogs.text.translation import languages, use_locale
from cogs.ui.discord_limits import all_components
from cogs.welcome.greeting_views import greeting_view

OWNERS = (111111111111111111, 222222222222222222)


def text_of(
    limit: Limit, ceiling: Limit | None, about: AboutSettings | None = None, cost_credits: int = 4
) -> str:
    standing = GuildStanding(1, None, limit, ceiling)
    view: Any = greeting_view(
        standing, ShownPrice(cost_credits), lambda name: f"</{name}:1>", about or AboutSettings(), OWNERS
    )
    parts = all_components(view.to_components())
    return "\n".join(cast("str", part["content"]) for part in parts if "content" in part)


def ceiling(credits: int, period: Period = Period.MONTH) -> Limit:
    return Limit(credits, period, scope=LimitScope.CEILING)


@pytest.mark.parametrize(
    ("limit", "most", "spending", "raised"),
    [
        (Limit(200, Period.MONTH), None, "**200 credits a month**: 50 pictures.", None),
        (Limit(200, Period.MONTH), ceiling(200), "**200 credits a month**: 50 pictures.", None),
        (Limit(200, Period.MONTH), ceiling(50), "**50 credits a month**: 12 pictures.", None),
        (
            Limit(200, Period.MONTH),
            ceiling(900),
            "**200 credits a month**: 50 pictures.",
            "up to 900 credits a month",
        ),
        (Limit(20, Period.DAY), ceiling(100), "**100 credits a month**: 25 pictures.", None),
        (Limit(3, Period.MONTH), None, "**3 credits a month**: 0 pictures.", None),
        (Limit(4, Period.TOTAL), None, "**4 credits in total**: 1 picture.", None),
    ],
)
def test_it_says_what_the_server_may_spend_by_the_lower_of_both_limits(
    limit: Limit, most: Limit | None, spending: str, raised: str | None
) -> None:
    text = text_of(limit, most)
    assert f"This server may spend {spending}" in text
    assert ("Its admins can raise that" in text) == (raised is not None)
    assert (raised or "") in text


def test_the_contact_of_the_settings_stands_instead_of_the_owners() -> None:
    assert f"Who runs this bot: <@{OWNERS[0]}>, <@{OWNERS[1]}>" in text_of(Limit(4, Period.DAY), None)
    text = text_of(Limit(4, Period.DAY), None, AboutSettings(contact="mira *at* example"))
    assert r"Who runs this bot: mira \*at\* example" in text
    assert "<@" not in text


@pytest.mark.parametrize("language", sorted(languages()))
def test_it_is_short_enough_for_a_phone_in_every_language(language: str) -> None:
    with use_locale(language):
        text = text_of(Limit(MAX_CREDITS, Period.MONTH), ceiling(2 * MAX_CREDITS))
    assert len(text) < 800
    assert len(text.splitlines()) <= 8
