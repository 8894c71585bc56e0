"""Reservations: the credits of each job are held, then settled or released, once.

`JobStore` calls the functions in the transaction that changes the job, so that a job and its credits never
disagree. `Ledger` only reads.

Owns the table reservations.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.credits import alerts, grants, running_totals
from bot.credits.usage import LimitUsage
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded
from bot.domain.limits import LimitScope, Receipt, ReservationState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.limits import Limit, MemberLimits, Usage
    from bot.storage.database import Database

Transaction = sqlite3.Connection
"""The connection while a transaction is open, as `Database.run` passes it to a unit of work."""


def reserve(
    transaction: Transaction,
    *,
    job_id: str,
    guild_id: int,
    user_id: int,
    model: str,
    cost_credits: int,
    default: Limit,
    at: int,
    role_ids: Iterable[int] = (),
) -> None:
    """Hold credits for a job, if every limit that binds the member has room for them.

    `default` is the limit of guilds without one of their own, `at` in epoch milliseconds. Limits and their
    usage are read in the same transaction, so that nobody else can spend meanwhile.

    Raises:
        LimitExceeded: a limit has no room; nothing was written.
    """
    limit_usage = LimitUsage.at_time(transaction, guild_id, default, at, split_held=False)
    member_limits = require_capacity(limit_usage, user_id, role_ids, cost_credits)
    from_guild = _beyond(member_limits.guild, cost_credits)
    from_member = _beyond(member_limits.personal, cost_credits) if member_limits.personal else 0
    limit_id = None if member_limits.personal is None else member_limits.personal.limit_id
    guild, member = cost_credits - from_guild, cost_credits - from_member
    transaction.execute(
        "INSERT INTO reservations (job_id, guild_id, user_id, model, state, reserved_credits,"
        " counted_credits, guild_credits, member_credits, personal_limit_id, created_at)"
        " VALUES (?, ?, ?, ?, 'held', ?, ?, ?, ?, ?, ?)",
        (job_id, guild_id, user_id, model, cost_credits, cost_credits, guild, member, limit_id, at),
    )
    for grantee, part in ((grants.WHOLE_GUILD, from_guild), (user_id, from_member)):
        if part:
            grants.spend(transaction, job_id=job_id, guild_id=guild_id, user_id=grantee, credits=part, at=at)
    running_totals.record(transaction, guild_id, at, counted=cost_credits, guild=guild)
    _raise_alerts(transaction, guild_id, member_limits, cost_credits, from_guild, at)


def require_capacity(
    limit_usage: LimitUsage, user_id: int, role_ids: Iterable[int], cost_credits: int
) -> MemberLimits:
    """Return how far the limits that bind a member are used, if all of them have room.

    Raises:
        LimitExceeded: one has no room; of several the one with the least left.
    """
    member_limits = limit_usage.member_limits(user_id, role_ids)
    if _refusing(member_limits, cost_credits):
        # Held credits are read only for the message of a refusal.
        split = replace(limit_usage, split_held=True).member_limits(user_id, role_ids)
        refusing = _refusing(split, cost_credits)
        raise LimitExceeded(min(refusing, key=lambda usage: usage.left_credits), cost_credits)
    return member_limits


def _raise_alerts(
    transaction: Transaction, guild_id: int, before: MemberLimits, cost_credits: int, granted: int, at: int
) -> None:
    """Raise alerts about the guild's limit or its ceiling after a reservation, of which grants pay `granted`.

    `before` is how far they were used without it.
    """
    guild = before.guild
    after_guild = replace(
        guild,
        held_credits=guild.held_credits + cost_credits - granted,
        granted_credits=guild.granted_credits - granted,
    )
    after_ceilings = (
        replace(ceiling, held_credits=ceiling.held_credits + cost_credits) for ceiling in before.ceilings
    )
    after = alerts.concerned(after_guild, after_ceilings, cost_credits)
    if 2 * after.used_credits < after.limit_credits:
        return  # below the lowest threshold, 50 percent
    of_same_scope = next(usage for usage in (guild, *before.ceilings) if usage.scope is after.scope)
    alerts.raise_reached(transaction, guild_id, of_same_scope, after, cost_credits, at)


def _refusing(member_limits: MemberLimits, cost_credits: int) -> list[Usage]:
    """Return the limits without room, the closest to the member first."""
    return [usage for usage in reversed(member_limits.binding) if usage.left_credits < cost_credits]


def _beyond(usage: Usage, cost_credits: int) -> int:
    """Return the part for which the limit itself has no room; grants pay it when credits are reserved."""
    return max(0, cost_credits - max(0, usage.limit_credits - usage.used_credits))


def adjust_reserved(
    transaction: Transaction, *, job_id: str, reserved_credits: int, default: Limit, at: int
) -> None:
    """Set a held reservation to what Rivya has reserved. A closed one is kept.

    The task exists, so what goes beyond a limit is not refused, but recorded with the reservation.
    """
    row = _held(transaction, job_id)
    if row is None or row["reserved_credits"] == reserved_credits:
        return
    more = reserved_credits - row["reserved_credits"]
    if more > 0:
        _record_rise(transaction, row, more, default, at)
    _write(transaction, row, ReservationState.HELD, reserved=reserved_credits)


def _record_rise(transaction: Transaction, row: sqlite3.Row, more: int, default: Limit, at: int) -> None:
    """Record by how much a rise, which is written next and which limits pay, goes beyond the closest one."""
    limit_usage = LimitUsage.at_time(transaction, row["guild_id"], default, at, split_held=False)
    if beyond := max(_beyond(usage, more) for usage in _told_to_member(limit_usage, row)):
        transaction.execute(
            "UPDATE reservations SET over_limit_credits = coalesce(over_limit_credits, 0) + ?"
            " WHERE job_id = ?",
            (beyond, row["job_id"]),
        )


def _told_to_member(limit_usage: LimitUsage, row: sqlite3.Row) -> list[Usage]:
    """Return the usage of the limits that a reservation's member is told about, that of the guild first.

    The ceiling of all guilds is not among them, since it would say what others spend.
    """
    personal = limit_usage.current_usage(row["user_id"], row["personal_limit_id"])
    ceilings = [usage for usage in limit_usage.ceilings() if usage.scope is LimitScope.CEILING]
    return [usage for usage in (limit_usage.guild(), personal, *ceilings) if usage is not None]


def settle(
    transaction: Transaction,
    *,
    job_id: str,
    final_credits: int | None,
    at: int,
    default: Limit | None = None,
) -> int:
    """Close a held reservation with what was charged; None is what was reserved. A closed one is kept.

    With `default`, the limit of guilds that have set none, it is recorded by how much a charge above what was
    reserved goes beyond a limit. Returns the credits that were booked; 0 if it was closed before.
    """
    if final_credits is None:
        if (row := _held(transaction, job_id)) is None:
            return 0
        final_credits = int(row["reserved_credits"])
    # At the price that was reserved, nothing else changes: neither limits, nor totals, nor grants.
    as_reserved = transaction.execute(
        "UPDATE reservations SET state = 'settled', final_credits = reserved_credits, closed_at = ?"
        " WHERE job_id = ? AND state = 'held' AND reserved_credits = ?",
        (at, job_id, final_credits),
    )
    if as_reserved.rowcount:
        return final_credits
    if (row := _held(transaction, job_id)) is None:
        return 0
    more = final_credits - row["reserved_credits"]
    if more > 0 and default is not None:
        _record_rise(transaction, row, more, default, at)
    _write(transaction, row, ReservationState.SETTLED, final=final_credits, closed_at=at)
    return final_credits


def release(transaction: Transaction, *, job_id: str, at: int) -> None:
    """Release a held reservation; only on proof that Rivya charges nothing. A closed one is kept."""
    if (row := _held(transaction, job_id)) is not None:
        _write(transaction, row, ReservationState.RELEASED, final=0, closed_at=at)


def override(
    transaction: Transaction, *, job_id: str, state: ReservationState, final_credits: int, at: int
) -> None:
    """Correct a reservation, closed or not; only the operator decides that."""
    row = _find(transaction, job_id)
    _write(transaction, row, state, final=final_credits, closed_at=row["closed_at"] or at)


def apply_refund(transaction: Transaction, *, job_id: str) -> None:
    """Let a refunded job no longer count against the limits of its guild and member.

    What Rivya charged stays booked. The refund is in the table already.
    """
    row = _find(transaction, job_id)
    state = ReservationState(row["state"])
    _write(transaction, row, state, final=row["final_credits"], closed_at=row["closed_at"])


def annotate_held(transaction: Transaction, *, job_id: str, note: str) -> None:
    """Note for the operator why a reservation stays held although its job is over."""
    transaction.execute(
        "UPDATE reservations SET note = ? WHERE job_id = ? AND state = 'held'", (note, job_id)
    )


_FIND: Final = """
    SELECT *, EXISTS (SELECT 1 FROM refunds WHERE refunds.job_id = reservations.job_id) AS refunded,
        coalesce((SELECT sum(d.credits) FROM draws d JOIN grants g USING (grant_id)
            WHERE d.job_id = reservations.job_id AND g.user_id = 0), 0) AS granted_to_guild,
        coalesce((SELECT sum(d.credits) FROM draws d JOIN grants g USING (grant_id)
            WHERE d.job_id = reservations.job_id AND g.user_id <> 0), 0) AS granted_to_member
    FROM reservations WHERE job_id = ?
