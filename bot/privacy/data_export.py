"""What is stored about one member over all servers: counted (`DataSummary`) and in full (`Export`).

The export has the columns of its statements under their names.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.model_settings import from_json
from bot.privacy.anonymization import BATCH, counted_until, guilds_of
from bot.privacy.models import DataSummary, Export, Record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from bot.storage.database import Database

EXPORTED_REQUESTS: Final = 5_000
"""The newest requests that one export holds: about 100 MB if all prompts have the greatest length."""
_REQUESTS: Final = """
    SELECT j.job_id, j.guild_id, j.channel_id, j.accepted_at, j.acknowledged_at, j.finished_at, j.stage,
           j.prompt, j.model, j.size, j.asked_size, j.format, j.private, j.spoiler, j.locale, j.guild_locale,
           j.loose_safety, j.preset_name, j.parent_job_id, j.task_id,
           j.result_url, j.failure_code, j.failure_message, j.message_id, j.landed_channel_id,
           j.landed_message_id, j.landed_way, j.landed_url, j.shared_at, j.deleted_at,
           EXISTS (SELECT 1 FROM kept_pictures k WHERE k.job_id = j.job_id) AS picture_kept,
           EXISTS (SELECT 1 FROM unreadable_results u WHERE u.job_id = j.job_id) AS unreadable_result_kept,
           j.late_at, j.settings,
           CASE WHEN j.group_size > 1 THEN j.interaction_id END AS group_id,
           CASE WHEN j.group_size > 1 THEN j.number END AS number_in_group, j.group_size,
           j.landed_attachment_id,
           g.channel_id AS group_channel_id, g.message_id AS group_message_id,
           r.state, r.reserved_credits, r.final_credits, f.refunded_at, f.reason AS refund_reason,
           (SELECT json_group_array(json_object('number', number, 'filename', filename, 'type', type,
                'bytes', bytes, 'url', url, 'uploaded_url', upload_url, 'kept', sha256 IS NOT NULL))
            FROM job_references WHERE job_references.job_id = j.job_id) AS "references",
           (SELECT json_group_array(json_object('number', number, 'result_url', result_url,
                'landed_url', landed_url, 'kept', sha256 IS NOT NULL))
            FROM more_pictures WHERE more_pictures.job_id = j.job_id) AS more_pictures
    FROM jobs j JOIN reservations r USING (job_id) LEFT JOIN refunds f USING (job_id)
    LEFT JOIN job_groups g USING (interaction_id)
"""
_DRAFTS: Final = (
    "SELECT guild_id, drafted_at, prompt, model, size, asked_size, format, settings, pictures, models,"
    " (SELECT json_group_array(json_object('number', number, 'filename', filename)) FROM draft_references"
    '  WHERE draft_references.draft_id = drafts.draft_id) AS "references" FROM drafts'
    " WHERE user_id = :user_id ORDER BY draft_id"
)
_DEFAULTS: Final = "SELECT set_at, model, size, format, private FROM member_defaults WHERE user_id = :user_id"
_VOTES: Final = (
    "SELECT v.interaction_id AS group_id, j.guild_id, v.number, v.voted_at"
    " FROM group_votes v JOIN jobs j ON j.interaction_id = v.interaction_id AND j.number = 1"
    " WHERE v.user_id = :user_id ORDER BY v.voted_at, v.interaction_id"
)
_AMOUNTS: Final = """
    SELECT r.job_id, r.guild_id, r.created_at, r.state, r.counted_credits
    FROM reservations r JOIN jobs j USING (job_id)
    WHERE r.guild_id = :guild_id AND r.user_id = :user_id AND j.user_id = 0 ORDER BY r.created_at
