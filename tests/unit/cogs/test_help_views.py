"""`/help` is divided into as many messages as it needs, between lines."""

from __future__ import annotations

from discord import ui

from cogs.help.views import help_views
from cogs.ui.discord_limits import VIEW_TEXT_UNITS


def texts(view: ui.LayoutView) -> list[str]:
    return [item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay)]


def test_what_fits_is_one_message() -> None:
    (view,) = help_views(["first", "second"])
    assert texts(view) == ["first\nsecond"]


def test_what_does_not_fit_is_the_next_message_and_nothing_is_cut() -> None:
    lines = [str(number % 10) * (VIEW_TEXT_UNITS // 3) for number in range(7)]
    parts = [text for view in help_views(lines) for text in texts(view)]
    assert [len(part.splitlines()) for part in parts] == [2, 2, 2, 1]
    assert "\n".join(parts).splitlines() == lines


def test_a_message_may_be_as_long_as_discord_allows() -> None:
    half = VIEW_TEXT_UNITS // 2
    (view,) = help_views(["a" * half, "b" * (half - 1)])
    assert len(texts(view)[0]) == VIEW_TEXT_UNITS
    assert len(list(help_views(["a" * half, "b" * half]))) == 2
