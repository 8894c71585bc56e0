"""Running totals of credits by the time of reservation, so that a limit need not add up every reservation.

A period is the sum of its whole UTC days plus the quarter hours before the first of them. Local midnight is
on a quarter hour in every zone.

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
"""Only the first day of a period needs quarters, and the longest period that ends is a month."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Credits reserved in a period: what Rivya charges, and what counts against the guild's limit."""

    counted_credits: int
    guild_credits: int


def record(
    transaction: sqlite3.Connection, guild_id: int, created_at: int, *, counted: int, guild: int
) -> None:
    """Add a new reservation, made at `created_at` (epoch milliseconds), to the totals.

    A reservation of 0 credits gets rows too, because `adjust` only updates.
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
    """Add the change of a reservation made at `created_at` (epoch milliseconds) to the totals.

    A quarter that was pruned is not inserted again, since it would hold a part of its total only.
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
    """Return the totals of what was reserved from `start` until before `end`; None is no end.

    Both are epoch milliseconds on a quarter of an hour.
    """
    total = _since(transaction, guild_id, start)
    if end is None:
        return total
    # Later rows exist only if the clock was set back.
    later = _since(transaction, guild_id, end)
    return Totals(total.counted_credits - later.counted_credits, total.guild_credits - later.guild_credits)


def prune(transaction: sqlite3.Connection, at: int) -> int:
    """Delete quarters older than `QUARTERS_KEPT_DAYS`; return how many. Days are kept."""
    # Their age is counted from `at` or the newest reservation, whichever is earlier. If the clock is ahead
    # and nothing has been reserved since, the newest reservation decides.
    deleted = transaction.execute(
        "DELETE FROM tallies WHERE span = 'quarter' AND slot < ? + min("
        "?, (SELECT max(slot) FROM tallies WHERE guild_id = ? AND span = 'quarter'))",
        (-QUARTERS_KEPT_DAYS * (DAY_MS // QUARTER_MS), at // QUARTER_MS, ALL_GUILDS),
    )
    return deleted.rowcount


def _buckets(guild_id: int, at: int) -> tuple[tuple[int, str, int], ...]:
    """Return the keys (guild_id, span, slot) of the rows that a moment belongs to."""
    slots = (("quarter", at // QUARTER_MS), ("day", at // DAY_MS))
    return tuple((key, span, slot) for key in (guild_id, ALL_GUILDS) for span, slot in slots)


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
