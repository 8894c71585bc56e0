"""How far limits are used, and which of them bind a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bot.credits import grants, limits, running_totals
from bot.domain import periods
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import LimitScope, MemberLimits, Usage
from bot.guilds.settings import timezone_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import tzinfo

    from bot.domain.limits import Limit
    from bot.domain.periods import Period

_NEVER: Final = 2**63 - 1
"""The highest integer of SQLite, as the end of a period without one."""


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """Usage of the limits of one guild at `at`; `default` counts if the guild has no limit of its own."""

    transaction: sqlite3.Connection
    guild_id: int
    default: Limit
    at: int
    zone: tzinfo
    split_held: bool = True
    """Whether held credits are told from spent ones, for which every held reservation is read."""

    @classmethod
    def at_time(
        cls,
        transaction: sqlite3.Connection,
        guild_id: int,
        default: Limit,
        at: int,
        *,
        split_held: bool = True,
    ) -> LimitUsage:
        """Read the guild's time zone; `at` is in epoch milliseconds."""
        return cls(transaction, guild_id, default, at, timezone_of(transaction, guild_id), split_held)

    def guild_limit(self) -> Limit:
        """Return the guild's own limit, or the default."""
        return limits.current(self.transaction, self.guild_id, LimitScope.GUILD) or self.default

    def guild(self) -> Usage:
        """Return the usage of the guild's own limit."""
        limit = self.guild_limit()
        start, end = _bounds(limit.period, self.at // running_totals.QUARTER_MS, self.zone)
        used = running_totals.between(self.transaction, self.guild_id, start, end).guild_credits
        granted = grants.available(self.transaction, self.guild_id, grants.WHOLE_GUILD, self.at)
        return _usage(limit, used, self._held("guild_credits", start, end), end, granted)

    def counted(self) -> int:
        """Return what ceilings count of the period of the guild's own limit."""
        start, end = _bounds(self.guild_limit().period, self.at // running_totals.QUARTER_MS, self.zone)
        return running_totals.between(self.transaction, self.guild_id, start, end).counted_credits

    def ceilings(self) -> tuple[Usage, ...]:
        """Return the usage of the operator's ceilings: of what Rivya charges, in periods in UTC."""
        return tuple(self._ceiling(limit) for limit in limits.ceilings(self.transaction, self.guild_id))

    def member(self, user_id: int, limit: Limit) -> Usage:
        """Return one member's usage of a limit on members."""
        return self._members(user_id, [limit])[0]

    def member_spend(self, user_id: int) -> int:
        """Return the member's credits in the period of the guild's limit, without refunded pictures."""
        start, end = periods.period_bounds(self.guild_limit().period, self.at, self.zone)
        row = self.transaction.execute(
            "SELECT coalesce(sum(r.counted_credits), 0) AS credits FROM reservations r"
            " WHERE r.guild_id = ? AND r.user_id = ? AND r.created_at >= ? AND r.created_at < ?"
            " AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.job_id = r.job_id)",
            (self.guild_id, user_id, start, _NEVER if end is None else end),
        ).fetchone()
        return int(row["credits"])

    def current_usage(self, user_id: int, limit_id: int | None) -> Usage | None:
        """Return a member's usage of the limit that is now in the place of `limit_id`; None without one."""
        if not user_id or limit_id is None or (old := limits.by_id(self.transaction, limit_id)) is None:
            return None
        new = limits.current(self.transaction, self.guild_id, old.scope, old.subject_id)
        return None if new is None or new.exempt else self.member(user_id, new)

    def member_limits(self, user_id: int, role_ids: Iterable[int]) -> MemberLimits:
        """Return every limit that concerns a member."""
        counting, superseded = limits.member_limits(self.transaction, self.guild_id, user_id, role_ids)
        exempt = next((limit for limit in counting if limit.exempt), None)
        usages = self._members(user_id, counting)
        # Of equal ones the higher limit is shown.
        generous = max(usages, key=lambda usage: (usage.left_credits, usage.limit_credits), default=None)
        best = None if exempt else generous
        others = [usage for usage in usages if usage is not best]
        others += self._members(user_id, superseded)
        return MemberLimits(self.guild(), self.ceilings(), best, tuple(others), exempt)

    def _members(self, user_id: int, candidates: list[Limit]) -> list[Usage]:
        """Return a member's usage of each limit that is no exemption."""
        with_credits = [limit for limit in candidates if not limit.exempt]
        if not with_credits:
            return []
        granted = grants.available(self.transaction, self.guild_id, user_id, self.at)
        # Once per period, since a member can have many roles.
        periods_used = {limit.period for limit in with_credits}
        sums = {period: self._member_sums(user_id, period) for period in periods_used}
        return [_usage(limit, *sums[limit.period], granted) for limit in with_credits]

    def _member_sums(self, user_id: int, period: Period) -> tuple[int, int, int | None]:
        """Return the used and held credits of a member in a period, and its end."""
        start, end = _bounds(period, self.at // running_totals.QUARTER_MS, self.zone)
        row = self.transaction.execute(
            "SELECT coalesce(sum(member_credits), 0) AS used,"
            " coalesce(sum(CASE state WHEN 'held' THEN member_credits END), 0) AS held"
            " FROM reservations WHERE guild_id = ? AND user_id = ? AND created_at >= ? AND created_at < ?",
            (self.guild_id, user_id, start, _NEVER if end is None else end),
        ).fetchone()
        return row["used"], row["held"], end

    def _ceiling(self, limit: Limit) -> Usage:
        all_guilds = limit.scope is LimitScope.CEILING_ALL
        start, end = _bounds(limit.period, self.at // running_totals.QUARTER_MS, UTC)
        guild_id = ALL_GUILDS if all_guilds else self.guild_id
        used = running_totals.between(self.transaction, guild_id, start, end).counted_credits
        held = self._held("counted_credits", start, end, all_guilds=all_guilds)
        return _usage(limit, used, held, end, 0)

    def _held(self, column: str, start: int, end: int | None, *, all_guilds: bool = False) -> int:
        if not self.split_held:
            return 0
        of_guild = "" if all_guilds else " AND guild_id = :guild_id"
        # Few are held at a time; without INDEXED BY, SQLite scans the reservations of the whole period.
        row = self.transaction.execute(
            f"SELECT coalesce(sum({column}), 0) AS held FROM reservations INDEXED BY reservations_held"  # noqa: S608  # our own names
            f" WHERE state = 'held' AND created_at >= :start AND created_at < :end{of_guild}",
            {"guild_id": self.guild_id, "start": start, "end": _NEVER if end is None else end},
        ).fetchone()
        return int(row["held"])


def first_reserved_at(transaction: sqlite3.Connection, guild_id: int, at: int) -> int:
    """Return when the guild made its first reservation; `at` if that was later or never."""
    row = transaction.execute(
        "SELECT min(created_at) AS first_at FROM reservations WHERE guild_id = ?", (guild_id,)
    ).fetchone()
    return at if row["first_at"] is None else min(at, row["first_at"])


@lru_cache(maxsize=1024)
def _bounds(period: Period, quarter: int, zone: tzinfo) -> tuple[int, int | None]:
    """Return the bounds of the period that contains a quarter of an hour, counted from the epoch.

    Cached by quarter, since no time zone in use begins a day within one.
    """
    return periods.period_bounds(period, quarter * running_totals.QUARTER_MS, zone)


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
