"""Members who asked to be forgotten: what can go goes at once, the rest when it is due.

A wish covers what was there when it was made. It stays written down until nothing of that is left: an
unfinished job, an amount that a limit still counts, a grant or a limit of the member's that is in force.
Decisions that somebody made for a server keep their name: who changed a limit is for the server to know.

Owns the table erasures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.privacy.anonymization import (
    BATCH,
    anonymize_blocks,
    anonymize_jobs,
    anonymize_member_limits,
    anonymize_reservations,
    anonymize_spent_grants,
    guilds_of,
)

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


class ErasureRequests:
    """The wishes to be forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user_id: int) -> int:
        """Write the wish down and do what can be done now; returns how many requests were forgotten.

        The wish and the first batch of requests are one transaction. A process that dies after it leaves the
        rest to `Maintenance`.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> int:
            tx.execute(
                "INSERT INTO erasures (user_id, asked_at) VALUES (?, ?)"
                " ON CONFLICT (user_id) DO UPDATE SET asked_at = excluded.asked_at",
                (user_id, at),
            )
            tx.execute("DELETE FROM drafts WHERE user_id = ? AND drafted_at <= ?", (user_id, at))
            tx.execute("DELETE FROM member_defaults WHERE user_id = ? AND set_at <= ?", (user_id, at))
            return _forget_requests(tx, user_id, at)

        erased = await self._database.run(unit)
        erased += await self._forget_rest(user_id, at)
        await self._release_names(user_id, asked_at=at, at=at)
        return erased

    async def process_due(self, at: int) -> int:
        """Do what has become due of every wish; returns how many rows that were."""

        def unit(tx: sqlite3.Connection) -> list[tuple[int, int]]:
            rows = tx.execute("SELECT user_id, asked_at FROM erasures ORDER BY asked_at, user_id")
            return [(row["user_id"], row["asked_at"]) for row in rows]

        done = 0
        for user_id, asked_at in await self._database.run(unit):
            done += await self._forget_rest(user_id, asked_at)
            done += await self._release_names(user_id, asked_at=asked_at, at=at)
        return done

    async def _forget_rest(self, user_id: int, asked_at: int) -> int:
        return await self._database.run_in_batches(lambda tx: _forget_requests(tx, user_id, asked_at))

    async def _release_names(self, user_id: int, *, asked_at: int, at: int) -> int:
        """Take the name from what nobody counts any more; once nothing is left, the wish is done."""
        freed = await self._database.run_in_batches(
            lambda tx: _free_amounts(tx, user_id, asked_at=asked_at, at=at)
        )

        def unit(tx: sqlite3.Connection) -> None:
            _hide_decisions(tx, user_id, asked_at=asked_at, at=at)
            if not _is_left(tx, user_id, asked_at):
                tx.execute("DELETE FROM erasures WHERE user_id = ? AND asked_at = ?", (user_id, asked_at))

        await self._database.run(unit)
        return freed


def _forget_requests(transaction: sqlite3.Connection, user_id: int, asked_at: int) -> int:
    """One batch, of one guild."""
    for guild_id in guilds_of(transaction, user_id):
        rows = transaction.execute(
            "SELECT job_id FROM jobs WHERE guild_id = ? AND user_id = ? AND accepted_at <= ?"
            " AND finished_at IS NOT NULL LIMIT ?",
            (guild_id, user_id, asked_at, BATCH),
        ).fetchall()
        if rows:
            anonymize_jobs(transaction, [row["job_id"] for row in rows], names=True)
            return len(rows)
    return 0


def _free_amounts(transaction: sqlite3.Connection, user_id: int, *, asked_at: int, at: int) -> int:
    """One batch, of one guild."""
    for guild_id in guilds_of(transaction, user_id):
        if freed := anonymize_reservations(transaction, guild_id, user_id, until=asked_at, at=at):
            return freed
    return 0


def _hide_decisions(transaction: sqlite3.Connection, user_id: int, *, asked_at: int, at: int) -> None:
    """Take the name from what was decided about a member and rules no more, refunds of late included."""
    rows = transaction.execute(
        "SELECT DISTINCT guild_id FROM limits WHERE rule = 'member' AND subject_id = ?", (user_id,)
    ).fetchall()
    for row in rows:
        anonymize_member_limits(transaction, row["guild_id"], user_id)
    anonymize_spent_grants(transaction, user_id, until=asked_at, at=at)
    anonymize_blocks(transaction, user_id, until=asked_at, at=at)
    transaction.execute(
        "UPDATE refunds SET user_id = 0, reason = '' WHERE user_id = ?"
        " AND job_id IN (SELECT job_id FROM jobs WHERE user_id = 0)",
        (user_id,),
    )


def _is_left(transaction: sqlite3.Connection, user_id: int, asked_at: int) -> bool:
    """Whether anything from before the wish still carries the name."""
    who = {"user_id": user_id, "asked_at": asked_at}
    decided = transaction.execute(
        """
        SELECT EXISTS (SELECT 1 FROM grants WHERE user_id = :user_id AND granted_at <= :asked_at)
            OR EXISTS (SELECT 1 FROM limits
                       WHERE rule = 'member' AND subject_id = :user_id AND set_at <= :asked_at)
            OR EXISTS (SELECT 1 FROM access_rules
                       WHERE kind = 'member' AND subject = :subject AND set_at <= :asked_at)
        """,
        {**who, "subject": str(user_id)},
    ).fetchone()
    return bool(decided[0]) or any(
        transaction.execute(
            """
            SELECT EXISTS (SELECT 1 FROM jobs WHERE guild_id = :guild_id AND user_id = :user_id
                           AND accepted_at <= :asked_at)
                OR EXISTS (SELECT 1 FROM reservations WHERE guild_id = :guild_id AND user_id = :user_id
                           AND created_at <= :asked_at)
            """,
            {**who, "guild_id": guild_id},
        ).fetchone()[0]
        for guild_id in guilds_of(transaction, user_id)
    )
