"""Servers that the bot has left: after a grace period their members' data and their settings are erased.

A server that comes back within the grace period loses nothing. After it the server starts afresh: its limits
and grants have ended, its settings are deleted, and so is whether the operator admitted it. The ledger stays
without members' ids, and the operator's ceilings stay in force.

Owns the table departures.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS, now_ms
from bot.privacy.anonymization import (
    BATCH,
    FINISHED,
    GUILDS,
    anonymize_jobs,
    anonymize_member_limits,
    end_late_jobs,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from bot.storage.database import Database


_DELETED_WITH_GUILD: Final = (
    "drafts",
    "setup_forms",
    "guild_settings",
    "access_rules",
    "presets",
    "admissions",
    "greetings",
)


class GuildDepartures:
    """Records which servers the bot has left, and erases their data `grace_days` later."""

    def __init__(self, database: Database, grace_days: int) -> None:
        self._database = database
        self._grace_ms = grace_days * DAY_MS

    async def left(self, guild_id: int) -> None:
        """Record that the bot was removed from a server; a departure that is recorded already keeps its date.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()
        await self._database.run(lambda tx: _record(tx, guild_id, at))

    async def joined(self, guild_id: int) -> None:
        """Delete the departure of a server that the bot is in, if one is recorded.

        Raises:
            OperatorError: `database`.
        """
        await self._database.run(lambda tx: _cancel_departure(tx, guild_id))

    async def present(self, guild_ids: Iterable[int]) -> None:
        """Bring the departures up to date with the servers the bot is in, after a time without connection.

        Raises:
            OperatorError: `database`.
        """
        present, at = frozenset(guild_ids), now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            for guild_id in _guilds_with_data(tx) - present:
                _record(tx, guild_id, at)
            for row in tx.execute("SELECT guild_id FROM departures").fetchall():
                if row["guild_id"] in present:
                    _cancel_departure(tx, row["guild_id"])

        await self._database.run(unit)

    async def process_due(self, at: int) -> int:
        """Erase every server whose grace period is over; returns how many jobs and reservations that were.

        `at` is now, in epoch milliseconds.

        Raises:
            OperatorError: `database`; what was committed by then stays.
        """
        latest = at - self._grace_ms
        guild_ids = await self._database.run(
            lambda tx: [
                int(row["guild_id"])
                for row in tx.execute("SELECT guild_id FROM departures WHERE left_at <= ?", (latest,))
            ]
        )
        return sum(
            [
                await self._database.run_in_batches(
                    partial(_erase_batch, guild_id=guild_id, latest=latest, at=at)
                )
                for guild_id in guild_ids
            ]
        )


def _record(transaction: sqlite3.Connection, guild_id: int, at: int) -> None:
    transaction.execute(
        "INSERT INTO departures (guild_id, left_at) VALUES (?, ?) ON CONFLICT (guild_id) DO NOTHING",
        (guild_id, at),
    )


def _cancel_departure(transaction: sqlite3.Connection, guild_id: int) -> None:
    transaction.execute("DELETE FROM departures WHERE guild_id = ?", (guild_id,))


def _guilds_with_data(transaction: sqlite3.Connection) -> frozenset[int]:
    """Return every server of which something would be erased."""
    rows = transaction.execute(
        f"""{GUILDS}
        SELECT guild_id FROM guilds
        WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.guild_id = guilds.guild_id AND user_id > 0)
        UNION SELECT guild_id FROM guild_settings
        UNION SELECT guild_id FROM access_rules
        UNION SELECT guild_id FROM presets
        UNION SELECT guild_id FROM admissions
        UNION SELECT guild_id FROM greetings
        UNION SELECT guild_id FROM limits WHERE set_by <> 0 AND rule NOT IN ('ceiling', 'ceiling_all')
        UNION SELECT guild_id FROM grants WHERE granted_by <> 0
        """  # noqa: S608  # our own text
    )
    return frozenset(int(row["guild_id"]) for row in rows)


