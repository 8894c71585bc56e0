"""Servers that the bot has left: after a grace their people are forgotten and their settings are gone.

Back within the grace, everything is as it was. After it a server begins anew: its own limits and grants have
ended, its settings are deleted. What the books need stays without names, and what the operator has set for it
stays as it is.

Owns the table departures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import DAY_MS, now_ms
from bot.privacy.anonymization import BATCH, GUILDS, anonymize_jobs, anonymize_member_limits

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from bot.storage.database import Database


class GuildDepartures:
    """Who has left, and when. `grace_days` is how long everything stays as it was."""

    def __init__(self, database: Database, grace_days: int) -> None:
        self._database = database
        self._grace_ms = grace_days * DAY_MS

    async def left(self, guild_id: int) -> None:
        """The bot was removed from a server; the grace begins."""
        at = now_ms()
        await self._database.run(lambda tx: _note(tx, guild_id, at))

    async def joined(self, guild_id: int) -> None:
        """The bot is in a server, perhaps again."""
        await self._database.run(lambda tx: _cancel_departure(tx, guild_id))

    async def present(self, guild_ids: Iterable[int]) -> None:
        """These are all the servers the bot is in: it may have been removed or invited while it was down."""
        here, at = frozenset(guild_ids), now_ms()

        def unit(tx: sqlite3.Connection) -> None:
            for guild_id in _known(tx) - here:
                _note(tx, guild_id, at)
            for row in tx.execute("SELECT guild_id FROM departures").fetchall():
                if row["guild_id"] in here:
                    _cancel_departure(tx, row["guild_id"])

        await self._database.run(unit)

    async def process_due(self, at: int) -> int:
        """Forget the people of every server whose grace is over; returns how many rows that were."""
        latest = at - self._grace_ms
        left = await self._database.run(
            lambda tx: [
                int(row["guild_id"])
                for row in tx.execute("SELECT guild_id FROM departures WHERE left_at <= ?", (latest,))
            ]
        )
        return sum([await self._forget(guild_id, latest, at) for guild_id in left])

    async def _forget(self, guild_id: int, latest: int, at: int) -> int:
        return await self._database.run_in_batches(lambda tx: _forget_some(tx, guild_id, latest, at))


def _note(transaction: sqlite3.Connection, guild_id: int, at: int) -> None:
    transaction.execute(
        "INSERT INTO departures (guild_id, left_at) VALUES (?, ?) ON CONFLICT (guild_id) DO NOTHING",
        (guild_id, at),
    )


def _cancel_departure(transaction: sqlite3.Connection, guild_id: int) -> None:
    transaction.execute("DELETE FROM departures WHERE guild_id = ?", (guild_id,))


def _known(transaction: sqlite3.Connection) -> frozenset[int]:
    """Every server of which something would be forgotten."""
    rows = transaction.execute(
        f"""{GUILDS}
        SELECT guild_id FROM guilds
        WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.guild_id = guilds.guild_id AND user_id > 0)
        UNION SELECT guild_id FROM guild_settings
        UNION SELECT guild_id FROM access_rules
        UNION SELECT guild_id FROM presets
        UNION SELECT guild_id FROM limits WHERE set_by <> 0 AND rule NOT IN ('ceiling', 'ceiling_all')
        UNION SELECT guild_id FROM grants WHERE granted_by <> 0
        """  # noqa: S608  # our own text
    )
    return frozenset(int(row["guild_id"]) for row in rows)


def _forget_some(transaction: sqlite3.Connection, guild_id: int, latest: int, at: int) -> int:
    """Forget one batch of a server that is still gone; with the last batch goes the rest, and the departure.

    Unfinished jobs keep the departure open.
    """
    gone = transaction.execute(
        "SELECT 1 FROM departures WHERE guild_id = ? AND left_at <= ?", (guild_id, latest)
    ).fetchone()
    if gone is None:  # it came back meanwhile
        return 0
    if changed := _forget_requests(transaction, guild_id) or _free_amounts(transaction, guild_id):
        return changed
    _reset_guild(transaction, guild_id, at)
    if not transaction.execute(
        "SELECT 1 FROM jobs WHERE guild_id = ? AND user_id > 0 LIMIT 1",
        (guild_id,),
    ).fetchone():
        _cancel_departure(transaction, guild_id)
    return 0


def _forget_requests(transaction: sqlite3.Connection, guild_id: int) -> int:
    rows = transaction.execute(
        "SELECT job_id FROM jobs WHERE guild_id = ? AND user_id > 0 AND finished_at IS NOT NULL LIMIT ?",
        (guild_id, BATCH),
    ).fetchall()
    anonymize_jobs(transaction, [row["job_id"] for row in rows], names=True)
    return len(rows)


def _free_amounts(transaction: sqlite3.Connection, guild_id: int) -> int:
    """Take the names that earlier wishes have left on amounts; the limits that counted them end, too."""
    rows = transaction.execute(
        "UPDATE reservations SET user_id = 0 WHERE job_id IN ("
        " SELECT r.job_id FROM reservations r JOIN jobs j USING (job_id)"
        " WHERE r.guild_id = ? AND r.user_id > 0 AND j.user_id = 0 LIMIT ?) RETURNING job_id",
        (guild_id, BATCH),
    ).fetchall()
    return len(rows)


def _reset_guild(transaction: sqlite3.Connection, guild_id: int, at: int) -> None:
    """End what admins have set and given, and take the names from the record of it."""
    for table in ("drafts", "guild_settings", "access_rules", "presets"):
        transaction.execute(f"DELETE FROM {table} WHERE guild_id = ?", (guild_id,))  # noqa: S608  # our own names
    transaction.execute(
        "INSERT INTO limits (guild_id, rule, subject_id, effect, set_by, set_at)"
        " SELECT guild_id, rule, subject_id, 'removed', 0, ? FROM limits WHERE effect <> 'removed'"
        " AND limit_id IN (SELECT max(limit_id) FROM limits WHERE guild_id = ?"
        " AND rule NOT IN ('ceiling', 'ceiling_all') GROUP BY rule, subject_id)",
        (at, guild_id),
    )
    members = transaction.execute(
        "SELECT DISTINCT subject_id FROM limits WHERE guild_id = ? AND rule = 'member' AND subject_id > 0",
        (guild_id,),
    ).fetchall()
    for row in members:
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
