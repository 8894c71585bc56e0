"""What was decided in a guild about credits and access, by whom, when and why: one stream, the newest first.

The rows of every decision are kept for ever, so a page is found again by its first or last row, whatever was
decided meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain import access
from bot.domain.limits import Limit, LimitScope
from bot.guilds.access_rules import rule_from
from bot.guilds.settings import GuildSetting

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

PAGE_ENTRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the stream, in the order of these fields."""

    at: int
    """Epoch milliseconds, UTC."""
    source: int
    """Which table; see `_STREAM`."""
    key: str
    """Which row: its number with leading zeros, or the id of a job."""


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """A limit was set, or taken away. None where there was, or is, none; for the guild's own, the default."""

    scope: LimitScope
    subject_id: int
    before: Limit | None
    after: Limit | None
    reason: str


@dataclass(frozen=True, slots=True)
class GrantIssued:
    """A grant; `user_id` is `grants.WHOLE_GUILD`, or the member."""

    user_id: int
    credits: int
    reason: str
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class GrantRevoked:
    """What was left of a grant was taken back."""

    user_id: int
    credits: int
    left_credits: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefundIssued:
    """A picture was refunded."""

    job_id: str
    user_id: int
    credits: int
    reason: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A setting of the guild; None is its default."""

    name: GuildSetting
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PauseChanged:
    """The operator let no new jobs of this guild in, or let them in again."""

    paused: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class AccessRuleChanged:
    """A rule about access was put in force, or lifted."""

    rule: access.AccessRule
    removed: bool


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision; `by` is 0 for a host's command line, or for a name that was erased."""

    cursor: Cursor
    by: int
    event: (
        LimitChanged
        | GrantIssued
        | GrantRevoked
        | RefundIssued
        | SettingChanged
        | PauseChanged
        | AccessRuleChanged
    )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A stretch of the stream, the newest first, with the ways on; None at an end."""

    entries: tuple[AuditEntry, ...]
    newer: Cursor | None
    older: Cursor | None


# By source. The zeros keep two rows of one millisecond in the order in which they were written.
_STREAM: Final = """
    SELECT set_at AS at, 1 AS source, printf('%019d', limit_id) AS key FROM limits WHERE guild_id = :guild_id
    UNION ALL
    SELECT granted_at, 2, printf('%019d', grant_id) FROM grants WHERE guild_id = :guild_id
    UNION ALL
    SELECT revoked_at, 3, printf('%019d', grant_id) FROM grants
    WHERE guild_id = :guild_id AND revoked_at IS NOT NULL
    UNION ALL
    SELECT refunded_at, 4, job_id FROM refunds WHERE guild_id = :guild_id
    UNION ALL
    SELECT set_at, 5, printf('%019d', setting_id) FROM guild_settings WHERE guild_id = :guild_id
    UNION ALL
    SELECT set_at, 6, printf('%019d', pause_id) FROM pauses WHERE guild_id = :guild_id
    UNION ALL
    SELECT set_at, 7, printf('%019d', rule_id) FROM access_rules WHERE guild_id = :guild_id
"""
_OLDER: Final = (
    f"SELECT * FROM ({_STREAM}) WHERE (at, source, key) < (:at, :source, :key)"  # noqa: S608  # our own text
    " ORDER BY at DESC, source DESC, key DESC LIMIT :rows"
)
_NEWER: Final = (
    f"SELECT * FROM ({_STREAM}) WHERE (at, source, key) > (:at, :source, :key)"  # noqa: S608  # as above
    " ORDER BY at, source, key LIMIT :rows"
)
_END_OF_TIME: Final = Cursor(2**63 - 1, 0, "")


class AuditLog:
    """Reads the stream."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def older(self, guild_id: int, than: Cursor | None = None) -> AuditPage:
        """The newest decisions of a guild, or those that were made before a mark."""

        def unit(tx: sqlite3.Connection) -> AuditPage:
            return _older(tx, guild_id, than)

        return await self._database.run(unit)

    async def newer(self, guild_id: int, than: Cursor) -> AuditPage:
        """The decisions made next after a mark; the newest page, if they no longer fill one."""

        def unit(tx: sqlite3.Connection) -> AuditPage:
            marks = _marks(tx, _NEWER, guild_id, than)
            if len(marks) <= PAGE_ENTRIES:
                return _older(tx, guild_id, None)
            shown = marks[PAGE_ENTRIES - 1 :: -1]
            return AuditPage(_entries(tx, shown), shown[0], shown[-1])

        return await self._database.run(unit)


