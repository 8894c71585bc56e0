"""The operator's overview of all guilds: who spends how much, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.credits import limits
from bot.credits.usage import LimitUsage
from bot.domain import periods
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import LimitScope
from bot.guilds import pauses

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.limits import Limit, Usage
    from bot.domain.periods import Period
    from bot.storage.database import Database

PAGE_GUILDS: Final = 10

# Periods in UTC begin with a day in UTC, so the totals of days suffice.
_SPENDERS: Final = (
    "SELECT guild_id, sum(counted_credits) AS used FROM tallies"
    " WHERE guild_id <> 0 AND span = 'day' AND slot >= ? GROUP BY guild_id HAVING sum(counted_credits) > 0"
)


@dataclass(frozen=True, slots=True)
class GuildSpending:
    """What one guild spent in a period in UTC."""

    guild_id: int
    used_credits: int
    """Spent and held, refunded pictures included."""
    limit: Limit
    """The guild's own, or the default."""
    ceiling: Limit | None
    """The operator's ceiling on this guild, on each guild, or in the settings."""
    paused: bool


@dataclass(frozen=True, slots=True)
class GuildsPage:
    """A page of the guilds that spent anything in a period in UTC, those that spent the most first."""

    rows: tuple[GuildSpending, ...]
    page: int
    """From 1 to `pages`."""
    pages: int
    guilds: int
    """On all pages."""
    period: Period
    used_credits: int
    """Of all guilds."""
    resets_at: int | None
    """Epoch milliseconds, UTC."""
    together: Usage | None
    """The usage of the operator's ceiling on all guilds, in its own period; None without one."""
    paused: tuple[int, ...]
    """The paused guilds; `ALL_GUILDS` first if all are."""


@dataclass(frozen=True, slots=True)
class HeldSummary:
    """The held credits. Rivya has charged most of them already, since it charges when a task begins."""

    credits: int
    reservations: int
    oldest_at: int | None
    """When the oldest held reservation was made; epoch milliseconds, UTC."""
    doubtful_credits: int
    """Held although their job is over."""
    doubtful: int
    """Reservations."""


class GuildOverview:
    """Reads the ledger of all guilds; `default` is the limit of guilds without one of their own."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self._default = default

    async def guilds(self, period: Period, page: int) -> GuildsPage:
        """Return a page of the guilds that spent anything in the current period in UTC."""
        at = now_ms()
        start, resets_at = periods.period_bounds(period, at)

        def unit(tx: sqlite3.Connection) -> GuildsPage:
            first_day = start // DAY_MS
            total = tx.execute(
                f"SELECT count(*) AS guilds, coalesce(sum(used), 0) AS used FROM ({_SPENDERS})",  # noqa: S608  # our own text
                (first_day,),
            ).fetchone()
            pages = max(1, -(-total["guilds"] // PAGE_GUILDS))
            number = min(max(1, page), pages)
            rows = tx.execute(
                f"{_SPENDERS} ORDER BY used DESC, guild_id LIMIT ? OFFSET ?",
                (first_day, PAGE_GUILDS, (number - 1) * PAGE_GUILDS),
            )
            paused = tuple(pause.guild_id for pause in pauses.active(tx))
            ceilings = LimitUsage.at_time(tx, ALL_GUILDS, self._default, at).ceilings()
            together = next((usage for usage in ceilings if usage.scope is LimitScope.CEILING_ALL), None)
            spending = (
                GuildSpending(
                    guild_id=row["guild_id"],
                    used_credits=row["used"],
                    limit=limits.current(tx, row["guild_id"], LimitScope.GUILD) or self._default,
                    ceiling=limits.guild_ceiling(tx, row["guild_id"]),
                    paused=row["guild_id"] in paused or ALL_GUILDS in paused,
                )
                for row in rows.fetchall()
            )
            return GuildsPage(
                rows=tuple(spending),
                page=number,
                pages=pages,
                guilds=total["guilds"],
                period=period,
                used_credits=total["used"],
                resets_at=resets_at,
                together=together,
                paused=paused,
            )

        return await self._database.run(unit)

    async def held(self) -> HeldSummary:
        """Return the held credits of all guilds."""

        def unit(tx: sqlite3.Connection) -> HeldSummary:
            row = tx.execute(
                "SELECT coalesce(sum(r.counted_credits), 0) AS credits, count(*) AS reservations,"
                " min(r.created_at) AS oldest_at,"
                " coalesce(sum(CASE WHEN j.finished_at IS NOT NULL THEN r.counted_credits END), 0)"
                " AS doubtful_credits, count(j.finished_at) AS doubtful"
                " FROM reservations r JOIN jobs j USING (job_id) WHERE r.state = 'held'"
            ).fetchone()
            return HeldSummary(**dict(row))

        return await self._database.run(unit)
