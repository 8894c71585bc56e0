"""Remove personal data from rows that the ledger still needs. Amounts, times and states stay.

Only finished jobs are anonymised: an unfinished one still needs its prompt, and the message of a group those
of all its jobs. A late one is ended first. The prompt, the stored pictures and the ids of messages, which
would lead back to both, are removed. Rivya's id of the task stays: reconciliation needs it.

A reservation keeps its `user_id` until no limit counts it; else an erasure would give credits back. A
removed id becomes 0, or a negative number where rows must stay distinct, as the grants of two members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits import limits
from bot.domain import periods
from bot.domain.access import REMOVED
from bot.domain.jobs import Failure, FailureCause, FailureCode
from bot.guilds.settings import timezone_of
from bot.jobs.late_jobs import end_late_job

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

BATCH: Final = 500
"""Jobs or reservations per transaction, so that other callers need not wait for long."""
GUILDS: Final = """
    WITH RECURSIVE guilds (guild_id) AS (
        SELECT min(guild_id) FROM jobs
        UNION ALL
        SELECT (SELECT min(guild_id) FROM jobs WHERE guild_id > guilds.guild_id)
        FROM guilds WHERE guild_id IS NOT NULL
    )
"""
"""Lists guilds by jumping from one id to the next in the index. The last row is NULL."""
FINISHED: Final = """
    jobs.finished_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM jobs other
        WHERE other.interaction_id = jobs.interaction_id AND other.finished_at IS NULL
    )
"""
"""A condition on `jobs`: the job and the others of its group have ended."""
_CLEAR_TEXT: Final = """
    UPDATE jobs SET prompt = '', settings = NULL, create_body = NULL, result_url = NULL,
        preset_name = NULL, preset_before = NULL, preset_after = NULL,
        failure_message = CASE WHEN failure_who IS NULL THEN NULL ELSE '' END,
        message_id = NULL, landed_channel_id = NULL, landed_message_id = NULL, landed_url = NULL,
        landed_attachment_id = NULL, deleted_by = NULL, late_at = NULL, late_note = NULL
    WHERE job_id = ?
"""
_OF_ERASED_GROUP: Final = """
    WHERE interaction_id = (SELECT interaction_id FROM jobs WHERE job_id = ?1) AND NOT EXISTS (
        SELECT 1 FROM jobs other JOIN jobs this USING (interaction_id)
        WHERE this.job_id = ?1 AND (other.prompt <> '' OR other.finished_at IS NULL)
    )
"""
_CLEAR_GROUP: Final = (
    "UPDATE job_groups SET channel_id = NULL, message_id = NULL, way = NULL " + _OF_ERASED_GROUP  # noqa: S608  # our own text
)
_CLEAR_VOTES: Final = "DELETE FROM group_votes " + _OF_ERASED_GROUP  # noqa: S608  # our own text
"""Nobody can see any more what the votes were for."""
_SHORTEN_NOTE: Final = """
    UPDATE reservations SET note =
        (SELECT failure_who || ': ' || failure_code FROM jobs WHERE jobs.job_id = reservations.job_id)
    WHERE job_id = ? AND note IS NOT NULL
"""
"""A note ends with Rivya's message, which may quote the prompt. Cause and code of the failure stay."""


def guilds_of(transaction: sqlite3.Connection, user_id: int) -> list[int]:
    """List the guilds in which a job or a reservation carries the member's id.

    Takes a few index lookups for each guild in the database, so no index on `user_id` alone is needed.
    """
    rows = transaction.execute(
        f"""{GUILDS}
        SELECT guild_id FROM guilds g
        WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.guild_id = g.guild_id AND j.user_id = :user_id)
           OR EXISTS (SELECT 1 FROM reservations r WHERE r.guild_id = g.guild_id AND r.user_id = :user_id)
        """,  # noqa: S608  # our own text
        {"user_id": user_id},
    )
    return [int(row["guild_id"]) for row in rows]


def anonymize_jobs(transaction: sqlite3.Connection, job_ids: Sequence[str], *, names: bool) -> None:
    """Clear the text and the stored picture of finished jobs; with `names` also their member and channel.

    A group whose jobs are all cleared keeps neither its message nor the votes.
    """
    jobs = [(job_id,) for job_id in job_ids]
    transaction.executemany(_CLEAR_TEXT, jobs)
    transaction.executemany(_SHORTEN_NOTE, jobs)
    transaction.executemany("DELETE FROM job_references WHERE job_id = ?", jobs)
    transaction.executemany("DELETE FROM kept_pictures WHERE job_id = ?", jobs)
    transaction.executemany("DELETE FROM more_pictures WHERE job_id = ?", jobs)
    transaction.executemany("DELETE FROM unreadable_results WHERE job_id = ?", jobs)
    transaction.executemany(_CLEAR_GROUP, jobs)
    transaction.executemany(_CLEAR_VOTES, jobs)
    if names:
        transaction.executemany(
            "UPDATE jobs SET user_id = 0, channel_id = 0, locale = '' WHERE job_id = ?", jobs
        )
        transaction.executemany("UPDATE refunds SET user_id = 0, reason = '' WHERE job_id = ?", jobs)


