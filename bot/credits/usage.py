"""How far each limit is used, and which of them bind a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bot.credits import grants, limits, totals
from bot.domain import periods
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import LimitScope, MemberLimits, Usage
from bot.guilds.settings import timezone_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import tzinfo

    from bot.domain.limits import Limit

_NEVER: Final = 2**63 - 1
"""The highest number SQLite knows, for a period without an end."""


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """From where limits are looked at: one guild at one moment, with the limit of who has set none."""

    transaction: sqlite3.Connection
    guild_id: int
    default: Limit
    at: int
    zone: tzinfo
    split_held: bool = True
    """Whether what is held is told apart from what is spent, which takes a look at all that is held."""

    @classmethod
    def at_time(
        cls, transaction: sqlite3.Connection, guild_id: int, default: Limit, at: int, *, apart: bool = True
    ) -> LimitUsage:
        """Look now, in the guild's own time zone."""
        return cls(transaction, guild_id, default, at, timezone_of(transaction, guild_id), apart)

    def guild_limit(self) -> Limit:
        """The guild's limit that rules now."""
        return limits.current(self.transaction, self.guild_id, LimitScope.GUILD) or self.default

    def guild(self) -> Usage:
        """How far the guild's own limit is used."""
        limit = self.guild_limit()
        start, end = _bounds(limit.period, self.at // totals.QUARTER_MS, self.zone)
        used = totals.between(self.transaction, self.guild_id, start, end).guild_credits
        granted = grants.available(self.transaction, self.guild_id, grants.WHOLE_GUILD, self.at)
        return _usage(limit, used, self._held("guild_credits", start, end), end, granted)

    def ceilings(self) -> tuple[Usage, ...]:
        """How far the operator's caps are used: real credits, in days of UTC, which no admin moves."""
        return tuple(self._ceiling(limit) for limit in limits.ceilings(self.transaction, self.guild_id))

    def member(self, user_id: int, limit: Limit) -> Usage:
        """How far a limit for members is used by one of them."""
        return self._members(user_id, [limit])[0]

    def member_spend(self, user_id: int) -> int:
        """What a member's pictures cost in the period of the guild's limit; refunded ones are left out."""
        start, end = periods.period_bounds(self.guild_limit().period, self.at, self.zone)
        row = self.transaction.execute(
            "SELECT coalesce(sum(r.counted_credits), 0) FROM reservations r"
            " WHERE r.guild_id = ? AND r.user_id = ? AND r.created_at >= ? AND r.created_at < ?"
            " AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.job_id = r.job_id)",
            (self.guild_id, user_id, start, _NEVER if end is None else end),
        ).fetchone()
        return int(row[0])

    def current_usage(self, user_id: int, limit_id: int | None) -> Usage | None:
        """How the subject of this limit is ruled now, for a member; None if by nothing any more."""
        if not user_id or limit_id is None or (was := limits.by_id(self.transaction, limit_id)) is None:
            return None
        now = limits.current(self.transaction, self.guild_id, was.scope, was.subject_id)
        return None if now is None or now.exempt else self.member(user_id, now)

    def member_limits(self, user_id: int, role_ids: Iterable[int]) -> MemberLimits:
        """Every rule that speaks of a member."""
        counting, passed_over = limits.member_limits(self.transaction, self.guild_id, user_id, role_ids)
        exempt = next((limit for limit in counting if limit.exempt), None)
        usages = self._members(user_id, counting)
        # Of equals the higher limit is named: it says more than one of 0.
        generous = max(usages, key=lambda usage: (usage.left_credits, usage.limit_credits), default=None)
        best = None if exempt else generous
        others = [usage for usage in usages if usage is not best]
        others += self._members(user_id, passed_over)
        return MemberLimits(self.guild(), self.ceilings(), best, tuple(others), exempt)

    def _members(self, user_id: int, several: list[Limit]) -> list[Usage]:
        numbers = [limit for limit in several if not limit.exempt]
        if not numbers:
            return []
        granted = grants.available(self.transaction, self.guild_id, user_id, self.at)
        # Many roles, few periods: a member's pictures are added up once for each.
        sums = {period: self._member_sums(user_id, period) for period in {limit.period for limit in numbers}}
        return [_usage(limit, *sums[limit.period], granted) for limit in numbers]

    def _member_sums(self, user_id: int, period: str) -> tuple[int, int, int | None]:
        start, end = _bounds(period, self.at // totals.QUARTER_MS, self.zone)
        row = self.transaction.execute(
            "SELECT coalesce(sum(member_credits), 0) AS used,"
            " coalesce(sum(CASE state WHEN 'held' THEN member_credits END), 0) AS held"
            " FROM reservations WHERE guild_id = ? AND user_id = ? AND created_at >= ? AND created_at < ?",
            (self.guild_id, user_id, start, _NEVER if end is None else end),
        ).fetchone()
        return row["used"], row["held"], end

    def _ceiling(self, limit: Limit) -> Usage:
        everywhere = limit.scope is LimitScope.CEILING_ALL
        whose = ALL_GUILDS if everywhere else self.guild_id
        start, end = _bounds(limit.period, self.at // totals.QUARTER_MS, UTC)
        used = totals.between(self.transaction, whose, start, end).counted_credits
        held = self._held("counted_credits", start, end, everywhere=everywhere)
        return _usage(limit, used, held, end, 0)

    def _held(self, column: str, start: int, end: int | None, *, everywhere: bool = False) -> int:
        if not self.split_held:
            return 0
        where = "" if everywhere else " AND guild_id = :guild_id"
        # Few are held at a time; left to choose, SQLite goes through everybody's whole period instead.
        row = self.transaction.execute(
            f"SELECT coalesce(sum({column}), 0) FROM reservations INDEXED BY reservations_held"  # noqa: S608  # our own names
            f" WHERE state = 'held' AND created_at >= :start AND created_at < :end{where}",
            {"guild_id": self.guild_id, "start": start, "end": _NEVER if end is None else end},
        ).fetchone()
        return int(row[0])


@lru_cache(maxsize=1024)
def _bounds(period: str, quarter: int, zone: tzinfo) -> tuple[int, int | None]:
    """The bounds of a period; no zone begins a day in the middle of a quarter of an hour."""
    return periods.period_bounds(period, quarter * totals.QUARTER_MS, zone)


def _usage(limit: Limit, used: int, held: int, resets_at: int | None, granted: int) -> Usage:
    return Usage(
        scope=limit.scope,
        limit_credits=limit.credits,
        spent_credits=used - held,
        held_credits=held,
        period=limit.period,
        resets_at=resets_at,
        subject_id=limit.subject_id,
        granted_credits=granted,
        limit_id=limit.limit_id,
    )