"""
_LIMITS: Final = (
    "SELECT guild_id, set_at, effect, credits, period, reason FROM limits"
    " WHERE rule = 'member' AND subject_id = :user_id ORDER BY limit_id"
)
_GRANTS: Final = (
    "SELECT guild_id, granted_at, credits, left_credits, expires_at, revoked_at, reason FROM grants"
    " WHERE user_id = :user_id ORDER BY grant_id"
)
_BLOCKS: Final = (
    "SELECT guild_id, set_at, effect, expires_at, reason FROM access_rules"
    " WHERE kind = 'member' AND subject = :subject ORDER BY rule_id"
)
_DECISIONS: Final = """
    SELECT 'limit' AS kind, guild_id, set_at AS decided_at FROM limits WHERE set_by = :user_id
    UNION ALL SELECT 'setting', guild_id, set_at FROM guild_settings WHERE set_by = :user_id
    UNION ALL SELECT 'grant', guild_id, granted_at FROM grants WHERE granted_by = :user_id
    UNION ALL SELECT 'grant revoked', guild_id, revoked_at FROM grants WHERE revoked_by = :user_id
    UNION ALL SELECT 'refund', guild_id, refunded_at FROM refunds WHERE refunded_by = :user_id
    UNION ALL SELECT 'access rule', guild_id, set_at FROM access_rules WHERE set_by = :user_id
    UNION ALL SELECT 'preset', guild_id, set_at FROM presets WHERE set_by = :user_id
    UNION ALL SELECT 'pause', guild_id, set_at FROM pauses WHERE set_by = :user_id
    UNION ALL SELECT 'admission', guild_id, decided_at FROM admissions WHERE decided_by = :user_id
    UNION ALL SELECT 'correction', 0, made_at FROM corrections WHERE made_by = :user_id
"""
_COUNTS: Final = f"""
    SELECT (SELECT count(*) FROM drafts WHERE user_id = :user_id) AS drafts,
           (SELECT count(*) FROM member_defaults WHERE user_id = :user_id) AS member_defaults,
           (SELECT count(*) FROM group_votes WHERE user_id = :user_id) AS votes,
           (SELECT count(*) FROM limits WHERE rule = 'member' AND subject_id = :user_id)
           + (SELECT count(*) FROM grants WHERE user_id = :user_id)
           + (SELECT count(*) FROM refunds WHERE user_id = :user_id)
           + (SELECT count(*) FROM access_rules WHERE kind = 'member' AND subject = :subject) AS about,
           (SELECT count(*) FROM ({_DECISIONS})) AS decisions,
           (SELECT asked_at FROM erasures WHERE user_id = :user_id) AS asked_at
"""  # noqa: S608  # texts of this module
_COUNTS_IN_GUILD: Final = """
    SELECT count(*) AS requests, coalesce(sum(finished_at IS NULL), 0) AS unfinished,
           min(accepted_at) AS oldest_at, coalesce(sum(prompt <> ''), 0) AS prompts,
           coalesce(sum((SELECT count(*) FROM job_references f WHERE f.job_id = jobs.job_id)), 0)
           AS "references",
           coalesce(sum((SELECT count(sha256) FROM job_references f WHERE f.job_id = jobs.job_id)), 0)
           AS kept_references,
           count(k.job_id)
           + coalesce(sum((SELECT count(sha256) FROM more_pictures m WHERE m.job_id = jobs.job_id)), 0)
           AS kept_pictures
    FROM jobs LEFT JOIN kept_pictures k USING (job_id) WHERE guild_id = ? AND user_id = ?
"""
_LISTS: Final = frozenset({"references", "more_pictures", "models"})
"""Columns that are lists in JSON."""
_SUMMED: Final = ("requests", "unfinished", "prompts", "references", "kept_references", "kept_pictures")


class MemberData:
    """Reads what is stored about a member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def summarize(self, user_id: int) -> DataSummary:
        """Count what is stored about a member.

        Raises:
            OperatorError: `database`.
        """
        return await self._database.run(lambda tx: _summary(tx, user_id))

    async def export(self, user_id: int) -> Export:
        """Read everything that is stored about a member, the newest requests first.

        Every `BATCH` requests are a transaction of their own, so that other callers need not wait for long.

        Raises:
            OperatorError: `database`.
        """
        made_at = now_ms()
        job_ids = await self._database.run(lambda tx: _job_ids(tx, user_id))
        exported = job_ids[:EXPORTED_REQUESTS]
        requests: list[Record] = []
        for first in range(0, len(exported), BATCH):
            batch = exported[first : first + BATCH]
            requests += await self._database.run(partial(_requests, job_ids=batch))
        older = len(job_ids) - len(exported)
        return await self._database.run(lambda tx: _export(tx, user_id, made_at, requests, older))