def end_late_jobs(
    transaction: sqlite3.Connection, guild_id: int, user_id: int | None, *, until: int, at: int
) -> None:
    """End the late jobs of a guild, or of one of its members, that were accepted by `until`.

    Their credits stay held, since Rivya may still charge them. `until` and `at`, which is now, are epoch
    milliseconds.
    """
    rows = transaction.execute(
        "SELECT job_id FROM jobs WHERE guild_id = ? AND user_id = coalesce(?, user_id) AND accepted_at <= ?"
        " AND late_at IS NOT NULL AND finished_at IS NULL",
        (guild_id, user_id, until),
    ).fetchall()
    for row in rows:
        failure = Failure(FailureCause.OPERATOR, FailureCode.ERASED)
        end_late_job(transaction, row["job_id"], failure, at)


def expire(transaction: sqlite3.Connection, before: int) -> int:
    """Clear the text of one batch of jobs that finished, with all of their group, before `before`.

    Returns how many. `before` is epoch milliseconds.
    """
    rows = transaction.execute(
        "SELECT job_id FROM jobs WHERE finished_at < ?1 AND prompt <> ''"
        " AND NOT EXISTS (SELECT 1 FROM jobs other WHERE other.interaction_id = jobs.interaction_id"
        " AND coalesce(other.finished_at, ?1) >= ?1) ORDER BY finished_at LIMIT ?2",
        (before, BATCH),
    ).fetchall()
    anonymize_jobs(transaction, [row["job_id"] for row in rows], names=False)
    return len(rows)


def counted_until(transaction: sqlite3.Connection, guild_id: int, created_at: int) -> int | None:
    """Return when the longest period that holds `created_at` ends, both in epoch milliseconds.

    From then on no limit that resets counts a reservation of that time, whichever limits are set later. None
    if a member limit over TOTAL is in force: it counts for ever.
    """
    for limit in limits.active(transaction, guild_id):
        if limit.scope.is_personal and not limit.exempt and limit.period is periods.Period.TOTAL:
            return None
    zone = timezone_of(transaction, guild_id)
    ends = [periods.period_bounds(period, created_at, zone)[1] for period in periods.RESETTING]
    return max(end for end in ends if end is not None)


def anonymize_reservations(
    transaction: sqlite3.Connection, guild_id: int, user_id: int, *, until: int, at: int
) -> int:
    """Remove a member from one batch of reservations that no limit counts any more; returns how many.

    Only reservations whose job is anonymised already are changed. `until` is when the member asked for
    erasure, `at` is now, both in epoch milliseconds; reservations after `until` are left alone.
    """
    # Only None matters here: `since` is the earliest start of a period that contains `at`.
    if counted_until(transaction, guild_id, at) is None:
        return 0
    zone = timezone_of(transaction, guild_id)
    since = min(periods.period_bounds(period, at, zone)[0] for period in periods.RESETTING)
    return transaction.execute(
        "UPDATE reservations SET user_id = 0 WHERE job_id IN ("
        " SELECT r.job_id FROM reservations r JOIN jobs j USING (job_id)"
        " WHERE r.guild_id = ? AND r.user_id = ? AND r.created_at < ? AND r.created_at <= ?"
        " AND j.user_id = 0 LIMIT ?)",
        (guild_id, user_id, since, until, BATCH),
    ).rowcount


def anonymize_member_limits(transaction: sqlite3.Connection, guild_id: int, user_id: int) -> None:
    """Remove a member from the limits that were set for them, unless one is still in force.

    All rows get one negative id, because a limit without its removal row would look active.
    """
    key = (guild_id, user_id)
    found = transaction.execute(
        "SELECT min(limit_id) AS first, max(limit_id) AS last FROM limits"
        " WHERE guild_id = ? AND rule = 'member' AND subject_id = ?",
        key,
    ).fetchone()
    transaction.execute(
        "UPDATE limits SET subject_id = ?, reason = '' WHERE guild_id = ? AND rule = 'member'"
        " AND subject_id = ? AND (SELECT effect FROM limits WHERE limit_id = ?) = 'removed'",
        (-(found["first"] or 0), *key, found["last"]),
    )


def anonymize_spent_grants(transaction: sqlite3.Connection, user_id: int, *, until: int, at: int) -> None:
    """Remove a member from their grants that are used up, revoked or expired.

    A grant is kept while a refund could still refill it: while a reservation it paid for has a member's id.
    """
    transaction.execute(
        "UPDATE grants SET user_id = -grant_id, reason = '', revoke_reason = NULL"
        " WHERE user_id = ? AND granted_at <= ?"
        " AND (left_credits = 0 OR revoked_at IS NOT NULL OR expires_at <= ?)"
        " AND NOT EXISTS (SELECT 1 FROM draws JOIN reservations USING (job_id)"
        " WHERE draws.grant_id = grants.grant_id AND reservations.user_id <> 0)",
        (user_id, until, at),
    )


def anonymize_blocks(transaction: sqlite3.Connection, user_id: int, *, until: int, at: int) -> None:
    """Remove a member from the blocks that were set on them, in each server where none is in force.

    All rows of one server get one negative id, also those after `until`, so that a block and its removal stay
    together.
    """
    servers = transaction.execute(
        "SELECT guild_id, min(rule_id) AS first, max(rule_id) AS last FROM access_rules"
        " WHERE kind = 'member' AND subject = ? GROUP BY guild_id HAVING min(set_at) <= ?",
        (str(user_id), until),
    ).fetchall()
    for row in servers:
        transaction.execute(
            "UPDATE access_rules SET subject = ?, reason = '' WHERE guild_id = ? AND kind = 'member'"
            " AND subject = ? AND EXISTS (SELECT 1 FROM access_rules newest"
            " WHERE newest.rule_id = ? AND (newest.effect = ? OR newest.expires_at <= ?))",
            (str(-row["first"]), row["guild_id"], str(user_id), row["last"], REMOVED, at),
        )
