"""Insert many settled reservations of one guild, with their jobs and running totals."""

from __future__ import annotations

import sqlite3

IN_ORDER = "printf('%08x-0000-4000-8000-%012x', number, number)"
"""Ids of jobs in the order of their creation."""
EQUALLY = "number % 10000"
"""Ten thousand members, each with as many jobs."""

_JOBS = """
    WITH RECURSIVE numbers (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :amount
    )
    INSERT INTO jobs (
        job_id, interaction_id, interaction_token, application_id, guild_id, channel_id, user_id,
        upload_limit_bytes, locale, private, spoiler, prompt, model, size, format, stage, quote_credits,
        accepted_at, task_id, finished_at
    )
    SELECT {job_id}, number, '', 1, 1, 1, {user_id}, 10000000, 'en-US', 0, 0, :prompt, 'qwen-image',
           'square', 'png', 'delivered', 4, :start + (:end - :start) * number / (:amount + 1),
           'task-' || number, :end
    FROM numbers
"""
_RESERVATIONS = """
    INSERT INTO reservations (
        job_id, guild_id, user_id, state, reserved_credits, final_credits, counted_credits, guild_credits,
        member_credits, created_at, closed_at
    )
    SELECT job_id, 1, user_id, 'settled', 4, 4, 4, 4, 4, accepted_at, accepted_at + 9000 FROM jobs
"""
_TOTALS = """
    INSERT INTO tallies
    SELECT guild.guild_id, span, created_at / width, sum(counted_credits), sum(guild_credits)
    FROM reservations, (SELECT 1 AS guild_id UNION ALL SELECT 0) AS guild,
        (SELECT 'day' AS span, 86400000 AS width UNION ALL SELECT 'quarter', 900000) AS spans
    GROUP BY 1, 2, 3
"""


def fill(
    transaction: sqlite3.Connection,
    amount: int,
    start: int,
    end: int,
    *,
    job_id: str = IN_ORDER,
    user_id: str = EQUALLY,
    prompt: str = "a red fox",
) -> None:
    """Insert `amount` reservations made between two times, in epoch milliseconds, into empty tables.

    `job_id` and `user_id` are expressions of SQL in the column `number`, which counts from 1.
    """
    if amount:
        values = {"amount": amount, "start": start, "end": end, "prompt": prompt}
        transaction.execute(_JOBS.format(job_id=job_id, user_id=user_id), values)
        transaction.execute(_RESERVATIONS)
        transaction.execute(_TOTALS)
