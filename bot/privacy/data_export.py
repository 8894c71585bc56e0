"""What is known of one member, over all servers: in numbers, and word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.privacy.anonymization import BATCH, counted_until, guilds_of
from bot.privacy.models import (
    AmountRecord,
    BlockRecord,
    DataSummary,
    DecisionRecord,
    DefaultsRecord,
    DraftRecord,
    Export,
    GrantRecord,
    LimitRecord,
    RequestRecord,
)

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

EXPORTED_REQUESTS: Final = 5_000
"""The newest requests that one export holds: with the longest prompts some 100 MB."""
_REQUESTS: Final = """
    SELECT j.job_id, j.guild_id, j.channel_id, j.accepted_at, j.acknowledged_at, j.finished_at, j.stage,
           j.prompt, j.model, j.size, j.format, j.private, j.spoiler, j.locale, j.guild_locale,
           j.preset_name, j.parent_job_id, j.reference_filename,
           j.reference_type, j.reference_bytes, j.reference_url, j.upload_url, j.task_id, j.result_url,
           j.failure_code, j.failure_message, j.message_id, j.landed_channel_id, j.landed_message_id,
           j.landed_way, j.landed_url, j.shared_at, j.deleted_at, j.reference_sha256 IS NOT NULL,
           EXISTS (SELECT 1 FROM kept_pictures k WHERE k.job_id = j.job_id), r.state,
           r.reserved_credits, r.final_credits, f.refunded_at, f.reason
    FROM jobs j JOIN reservations r USING (job_id) LEFT JOIN refunds f USING (job_id)
"""
_DECISIONS: Final = """
    SELECT 'limit' AS kind, guild_id, set_at AS decided_at FROM limits WHERE set_by = :user_id
    UNION ALL SELECT 'setting', guild_id, set_at FROM guild_settings WHERE set_by = :user_id
    UNION ALL SELECT 'grant', guild_id, granted_at FROM grants WHERE granted_by = :user_id
    UNION ALL SELECT 'grant revoked', guild_id, revoked_at FROM grants WHERE revoked_by = :user_id
    UNION ALL SELECT 'refund', guild_id, refunded_at FROM refunds WHERE refunded_by = :user_id
    UNION ALL SELECT 'access rule', guild_id, set_at FROM access_rules WHERE set_by = :user_id
    UNION ALL SELECT 'preset', guild_id, set_at FROM presets WHERE set_by = :user_id
    UNION ALL SELECT 'pause', guild_id, set_at FROM pauses WHERE set_by = :user_id
    UNION ALL SELECT 'correction', 0, made_at FROM corrections WHERE made_by = :user_id
"""
_OTHERS: Final = f"""
    SELECT (SELECT count(*) FROM drafts WHERE user_id = :user_id) AS drafts,
           (SELECT count(*) FROM member_defaults WHERE user_id = :user_id) AS habits,
           (SELECT count(*) FROM limits WHERE rule = 'member' AND subject_id = :user_id)
           + (SELECT count(*) FROM grants WHERE user_id = :user_id)
           + (SELECT count(*) FROM refunds WHERE user_id = :user_id)
           + (SELECT count(*) FROM access_rules WHERE kind = 'member' AND subject = :subject) AS about,
           (SELECT count(*) FROM ({_DECISIONS})) AS decisions,
           (SELECT asked_at FROM erasures WHERE user_id = :user_id) AS asked_at
"""  # noqa: S608  # texts of this module
_HABITS: Final = "SELECT set_at, size, format, private FROM member_defaults WHERE user_id = :user_id"
_BLOCKS: Final = (
    "SELECT guild_id, set_at, effect, expires_at, reason FROM access_rules"
    " WHERE kind = 'member' AND subject = :subject ORDER BY rule_id"
)


class MemberData:
    """Answers a member's questions about themselves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def summarize(self, user_id: int) -> DataSummary:
        """How much is kept."""
        return await self._database.run(lambda tx: _holdings(tx, user_id))

    async def export(self, user_id: int) -> Export:
        """Everything kept, the newest requests first; read in batches, so that nobody waits for long."""
        made_at = now_ms()
        ids = await self._database.run(lambda tx: _request_ids(tx, user_id))
        requests: list[RequestRecord] = []
        for first in range(0, min(len(ids), EXPORTED_REQUESTS), BATCH):
            batch = ids[first : min(first + BATCH, EXPORTED_REQUESTS)]
            requests += await self._database.run(lambda tx: _requests(tx, batch))  # noqa: B023  # run at once
        return await self._database.run(
            lambda tx: _export(tx, user_id, made_at, requests, max(0, len(ids) - EXPORTED_REQUESTS))
        )


