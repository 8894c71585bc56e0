"""Running totals of credits by the time of reservation, so that a limit need not add up every reservation.

A period is the sum of its UTC days plus the quarter hours before the first of them, without those after its
end. Local midnight is on a quarter hour in every zone.

Owns the table tallies.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from bot.domain.clock import DAY_MS
from bot.domain.ids import ALL_GUILDS, MAX_ID

if TYPE_CHECKING:
    import sqlite3

    from bot.credits.sums import Part, Sum

QUARTER_MS: Final = 15 * 60 * 1000
QUARTERS_A_DAY: Final = DAY_MS // QUARTER_MS
QUARTERS_KEPT_DAYS: Final = 40
"""Only the first day of a period needs quarters, and the longest period that ends is a month."""
_QUARTERS_KEPT: Final = QUARTERS_KEPT_DAYS * QUARTERS_A_DAY

TotalsColumn = Literal["counted_credits", "guild_credits"]
"""What Rivya charges, or what counts against the guild's limit."""
_SLOTS: Final = "FROM tallies WHERE guild_id = ? AND span = ? AND slot >= ? AND slot < ?"
_SUM: Final[dict[TotalsColumn, str]] = {
    "counted_credits": f"sum(counted_credits) AS credits {_SLOTS}",
    "guild_credits": f"sum(guild_credits) AS credits {_SLOTS}",
}
_SUM_TAKEN_OFF: Final[dict[TotalsColumn, str]] = {
    "counted_credits": f"-sum(counted_credits) AS credits {_SLOTS}",
    "guild_credits": f"-sum(guild_credits) AS credits {_SLOTS}",
}


def record(
    transaction: sqlite3.Connection, guild_id: int, created_at: int, *, counted: int, guild: int
) -> None:
    """Add a new reservation, made at `created_at` (epoch milliseconds), to the totals.

    A reservation of 0 credits gets rows too, because `adjust` only updates.
    """
    quarter, day = created_at // QUARTER_MS, created_at // DAY_MS
    transaction.execute(
        "INSERT INTO tallies (guild_id, span, slot, counted_credits, guild_credits) VALUES"
        " (?1, 'quarter', ?3, ?5, ?6), (?1, 'day', ?4, ?5, ?6),"
        " (?2, 'quarter', ?3, ?5, ?6), (?2, 'day', ?4, ?5, ?6)"
        " ON CONFLICT DO UPDATE SET counted_credits = counted_credits + excluded.counted_credits,"
        " guild_credits = guild_credits + excluded.guild_credits",
        (guild_id, ALL_GUILDS, quarter, day, counted, guild),
    )


def adjust(
    transaction: sqlite3.Connection, guild_id: int, created_at: int, *, counted: int, guild: int
) -> None:
    """Add the change of a reservation made at `created_at` (epoch milliseconds) to the totals.

    A quarter that was pruned is not inserted again, since it would hold a part of its total only.
    """
    if not counted and not guild:
        return
    transaction.execute(
        "UPDATE tallies SET counted_credits = counted_credits + ?, guild_credits = guild_credits + ?"
        " WHERE guild_id IN (?, ?) AND ((span = 'quarter' AND slot = ?) OR (span = 'day' AND slot = ?))",
        (counted, guild, guild_id, ALL_GUILDS, created_at // QUARTER_MS, created_at // DAY_MS),
    )


@lru_cache(maxsize=1024)
def between(column: TotalsColumn, guild_id: int, start: int, end: int | None) -> Sum:
    """Return the sum of what was reserved from `start` until before `end`; None is no end.

    Both are epoch milliseconds on a quarter of an hour.
    """
    first_day = -(-start // DAY_MS)
    until_day = MAX_ID if end is None else -(-end // DAY_MS)
    parts: list[Part] = [(_SUM[column], (guild_id, "day", first_day, until_day))]
    if start % DAY_MS:
        parts.append((_SUM[column], (guild_id, "quarter", start // QUARTER_MS, first_day * QUARTERS_A_DAY)))
    if end is not None and end % DAY_MS:  # of the last day, what comes after the period
        taken_off = (guild_id, "quarter", end // QUARTER_MS, until_day * QUARTERS_A_DAY)
        parts.append((_SUM_TAKEN_OFF[column], taken_off))
    return tuple(parts)


def covers(transaction: sqlite3.Connection, start: int, end: int) -> bool:
    """Return whether `between` has all it needs from `start` until before `end`: no quarter was pruned."""
    if start % QUARTER_MS or end % QUARTER_MS:
        return False
    if not start % DAY_MS and not end % DAY_MS:
        return True
    row = transaction.execute(
        "SELECT max(slot) AS newest FROM tallies WHERE guild_id = ? AND span = 'quarter'", (ALL_GUILDS,)
    ).fetchone()
    newest = row["newest"]
    return newest is not None and start // QUARTER_MS >= newest - _QUARTERS_KEPT


def prune(transaction: sqlite3.Connection, at: int) -> int:
    """Delete quarters older than `QUARTERS_KEPT_DAYS`; return how many. Days are kept."""
    # Their age is counted from `at` or the newest reservation, whichever is earlier. If the clock is ahead
    # and nothing has been reserved since, the newest reservation decides.
    deleted = transaction.execute(
        "DELETE FROM tallies WHERE span = 'quarter' AND slot < ? + min("
        "?, (SELECT max(slot) FROM tallies WHERE guild_id = ? AND span = 'quarter'))",
        (-_QUARTERS_KEPT, at // QUARTER_MS, ALL_GUILDS),
    )
    return deleted.rowcount
