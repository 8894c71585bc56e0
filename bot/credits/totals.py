"""Running sums of credits by the time of reservation, so that a limit never adds up a year of pictures.

A period's sum is read from whole days of UTC and, before the first whole day, from quarters of an hour:
midnight of every time zone in use falls on one.

Owns the table tallies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS
from bot.domain.ids import ALL_GUILDS

if TYPE_CHECKING:
    import sqlite3

QUARTER_MS: Final = 15 * 60 * 1000
QUARTERS_KEPT_DAYS: Final = 40
"""Only a period's first day is read in quarters, and the longest that ends is a month."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Credits reserved in a period: all that counts at Rivya, and what counts against the guild's limit."""

    counted_credits: int
    guild_credits: int


def record(
    transaction: sqlite3.Connection, guild_id: int, created_at: int, *, counted: int, guild: int
) -> None:
    """Count a new reservation, made at `created_at` (epoch milliseconds); of 0 credits, too.

    So every reservation has its slots from the start, and `adjust` finds them until they are pruned.
    """
    for key in _buckets(guild_id, created_at):
        transaction.execute(
            "INSERT INTO tallies (guild_id, span, slot, counted_credits, guild_credits)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET counted_credits = counted_credits + excluded.counted_credits,"
            " guild_credits = guild_credits + excluded.guild_credits",
            (*key, counted, guild),
        )


def adjust(
    transaction: sqlite3.Connection, guild_id: int, created_at: int, *, counted: int, guild: int
) -> None:
    """Change the sums by as much as a reservation made at `created_at` has changed, up or down.

    A quarter that was pruned stays away: nobody reads it, and a part of a sum would be a wrong one.
    """
    if not counted and not guild:
        return
    for key in _buckets(guild_id, created_at):
        transaction.execute(
            "UPDATE tallies SET counted_credits = counted_credits + ?, guild_credits = guild_credits + ?"
            " WHERE guild_id = ? AND span = ? AND slot = ?",
            (counted, guild, *key),
        )


def between(transaction: sqlite3.Connection, guild_id: int, start: int, end: int | None) -> Totals:
    """The sums of what was reserved from `start` until before `end` (epoch milliseconds); None has no end.

    Both are on a quarter of an hour.
    """
    sums = _since(transaction, guild_id, start)
    if end is None:
        return sums
    # Nothing, but where the clock was set back after something had been reserved.
    later = _since(transaction, guild_id, end)
    return Totals(sums.counted_credits - later.counted_credits, sums.guild_credits - later.guild_credits)


def prune(transaction: sqlite3.Connection, at: int) -> int:
    """Delete the quarters of an hour that no period begins in any more; returns how many. Days are kept."""
    # Counted back from the newest reservation if that is longer ago: a host whose clock is years ahead for a
    # moment must not wipe out the day that its guilds are in.
    deleted = transaction.execute(
        "DELETE FROM tallies WHERE span = 'quarter' AND slot < ? + min("
        "?, (SELECT max(slot) FROM tallies WHERE guild_id = ? AND span = 'quarter'))",
        (-QUARTERS_KEPT_DAYS * (DAY_MS // QUARTER_MS), at // QUARTER_MS, ALL_GUILDS),
    )
    return deleted.rowcount


def _buckets(guild_id: int, at: int) -> tuple[tuple[int, str, int], ...]:
    slots = (("quarter", at // QUARTER_MS), ("day", at // DAY_MS))
    return tuple((whose, span, slot) for whose in (guild_id, ALL_GUILDS) for span, slot in slots)


def _since(transaction: sqlite3.Connection, guild_id: int, start: int) -> Totals:
    first_day = -(-start // DAY_MS)
    row = transaction.execute(
        """
        SELECT coalesce(sum(counted_credits), 0) AS counted, coalesce(sum(guild_credits), 0) AS guild
        FROM tallies
        WHERE guild_id = :guild_id AND (
            (span = 'day' AND slot >= :first_day)
            OR (span = 'quarter' AND slot >= :first_quarter AND slot < :until_quarter)
        )
        """,
        {
            "guild_id": guild_id,
            "first_day": first_day,
            "first_quarter": start // QUARTER_MS,
            "until_quarter": first_day * (DAY_MS // QUARTER_MS),
        },
    ).fetchone()
    return Totals(row["counted"], row["guild"])
