"""When a limit is empty if its guild goes on as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from bot.domain.limits import Usage

LEAST_MS: Final = HOUR_MS
"""A pace that was seen for less than an hour says nothing about a month."""
FARTHEST_MS: Final = 366 * DAY_MS
"""What comes after a year is nobody's concern today."""


def exhausted_at(usage: Usage, began_at: int, at: int) -> int | None:
    """The moment from which nothing is left, at the pace from `began_at` to `at`; epoch milliseconds.

    None if it lasts until it resets, if nothing is used or left, or if there is too little to say anything.
    """
    seen_ms, used, left = at - began_at, usage.used_credits, usage.left_credits
    if seen_ms < LEAST_MS or used <= 0 or not left:
        return None
    empty = at + -(-left * seen_ms // used)
    if empty > at + FARTHEST_MS or (usage.resets_at is not None and empty >= usage.resets_at):
        return None
    return empty
