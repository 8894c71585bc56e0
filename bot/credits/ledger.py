"""Reservations: every credit of every guild, set aside, then settled or released, once.

The functions that take a transaction are the verbs; `JobStore` calls them inside the transaction that moves a
job, so that a job and its credits can never disagree. `Ledger` answers questions.

Owns the table reservations.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.credits import alerts, grants, totals
from bot.credits.usage import LimitUsage
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded
from bot.domain.limits import LimitScope, Receipt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.limits import Limit, MemberLimits, Usage
    from bot.storage.database import Database

Transaction = sqlite3.Connection
"""What a unit of `Database.run` is given; nothing outside of the SQL modules looks inside."""


def reserve(
    transaction: Transaction,
    *,
    job_id: str,
    guild_id: int,
    user_id: int,
    cost_credits: int,
    default: Limit,
    at: int,
    role_ids: Iterable[int] = (),
) -> None:
    """Set credits aside for a job, if every rule that binds has room for them.

    Units of work follow each other, so nobody else can spend between the question and the answer.

    Raises:
        LimitExceeded: there is no room; nothing was written.
    """
    limit_usage = LimitUsage.at_time(transaction, guild_id, default, at, apart=False)
    member_limits = require_capacity(limit_usage, user_id, role_ids, cost_credits)
    from_guild = _from_grants(member_limits.guild, cost_credits)
    from_member = _from_grants(member_limits.personal, cost_credits) if member_limits.personal else 0
    transaction.execute(
        "INSERT INTO reservations (job_id, guild_id, user_id, state, reserved_credits, counted_credits,"
        " guild_credits, member_credits, personal_limit_id, created_at)"
        " VALUES (:job_id, :guild_id, :user_id, 'held', :cost, :cost, :guild, :member, :limit_id, :at)",
        {
            "job_id": job_id,
            "guild_id": guild_id,
            "user_id": user_id,
            "cost": cost_credits,
            "guild": cost_credits - from_guild,
            "member": cost_credits - from_member,
            "limit_id": None if member_limits.personal is None else member_limits.personal.limit_id,
            "at": at,
        },
    )
    for whose, part in ((grants.WHOLE_GUILD, from_guild), (user_id, from_member)):
        if part:
            grants.spend(transaction, job_id=job_id, guild_id=guild_id, user_id=whose, credits=part, at=at)
    totals.record(transaction, guild_id, at, counted=cost_credits, guild=cost_credits - from_guild)
    _raise_alerts(transaction, guild_id, member_limits.guild, cost_credits, from_guild, at)


def require_capacity(
    limit_usage: LimitUsage, user_id: int, role_ids: Iterable[int], cost_credits: int
) -> MemberLimits:
    """Return how far the limits that bind a member are used, if all of them have room.

    Raises:
        LimitExceeded: one has no room; of several the one with the least left.
    """
    member_limits = limit_usage.member_limits(user_id, role_ids)
    if _refusing(member_limits, cost_credits):
        # Only who is refused is told what of it is held.
        refusing = _refusing(
            replace(limit_usage, split_held=True).member_limits(user_id, role_ids), cost_credits
        )
        raise LimitExceeded(min(refusing, key=lambda usage: usage.left_credits), cost_credits)
    return member_limits


def _raise_alerts(
    transaction: Transaction, guild_id: int, before: Usage, cost_credits: int, granted_credits: int, at: int
) -> None:
    """Raise what the guild's limit has come to with a reservation, of which grants pay a part."""
    if 2 * (before.used_credits + cost_credits) < before.limit_credits:
        return  # no mark comes before the half
    after = replace(
        before,
        held_credits=before.held_credits + cost_credits - granted_credits,
        granted_credits=before.granted_credits - granted_credits,
    )
    alerts.raise_reached(transaction, guild_id, after, cost_credits, at)


def _refusing(member_limits: MemberLimits, cost_credits: int) -> list[Usage]:
    """The rules without room, the closest to the member first."""
    return [usage for usage in reversed(member_limits.binding) if usage.left_credits < cost_credits]


def _from_grants(usage: Usage, cost_credits: int) -> int:
    """What grants have to pay, since the limit itself has no room for it."""
    return max(0, cost_credits - max(0, usage.limit_credits - usage.used_credits))


def adjust_reserved(transaction: Transaction, *, job_id: str, reserved_credits: int) -> None:
    """Set a held reservation to what Rivya says it reserved."""
    if (row := _held(transaction, job_id)) is not None:
        _write(transaction, row, state="held", reserved=reserved_credits, final=None, closed_at=None)


def settle(transaction: Transaction, *, job_id: str, final_credits: int | None, at: int) -> int:
    """Book what was charged; None books what was reserved. A closed reservation stays as it is.

    Returns the credits that were booked, 0 if the reservation was closed.
    """
    if (row := _held(transaction, job_id)) is None:
        return 0
    reserved: int = row["reserved_credits"]
    final = reserved if final_credits is None else final_credits
    _write(transaction, row, state="settled", reserved=reserved, final=final, closed_at=at)
    return final


def release(transaction: Transaction, *, job_id: str, at: int) -> None:
    """Give the credits back; only on proof that Rivya will not charge. What is closed stays as it is."""
    if (row := _held(transaction, job_id)) is not None:
        _write(transaction, row, state="released", reserved=row["reserved_credits"], final=0, closed_at=at)


def override(transaction: Transaction, *, job_id: str, state: str, final_credits: int, at: int) -> None:
    """Set a reservation, closed or not, to what Rivya is proven to have charged; for the operator alone."""
    row = _any(transaction, job_id)
    _write(
        transaction,
        row,
        state=state,
        reserved=row["reserved_credits"],
        final=final_credits,
        closed_at=row["closed_at"] or at,
    )