def _holdings(transaction: sqlite3.Connection, user_id: int) -> DataSummary:
    guild_ids = guilds_of(transaction, user_id)
    counts = [
        transaction.execute(
            """
            SELECT count(*) AS requests, coalesce(sum(finished_at IS NULL), 0) AS unfinished,
                   min(accepted_at) AS oldest_at, coalesce(sum(prompt <> ''), 0) AS prompts,
                   count(reference_filename) AS refs, count(reference_sha256) AS kept_refs,
                   count(k.job_id) AS kept
            FROM jobs LEFT JOIN kept_pictures k USING (job_id) WHERE guild_id = ? AND user_id = ?
            """,
            (guild_id, user_id),
        ).fetchone()
        for guild_id in guild_ids
    ]
    others = transaction.execute(
        _OTHERS,
        {"user_id": user_id, "subject": str(user_id)},
    ).fetchone()
    amounts, until, unending = _amounts(transaction, user_id, guild_ids)
    return DataSummary(
        requests=sum(row["requests"] for row in counts),
        unfinished=sum(row["unfinished"] for row in counts),
        guilds=sum(row["requests"] > 0 for row in counts),
        oldest_at=min((row["oldest_at"] for row in counts if row["requests"]), default=None),
        prompts=sum(row["prompts"] for row in counts),
        references=sum(row["refs"] for row in counts),
        kept_references=sum(row["kept_refs"] for row in counts),
        kept_pictures=sum(row["kept"] for row in counts),
        drafts=others["drafts"],
        member_defaults=others["habits"],
        amounts=amounts,
        amounts_until=until,
        amounts_permanent=unending,
        about=others["about"],
        decisions=others["decisions"],
        asked_at=others["asked_at"],
    )


def _amounts(
    transaction: sqlite3.Connection, user_id: int, guild_ids: list[int]
) -> tuple[int, int | None, int]:
    """How many amounts carry the name, until when, and in how many servers without an end."""
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


def _request_ids(transaction: sqlite3.Connection, user_id: int) -> list[str]:
    """All of them, the newest first."""
    rows = [
        row
        for guild_id in guilds_of(transaction, user_id)
        for row in transaction.execute(
            "SELECT accepted_at, job_id FROM jobs WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
        )
    ]
    return [row["job_id"] for row in sorted(rows, key=tuple, reverse=True)]


def _requests(transaction: sqlite3.Connection, job_ids: list[str]) -> list[RequestRecord]:
    marks = ", ".join("?" * len(job_ids))
    rows = transaction.execute(
        f"{_REQUESTS} WHERE j.job_id IN ({marks}) ORDER BY j.accepted_at DESC, j.job_id DESC", job_ids
    )
    return [RequestRecord(*row) for row in rows]


def _export(
    transaction: sqlite3.Connection, user_id: int, made_at: int, requests: list[RequestRecord], older: int
) -> Export:
    who = {"user_id": user_id, "subject": str(user_id)}

    def rows(statement: str) -> list[sqlite3.Row]:
        return transaction.execute(statement, who).fetchall()

    wishes = rows("SELECT asked_at FROM erasures WHERE user_id = :user_id")
    drafts = rows(
        "SELECT guild_id, drafted_at, prompt, size, format, reference_filename FROM drafts"
        " WHERE user_id = :user_id ORDER BY draft_id"
    )
    amounts = [
        AmountRecord(*row)
        for guild_id in guilds_of(transaction, user_id)
        for row in transaction.execute(
            "SELECT r.job_id, r.guild_id, r.created_at, r.state, r.counted_credits"
            " FROM reservations r JOIN jobs j USING (job_id)"
            " WHERE r.guild_id = ? AND r.user_id = ? AND j.user_id = 0 ORDER BY r.created_at",
            (guild_id, user_id),
        )
    ]
    limits = rows(
        "SELECT guild_id, set_at, effect, credits, period, reason FROM limits"
        " WHERE rule = 'member' AND subject_id = :user_id ORDER BY limit_id"
    )
    grants = rows(
        "SELECT guild_id, granted_at, credits, left_credits, expires_at, revoked_at, reason FROM grants"
        " WHERE user_id = :user_id ORDER BY grant_id"
    )
    return Export(
        user_id=user_id,
        made_at=made_at,
        erasure_asked_at=wishes[0]["asked_at"] if wishes else None,
        older_requests=older,
        requests=tuple(requests),
        drafts=tuple(DraftRecord(*row) for row in drafts),
        member_defaults=tuple(DefaultsRecord(*row) for row in rows(_HABITS)),
        amounts=tuple(amounts),
        limits=tuple(LimitRecord(*row) for row in limits),
        grants=tuple(GrantRecord(*row) for row in grants),
        blocks=tuple(BlockRecord(*row) for row in rows(_BLOCKS)),
        decisions=tuple(DecisionRecord(*row) for row in rows(_DECISIONS)),
    )
