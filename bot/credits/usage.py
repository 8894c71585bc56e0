"""How far limits are used, and which of them bind a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from bot.credits import grants, limits, running_totals
from bot.credits.sums import Sums, add_up
from bot.domain import periods
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import LimitScope, MemberLimits, Usage
from bot.guilds.settings import timezone_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from bot.credits.sums import Sum
    from bot.domain.limits import Limit

_NEVER: Final = 2**63 - 1
"""The highest integer of SQLite, as the end of a period without one."""
_OF_MEMBER: Final = (
    "sum(member_credits) AS credits FROM reservations"
    " WHERE guild_id = ? AND user_id = ? AND created_at >= ? AND created_at < ?"
)
# Few are held at a time; without INDEXED BY, SQLite scans the reservations of the whole period.
_HELD: Final = (
    "FROM reservations INDEXED BY reservations_held"
    " WHERE state = 'held' AND created_at >= ? AND created_at < ?"
)
_HELD_OF_ALL: Final = f"sum(counted_credits) AS credits {_HELD}"
_HELD_COUNTED: Final = f"{_HELD_OF_ALL} AND guild_id = ?"
_HELD_OF_GUILD: Final = f"sum(guild_credits) AS credits {_HELD} AND guild_id = ?"
_HELD_OF_MEMBER: Final = f"sum(member_credits) AS credits {_HELD} AND guild_id = ? AND user_id = ?"


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """Usage of the limits of one guild at `at`; `default` counts if the guild has no limit of its own."""

    transaction: sqlite3.Connection
    guild_id: int
    default: Limit
    at: int
    zone: tzinfo
    split_held: bool = True
    """Whether held credits are told from spent ones, which the check of a request does not need."""

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
        return limits.load(self.transaction, self.guild_id).guild or self.default

    def guild(self) -> Usage:
        """Return the usage of the guild's own limit."""
        return self._usages([self.guild_limit()])[0]

    def counted(self) -> int:
        """Return what ceilings count of the period of the guild's own limit."""
        start, end = self._bounds(self.guild_limit())
        counted = running_totals.between("counted_credits", self.guild_id, start, end)
        return add_up(self.transaction, [counted])[0]

    def ceilings(self) -> tuple[Usage, ...]:
        """Return the usage of the operator's ceilings: of what Rivya charges, in periods in UTC."""
        return tuple(self._usages(limits.load(self.transaction, self.guild_id).ceilings))

    def member(self, user_id: int, limit: Limit) -> Usage:
        """Return one member's usage of a limit on members."""
        return self._usages([limit], user_id)[0]

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
        found = limits.load(self.transaction, self.guild_id, user_id, tuple(role_ids))
        guild = found.guild or self.default
        personal, superseded = (
            [limit for limit in each if not limit.exempt] for each in (found.personal, found.superseded)
        )
        concerned = [guild, *found.ceilings, *personal, *superseded]
        usages = iter(self._usages(concerned, user_id if personal or superseded else 0))
        of_guild, ceilings = next(usages), tuple(islice(usages, len(found.ceilings)))
        counting, others = list(islice(usages, len(personal))), tuple(usages)
        exempt = next((limit for limit in found.personal if limit.exempt), None)
        # Of equal ones the higher limit is shown.
        generous = max(counting, key=lambda usage: (usage.left_credits, usage.limit_credits), default=None)
        best = None if exempt else generous
        passed_over = [usage for usage in counting if usage is not best]
        return MemberLimits(of_guild, ceilings, best, (*passed_over, *others), exempt)

    def _usages(self, concerned: Sequence[Limit], user_id: int = 0) -> list[Usage]:
        """Return the usage of each limit, read in one statement; `user_id` is whose limits on members are."""
        quarter = self.at // running_totals.QUARTER_MS
        ends, sums = _plan(
            tuple(concerned), self.guild_id, user_id, quarter, self.zone, split_held=self.split_held
        )
        numbers = iter(sums.read(self.transaction, self.at))
        return [
            _usage(limit, next(numbers), next(numbers), end, next(numbers))
            for limit, end in zip(concerned, ends, strict=True)
        ]

    def _bounds(self, limit: Limit) -> tuple[int, int | None]:
        return _bounds(limit, self.at // running_totals.QUARTER_MS, self.zone)


def first_reserved_at(transaction: sqlite3.Connection, guild_id: int, at: int) -> int:
    """Return when the guild made its first reservation; `at` if that was later or never."""
    row = transaction.execute(
        "SELECT min(created_at) AS first_at FROM reservations WHERE guild_id = ?", (guild_id,)
    ).fetchone()
    return at if row["first_at"] is None else min(at, row["first_at"])


# Both are cached by quarter, since no time zone in use begins a day within one.


@lru_cache(maxsize=1024)
def _plan(
    concerned: tuple[Limit, ...],
    guild_id: int,
    user_id: int,
    quarter: int,
    zone: tzinfo,
    *,
    split_held: bool,
) -> tuple[list[int | None], Sums]:
    """Return when the period of each limit ends, and what to read of it: see `_sums`."""
    bounds = [_bounds(limit, quarter, zone) for limit in concerned]
    sums = [
        each
        for limit, (start, end) in zip(concerned, bounds, strict=True)
        for each in _sums(limit, guild_id, user_id, start, end, split_held=split_held)
    ]
    return [end for _, end in bounds], Sums.of(sums)


@lru_cache(maxsize=1024)
def _bounds(limit: Limit, quarter: int, zone: tzinfo) -> tuple[int, int | None]:
    """Return the bounds of the limit's period that contains a quarter of an hour, counted from the epoch."""
    return periods.period_bounds(
        limit.period, quarter * running_totals.QUARTER_MS, UTC if limit.scope.is_ceiling else zone
    )


def _sums(
    limit: Limit, guild_id: int, user_id: int, start: int, end: int | None, *, split_held: bool
) -> tuple[Sum, Sum, Sum]:
    """Return what is used of a limit, what of this is held, and what grants still hold."""
    used: Sum
    held: Sum
    granted: Sum
    until = _NEVER if end is None else end
    if limit.scope.is_personal:
        used = ((_OF_MEMBER, (guild_id, user_id, start, until)),)
        held = ((_HELD_OF_MEMBER, (start, until, guild_id, user_id)),)
        granted = grants.available(guild_id, user_id)
    elif limit.scope is LimitScope.CEILING_ALL:
        used = running_totals.between("counted_credits", ALL_GUILDS, start, end)
        held, granted = ((_HELD_OF_ALL, (start, until)),), ()
    elif limit.scope is LimitScope.CEILING:
        used = running_totals.between("counted_credits", guild_id, start, end)
        held, granted = ((_HELD_COUNTED, (start, until, guild_id)),), ()
    else:
        used = running_totals.between("guild_credits", guild_id, start, end)
        held = ((_HELD_OF_GUILD, (start, until, guild_id)),)
        granted = grants.available(guild_id, grants.WHOLE_GUILD)
    return used, held if split_held else (), granted


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
