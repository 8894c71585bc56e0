"""The audit log of a guild: who decided what about credits and access, when and why; the newest first.

It is read from the tables of the decisions. Erasure and left servers change or delete rows; a cursor is only
a position, so it stays usable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain import access
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.access_rules import rule_from
from bot.guilds.settings import GuildSetting

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

PAGE_ENTRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """An entry's place in the log, which is sorted by these fields in this order."""

    at: int
    """Epoch milliseconds, UTC."""
    source: int
    """The kind of decision; see `_STREAM`."""
    key: str
    """The row: its number with leading zeros, or the id of a job."""


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """A limit was set or removed. None: no limit set, so for a guild the default counts."""

    scope: LimitScope
    subject_id: int
    before: Limit | None
    after: Limit | None
    reason: str


@dataclass(frozen=True, slots=True)
class GrantIssued:
    """A grant was issued to the member `user_id`, or to `grants.WHOLE_GUILD`."""

    user_id: int
    credits: int
    reason: str
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class GrantRevoked:
    """A grant was revoked; `left_credits` were unused."""

    user_id: int
    credits: int
    left_credits: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefundIssued:
    """The picture of a job was refunded."""

    job_id: str
    user_id: int
    credits: int
    reason: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A setting of the guild was changed; None is its default."""

    name: GuildSetting
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PauseChanged:
    """The operator paused the guild, or ended its pause."""

    paused: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class AccessRuleChanged:
    """An access rule was set or removed."""

    rule: access.AccessRule
    removed: bool


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision; `by` is the user, or 0 for the command line of the host or an erased id."""

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
    """A page of entries, the newest first, and the cursors of the pages around it; None at an end."""

    entries: tuple[AuditEntry, ...]
    newer: Cursor | None
    older: Cursor | None


# `source` n is read by the n-th reader of `_entries`; custom ids in `cogs.limits.audit_log` allow `[1-7]`.
# Numbers are padded with zeros, so that they sort as text.
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
_NEWEST: Final = Cursor(2**63 - 1, 0, "")


class AuditLog:
    """Reads the log page by page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def older(self, guild_id: int, than: Cursor | None = None) -> AuditPage:
        """Return the newest page, or the page of entries older than a cursor."""
        return await self._database.run(lambda tx: _older(tx, guild_id, than))

    async def newer(self, guild_id: int, than: Cursor) -> AuditPage:
        """Return the page of entries newer than a cursor; the newest page if they do not fill one."""

        def unit(tx: sqlite3.Connection) -> AuditPage:
            cursors = _cursors(tx, _NEWER, guild_id, than)
            if len(cursors) <= PAGE_ENTRIES:
                return _older(tx, guild_id, None)
            shown = cursors[PAGE_ENTRIES - 1 :: -1]  # the page nearest to the cursor, the newest entry first
            return AuditPage(_entries(tx, shown), shown[0], shown[-1])

        return await self._database.run(unit)


def _older(transaction: sqlite3.Connection, guild_id: int, than: Cursor | None) -> AuditPage:
    cursors = _cursors(transaction, _OLDER, guild_id, than or _NEWEST)
    shown = cursors[:PAGE_ENTRIES]
    # The first page has no newer one. If an older page is empty, the way back starts at its own cursor.
    newer = shown[0] if than is not None and shown else than
    older = shown[-1] if len(cursors) > PAGE_ENTRIES else None
    return AuditPage(_entries(transaction, shown), newer, older)


def _cursors(transaction: sqlite3.Connection, query: str, guild_id: int, cursor: Cursor) -> list[Cursor]:
    """Return the cursors after this one, up to one more than a page holds: that one says there is a next."""
    values = {"guild_id": guild_id, "at": cursor.at, "source": cursor.source, "key": cursor.key}
    rows = transaction.execute(query, {**values, "rows": PAGE_ENTRIES + 1})
    return [Cursor(row["at"], row["source"], row["key"]) for row in rows]


def _entries(transaction: sqlite3.Connection, cursors: list[Cursor]) -> tuple[AuditEntry, ...]:
    readers = (
        _limit_changed,
        _grant_issued,
        _grant_revoked,
        _refund_issued,
        _setting_changed,
        _pause_changed,
        _access_rule_changed,
    )
    return tuple(readers[cursor.source - 1](transaction, cursor) for cursor in cursors)


def _limit_changed(transaction: sqlite3.Connection, cursor: Cursor) -> AuditEntry:
    (row,) = transaction.execute("SELECT * FROM limits WHERE limit_id = ?", (int(cursor.key),))
    before = transaction.execute(
        "SELECT * FROM limits WHERE guild_id = ? AND rule = ? AND subject_id = ? AND limit_id < ?"
        " ORDER BY limit_id DESC LIMIT 1",
        (row["guild_id"], row["rule"], row["subject_id"], row["limit_id"]),
    ).fetchone()
    event = LimitChanged(
        scope=LimitScope(row["rule"]),
        subject_id=row["subject_id"],
        before=None if before is None else _limit(before),
        after=_limit(row),
        reason=row["reason"],
    )
    return AuditEntry(cursor, row["set_by"], event)


def _limit(row: sqlite3.Row) -> Limit | None:
    match row["effect"]:
        case "removed":
            return None
        case "exempt":
            return Limit(0, Period.TOTAL, exempt=True)
        case _:
            return Limit(row["credits"], Period(row["period"]))


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
    event = AccessRuleChanged(rule_from(row), removed=row["effect"] == access.REMOVED)
    return AuditEntry(cursor, row["set_by"], event)
