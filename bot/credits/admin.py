"""Decisions of admins and the operator about credits: limits, grants and refunds.

Each is stored with its interaction, so that one which Discord delivers twice counts once.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.credits import alerts, grants, ledger, limits
from bot.credits.usage import LimitUsage
from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import MAX_CREDITS, Limit, LimitChange, LimitScope, ReservationState
from bot.domain.periods import Period

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from bot.credits.grants import Grant
    from bot.credits.ledger import Transaction
    from bot.domain.limits import Usage
    from bot.domain.model_catalog import ModelCatalog
    from bot.storage.database import Database


_OF_JOB: Final = "SELECT * FROM reservations WHERE job_id = ? AND guild_id = ?"
_OF_REQUEST: Final = (
    "SELECT r.* FROM jobs this JOIN jobs j USING (interaction_id) JOIN reservations r ON r.job_id = j.job_id"
    " WHERE this.job_id = ? AND r.guild_id = ? ORDER BY j.number"
)


@dataclass(frozen=True, slots=True)
class Refund:
    """The refund of a picture, or of several of one request, in sum."""

    job_id: str
    """The first of them."""
    user_id: int
    credits: int
    pictures: int = 1
    left_out: int = 0
    """Other pictures of the request, which are not charged, not charged yet, or were refunded before."""


@dataclass(frozen=True, slots=True)
class ActiveLimits:
    """The limits and grants of a guild that are in force now."""

    guild: Limit
    """The guild's own limit, or the default."""
    limits: tuple[Limit, ...]
    """Those of scope EVERYONE, ROLE and MEMBER."""
    grants: tuple[Grant, ...]


class CreditAdmin:
    """Records decisions. `default` is the limit of guilds without one of their own."""

    def __init__(self, database: Database, default: Limit, catalog: ModelCatalog) -> None:
        self._database = database
        self._default = default
        self._catalog = catalog

    async def set_limit(
        self, guild_id: int, limit: Limit, *, set_by: int, interaction_id: int | None = None
    ) -> LimitChange:
        """Set a limit, which may be below what is used already.

        Of `limit`, `set_by`, `set_at` and `limit_id` are ignored.

        Raises:
            ValueError: as `limits.append`.
        """
        return await self._change_limit(
            guild_id, replace(limit, set_by=set_by), interaction_id=interaction_id
        )

    async def remove_limit(
        self,
        guild_id: int,
        scope: LimitScope,
        subject_id: int = 0,
        *,
        set_by: int,
        reason: str = "",
        interaction_id: int | None = None,
    ) -> LimitChange:
        """Remove a limit; instead of the guild's own the default counts. Does nothing if there is none.

        Instead of a guild's own ceiling that of each guild counts, and instead of that the one of the
        settings.
        """
        removal = Limit(0, Period.TOTAL, set_by, scope=scope, subject_id=subject_id, reason=reason)
        return await self._change_limit(guild_id, removal, removed=True, interaction_id=interaction_id)

    async def _change_limit(
        self, guild_id: int, limit: Limit, *, removed: bool = False, interaction_id: int | None
    ) -> LimitChange:
        at = now_ms()
        return await self._database.run(
            lambda tx: change_limit(
                LimitUsage.at_time(tx, guild_id, self._default, at),
                replace(limit, set_at=at),
                self._catalog.cheapest_credits,
                removed=removed,
                interaction_id=interaction_id,
            )
        )

    async def active(self, guild_id: int) -> ActiveLimits:
        """Return the limits and grants of a guild that are in force now."""
        at = now_ms()

        def unit(tx: Transaction) -> ActiveLimits:
            limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
            personal = [limit for limit in limits.active(tx, guild_id) if limit.scope.is_personal]
            return ActiveLimits(
                limit_usage.guild_limit(), tuple(personal), tuple(grants.active(tx, guild_id, at))
            )

        return await self._database.run(unit)

    async def grant(
        self,
        guild_id: int,
        user_id: int,
        *,
        credits: int,
        reason: str,
        granted_by: int,
        expires_at: int | None = None,
        interaction_id: int | None = None,
    ) -> Grant | None:
        """Grant credits beyond the limit, to a member or to `grants.WHOLE_GUILD`; None if granted before.

        Raises:
            ValueError: credits below 1 or above `MAX_CREDITS`.
        """
        if not 0 < credits <= MAX_CREDITS:
            raise ValueError(f"a grant of {credits} credits")
        at = now_ms()

        def unit(tx: Transaction) -> Grant | None:
            limit_usage = LimitUsage.at_time(tx, guild_id, self._default, at)
            with _alerts_rearmed(
                limit_usage, self._catalog.cheapest_credits, of_guild=user_id == grants.WHOLE_GUILD
            ):
                return grants.issue(
                    tx,
                    guild_id=guild_id,
                    user_id=user_id,
                    credits=credits,
                    reason=reason,
                    granted_by=granted_by,
                    expires_at=expires_at,
                    interaction_id=interaction_id,
                    at=at,
                )

        return await self._database.run(unit)

    async def revoke(
        self, guild_id: int, grant_id: int, *, revoked_by: int, reason: str = ""
    ) -> Grant | None:
        """Revoke what is left of a grant; None if nothing is left."""
        at = now_ms()
        return await self._database.run(
            lambda tx: grants.revoke(
                tx, guild_id=guild_id, grant_id=grant_id, revoked_by=revoked_by, reason=reason, at=at
            )
        )

    async def refund(
        self,
        guild_id: int,
        job_id: str,
        *,
        reason: str,
        refunded_by: int,
        interaction_id: int | None = None,
        whole_request: bool = False,
    ) -> Refund:
        """Let a picture no longer count against the limits of its guild and member.

        With `whole_request` all pictures of its request that can be refunded are. Rivya has charged them
        nevertheless, so the ledger and the operator's ceilings go on counting them.

        Raises:
            MemberError: JOB_UNKNOWN in this guild, JOB_NOT_CHARGED, or JOB_REFUNDED.
        """
        at = now_ms()

        def unit(tx: Transaction) -> Refund:
            rows = tx.execute(_OF_REQUEST if whole_request else _OF_JOB, (job_id, guild_id)).fetchall()
            refunded: list[sqlite3.Row] = []
            for row in _charged(rows):
                if grants.refund(
                    tx,
                    job_id=row["job_id"],
                    guild_id=guild_id,
                    user_id=row["user_id"],
                    credits=row["counted_credits"],
                    reason=reason,
                    refunded_by=refunded_by,
                    # Unique, so that a command that Discord delivers twice refunds once.
                    interaction_id=None if refunded else interaction_id,
                    at=at,
                ):
                    ledger.apply_refund(tx, job_id=row["job_id"])
                    refunded.append(row)
            return _total(refunded, left_out=len(rows) - len(refunded))

        return await self._database.run(unit)


