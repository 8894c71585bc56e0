"""The jobs that have not ended: what a start goes on with, and what the metrics show.

Owns no table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.jobs.rows import SELECT_JOBS, job_from

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.jobs import Job


def unfinished_jobs(transaction: sqlite3.Connection) -> list[Job]:
    """Return every unfinished job, the oldest first."""
    rows = transaction.execute(f"{SELECT_JOBS} WHERE finished_at IS NULL ORDER BY accepted_at, job_id")
    return [job_from(row) for row in rows]


def count_by_stage(transaction: sqlite3.Connection) -> dict[str, int]:
    """Return the number of unfinished jobs by stage."""
    rows = transaction.execute(
        "SELECT stage, count(*) AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY stage"
    )
    return {row["stage"]: row["jobs"] for row in rows}