def _summary(transaction: sqlite3.Connection, user_id: int) -> DataSummary:
    guild_ids = guilds_of(transaction, user_id)
    in_guilds = [
        transaction.execute(_COUNTS_IN_GUILD, (guild_id, user_id)).fetchone() for guild_id in guild_ids
    ]
    counts = transaction.execute(_COUNTS, {"user_id": user_id, "subject": str(user_id)}).fetchone()
    amounts, until, permanent = _amounts(transaction, user_id, guild_ids)
    return DataSummary(
        guilds=sum(row["requests"] > 0 for row in in_guilds),
        oldest_at=min((row["oldest_at"] for row in in_guilds if row["requests"]), default=None),
        amounts=amounts,
        amounts_until=until,
        amounts_permanent=permanent,
        **{name: sum(row[name] for row in in_guilds) for name in _SUMMED},
        **counts,
    )


def _amounts(
    transaction: sqlite3.Connection, user_id: int, guild_ids: list[int]
) -> tuple[int, int | None, int]:
    """Return the values of `amounts`, `amounts_until` and `amounts_permanent` of `DataSummary`."""
    found, ends = 0, []
    for guild_id in guild_ids:
        row = transaction.execute(
            "SELECT count(*) AS amounts, max(created_at) AS newest_at FROM reservations"
            " WHERE guild_id = ? AND user_id = ?",
            (guild_id, user_id),
        ).fetchone()
        if row["amounts"]:
            found += row["amounts"]
            ends.append(counted_until(transaction, guild_id, row["newest_at"]))
    known = [end for end in ends if end is not None]
    return found, max(known, default=None), len(ends) - len(known)


def _job_ids(transaction: sqlite3.Connection, user_id: int) -> list[str]:
    """List all of a member's jobs, the newest first."""
    rows = [
        row
        for guild_id in guilds_of(transaction, user_id)
        for row in transaction.execute(
            "SELECT accepted_at, job_id FROM jobs WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
        )
    ]
    rows.sort(key=lambda row: (row["accepted_at"], row["job_id"]), reverse=True)
    return [row["job_id"] for row in rows]


def _requests(transaction: sqlite3.Connection, job_ids: list[str]) -> list[Record]:
    marks = ", ".join("?" * len(job_ids))
    statement = f"{_REQUESTS} WHERE j.job_id IN ({marks}) ORDER BY j.accepted_at DESC, j.job_id DESC"
    return _records(transaction, statement, job_ids)


def _export(
    transaction: sqlite3.Connection, user_id: int, made_at: int, requests: list[Record], older: int
) -> Export:
    member = {"user_id": user_id, "subject": str(user_id)}

    def read(statement: str) -> tuple[Record, ...]:
        return tuple(_records(transaction, statement, member))

    erasure = transaction.execute("SELECT asked_at FROM erasures WHERE user_id = ?", (user_id,)).fetchone()
    return Export(
        user_id=user_id,
        made_at=made_at,
        erasure_asked_at=None if erasure is None else erasure["asked_at"],
        older_requests=older,
        requests=tuple(requests),
        drafts=read(_DRAFTS),
        member_defaults=read(_DEFAULTS),
        votes=read(_VOTES),
        amounts=tuple(
            amount
            for guild_id in guilds_of(transaction, user_id)
            for amount in _records(transaction, _AMOUNTS, {"guild_id": guild_id, "user_id": user_id})
        ),
        limits=read(_LIMITS),
        grants=read(_GRANTS),
        blocks=read(_BLOCKS),
        decisions=read(_DECISIONS),
    )


def _records(
    transaction: sqlite3.Connection,
    statement: str,
    parameters: Mapping[str, object] | Sequence[object],
) -> list[Record]:
    records = [dict(row) for row in transaction.execute(statement, parameters)]
    for record in records:
        if "settings" in record:
            record["settings"] = dict(from_json(record["settings"]))
        for name in _LISTS.intersection(record):
            record[name] = tuple(json.loads(record[name] or "[]"))
    return records