def _charged(reservations: list[sqlite3.Row]) -> list[sqlite3.Row]:
    """Return the reservations that are charged; refuse a refund without any."""
    if not reservations:
        raise MemberError(MemberReason.JOB_UNKNOWN)
    charged = [
        row for row in reservations if row["state"] == ReservationState.SETTLED and row["counted_credits"]
    ]
    if not charged:
        raise MemberError(MemberReason.JOB_NOT_CHARGED)
    return charged


def _total(refunded: list[sqlite3.Row], *, left_out: int) -> Refund:
    """Return the refund of these reservations; without any all were refunded before."""
    if not refunded:
        raise MemberError(MemberReason.JOB_REFUNDED)
    return Refund(
        job_id=refunded[0]["job_id"],
        user_id=refunded[0]["user_id"],
        credits=sum(row["counted_credits"] for row in refunded),
        pictures=len(refunded),
        left_out=left_out,
    )


def change_limit(
    limit_usage: LimitUsage,
    limit: Limit,
    cheapest_credits: int,
    *,
    removed: bool = False,
    interaction_id: int | None,
) -> LimitChange:
    """Set a limit in the guild and the transaction of `limit_usage`, or remove that of its scope and subject.

    `limit` also says who changes it, when and why. `cheapest_credits` is the price of the cheapest picture,
    as of `alerts.rearm`.
    """
    tx, guild_id, scope = limit_usage.transaction, limit_usage.guild_id, limit.scope
    before = _current(limit_usage, scope, limit.subject_id)
    if not removed or limits.current(tx, guild_id, scope, limit.subject_id) is not None:
        with _alerts_rearmed(limit_usage, cheapest_credits, of_guild=scope is LimitScope.GUILD):
            limits.append(tx, guild_id, limit, removed=removed, interaction_id=interaction_id)
    return _change(limit_usage, before, scope, limit.subject_id)


@contextmanager
def _alerts_rearmed(limit_usage: LimitUsage, cheapest_credits: int, *, of_guild: bool) -> Iterator[None]:
    """Let alerts be sent again whose threshold the change in the block leaves, if it is one `of_guild`."""
    if not of_guild:
        yield
        return
    before = limit_usage.guild()
    yield
    after, tx = limit_usage.guild(), limit_usage.transaction
    alerts.rearm(tx, limit_usage.guild_id, before, after, cheapest_credits, limit_usage.at)


def _change(limit_usage: LimitUsage, before: Limit | None, scope: LimitScope, subject_id: int) -> LimitChange:
    """Read what counts after a change."""
    after = _current(limit_usage, scope, subject_id)
    ceiling = limits.guild_ceiling(limit_usage.transaction, limit_usage.guild_id)
    exceeds = (
        scope is LimitScope.GUILD
        and after is not None
        and ceiling is not None
        and after.allows_more_than(ceiling)
    )
    # Without a ceiling of its own a guild still has another, whose usage is shown.
    counting = ceiling if scope is LimitScope.CEILING and after is None else after
    return LimitChange(before, after, _usage(limit_usage, counting), ceiling if exceeds else None)


def _current(limit_usage: LimitUsage, scope: LimitScope, subject_id: int) -> Limit | None:
    transaction, guild_id = limit_usage.transaction, limit_usage.guild_id
    if scope is LimitScope.GUILD:
        return limit_usage.guild_limit()
    if scope is LimitScope.CEILING and guild_id == ALL_GUILDS:
        return limits.guild_ceiling(transaction, guild_id)
    return limits.current(transaction, guild_id, scope, subject_id)


def _usage(limit_usage: LimitUsage, limit: Limit | None) -> Usage | None:
    if limit is None or limit.exempt:
        return None
    match limit.scope:
        case LimitScope.GUILD:
            return limit_usage.guild()
        case LimitScope.MEMBER:
            return limit_usage.member(limit.subject_id, limit)
        case LimitScope.CEILING if limit_usage.guild_id == ALL_GUILDS:  # that of each guild
            return None
        case LimitScope.CEILING | LimitScope.CEILING_ALL:
            return next((usage for usage in limit_usage.ceilings() if usage.scope is limit.scope), None)
        case _:
            return None