def apply_refund(transaction: Transaction, *, job_id: str) -> None:
    """Take a refunded job out of the limits of its guild and member. What Rivya charged stays booked."""
    row = _any(transaction, job_id)
    _write(
        transaction,
        row,
        state=row["state"],
        reserved=row["reserved_credits"],
        final=row["final_credits"],
        closed_at=row["closed_at"],
    )


def annotate_held(transaction: Transaction, *, job_id: str, note: str) -> None:
    """Say for the operator why a reservation stays held although its job is over."""
    transaction.execute(
        "UPDATE reservations SET note = ? WHERE job_id = ? AND state = 'held'", (note, job_id)
    )


def _any(transaction: Transaction, job_id: str) -> sqlite3.Row:
    row: sqlite3.Row = transaction.execute(
        "SELECT * FROM reservations WHERE job_id = ?", (job_id,)
    ).fetchone()
    return row


def _held(transaction: Transaction, job_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = transaction.execute(
        "SELECT * FROM reservations WHERE job_id = ? AND state = 'held'", (job_id,)
    ).fetchone()
    return row


def _write(
    transaction: Transaction,
    row: sqlite3.Row,
    *,
    state: str,
    reserved: int,
    final: int | None,
    closed_at: int | None,
) -> None:
    """Change a reservation, and with it whatever counts it: grants and running sums."""
    job_id, counted = row["job_id"], reserved if final is None else final
    refunded = grants.is_refunded(transaction, job_id)
    guild, member = (
        0 if refunded else counted - _still_drawn(transaction, row, counted, personal=personal)
        for personal in (False, True)
    )
    if refunded:
        for personal in (False, True):
            grants.restore(transaction, job_id=job_id, personal=personal, credits=None)
    transaction.execute(
        "UPDATE reservations SET state = ?, reserved_credits = ?, final_credits = ?, counted_credits = ?,"
        " guild_credits = ?, member_credits = ?, closed_at = ? WHERE job_id = ?",
        (state, reserved, final, counted, guild, member, closed_at, job_id),
    )
    totals.adjust(
        transaction,
        row["guild_id"],
        row["created_at"],
        counted=counted - row["counted_credits"],
        guild=guild - row["guild_credits"],
    )


def _still_drawn(transaction: Transaction, row: sqlite3.Row, counted: int, *, personal: bool) -> int:
    """What grants still pay once a job costs `counted`. The limit's own part is used up first, as it was."""
    drawn = grants.spent(transaction, row["job_id"], personal=personal)
    own: int = row["member_credits" if personal else "guild_credits"]
    needed = max(0, min(drawn, counted - own))
    if drawn > needed:
        grants.restore(transaction, job_id=row["job_id"], personal=personal, credits=drawn - needed)
    return needed


class Ledger:
    """The questions about money; `default` binds the guilds whose admins have set nothing."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self.default = default

    async def usage(self, guild_id: int) -> Usage:
        """How far the guild's own limit is used now."""
        at = now_ms()
        return await self._database.run(lambda tx: LimitUsage.at_time(tx, guild_id, self.default, at).guild())

    async def member_limits(self, guild_id: int, user_id: int, role_ids: Iterable[int]) -> MemberLimits:
        """Every rule that speaks of this member, and how far each is used now."""
        at, roles = now_ms(), tuple(role_ids)
        return await self._database.run(
            lambda tx: LimitUsage.at_time(tx, guild_id, self.default, at).member_limits(user_id, roles)
        )

    async def member_used(self, guild_id: int, user_id: int) -> int:
        """Credits this member has spent or held in the current period of the guild's limit.

        Whoever paid, the limit or a grant; a refunded picture cost nothing.
        """
        at = now_ms()
        return await self._database.run(
            lambda tx: LimitUsage.at_time(tx, guild_id, self.default, at).member_spend(user_id)
        )

    async def held_credits(self) -> int:
        """Credits set aside over all guilds, and not closed yet."""

        def unit(tx: Transaction) -> int:
            row = tx.execute(
                # Left to choose, SQLite goes through the whole of another index.
                "SELECT coalesce(sum(counted_credits), 0) FROM reservations INDEXED BY reservations_held"
                " WHERE state = 'held'"
            ).fetchone()
            return int(row[0])

        return await self._database.run(unit)

    async def receipt(self, job_id: str, guild_id: int) -> Receipt:
        """What a job was charged (0 unless settled), and how the limit that leaves least stands now.

        That is the guild's, the operator's for this guild alone, or the member's own rule that counted when
        the job was accepted.
        """
        at = now_ms()

        def unit(tx: Transaction) -> Receipt:
            row = tx.execute(
                "SELECT user_id, counted_credits, personal_limit_id FROM reservations"
                " WHERE job_id = ? AND state = 'settled'",
                (job_id,),
            ).fetchone()
            limit_usage = LimitUsage.at_time(tx, guild_id, self.default, at)
            guild = limit_usage.guild()
            if row is None:
                return Receipt(0, guild)
            mine = limit_usage.current_usage(row["user_id"], row["personal_limit_id"]) or guild
            # Not the ceiling over all guilds, which tells what the others spend.
            operators = [usage for usage in limit_usage.ceilings() if usage.scope == LimitScope.CEILING]
            tightest = min((guild, mine, *operators), key=lambda usage: usage.left_credits)
            return Receipt(row["counted_credits"], tightest)

        return await self._database.run(unit)
