"""Late jobs: those that Rivya keeps waiting, or whose picture cannot be downloaded; and what ends them.

A late job holds no slot and does not count as running. The operator can have it tried now, or end it. Each
change also asks the running bot, which may be another process, to look at the job.

Owns the table job_wakeups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from bot.credits.reconciliation.store import correct, find_booked
from bot.domain.clock import now_ms
from bot.domain.jobs import BEFORE_TASK, Failure, FailureCause, FailureCode, Stage
from bot.domain.limits import ReservationState
from bot.jobs.outcomes import FAILURE, FINISH, NO_FAILURE, NOT_LATE, close_credits, failure_values
from bot.jobs.rows import SELECT_JOB, job_from, rows_of_jobs

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from bot.domain.jobs import Job
    from bot.storage.database import Database

PAGE_SIZE: Final = 5

# Unfinished, or ended although the picture may exist at Rivya: then it can be tried again.
_LISTED: Final = """
    FROM jobs j INDEXED BY jobs_late JOIN reservations r USING (job_id)
    LEFT JOIN unreadable_results u USING (job_id)
    WHERE j.late_at IS NOT NULL AND (
        j.finished_at IS NULL
        OR (j.user_id > 0 AND j.stage = 'undeliverable' AND j.failure_who IS NOT NULL)
        OR (j.user_id > 0 AND j.stage = 'failed' AND j.task_id IS NOT NULL AND r.state = 'held')
    )