def _erase_batch(transaction: sqlite3.Connection, guild_id: int, latest: int, at: int) -> int:
    """Anonymise one batch of jobs or reservations of a server; returns how many.

    If none are left, reset the server's settings, delete the departure and return 0. Unfinished jobs keep the
    departure open, unless they are late.
    """
    departure = transaction.execute(
        "SELECT 1 FROM departures WHERE guild_id = ? AND left_at <= ?", (guild_id, latest)
    ).fetchone()
    if departure is None:  # the server came back meanwhile
        return 0
    end_late_jobs(transaction, guild_id, None, until=at, at=at)
    if changed := _anonymize_jobs(transaction, guild_id) or _anonymize_reservations(transaction, guild_id):
        return changed
    _reset_guild(transaction, guild_id, at)
    if not transaction.execute(
        "SELECT 1 FROM jobs WHERE guild_id = ? AND user_id > 0 LIMIT 1",
        (guild_id,),
    ).fetchone():
        _cancel_departure(transaction, guild_id)
    return 0


def _anonymize_jobs(transaction: sqlite3.Connection, guild_id: int) -> int:
    rows = transaction.execute(
        f"SELECT job_id FROM jobs WHERE guild_id = ? AND user_id > 0 AND {FINISHED} LIMIT ?",  # noqa: S608  # our own text
        (guild_id, BATCH),
    ).fetchall()
    anonymize_jobs(transaction, [row["job_id"] for row in rows], names=True)
    return len(rows)


def _anonymize_reservations(transaction: sqlite3.Connection, guild_id: int) -> int:
    """Anonymise reservations whether or not a limit counts them: the limits of this server end, too."""
    return transaction.execute(
        "UPDATE reservations SET user_id = 0 WHERE job_id IN ("
        " SELECT r.job_id FROM reservations r JOIN jobs j USING (job_id)"
        " WHERE r.guild_id = ? AND r.user_id > 0 AND j.user_id = 0 LIMIT ?)",
        (guild_id, BATCH),
    ).rowcount


def _reset_guild(transaction: sqlite3.Connection, guild_id: int, at: int) -> None:
    """Delete the server's settings, end its limits and grants, and remove the ids of admins and members."""
    for table in _DELETED_WITH_GUILD:
        transaction.execute(f"DELETE FROM {table} WHERE guild_id = ?", (guild_id,))  # noqa: S608  # our own names
    transaction.execute(
        "INSERT INTO limits (guild_id, rule, subject_id, effect, set_by, set_at)"
        " SELECT guild_id, rule, subject_id, 'removed', 0, ? FROM limits WHERE effect <> 'removed'"
        " AND limit_id IN (SELECT max(limit_id) FROM limits WHERE guild_id = ?"
        " AND rule NOT IN ('ceiling', 'ceiling_all') GROUP BY rule, subject_id)",
        (at, guild_id),
    )
    rows = transaction.execute(
        "SELECT DISTINCT subject_id FROM limits WHERE guild_id = ? AND rule = 'member' AND subject_id > 0",
        (guild_id,),
    ).fetchall()
    for row in rows:
        anonymize_member_limits(transaction, guild_id, row["subject_id"])
    transaction.execute(
        "UPDATE limits SET set_by = 0, reason = '' WHERE guild_id = ?"
        " AND rule NOT IN ('ceiling', 'ceiling_all')",
        (guild_id,),
    )
    transaction.execute(
        "UPDATE grants SET user_id = CASE WHEN user_id > 0 THEN -grant_id ELSE user_id END, reason = '',"
        " revoke_reason = NULL,"
        " granted_by = 0, revoked_at = coalesce(revoked_at, ?),"
        " revoked_by = 0 WHERE guild_id = ? AND granted_by <> 0",
        (at, guild_id),
    )
    transaction.execute(
        "UPDATE refunds SET user_id = 0, refunded_by = 0, reason = '' WHERE guild_id = ?",
        (guild_id,),
    )