def _older(transaction: sqlite3.Connection, guild_id: int, than: Cursor | None) -> AuditPage:
    marks = _marks(transaction, _OLDER, guild_id, than or _END_OF_TIME)
    shown = marks[:PAGE_ENTRIES]
    newer = shown[0] if than is not None and shown else than
    older = shown[-1] if len(marks) > PAGE_ENTRIES else None
    return AuditPage(_entries(transaction, shown), newer, older)


def _marks(transaction: sqlite3.Connection, query: str, guild_id: int, cursor: Cursor) -> list[Cursor]:
    """One more than fit a page, if there are as many."""
    values = {"guild_id": guild_id, "at": cursor.at, "source": cursor.source, "key": cursor.key}
    rows = transaction.execute(query, {**values, "rows": PAGE_ENTRIES + 1})
    return [Cursor(row["at"], row["source"], row["key"]) for row in rows]


def _entries(transaction: sqlite3.Connection, marks: list[Cursor]) -> tuple[AuditEntry, ...]:
    readers = (
        _limit_changed,
        _grant_issued,
        _grant_revoked,
        _refund_issued,
        _setting_changed,
        _pause_changed,
        _access_rule_changed,
    )
    return tuple(readers[mark.source - 1](transaction, mark) for mark in marks)


def _limit_changed(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM limits WHERE limit_id = ?", (int(cursor.key),))
    before = transaction.execute(
        "SELECT * FROM limits WHERE guild_id = ? AND rule = ? AND subject_id = ? AND limit_id < ?"
        " ORDER BY limit_id DESC LIMIT 1",
        (row["guild_id"], row["rule"], row["subject_id"], row["limit_id"]),
    ).fetchone()
    rule, subject_id = LimitScope(row["rule"]), row["subject_id"]
    was = None if before is None else _limit(before)
    return AuditEntry(cursor, row["set_by"], LimitChanged(rule, subject_id, was, _limit(row), row["reason"]))


def _limit(row: sqlite3.Row) -> Limit | None:
    match row["effect"]:
        case "removed":
            return None
        case "exempt":
            return Limit(0, "total", exempt=True)
        case _:
            return Limit(row["credits"], row["period"])


def _grant_issued(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM grants WHERE grant_id = ?", (int(cursor.key),))
    event = GrantIssued(row["user_id"], row["credits"], row["reason"], row["expires_at"])
    return AuditEntry(cursor, row["granted_by"], event)


def _grant_revoked(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM grants WHERE grant_id = ?", (int(cursor.key),))
    event = GrantRevoked(row["user_id"], row["credits"], row["revoked_credits"], row["revoke_reason"] or "")
    return AuditEntry(cursor, row["revoked_by"], event)


def _refund_issued(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM refunds WHERE job_id = ?", (cursor.key,))
    event = RefundIssued(row["job_id"], row["user_id"], row["credits"], row["reason"])
    return AuditEntry(cursor, row["refunded_by"], event)


def _setting_changed(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM guild_settings WHERE setting_id = ?", (int(cursor.key),))
    before = transaction.execute(
        "SELECT value FROM guild_settings WHERE guild_id = ? AND name = ? AND setting_id < ?"
        " ORDER BY setting_id DESC LIMIT 1",
        (row["guild_id"], row["name"], row["setting_id"]),
    ).fetchone()
    event = SettingChanged(
        GuildSetting(row["name"]), None if before is None else before["value"], row["value"]
    )
    return AuditEntry(cursor, row["set_by"], event)


def _pause_changed(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM pauses WHERE pause_id = ?", (int(cursor.key),))
    return AuditEntry(cursor, row["set_by"], PauseChanged(bool(row["paused"]), row["sentence"]))


def _access_rule_changed(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM access_rules WHERE rule_id = ?", (int(cursor.key),))
    rule = rule_from(row)
    return AuditEntry(cursor, row["set_by"], AccessRuleChanged(rule, removed=row["effect"] == access.REMOVED))