"""
"""A reservation, whether its picture was refunded, and what grants pay of it."""
_FIND_HELD: Final = f"{_FIND} AND state = 'held'"


def _find(transaction: Transaction, job_id: str) -> sqlite3.Row:
    row: sqlite3.Row = transaction.execute(_FIND, (job_id,)).fetchone()
    return row


def _held(transaction: Transaction, job_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = transaction.execute(_FIND_HELD, (job_id,)).fetchone()
    return row


def _write(
    transaction: Transaction,
    row: sqlite3.Row,
    state: ReservationState,
    *,
    reserved: int | None = None,
    final: int | None = None,
    closed_at: int | None = None,
) -> None:
    """Update a reservation, and the grants and totals that depend on it; `reserved` None changes nothing.

    `row` is that of `_find` or `_held`.
    """
    job_id = row["job_id"]
    reserved = row["reserved_credits"] if reserved is None else reserved
    counted = reserved if final is None else final
    limited = 0 if row["refunded"] else counted
    to_guild, to_member = row["granted_to_guild"], row["granted_to_member"]
    from_guild = _from_grants_now(to_guild, row["guild_credits"], limited)
    from_member = _from_grants_now(to_member, row["member_credits"], limited)
    # What grants need no longer pay is returned to them.
    for personal, unneeded in ((False, to_guild - from_guild), (True, to_member - from_member)):
        if unneeded:
            grants.restore(transaction, job_id=job_id, personal=personal, credits=unneeded)
    guild, member = limited - from_guild, limited - from_member
    transaction.execute(
        "UPDATE reservations SET state = ?, reserved_credits = ?, final_credits = ?, counted_credits = ?,"
        " guild_credits = ?, member_credits = ?, closed_at = ?,"
        # What is taken off again was the last to be added.
        " over_limit_credits = nullif(max(0, over_limit_credits - ?), 0) WHERE job_id = ?",
        (
            *(state, reserved, final, counted, guild, member, closed_at),
            *(max(0, row["counted_credits"] - counted), job_id),
        ),
    )
    running_totals.adjust(
        transaction,
        row["guild_id"],
        row["created_at"],
        counted=counted - row["counted_credits"],
        guild=guild - row["guild_credits"],
    )


def _from_grants_now(granted: int, own: int, counted: int) -> int:
    """Return what grants pay of a job, now that it counts `counted` credits against a limit.

    The limit pays up to `own`, what it has paid so far, then grants up to `granted`, what they have paid,
    then the limit again.
    """
    return max(0, min(granted, counted - own))


class Ledger:
    """Reads reservations and limits; `default` is the limit of guilds without one of their own."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self.default = default

    async def usage(self, guild_id: int) -> Usage:
        """Return how far the guild's own limit is used now."""
        at = now_ms()
        return await self._database.run(lambda tx: LimitUsage.at_time(tx, guild_id, self.default, at).guild())

    async def member_limits(self, guild_id: int, user_id: int, role_ids: Iterable[int]) -> MemberLimits:
        """Return every limit that concerns a member, and how far each is used now."""
        at, roles = now_ms(), tuple(role_ids)
        return await self._database.run(
            lambda tx: LimitUsage.at_time(tx, guild_id, self.default, at).member_limits(user_id, roles)
        )

    async def member_used(self, guild_id: int, user_id: int) -> int:
        """Return the member's spent and held credits in the current period of the guild's limit.

        Credits that grants paid are included, refunded pictures are not.
        """
        at = now_ms()
        return await self._database.run(
            lambda tx: LimitUsage.at_time(tx, guild_id, self.default, at).member_spend(user_id)
        )

    async def held_credits(self) -> int:
        """Return the held credits of all guilds."""

        def unit(tx: Transaction) -> int:
            row = tx.execute(
                # Without INDEXED BY, SQLite scans the whole of another index.
                "SELECT coalesce(sum(counted_credits), 0) AS held FROM reservations"
                " INDEXED BY reservations_held WHERE state = 'held'"
            ).fetchone()
            return int(row["held"])

        return await self._database.run(unit)

    async def receipt(self, job_id: str, guild_id: int) -> Receipt:
        """Return what a job was charged (0 unless it is settled), and the usage of the tightest limit now.

        That is the guild's own limit, the operator's ceiling for the guild, or the limit on the member that
        counted when the job was accepted.
        """
        at = now_ms()

        def unit(tx: Transaction) -> Receipt:
            row = tx.execute(
                "SELECT user_id, counted_credits, personal_limit_id, over_limit_credits FROM reservations"
                " WHERE job_id = ? AND state = 'settled'",
                (job_id,),
            ).fetchone()
            limit_usage = LimitUsage.at_time(tx, guild_id, self.default, at)
            if row is None:
                return Receipt(0, limit_usage.guild())
            tightest = min(_told_to_member(limit_usage, row), key=lambda usage: usage.left_credits)
            return Receipt(row["counted_credits"], tightest, row["over_limit_credits"] or 0)

        return await self._database.run(unit)
