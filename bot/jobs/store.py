"""The jobs table: one row a job, which moves from stage to stage together with its credits.

Each method is one transaction and is durable when it returns. A transition that does not find the job in an
expected stage changes nothing and raises, since two runners of one job would spend twice.

Owns the table jobs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bot.credits import ledger
from bot.domain.clock import now_ms
from bot.domain.errors import ContractViolation
from bot.domain.jobs import BEFORE_TASK, IN_FLIGHT, Stage
from bot.domain.pictures import MorePicture
from bot.domain.prices import NO_PRICES
from bot.jobs import job_pictures
from bot.jobs.created_tasks import CreatedTask, record_created, record_created_too_late
from bot.jobs.groups import is_answered
from bot.jobs.outcomes import (
    FAILURE,
    FINISH,
    LANDING,
    NOT_LATE,
    cancel_in_time,
    close_credits,
    failure_values,
    landing_values,
)
from bot.jobs.references import record_upload
from bot.jobs.requests.priced_requests import Submitted
from bot.jobs.requests.submission import open_draft, submit
from bot.jobs.rows import SELECT_JOB, job_from, plain, update_statement
from bot.jobs.unfinished import count_by_stage, unfinished_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.credits.ledger import Transaction
    from bot.domain.jobs import (
        DeliveredMessage,
        Failure,
        Job,
        Picture,
        Request,
        RequestContext,
        RequestOptions,
        UploadedReference,
    )
    from bot.domain.limits import Limit
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.prices import PricedSettings, SettingsPrices
    from bot.jobs.requests.drafts import Draft
    from bot.jobs.requests.submission import SubmitResult
    from bot.observability.metrics import Metrics
    from bot.storage.database import Database


log = structlog.get_logger(__name__)


class JobStore:
    """Every job that was ever accepted.

    `default_limit` binds guilds whose admins have set none. `metrics` counts the jobs that end and the
    credits that are charged. `prices` are what the operator says that settings cost.
    """

    def __init__(
        self,
        database: Database,
        default_limit: Limit,
        metrics: Metrics | None = None,
        prices: SettingsPrices = NO_PRICES,
    ) -> None:
        self._database = database
        self._default_limit = default_limit
        self._metrics = metrics
        self._prices = prices

    async def submit(
        self,
        request: Request | RequestOptions,
        context: RequestContext,
        *,
        job_id: str,
        catalog: ModelCatalog,
        at: int,
        draft_id: int | None = None,
        confirmed: bool = False,
    ) -> SubmitResult:
        """Check a request and write its jobs with their credits, or the question about its price.

        `job_id` is the id of the first job. `confirmed` says that the member has seen the price. `draft_id`
        is the draft that is sent in.

        Raises:
            MemberError, LimitExceeded: as `submission.submit`; nothing was written.
        """
        submitted = Submitted(request, context, catalog, at, self._default_limit, self._prices)
        return await self._database.run(
            lambda tx: submit(tx, submitted, job_id=job_id, draft_id=draft_id, confirmed=confirmed)
        )

    async def open_draft(
        self,
        request: Request | RequestOptions,
        context: RequestContext,
        *,
        catalog: ModelCatalog,
        at: int,
        extends: bool = False,
    ) -> Draft | None:
        """Save a request as the draft of a form; None if its interaction was saved before.

        With `extends` its references may be added to another draft: see `submission.open_draft`.

        Raises:
            MemberError, LimitExceeded: it would be refused, whatever is typed into the form.
        """
        submitted = Submitted(request, context, catalog, at, self._default_limit, self._prices)
        return await self._database.run(lambda tx: open_draft(tx, submitted, extends=extends))

    async def acknowledged(self, job_id: str, message_id: int | None) -> Job:
        """Record that Discord has our first answer. Called again, it keeps the first time and message id."""
        at = now_ms()
        return await self._transition(
            job_id,
            "acknowledged_at = coalesce(acknowledged_at, ?), message_id = coalesce(?, message_id)",
            (at, message_id),
            tuple(Stage),
        )

    async def is_answered(self, interaction_id: int) -> bool:
        """Return whether any job of a request was acknowledged; all have one answer."""
        return await self._database.run(lambda tx: is_answered(tx, interaction_id))

    async def uploaded(self, job_id: str, number: int, upload: UploadedReference, sha256: str) -> Job:
        """Record an uploaded reference by its number; the picture store has the file under this hash.

        With the last one the job is UPLOADED.
        """
        return await self._transition(
            job_id,
            "stage = CASE WHEN EXISTS (SELECT 1 FROM job_references r"
            " WHERE r.job_id = jobs.job_id AND r.upload_url IS NULL) THEN stage ELSE 'uploaded' END",
            (),
            (Stage.ACCEPTED,),
            lambda tx: record_upload(tx, job_id, number, upload, sha256),
        )

    async def creating(self, job_id: str, body: str) -> Job:
        """Record the body of the create call before it is sent; every repeat sends the same one."""
        return await self._transition(job_id, "create_body = coalesce(create_body, ?)", (body,), BEFORE_TASK)

    async def created(
        self, job_id: str, task_id: str, reserved_credits: int | None, priced: PricedSettings | None = None
    ) -> Job:
        """Record the task; the reservation is set to what Rivya has reserved, and known of `priced` from now.

        Raises:
            ContractViolation: `task_taken`; the task is another job's, so ours may or may not exist.
        """
        at = now_ms()
        created = CreatedTask(job_id, task_id, reserved_credits, priced, at)
        return await self._transition(
            job_id,
            f"stage = ?, task_id = ?, task_created_at = ?, {NOT_LATE}",
            (Stage.CREATED, task_id, at),
            BEFORE_TASK,
            lambda tx: record_created(tx, created, self._default_limit),
        )

    async def created_too_late(self, job_id: str, task_id: str) -> None:
        """Record the task of a job that was ended while Rivya created it, to compare and to fetch later.

        The job and its credits stay as they are.
        """
        at = now_ms()
        await self._database.run(lambda tx: record_created_too_late(tx, job_id, task_id, at))
        log.error("a task was created for a job that has ended", job_id=job_id, task_id=task_id)

    async def delay_notified(self, job_id: str) -> Job:
        """Record that the member was told of the delay."""
        return await self._transition(job_id, "late_told_at = ?", (now_ms(),), (Stage.CREATED,))

    async def late(self, job_id: str, note: str) -> Job:
        """Record that an unfinished job takes longer than any before it, and what was answered last."""
        return await self._transition(
            job_id,
            "late_at = coalesce(late_at, ?), late_note = ?",
            (now_ms(), note),
            (*IN_FLIGHT, Stage.SUCCEEDED),
        )

    async def result_downloaded(self, job_id: str) -> Job:
        """Record that the picture of a late job was downloaded; what was downloaded before is forgotten."""
        return await self._transition(
            job_id,
            NOT_LATE,
            (),
            (Stage.SUCCEEDED,),
            lambda tx: job_pictures.forget_unreadable(tx, job_id),
        )

    async def record_unreadable_result(self, job_id: str, sha256: str, size_bytes: int) -> None:
        """Record that what was downloaded is no picture, and is in the picture store for the operator.

        Nothing is recorded of a job that was ended or erased meanwhile.
        """
        at = now_ms()
        await self._database.run(
            lambda tx: job_pictures.record_unreadable(tx, job_id, sha256, size_bytes, at)
        )

    async def succeeded(
        self,
        job_id: str,
        result_url: str | None,
        final_credits: int | None,
        *,
        more_urls: Sequence[str | None] = (),
        known: Job | None = None,
    ) -> Job:
        """Record the success of the task and settle; None settles what was reserved.

        `more_urls` are the addresses of the pictures beyond the first; None for one that the answer held.
        With `known`, the job as its runner has it, the row is not read again.
        """
        at = now_ms()
        more = tuple(MorePicture(number, url) for number, url in enumerate(more_urls, start=2))
        after = known and replace(
            known,
            stage=Stage.SUCCEEDED,
            result_url=result_url,
            more_pictures=more,
            painted_at=at,
            late_at=None,
            late_note=None,
        )

        def close(tx: Transaction) -> int:
            if more_urls:
                job_pictures.record_addresses(tx, job_id, more_urls)
            default = self._default_limit
            return ledger.settle(tx, job_id=job_id, final_credits=final_credits, at=at, default=default)

        return await self._transition(
            job_id,
            f"stage = ?, result_url = ?, painted_at = ?, {NOT_LATE}",
            (Stage.SUCCEEDED, result_url, at),
            (Stage.CREATED,),
            close,
            after,
        )

    async def failed(self, job_id: str, failure: Failure) -> Job:
        """Record a failure: settle what was charged, keep held what is in doubt, release the rest."""
        at = now_ms()
        return await self._transition(
            job_id,
            FAILURE,
            failure_values(Stage.FAILED, failure),
            IN_FLIGHT,
            lambda tx: close_credits(tx, job_id, failure, at, self._default_limit),
        )

    async def result_lost(self, job_id: str, failure: Failure) -> Job:
        """Record that a picture was made and charged, but cannot be downloaded; its member is told next."""
        return await self._transition(
            job_id, FAILURE, failure_values(Stage.UNDELIVERABLE, failure), (Stage.SUCCEEDED,)
        )

    async def delivered(
        self, job_id: str, delivered: DeliveredMessage, *, pictures: int | None = None
    ) -> Job:
        """Record where so many of several pictures were posted, or the only one; the job is finished."""
        return await self._transition(
            job_id,
            f"stage = ?, {LANDING}, {FINISH}, {NOT_LATE}",
            (Stage.DELIVERED, *landing_values(delivered), now_ms()),
            (Stage.SUCCEEDED,),
            lambda tx: job_pictures.record_posted(tx, job_id, delivered.more, pictures),
        )

    async def record_kept_picture(
        self, job_id: str, picture: Picture, sha256: str, *, number: int = 1
    ) -> None:
        """Record that a picture of the job, by its number, is in the picture store."""
        at = now_ms()
        await self._database.run(lambda tx: job_pictures.record_kept(tx, job_id, number, picture, sha256, at))

    async def undeliverable(self, job_id: str, *, pictures: int | None = None) -> Job:
        """Finish a job whose pictures could not be posted; so many of several were stored before."""
        return await self._transition(
            job_id,
            f"stage = ?, {FINISH}, {NOT_LATE}",
            (Stage.UNDELIVERABLE, now_ms()),
            (Stage.SUCCEEDED,),
            None if pictures is None else lambda tx: job_pictures.forget_beyond(tx, job_id, pictures),
        )

    async def failure_notified(self, job_id: str) -> Job:
        """Finish a failed job: its member was told, or cannot be reached."""
        return await self._transition(job_id, FINISH, (now_ms(),), (Stage.FAILED, Stage.UNDELIVERABLE))

    async def cancelled(self, job_id: str) -> Job:
        """Cancel a job of which nothing was sent, and release its credits."""
        at = now_ms()
        return await self._transition(
            job_id,
            "stage = ?, " + FINISH,
            (Stage.CANCELLED, at),
            BEFORE_TASK,
            lambda tx: ledger.release(tx, job_id=job_id, at=at),
        )

    async def cancelled_in_time(self, job_id: str) -> Job | None:
        """Cancel a job for its member and release its credits, if no task can exist.

        None if it is too late: a body that is written down may have been sent.
        """
        at = now_ms()

        def unit(tx: Transaction) -> Job | None:
            if not cancel_in_time(tx, job_id, at):
                return None
            return job_from(tx.execute(SELECT_JOB, (job_id,)).fetchone())

        job = await self._database.run(unit)
        if job is not None:
            self._count(job, 0, ended=True)
        return job

    async def unfinished(self) -> list[Job]:
        """Return every unfinished job, the oldest first."""
        return await self._database.run(unfinished_jobs)

    async def count_by_stage(self) -> dict[str, int]:
        """Return the number of unfinished jobs by stage."""
        return await self._database.run(count_by_stage)

    async def find(self, job_id: str) -> Job | None:
        """Return a job; None if there is none."""

        def unit(tx: Transaction) -> Job | None:
            row = tx.execute(SELECT_JOB, (job_id,)).fetchone()
            return None if row is None else job_from(row)

        return await self._database.run(unit)

    async def _transition(
        self,
        job_id: str,
        changes: str,
        values: tuple[object, ...],
        stages: tuple[Stage, ...],
        write_others: Callable[[Transaction], int | None] | None = None,
        after: Job | None = None,
    ) -> Job:
        """Change a job that is in one of `stages`, and with it what belongs to it in other tables.

        `write_others` returns the credits that it settled, if any. `after` is the job after the change, if
        that is known; else it is read, which takes longer than to write it.

        Raises:
            ContractViolation: `bug`; the job is in none of the stages, nothing was changed.
        """
        statement, values = update_statement(changes, stages), (*map(plain, values), job_id)

        def unit(tx: Transaction) -> tuple[Job, int]:
            charged_credits = write_others(tx) if write_others is not None else 0
            if not tx.execute(statement, values).rowcount:
                # Raising takes back what was written to other tables, too.
                raise ContractViolation("bug", f"job {job_id} is in none of the stages {', '.join(stages)}")
            if after is not None:
                return after, charged_credits or 0
            # Not by RETURNING, which takes longer for so many columns.
            row = tx.execute(SELECT_JOB, (job_id,)).fetchone()
            return job_from(row), charged_credits or 0

        job, charged_credits = await self._database.run(unit)
        self._count(job, charged_credits, ended=FINISH in changes)
        return job

    def _count(self, job: Job, charged_credits: int, *, ended: bool) -> None:
        """Count what a transition has changed, once it is committed.

        `ended` says that it has finished the job; an acknowledgement may come after that.
        """
        if self._metrics is not None:
            self._metrics.record_charge(charged_credits, job.request.model)
            if ended:
                self._metrics.record_job(job)