"""


class LateJobResult(StrEnum):
    """What an action on a late job did."""

    DONE = "done"
    UNKNOWN = "unknown"
    """There is no such job."""
    NOT_LATE = "not_late"
    """It is under way as usual."""
    OVER = "over"
    """It has ended, and there is nothing to try or to end."""
    CHARGED = "charged"
    """Rivya has charged it, so its credits cannot be released."""


class Wakeup(NamedTuple):
    """A job that is to be looked at."""

    job_id: str
    asked_at: int
    """When, in epoch milliseconds; later if it was asked for twice in one."""


@dataclass(frozen=True, slots=True)
class LateJob:
    """A late job, and what was downloaded for it if that is no picture."""

    job: Job
    held_credits: int
    """0 if its reservation is closed."""
    unreadable_sha256: str | None
    """The file in the picture store that holds what was downloaded; None if there is none."""
    unreadable_bytes: int = 0


@dataclass(frozen=True, slots=True)
class LateJobPage:
    """One page of late jobs, the one that is late for longest first. `page` begins at 1."""

    rows: tuple[LateJob, ...]
    page: int
    pages: int
    total: int


class LateJobStore:
    """Lists late jobs, has them tried now, and ends them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, page: int = 1, *, size: int = PAGE_SIZE) -> LateJobPage:
        """Return a page of late jobs; the last one if `page` is beyond it."""

        def unit(tx: sqlite3.Connection) -> LateJobPage:
            total = int(tx.execute(f"SELECT count(*) AS jobs {_LISTED}").fetchone()["jobs"])
            pages = max(1, -(-total // size))
            shown = min(max(1, page), pages)
            rows = tx.execute(
                f"SELECT j.*, {rows_of_jobs('j')},"
                " CASE r.state WHEN 'held' THEN r.counted_credits ELSE 0 END AS held_credits,"
                f" u.sha256 AS unreadable_sha256, u.size_bytes AS unreadable_bytes {_LISTED}"
                " ORDER BY j.late_at, j.job_id LIMIT ? OFFSET ?",
                (size, (shown - 1) * size),
            )
            return LateJobPage(tuple(_late_job(row) for row in rows), shown, pages, total)

        return await self._database.run(unit)

    async def retry(self, job_id: str) -> LateJobResult:
        """Have a late job tried now: its task polled, or its picture downloaded.

        A job that was given up, although its task may have made a picture, is taken up again.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> LateJobResult:
            job = _find(tx, job_id)
            if job is None:
                return LateJobResult.UNKNOWN
            if job.finished_at is None:
                if job.late_at is None or job.failure is not None:
                    return LateJobResult.NOT_LATE if job.failure is None else LateJobResult.OVER
            elif (stage := _stage_to_resume(tx, job)) is None:
                return LateJobResult.OVER
            else:
                tx.execute(
                    f"UPDATE jobs SET stage = ?, late_at = ?, finished_at = NULL, {NO_FAILURE}"  # noqa: S608  # our own text
                    " WHERE job_id = ?",
                    (stage, at, job_id),
                )
            request_wakeup(tx, job_id, at)
            return LateJobResult.DONE

        return await self._database.run(unit)

    async def abandon(self, job_id: str, *, reason: str) -> LateJobResult:
        """End the wait for a late job; its member is told. What Rivya may charge for it stays held.

        A job that has ended already leaves the list.
        """
        return await self._end_wait(job_id, reason, lambda _: True)

    async def release(self, job_id: str, *, reason: str, by: int) -> LateJobResult:
        """End the wait for a late job and release its credits, which is recorded as a correction."""
        at = now_ms()

        def release(tx: sqlite3.Connection) -> bool:
            booked = find_booked(tx, job_id)
            if booked is None or booked.state is not ReservationState.HELD:
                return False
            correct(tx, booked, (ReservationState.RELEASED, 0), reason=reason, by=by, at=at)
            return True

        return await self._end_wait(job_id, reason, release, in_doubt=False)

    async def _end_wait(
        self,
        job_id: str,
        reason: str,
        close: Callable[[sqlite3.Connection], bool],
        *,
        in_doubt: bool = True,
    ) -> LateJobResult:
        """End a late job in one transaction with `close`, which returns False if its credits forbid that."""
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> LateJobResult:
            job = _find(tx, job_id)
            if job is None:
                return LateJobResult.UNKNOWN
            if job.late_at is None:
                under_way = job.finished_at is None and job.failure is None
                return LateJobResult.NOT_LATE if under_way else LateJobResult.OVER
            if not close(tx):
                return LateJobResult.CHARGED
            if job.failure is None:
                _end(
                    tx,
                    job,
                    Failure(FailureCause.OPERATOR, FailureCode.ABANDONED, reason),
                    at,
                    in_doubt=in_doubt,
                )
            tx.execute(f"UPDATE jobs SET {NOT_LATE} WHERE job_id = ?", (job_id,))  # noqa: S608  # our own text
            request_wakeup(tx, job_id, at)
            return LateJobResult.DONE

        return await self._database.run(unit)

    async def wakeups(self) -> list[Wakeup]:
        """Return the jobs that are to be looked at, the first that was asked for first."""
        return await self._database.run(
            lambda tx: [
                Wakeup(row["job_id"], row["asked_at"])
                for row in tx.execute("SELECT job_id, asked_at FROM job_wakeups ORDER BY asked_at, job_id")
            ]
        )

    async def forget_wakeup(self, wakeup: Wakeup) -> None:
        """Record that a job was looked at; it stays to be looked at if that was asked for again meanwhile."""
        await self._database.run(
            lambda tx: tx.execute("DELETE FROM job_wakeups WHERE job_id = ? AND asked_at = ?", wakeup)
        )


def end_late_job(transaction: sqlite3.Connection, job_id: str, failure: Failure, at: int) -> None:
    """End a late job for good, without telling its member. What Rivya may charge for it stays held.

    `at` is now, in epoch milliseconds.
    """
    job = _find(transaction, job_id)
    assert job is not None  # the caller has just read it
    if job.failure is None:
        _end(transaction, job, failure, at)
    transaction.execute(
        f"UPDATE jobs SET {FINISH}, {NOT_LATE} WHERE job_id = ?",  # noqa: S608  # our own text
        (at, job_id),
    )
    request_wakeup(transaction, job_id, at)


def request_wakeup(transaction: sqlite3.Connection, job_id: str, at: int) -> None:
    """Ask the running bot to look at a job now."""
    transaction.execute(
        "INSERT INTO job_wakeups (job_id, asked_at) VALUES (?, ?) ON CONFLICT (job_id) DO UPDATE"
        " SET asked_at = max(excluded.asked_at, job_wakeups.asked_at + 1)",
        (job_id, at),
    )


def _end(
    transaction: sqlite3.Connection,
    job: Job,
    failure: Failure,
    at: int,
    *,
    in_doubt: bool = True,
) -> None:
    """Record the failure of an unfinished job, and close its credits, unless they are in doubt."""
    if job.stage is Stage.SUCCEEDED:
        stage = Stage.UNDELIVERABLE
        failure = replace(failure, charged_credits=_charged_credits(transaction, job.job_id))
    else:
        stage = Stage.FAILED
        # Without a body nothing that costs credits was sent.
        may_cost = job.stage not in BEFORE_TASK or job.create_body is not None
        failure = replace(failure, in_doubt=in_doubt and may_cost)
        close_credits(transaction, job.job_id, failure, at)
    transaction.execute(
        f"UPDATE jobs SET {FAILURE} WHERE job_id = ?",  # noqa: S608  # our own text
        (*failure_values(stage, failure), job.job_id),
    )


def _stage_to_resume(transaction: sqlite3.Connection, job: Job) -> Stage | None:
    """Return the stage in which a job that was given up goes on; None if there is nothing to wait for."""
    erased = job.request.destination.user_id <= 0
    if erased or job.task_id is None or job.failure is None or job.deleted_at is not None:
        return None
    if job.stage is Stage.UNDELIVERABLE:
        return Stage.SUCCEEDED
    booked = find_booked(transaction, job.job_id)
    # Given up by us, not reported as failed by Rivya; the operator may have booked what it charged since.
    given_up = job.failure.in_doubt or job.failure.code == FailureCode.ABANDONED
    state = None if booked is None else booked.state
    open_ended = state is ReservationState.HELD or (state is ReservationState.SETTLED and given_up)
    return Stage.CREATED if job.stage is Stage.FAILED and open_ended else None


def _charged_credits(transaction: sqlite3.Connection, job_id: str) -> int:
    booked = find_booked(transaction, job_id)
    return booked.credits if booked is not None and booked.state is ReservationState.SETTLED else 0


def _find(transaction: sqlite3.Connection, job_id: str) -> Job | None:
    row = transaction.execute(SELECT_JOB, (job_id,)).fetchone()
    return None if row is None else job_from(row)


def _late_job(row: sqlite3.Row) -> LateJob:
    return LateJob(
        job=job_from(row),
        held_credits=row["held_credits"],
        unreadable_sha256=row["unreadable_sha256"],
        unreadable_bytes=row["unreadable_bytes"] or 0,
    )
