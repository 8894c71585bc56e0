"""Forecast when a limit is used up, at the rate of its guild so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from bot.domain.limits import Usage

MIN_OBSERVED_MS: Final = HOUR_MS
"""The shortest time from which a rate is taken."""
MAX_AHEAD_MS: Final = 366 * DAY_MS
"""The farthest forecast."""


def exhausted_at(usage: Usage, began_at: int, at: int) -> int | None:
    """Return when nothing is left, at the rate between `began_at` and `at`; all in epoch milliseconds.

    None if the limit lasts until it resets or beyond `MAX_AHEAD_MS`, if nothing is used or nothing is left,
    or if `began_at` is less than `MIN_OBSERVED_MS` ago.
    """
    observed_ms, used, left = at - began_at, usage.used_credits, usage.left_credits
    if observed_ms < MIN_OBSERVED_MS or used <= 0 or not left:
        return None
    empty_at = at + -(-left * observed_ms // used)
    if empty_at > at + MAX_AHEAD_MS or (usage.resets_at is not None and empty_at >= usage.resets_at):
        return None
    return empty_at
