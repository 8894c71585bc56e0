"""Reservations, limits, balances: every credit of every guild.

The functions that take a transaction are the verbs; `Store` calls them inside the transaction that moves a
job, so that a job and its credits can never disagree. `Ledger` answers questions and records limits.

Owns the tables reservations and limits.
Never imports anything of ours but clock, database, errors, jobs, periods.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot import periods
from bot.clock import now_ms
from bot.errors import LimitReached
from bot.jobs import Receipt, Usage

if TYPE_CHECKING:
    from bot.database import Database

GUILD_RULE: Final = "guild"

Transaction = sqlite3.Connection
"""What a unit of `Database.run` is given; nothing outside of the SQL modules looks inside."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a guild may spend in one period; `set_by` is None for the default that nobody has changed."""

    credits: int
    period: str
    set_by: int | None = None
    set_at: int | None = None


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit before and after an admin's change, and how far the new one is used already."""

    before: Limit
    after: Limit
    usage: Usage


def reserve(
    transaction: Transaction,
    *,
    job_id: str,
    guild_id: int,
    user_id: int,
    cost_credits: int,
    default: Limit,
    at: int,
) -> None:
    """Set credits aside for a job, if every rule that binds has room; one statement decides and writes.

    Raises:
        LimitReached: there is no room; nothing was written.
    """
    limit = newest_limit(transaction, guild_id, default)
    start, _ = periods.bounds(limit.period, at)
    granted = transaction.execute(
        """
        INSERT INTO reservations
            (job_id, guild_id, user_id, state, reserved_credits, counted_credits, created_at)
        SELECT :job_id, :guild_id, :user_id, 'held', :cost, :cost, :at
        WHERE :cost + (
            SELECT coalesce(sum(counted_credits), 0) FROM reservations
            WHERE guild_id = :guild_id AND created_at >= :start
        ) <= :limit
        RETURNING job_id
        """,
        {
            "job_id": job_id,
            "guild_id": guild_id,
            "user_id": user_id,
            "cost": cost_credits,
            "at": at,
            "start": start,
            "limit": limit.credits,
        },
    ).fetchone()
    if granted is None:
        raise LimitReached(usage_of(transaction, guild_id, limit, at), cost_credits)


def correct(transaction: Transaction, *, job_id: str, reserved_credits: int) -> None:
    """Set a held reservation to what Rivya says it reserved."""
    transaction.execute(
        "UPDATE reservations SET reserved_credits = ?, counted_credits = ?"
        " WHERE job_id = ? AND state = 'held'",
        (reserved_credits, reserved_credits, job_id),
    )


def settle(transaction: Transaction, *, job_id: str, final_credits: int | None, at: int) -> None:
    """Book what was charged; None books what was reserved. A closed reservation stays as it is."""
    transaction.execute(
        "UPDATE reservations SET state = 'settled', final_credits = coalesce(?, reserved_credits),"
        " counted_credits = coalesce(?, reserved_credits), closed_at = ?"
        " WHERE job_id = ? AND state = 'held'",
        (final_credits, final_credits, at, job_id),
    )


def release(transaction: Transaction, *, job_id: str, at: int) -> None:
    """Give the credits back; only on proof that Rivya will not charge. What is closed stays as it is."""
    transaction.execute(
        "UPDATE reservations SET state = 'released', final_credits = 0, counted_credits = 0, closed_at = ?"
        " WHERE job_id = ? AND state = 'held'",
        (at, job_id),
    )


def keep_held(transaction: Transaction, *, job_id: str, note: str) -> None:
    """Say for the operator why a reservation stays held although its job is over."""
    transaction.execute(
        "UPDATE reservations SET note = ? WHERE job_id = ? AND state = 'held'", (note, job_id)
    )


def newest_limit(transaction: Transaction, guild_id: int, default: Limit) -> Limit:
    """The guild's limit that rules now."""
    row = transaction.execute(
        "SELECT credits, period, set_by, set_at FROM limits WHERE guild_id = ? AND rule = ?"
        " ORDER BY limit_id DESC LIMIT 1",
        (guild_id, GUILD_RULE),
    ).fetchone()
    return default if row is None else Limit(row["credits"], row["period"], row["set_by"], row["set_at"])


def usage_of(transaction: Transaction, guild_id: int, limit: Limit, at: int) -> Usage:
    """How far the guild's limit is used in the period that holds the moment `at`."""
    start, end = periods.bounds(limit.period, at)
    row = transaction.execute(
        """
        SELECT coalesce(sum(CASE state WHEN 'settled' THEN counted_credits END), 0) AS spent,
               coalesce(sum(CASE state WHEN 'held' THEN counted_credits END), 0) AS held
        FROM reservations WHERE guild_id = ? AND created_at >= ?
        """,
        (guild_id, start),
    ).fetchone()
    return Usage(
        rule=GUILD_RULE,
        limit_credits=limit.credits,
        spent_credits=row["spent"],
        held_credits=row["held"],
        period=limit.period,
        resets_at=end,
    )


class Ledger:
    """The questions about money, and the one thing an admin may change; `default` binds where none did."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self.default = default

    async def usage(self, guild_id: int) -> Usage:
        """How far the guild's limit is used now."""
        at = now_ms()
        return await self._database.run(
            lambda tx: usage_of(tx, guild_id, newest_limit(tx, guild_id, self.default), at)
        )

    async def member_used(self, guild_id: int, user_id: int) -> int:
        """Credits this member has spent or held in the current period of the guild's limit."""
        at = now_ms()

        def unit(tx: Transaction) -> int:
            start, _ = periods.bounds(newest_limit(tx, guild_id, self.default).period, at)
            row = tx.execute(
                "SELECT coalesce(sum(counted_credits), 0) FROM reservations"
                " WHERE guild_id = ? AND created_at >= ? AND user_id = ?",
                (guild_id, start, user_id),
            ).fetchone()
            return int(row[0])

        return await self._database.run(unit)

    async def receipt(self, job_id: str, guild_id: int) -> Receipt:
        """What a job was charged (0 unless settled), and how the guild's limit stands now."""
        at = now_ms()

        def unit(tx: Transaction) -> Receipt:
            row = tx.execute(
                "SELECT counted_credits FROM reservations WHERE job_id = ? AND state = 'settled'", (job_id,)
            ).fetchone()
            limit = newest_limit(tx, guild_id, self.default)
            return Receipt(0 if row is None else row[0], usage_of(tx, guild_id, limit, at))

        return await self._database.run(unit)

    async def guild_limit(self, guild_id: int) -> Limit:
        """The limit that rules now."""
        return await self._database.run(lambda tx: newest_limit(tx, guild_id, self.default))

    async def set_guild_limit(self, guild_id: int, *, credits: int, period: str, set_by: int) -> LimitChange:  # noqa: A002  # the field's word
        """Append a new limit; it may be below what is used already, which `usage` then shows.

        Raises:
            ValueError: the period is none of `periods.PERIODS`, or the credits are negative.
        """
        if credits < 0 or period not in periods.PERIODS:
            raise ValueError(f"no such limit: {credits} credits a {period}")
        at = now_ms()

        def unit(tx: Transaction) -> LimitChange:
            before = newest_limit(tx, guild_id, self.default)
            tx.execute(
                "INSERT INTO limits (guild_id, rule, credits, period, set_by, set_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (guild_id, GUILD_RULE, credits, period, set_by, at),
            )
            after = newest_limit(tx, guild_id, self.default)
            return LimitChange(before, after, usage_of(tx, guild_id, after, at))

        return await self._database.run(unit)
