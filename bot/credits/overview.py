"""What the operator sees of all guilds: who spends what, and what is set aside at Rivya's expense."""

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
    from bot.storage.database import Database

ROWS: Final = 10
"""Guilds on one page."""

# Periods of UTC begin with a day of UTC, so days are enough.
_SPENDERS: Final = (
    "SELECT guild_id, sum(counted_credits) AS used FROM tallies"
    " WHERE guild_id <> 0 AND span = 'day' AND slot >= ? GROUP BY guild_id HAVING sum(counted_credits) > 0"
)


@dataclass(frozen=True, slots=True)
class GuildSpending:
    """One guild's share of a period of UTC."""

    guild_id: int
    used_credits: int
    """Spent and held, as Rivya charges it."""
    limit: Limit
    """Its own, or the default."""
    ceiling: Limit | None
    """The operator's cap that binds it: its own, or the one for each guild."""
    paused: bool


@dataclass(frozen=True, slots=True)
class GuildsPage:
    """Some of the guilds that spent anything in a period, those that spent the most first."""

    rows: tuple[GuildSpending, ...]
    page: int
    """From 1; never beyond `pages`."""
    pages: int
    guilds: int
    period: str
    used_credits: int
    """Of all guilds together."""
    resets_at: int | None
    """Epoch milliseconds, UTC."""
    together: Usage | None
    """How far the operator's cap over all guilds is used, in its own period; None without one."""
    paused: tuple[int, ...]
    """Every guild whose switch is off, and `ALL_GUILDS` first if that over all is."""


@dataclass(frozen=True, slots=True)
class HeldSummary:
    """What is set aside. Rivya has taken most of it from the wallet already: it charges when it begins."""

    credits: int
    reservations: int
    oldest_at: int | None
    """Epoch milliseconds, UTC."""
    doubtful_credits: int
    """Of those, what stays held although its job is over."""
    doubtful: int


class GuildOverview:
    """Asks the books about all guilds; `default` binds those whose admins have set nothing."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self._default = default

    async def guilds(self, period: str, page: int) -> GuildsPage:
        """One page of the guilds that spent anything in the period of UTC that runs now."""
        at = now_ms()
        start, resets_at = periods.period_bounds(period, at)

        def unit(tx: sqlite3.Connection) -> GuildsPage:
            first_day = start // DAY_MS
            count, used = tx.execute(
                f"SELECT count(*), coalesce(sum(used), 0) FROM ({_SPENDERS})",  # noqa: S608  # our own text
                (first_day,),
            ).fetchone()
            pages = max(1, -(-count // ROWS))
            number = min(max(1, page), pages)
            rows = tx.execute(
                f"{_SPENDERS} ORDER BY used DESC, guild_id LIMIT ? OFFSET ?",
                (first_day, ROWS, (number - 1) * ROWS),
            )
            paused = tuple(pause.guild_id for pause in pauses.active(tx))
            caps = LimitUsage.at_time(tx, ALL_GUILDS, self._default, at).ceilings()
            together = next((usage for usage in caps if usage.scope == LimitScope.CEILING_ALL), None)
            each = limits.current(tx, ALL_GUILDS, LimitScope.CEILING)
            spending = (
                GuildSpending(
                    guild_id=guild_id,
                    used_credits=credits,
                    limit=limits.current(tx, guild_id, LimitScope.GUILD) or self._default,
                    ceiling=limits.current(tx, guild_id, LimitScope.CEILING) or each,
                    paused=guild_id in paused or ALL_GUILDS in paused,
                )
                for guild_id, credits in rows.fetchall()
            )
            return GuildsPage(
                rows=tuple(spending),
                page=number,
                pages=pages,
                guilds=count,
                period=period,
                used_credits=used,
                resets_at=resets_at,
                together=together,
                paused=paused,
            )

        return await self._database.run(unit)

    async def held(self) -> HeldSummary:
        """What is set aside in all guilds, and how much of it is in doubt."""

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
