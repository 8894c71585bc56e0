"""What goes when a request is forgotten, and what stays: amounts, times and states, for the books.

Only a finished job can be forgotten: an unfinished one still needs its words. The kept picture goes too, and
so do the ids of messages, which would lead back to both. What Rivya calls the task stays, since the books are
compared by it.

The name on an amount goes later than the words, once no limit counts that amount any more: to forget must not
be a way to begin a limit anew. Where two rows must stay apart without a name, as the grants of two members,
the name becomes a negative number; elsewhere it becomes 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits import limits
from bot.domain import periods
from bot.guilds.settings import timezone_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

BATCH: Final = 500
"""Rows that one unit of work changes at most, so that nobody waits for it for long."""
GUILDS: Final = """
    WITH RECURSIVE guilds (guild_id) AS (
        SELECT min(guild_id) FROM jobs
        UNION ALL
        SELECT (SELECT min(guild_id) FROM jobs WHERE guild_id > guilds.guild_id)
        FROM guilds WHERE guild_id IS NOT NULL
    )
"""
"""Every guild that ever had a job, and a NULL: one step in an index each, however many jobs there are."""
_FORGET_WORDS: Final = """
    UPDATE jobs SET prompt = '', create_body = NULL, upload_url = NULL, upload_mime = NULL, result_url = NULL,
        reference_url = NULL, reference_filename = NULL, reference_type = NULL, reference_bytes = NULL,
        reference_sha256 = NULL, preset_name = NULL, preset_before = NULL, preset_after = NULL,
        failure_message = CASE WHEN failure_who IS NULL THEN NULL ELSE '' END,
        message_id = NULL, landed_channel_id = NULL, landed_message_id = NULL, landed_url = NULL,
        deleted_by = NULL
    WHERE job_id = ?
"""
_FORGET_NOTE: Final = """
    UPDATE reservations SET note =
        (SELECT failure_who || ': ' || failure_code FROM jobs WHERE jobs.job_id = reservations.job_id)
    WHERE job_id = ? AND note IS NOT NULL
"""
"""A note ends in what Rivya said, which may quote the prompt; who must act, and the code, stay."""


def guilds_of(transaction: sqlite3.Connection, user_id: int) -> list[int]:
    """Every guild in which a job or an amount carries a member's name.

    A few steps in an index for each guild there is: no index over members alone has to be kept for it.
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
    """Take the words from finished jobs and, with `names`, whoever asked; at most `BATCH` of them."""
    jobs = [(job_id,) for job_id in job_ids]
    transaction.executemany(_FORGET_WORDS, jobs)
    transaction.executemany(_FORGET_NOTE, jobs)
    transaction.executemany("DELETE FROM kept_pictures WHERE job_id = ?", jobs)
    if names:
        transaction.executemany(
            "UPDATE jobs SET user_id = 0, channel_id = 0, locale = '' WHERE job_id = ?", jobs
        )
        transaction.executemany("UPDATE refunds SET user_id = 0, reason = '' WHERE job_id = ?", jobs)


def expire(transaction: sqlite3.Connection, before: int) -> int:
    """Take the words from one batch of jobs finished before that moment; returns how many there were."""
    rows = transaction.execute(
        "SELECT job_id FROM jobs WHERE finished_at < ? AND prompt <> '' ORDER BY finished_at LIMIT ?",
        (before, BATCH),
    ).fetchall()
    anonymize_jobs(transaction, [row["job_id"] for row in rows], names=False)
    return len(rows)


def counted_until(transaction: sqlite3.Connection, guild_id: int, created_at: int) -> int | None:
    """When the last limit that resets stops counting what was reserved at `created_at`.

    None if a limit on members of this guild never resets. Without any limit it is the same moment: one may be
    set at any time.
    """
    for limit in limits.active(transaction, guild_id):
        if limit.scope.is_personal and not limit.exempt and limit.period == "total":
            return None
    zone = timezone_of(transaction, guild_id)
    ends = [periods.period_bounds(period, created_at, zone)[1] for period in periods.RESETTING]
    return max(end for end in ends if end is not None)


def anonymize_reservations(
    transaction: sqlite3.Connection, guild_id: int, user_id: int, *, until: int, at: int
) -> int:
    """Take a member's name from one batch of amounts that no limit counts any more; returns how many.

    `until` is when the member asked for it; only amounts of jobs that are forgotten already are taken.
    """
    if counted_until(transaction, guild_id, at) is None:
        return 0
    zone = timezone_of(transaction, guild_id)
    since = min(periods.period_bounds(period, at, zone)[0] for period in periods.RESETTING)
    rows = transaction.execute(
        "UPDATE reservations SET user_id = 0 WHERE job_id IN ("
        " SELECT r.job_id FROM reservations r JOIN jobs j USING (job_id)"
        " WHERE r.guild_id = ? AND r.user_id = ? AND r.created_at < ? AND r.created_at <= ?"
        " AND j.user_id = 0 LIMIT ?) RETURNING job_id",
        (guild_id, user_id, since, until, BATCH),
    ).fetchall()
    return len(rows)


def anonymize_member_limits(transaction: sqlite3.Connection, guild_id: int, user_id: int) -> None:
    """Take a member's name from the limits that were set for them, if none of those rules any more.

    All of them together get one number: apart from its removal, a limit would seem to rule somebody.
    """
    key = (guild_id, user_id)
    newest = transaction.execute(
        "SELECT min(limit_id) AS first, max(limit_id) AS last FROM limits"
        " WHERE guild_id = ? AND rule = 'member' AND subject_id = ?",
        key,
    ).fetchone()
    transaction.execute(
        "UPDATE limits SET subject_id = ?, reason = '' WHERE guild_id = ? AND rule = 'member'"
        " AND subject_id = ? AND (SELECT effect FROM limits WHERE limit_id = ?) = 'removed'",
        (-(newest["first"] or 0), *key, newest["last"]),
    )


def anonymize_spent_grants(transaction: sqlite3.Connection, user_id: int, *, until: int, at: int) -> None:
    """Take a member's name from the grants they were given and can use no more.

    Not while an amount that a grant paid carries their name: a refund of it would still fill the grant again.
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
    """Take a member's name from the blocks that were set on them, in each server where none is in force.

    All of one server get one number, that of the first: they are about one member, and the end of a block
    belongs to it although it came after the wish.
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
            " WHERE newest.rule_id = ? AND (newest.effect = 'lifted' OR newest.expires_at <= ?))",
            (str(-row["first"]), row["guild_id"], str(user_id), row["last"], at),
        )
