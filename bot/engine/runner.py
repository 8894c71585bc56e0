"""Run one job, step by step, until it is finished.

A step calls the outside and commits what came of it before the next begins. Not every step commits: a poll
of a running task changes nothing, and the first half of a delivery only fetches the picture, which begins
while the success of its task is committed. `create` commits twice: the body before it is sent, and the task.
After a crash a new `JobRunner` goes on from the row: resuming is the same loop.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import (
    ContractViolation,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.domain.jobs import BEFORE_TASK, IN_FLIGHT, Stage
from bot.domain.progress import Phase
from bot.engine.failure_policy import decide_failure, makes_late
from bot.engine.polling.task_kind import kind_of
from bot.engine.polling.task_poller import TaskPoller
from bot.engine.progress import ProgressReporter
from bot.engine.result_poster import ResultPoster, log_failure
from bot.engine.waits import WakeableWait, backoff_seconds, late_interval_seconds, seconds_since
from bot.jobs.requests.validation import which_reference
from bot.rivya.models import TaskStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.domain.jobs import Failure, Job
    from bot.engine.dependencies import EngineDependencies
    from bot.rivya.models import Task

log = structlog.get_logger(__name__)

ENDED_BY_OTHERS: Final = (Stage.CANCELLED, Stage.FAILED, Stage.UNDELIVERABLE)
"""Stages that a job may be in although its runner has not put it there."""
_NOTE_CHARACTERS: Final = 200


class JobRunner:
    """One job, run by one asyncio task.

    `answered` says that Discord has our first answer. `delay_seconds` is the wait before the first step.
    """

    def __init__(
        self,
        job: Job,
        dependencies: EngineDependencies,
        *,
        answered: bool = False,
        message_id: int | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        self.job = job
        self._acknowledged = answered
        self._message_id = message_id
        self._dependencies = dependencies
        self._failed_attempts = 0
        self._wait = WakeableWait()
        self._pause_seconds = delay_seconds
        self._kind = kind_of(job.request, dependencies.catalog)
        self._poller = TaskPoller(
            self._kind, dependencies.scheduler, dependencies.durations, dependencies.timings
        )
        # A body committed before this runner began may have been sent by the one before.
        self._task_may_exist = job.create_body is not None
        self._files = dependencies.files
        self._progress = ProgressReporter(
            job,
            self._kind,
            dependencies.delivery,
            dependencies.slots,
            dependencies.scheduler,
            dependencies.timings.progress_seconds,
        )
        self._result = ResultPoster(dependencies, self._progress)

    async def run(self) -> None:
        """Run the job to its end.

        Raises:
            ShuttingDown, asyncio.CancelledError: the bot is closing; the row says where to go on.
            ContractViolation: `bug`; something else has changed the row.
        """
        await self._pause_if_due()
        while self.job.acknowledged_at is None and self.job.finished_at is None:
            await self._run_step(JobRunner.confirm_acknowledged)
            await self._pause_if_due()
        async with aclosing(self._result), self._progress.running():
            while self.job.finished_at is None:
                if self._needs_slot:
                    async with self._slot():
                        await self._run_next_step()
                        while self._keeps_slot:
                            await self._pause_if_due()
                            await self._run_next_step()
                else:
                    await self._run_next_step()
                await self._pause_if_due()

    def wake(self) -> None:
        """End the wait between two attempts, and read the row again: another process may have changed it."""
        self._wait.wake()

    @property
    def woken(self) -> bool:
        """Whether `wake` was called, and the row was not read again since."""
        return self._wait.woken

    @property
    def _needs_slot(self) -> bool:
        """Whether the next step needs a slot: it may create a task, or the job counts as a task in flight."""
        return self.job.stage in BEFORE_TASK or self._keeps_slot

    @property
    def _keeps_slot(self) -> bool:
        """Whether the job counts as a task in flight; a late one does not, so that it blocks no others."""
        return self.job.stage in IN_FLIGHT and self.job.late_at is None

    async def stop_progress(self) -> None:
        """Stop reporting progress, and wait for a report under way."""
        await self._progress.stop()

    async def _run_next_step(self) -> None:
        if self.job.stage in IN_FLIGHT:
            await self._wait_for_circuit()
        if self.job.finished_at is None:
            await self._run_step(STEP_BY_STAGE[self.job.stage])

    async def _wait_for_circuit(self) -> None:
        """Wait while the circuit breaker is open, at most until `wake`."""
        if self._dependencies.circuit_breaker.is_open:
            self._progress.set_phase(Phase.OUTAGE)
            with self._dependencies.shutdown.interruptible():
                woken = await self._wait.wait(self._dependencies.circuit_breaker.wait_closed)
            if woken:
                await self._reload()

    async def _run_step(self, step: Callable[[JobRunner], Awaitable[Job]]) -> None:
        self._dependencies.shutdown.raise_if_requested()
        try:
            try:
                self.job = await step(self)
            except KuasError as error:
                await self._handle_error(error)
            else:
                self._failed_attempts = 0
        except ContractViolation as error:
            if error.code != "bug" or (await self._reload()).stage not in ENDED_BY_OTHERS:
                raise
            # Cancelled by its member, or ended by the operator or an erasure, during this step.
            self._pause_seconds = 0.0

    async def _handle_error(self, error: KuasError) -> None:
        if isinstance(error, ContractViolation) and error.code == "bug":
            raise error
        self._failed_attempts += 1
        self._dependencies.metrics.record_error(self.job.stage, error)
        if isinstance(error, OperatorError):
            self._dependencies.operator_log.report(error, stage=self.job.stage)
        elif isinstance(error, MemberError) and error.reason is MemberReason.REQUEST_REFUSED:
            # Rivya's message may quote the prompt, so only its code is logged.
            refused = OperatorError(
                "request_refused", f"Rivya refuses a request with {error.data.get('code')}"
            )
            self._dependencies.operator_log.report(refused, stage=self.job.stage)
        if self.job.create_body is not None and self.job.stage in BEFORE_TASK:
            unanswered = isinstance(error, TransientError) and not error.had_no_effect
            doubtful = isinstance(error, MemberError | OperatorError | ContractViolation) and error.in_doubt
            self._task_may_exist = self._task_may_exist or unanswered or doubtful
        downloaded = self._result.downloaded
        failure = decide_failure(
            self.job,
            error,
            failed_attempts=self._failed_attempts,
            task_may_exist=self._task_may_exist,
            late_seconds=seconds_since(self.job.late_at),
            downloaded=downloaded,
        )
        log.warning(
            "setback",
            stage=self.job.stage,
            error=error.category,
            reason=str(error),
            request_id=error.request_id,
            setbacks=self._failed_attempts,
            ends_job=failure is not None,
        )
        if failure is not None:
            await self._fail(failure)
            return
        attempts = self._failed_attempts
        if self._is_overdue or makes_late(self.job, error, failed_attempts=attempts, downloaded=downloaded):
            await self._record_late(str(error))
        self._pause_seconds = self._backoff(error)

    async def _fail(self, failure: Failure) -> None:
        log_failure(failure)
        store = self._dependencies.store
        try:
            if self.job.stage is Stage.SUCCEEDED:
                guild_id = self.job.request.destination.guild_id
                receipt = await self._dependencies.ledger.receipt(self.job.job_id, guild_id)
                charged = replace(failure, charged_credits=receipt.charged_credits)
                self.job = await store.result_lost(self.job.job_id, charged)
            else:
                self.job = await store.failed(self.job.job_id, failure)
        except OperatorError as error:  # the database: decided again at the next attempt
            self._pause_seconds = self._backoff(error)
        else:
            self._failed_attempts = 0

    async def _record_late(self, note: str) -> None:
        """Record that the job is late, with what was answered last. An error is logged only."""
        note = note[:_NOTE_CHARACTERS]
        if self.job.late_at is not None and self.job.late_note == note:
            return
        try:
            self.job = await self._dependencies.store.late(self.job.job_id, note)
            if self.job.stage is Stage.SUCCEEDED:
                self._progress.set_phase(Phase.RESULT_LATE, self.job.late_at)
        except OperatorError as error:
            self._dependencies.operator_log.report(error, stage=self.job.stage)

    async def _pause_if_due(self) -> None:
        """Wait before the next attempt, if the last one failed."""
        seconds, self._pause_seconds = self._pause_seconds, 0.0
        if seconds:
            await self._pause(seconds)

    async def _pause(self, seconds: float) -> None:
        """Wait, at most until `wake`. A late job is read again: another process may have ended it."""
        woken = await self._wait.wait(lambda: self._dependencies.shutdown.sleep(seconds))
        if woken or self.job.late_at is not None:
            await self._reload()

    async def _reload(self) -> Job:
        """Read the row again; if it cannot be read, the job is taken to be unchanged."""
        try:
            self.job = await self._dependencies.store.find(self.job.job_id) or self.job
        except OperatorError as error:
            self._dependencies.operator_log.report(error, stage=self.job.stage)
        return self.job

    def _backoff(self, error: KuasError) -> float:
        poll_seconds = self._dependencies.timings.poll_seconds
        return backoff_seconds(
            self.job, error, failed_attempts=self._failed_attempts, poll_seconds=poll_seconds
        )

    # The steps: each returns the job as it is in the database afterwards.

    async def confirm_acknowledged(self) -> Job:
        """Record that Discord has our first answer; cancel the job if it has none.

        Without it Discord told the member that the application did not respond, and they will ask again.
        """
        message_id = self._message_id
        if not self._acknowledged:
            message_id = await self._dependencies.delivery.find_reply(self.job)
            self._acknowledged = message_id is not None or await self._is_group_answered()
        if not self._acknowledged:
            log.info("cancelled", why="Discord never got our first answer")
            return await self._dependencies.store.cancelled(self.job.job_id)
        return await self._dependencies.store.acknowledged(self.job.job_id, message_id)

    async def _is_group_answered(self) -> bool:
        """Whether another job of the group was acknowledged before a crash; the reply may be gone since."""
        if self.job.place is None:
            return False
        return await self._dependencies.store.is_answered(self.job.request.destination.interaction_id)

    async def upload_reference(self) -> Job:
        """Upload one reference, which is committed before the next begins; without one, create the task."""
        request, number = self.job.request, len(self.job.uploads) + 1
        if number > len(request.references):
            return await self.create()
        self._progress.set_phase(Phase.UPLOADING)
        with which_reference(request, number):
            upload, sha256 = await self._files.upload(self.job, request.references[number - 1])
        return await self._dependencies.store.uploaded(self.job.job_id, number, upload, sha256)

    async def create(self) -> Job:
        """Create the task. The body is committed first, so that every repeat, in any process, is the same."""
        self._progress.set_phase(Phase.ASKING)
        body = self.job.create_body
        if body is None:
            body = self._dependencies.files.request_body(self.job)
            self.job = await self._dependencies.store.creating(self.job.job_id, body)
        task = await self._dependencies.rivya.create(body, idempotency_key=self.job.job_id)
        # If the commit below fails, a refusal of the next attempt proves nothing about this one.
        self._task_may_exist = True
        store, job_id = self._dependencies.store, self.job.job_id
        try:
            priced = self._dependencies.files.priced_settings(self.job)
            job = await store.created(job_id, task.task_id, task.reserved_credits, priced)
        except ContractViolation as error:
            if error.code == "bug":  # ended by others while Rivya answered
                await store.created_too_late(job_id, task.task_id)
            raise
        self._poller.task_created()
        return job

    async def poll(self) -> Job:
        """Wait until the next poll is due, and poll once."""
        task_id = self.job.task_id
        assert task_id is not None  # the schema says so of a created job
        told = self.job.delay_notified_at is not None
        self._progress.set_phase(Phase.LATE if told else Phase.PAINTING, self.job.task_created_at)
        planned_seconds = self._poller.seconds_until_next(self._age_seconds())
        late_seconds = late_interval_seconds(self.job) if self._poller.has_polled else 0.0
        await self._pause(max(planned_seconds, late_seconds))
        if self.job.stage is not Stage.CREATED:
            return self.job  # ended by others during the wait
        self._poller.poll_sent(self._age_seconds())
        task = await self._dependencies.rivya.get_task(task_id)
        if task.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED}:
            return await self._end_task(task)
        self._poller.still_running()
        if self._is_overdue:
            await self._record_late(task.status_word or task.status)
        if told or self._age_seconds() <= self._dependencies.timings.late_after_seconds:
            return self.job
        self._progress.set_phase(Phase.LATE, self.job.task_created_at)
        return await self._dependencies.store.delay_notified(self.job.job_id)

    async def _end_task(self, task: Task) -> Job:
        """Commit how a task ended and how long it took, together; its picture is fetched meanwhile."""
        ended, recorded = await asyncio.gather(
            self._result.record_outcome(self.job, task),
            self._poller.task_ended(self._age_seconds()),
            return_exceptions=True,
        )
        if isinstance(ended, BaseException):
            raise ended
        if isinstance(recorded, OperatorError):  # all that it changes is when later tasks are polled
            self._dependencies.operator_log.report(recorded, stage=self.job.stage)
        elif isinstance(recorded, BaseException):
            raise recorded
        self._dependencies.metrics.record_task(ended)
        return ended

    @property
    def _is_overdue(self) -> bool:
        """Whether the task takes longer than any of its kind before it."""
        timings, scheduler = self._dependencies.timings, self._dependencies.scheduler
        longest = max(timings.late_after_seconds, scheduler.longest_seconds(self._kind))
        created = self.job.stage is Stage.CREATED
        return created and self._age_seconds() > min(longest, timings.max_slot_seconds)

    async def deliver(self) -> Job:
        """Fetch the picture in one step, deliver it in the next, so that a retry repeats only what failed."""
        return await self._result.deliver(self.job, retry=self._failed_attempts > 0)

    async def notify_failure(self) -> Job:
        """Tell the member that there will be no picture; if they cannot be reached, finish the job."""
        return await self._result.notify_failure(self.job)

    def _age_seconds(self) -> float:
        return seconds_since(self.job.task_created_at)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Hold a slot. A task that exists at Rivya already does not wait for one."""
        destination, job_id = self.job.request.destination, self.job.job_id
        async with AsyncExitStack() as stack:
            with self._dependencies.shutdown.interruptible():
                in_flight = self.job.stage is Stage.CREATED
                await stack.enter_async_context(
                    self._dependencies.slots.acquire(
                        destination.guild_id, destination.interaction_id, job_id, bypass_queue=in_flight
                    )
                )
            if self.job.late_at is not None:  # another process may have ended it while it waited
                await self._reload()
            yield


STEP_BY_STAGE: Final[Mapping[Stage, Callable[[JobRunner], Awaitable[Job]]]] = {
    Stage.ACCEPTED: JobRunner.upload_reference,
    Stage.UPLOADED: JobRunner.create,
    Stage.CREATED: JobRunner.poll,
    Stage.SUCCEEDED: JobRunner.deliver,
    Stage.FAILED: JobRunner.notify_failure,
    Stage.UNDELIVERABLE: JobRunner.notify_failure,
}
"""The step of each stage; a stage without one is final."""
