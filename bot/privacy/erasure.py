"""Erase a member's data: most of it immediately, the rest when no rule needs it.

A request covers what existed when it was made. Its row stays until none of that carries the member's id any
more: unfinished jobs (late ones are ended at once), reservations that a limit still counts, grants, limits
and blocks in force. Once a member's limit or block has ended, its later rows are anonymised too.

Ids of people as deciders (who set a limit) are kept; the server needs them.

Owns the table erasures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.privacy.anonymization import (
    BATCH,
    FINISHED,
    anonymize_blocks,
    anonymize_jobs,
    anonymize_member_limits,
    anonymize_reservations,
    anonymize_spent_grants,
    end_late_jobs,
    guilds_of,
)

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


class ErasureRequests:
    """Records erasure requests and carries them out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user_id: int) -> int:
        """Record an erasure request and do what can be done now; returns how many jobs were anonymised.

        The request and the first batch of jobs are one transaction. If the process dies after it,
        `process_due` does the rest.

        Raises:
            OperatorError: `database`; what was committed by then stays.
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
            tx.execute("DELETE FROM group_votes WHERE user_id = ? AND voted_at <= ?", (user_id, at))
            return _anonymize_jobs(tx, user_id, asked_at=at, at=at)

        erased = await self._database.run(unit)
        erased += await self._anonymize_remaining_jobs(user_id, asked_at=at, at=at)
        await self._anonymize_records(user_id, asked_at=at, at=at)
        return erased

    async def process_due(self, at: int) -> int:
        """Continue every erasure request; returns how many jobs and reservations were anonymised.

        `at` is now, in epoch milliseconds.

        Raises:
            OperatorError: `database`; what was committed by then stays.
        """

        def unit(tx: sqlite3.Connection) -> list[tuple[int, int]]:
            rows = tx.execute("SELECT user_id, asked_at FROM erasures ORDER BY asked_at, user_id")
            return [(row["user_id"], row["asked_at"]) for row in rows]

        done = 0
        for user_id, asked_at in await self._database.run(unit):
            done += await self._anonymize_remaining_jobs(user_id, asked_at=asked_at, at=at)
            done += await self._anonymize_records(user_id, asked_at=asked_at, at=at)
        return done

    async def _anonymize_remaining_jobs(self, user_id: int, *, asked_at: int, at: int) -> int:
        return await self._database.run_in_batches(
            lambda tx: _anonymize_jobs(tx, user_id, asked_at=asked_at, at=at)
        )

    async def _anonymize_records(self, user_id: int, *, asked_at: int, at: int) -> int:
        """Anonymise what is not in force any more; delete the erasure request once nothing is left.

        Returns how many reservations were anonymised.
        """
        changed = await self._database.run_in_batches(
            lambda tx: _anonymize_reservations(tx, user_id, asked_at=asked_at, at=at)
        )

        def unit(tx: sqlite3.Connection) -> None:
            _anonymize_decisions(tx, user_id, asked_at=asked_at, at=at)
            if not _has_data(tx, user_id, asked_at):
                tx.execute("DELETE FROM erasures WHERE user_id = ? AND asked_at = ?", (user_id, asked_at))

        await self._database.run(unit)
        return changed


def _anonymize_jobs(transaction: sqlite3.Connection, user_id: int, *, asked_at: int, at: int) -> int:
    """Anonymise one batch of finished jobs of one guild; returns how many, 0 if none are left."""
    for guild_id in guilds_of(transaction, user_id):
        end_late_jobs(transaction, guild_id, user_id, until=asked_at, at=at)
        rows = transaction.execute(
            f"SELECT job_id FROM jobs WHERE guild_id = ? AND user_id = ? AND accepted_at <= ? AND {FINISHED}"  # noqa: S608  # our own text
            " LIMIT ?",
            (guild_id, user_id, asked_at, BATCH),
        ).fetchall()
        if rows:
            anonymize_jobs(transaction, [row["job_id"] for row in rows], names=True)
            return len(rows)
    return 0


def _anonymize_reservations(transaction: sqlite3.Connection, user_id: int, *, asked_at: int, at: int) -> int:
    """Anonymise one batch of reservations of one guild; returns how many, 0 if none are due."""
    for guild_id in guilds_of(transaction, user_id):
        if changed := anonymize_reservations(transaction, guild_id, user_id, until=asked_at, at=at):
            return changed
    return 0


def _anonymize_decisions(transaction: sqlite3.Connection, user_id: int, *, asked_at: int, at: int) -> None:
    """Anonymise limits, grants and blocks about the member that are not in force, and refunds.

    A refund may come after its job was anonymised.
    """
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


def _has_data(transaction: sqlite3.Connection, user_id: int, asked_at: int) -> bool:
    """Return whether anything from before the erasure request still carries the member's id."""
    member = {"user_id": user_id, "subject": str(user_id), "asked_at": asked_at}
    decisions = transaction.execute(
        """
        SELECT EXISTS (SELECT 1 FROM grants WHERE user_id = :user_id AND granted_at <= :asked_at)
            OR EXISTS (SELECT 1 FROM limits
                       WHERE rule = 'member' AND subject_id = :user_id AND set_at <= :asked_at)
            OR EXISTS (SELECT 1 FROM access_rules
                       WHERE kind = 'member' AND subject = :subject AND set_at <= :asked_at) AS found
        """,
        member,
    ).fetchone()
    return bool(decisions["found"]) or any(
        transaction.execute(
            """
            SELECT EXISTS (SELECT 1 FROM jobs WHERE guild_id = :guild_id AND user_id = :user_id
                           AND accepted_at <= :asked_at)
                OR EXISTS (SELECT 1 FROM reservations WHERE guild_id = :guild_id AND user_id = :user_id
                           AND created_at <= :asked_at) AS found
            """,
            {**member, "guild_id": guild_id},
        ).fetchone()["found"]
        for guild_id in guilds_of(transaction, user_id)
    )
