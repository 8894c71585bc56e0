"""Run one job, step by step, until it is finished.

A step calls the outside and commits what came of it before the next begins. Not every step commits: a poll
of a running task changes nothing, and the first half of a delivery only fetches the picture. `create` commits
twice: the body before it is sent, and the task. After a crash a new `JobRunner` goes on from the row:
resuming is the same loop.
"""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.errors import (
    ContractViolation,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.domain.image_models import MODELS
from bot.domain.jobs import BEFORE_TASK, IN_FLIGHT, Phase, Stage
from bot.engine.failure_policy import decide_failure, failure_from_task, makes_late
from bot.engine.job_files import reference_filename
from bot.engine.polling.scheduler import TaskKind
from bot.engine.polling.task_poller import TaskPoller
from bot.engine.progress import ProgressReporter
from bot.engine.result_poster import ResultPoster
from bot.engine.shutdown import Sleeper
from bot.images.data_urls import is_data_url
from bot.rivya.models import TaskStatus, create_body
from bot.rivya.rate_limit import MAX_BACKOFF_SECONDS, MAX_RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.domain.jobs import Failure, Job
    from bot.engine.dependencies import EngineDependencies
    from bot.rivya.models import Task

log = structlog.get_logger(__name__)

ENDED_BY_OTHERS: Final = (Stage.CANCELLED, Stage.FAILED, Stage.UNDELIVERABLE)
"""Stages that a job may be in although its runner has not put it there."""
_LATE_INTERVAL_SHARE: Final = 0.125
_MAX_LATE_INTERVAL_SECONDS: Final = 3600.0
"""A late job is tried again after an eighth of its age, and at least once an hour."""
_NOTE_CHARACTERS: Final = 200


class JobRunner:
    """One job, run by one asyncio task. `answered` says that Discord has our first answer."""

    def __init__(
        self,
        job: Job,
        dependencies: EngineDependencies,
        *,
        answered: bool = False,
        message_id: int | None = None,
    ) -> None:
        self.job = job
        self._acknowledged = answered
        self._message_id = message_id
        self._dependencies = dependencies
        self._failed_attempts = 0
        self._sleeper = Sleeper(dependencies.shutdown)
        self._kind = TaskKind(job.request.model, job.request.reference is not None)
        self._poller = TaskPoller(
            self._kind, dependencies.scheduler, dependencies.durations, dependencies.timings
        )
        # A body committed before this runner began may have been sent by the one before.
        self._task_may_exist = job.create_body is not None
        self._files = dependencies.files
        self._progress = ProgressReporter(
            job,
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
        while self.job.acknowledged_at is None and self.job.finished_at is None:
            await self._run_step(JobRunner.confirm_acknowledged)
        async with self._progress.running():
            if self._needs_slot:
                async with self._slot():
                    while self._needs_slot:
                        await self._run_next_step()
            while self.job.finished_at is None:
                await self._run_next_step()

    def wake(self) -> None:
        """End the wait between two attempts, and read the row again: another process may have changed it."""
        self._sleeper.wake()

    @property
    def _needs_slot(self) -> bool:
        """Whether the job counts as a task in flight; a late one does not, so that it blocks no others."""
        return self.job.stage in IN_FLIGHT and self.job.late_at is None

    async def stop_progress(self) -> None:
        """Stop reporting progress, and wait for a report under way."""
        await self._progress.stop()

    async def _run_next_step(self) -> None:
        if self.job.stage in IN_FLIGHT:
            await self._wait_for_circuit()
        await self._run_step(STEP_BY_STAGE[self.job.stage])

    async def _wait_for_circuit(self) -> None:
        """Wait while the circuit breaker is open."""
        if self._dependencies.circuit_breaker.is_open:
            self._progress.set_phase(Phase.OUTAGE)
            with self._dependencies.shutdown.interruptible():
                await self._dependencies.circuit_breaker.wait_closed()

    async def _run_step(self, step: Callable[[JobRunner], Awaitable[Job]]) -> None:
        self._dependencies.shutdown.raise_if_requested()
        try:
            self.job = await step(self)
        except KuasError as error:
            await self._handle_error(error)
        else:
            self._failed_attempts = 0

    async def _handle_error(self, error: KuasError) -> None:
        if isinstance(error, ContractViolation) and error.code == "bug":
            if (await self._reload()).stage not in ENDED_BY_OTHERS:
                raise error
            return  # cancelled by its member, or ended by the operator or an erasure, during this step
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
            late_seconds=_seconds_since(self.job.late_at),
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
        await self._pause(self._backoff(error))

    async def _fail(self, failure: Failure) -> None:
        _log_failure(failure)
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
            await self._pause(self._backoff(error))
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

    async def _pause(self, seconds: float) -> None:
        """Wait, at most until `wake`."""
        if await self._sleeper.sleep(seconds):
            await self._reload()

    async def _reload(self) -> Job:
        self.job = await self._dependencies.store.find(self.job.job_id) or self.job
        return self.job

    def _backoff(self, error: KuasError) -> float:
        grown = self._dependencies.timings.poll_seconds * 2.0 ** min(self._failed_attempts - 1, 10)
        grown = max(min(MAX_BACKOFF_SECONDS, grown), self._late_interval_seconds())
        seconds = grown * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
        asked = error.retry_after_seconds if isinstance(error, TransientError) else None
        return seconds if asked is None else max(seconds, min(asked, MAX_RETRY_AFTER_SECONDS))

    # The steps: each returns the job as it is in the database afterwards.

    async def confirm_acknowledged(self) -> Job:
        """Record that Discord has our first answer; cancel the job if it has none.

        Without it Discord told the member that the application did not respond, and they will ask again.
        """
        message_id = self._message_id
        if not self._acknowledged:
            message_id = await self._dependencies.delivery.find_reply(self.job)
            self._acknowledged = message_id is not None
        if not self._acknowledged:
            log.info("cancelled", why="Discord never got our first answer")
            return await self._dependencies.store.cancelled(self.job.job_id)
        return await self._dependencies.store.acknowledged(self.job.job_id, message_id)

    async def upload_reference(self) -> Job:
        """Upload the reference; without one, create the task."""
        reference = self.job.request.reference
        if reference is None:
            return await self.create()
        self._progress.set_phase(Phase.UPLOADING)
        ready = await self._files.prepare_reference(self.job, reference)
        uploaded = await self._dependencies.rivya.upload(
            ready.path,
            filename=reference_filename(ready.mime_type),
            mime_type=ready.mime_type,
            model=self.job.request.model,
            client_request_id=self.job.job_id,
        )
        uploaded = replace(uploaded, mime_type=uploaded.mime_type or ready.mime_type)
        return await self._dependencies.store.uploaded(self.job.job_id, uploaded, ready.sha256)

    async def create(self) -> Job:
        """Create the task. The body is committed first, so that every repeat, in any process, is the same."""
        self._progress.set_phase(Phase.ASKING)
        body = self.job.create_body
        if body is None:
            body = self._body()
            self.job = await self._dependencies.store.creating(self.job.job_id, body)
        task = await self._dependencies.rivya.create(body, idempotency_key=self.job.job_id)
        # If the commit below fails, a refusal of the next attempt proves nothing about this one.
        self._task_may_exist = True
        job = await self._dependencies.store.created(self.job.job_id, task.task_id, task.reserved_credits)
        self._poller.task_created()
        return job

    async def poll(self) -> Job:
        """Wait until the next poll is due, and poll once."""
        task_id = self.job.task_id
        assert task_id is not None  # the schema says so of a created job
        told = self.job.delay_notified_at is not None
        self._progress.set_phase(Phase.LATE if told else Phase.PAINTING, self.job.task_created_at)
        planned_seconds = self._poller.seconds_until_next(self._age_seconds())
        late_seconds = self._late_interval_seconds() if self._poller.has_polled else 0.0
        await self._pause(max(planned_seconds, late_seconds))
        if self.job.stage is not Stage.CREATED:
            return self.job  # ended by others during the wait
        self._poller.poll_sent(self._age_seconds())
        task = await self._dependencies.rivya.get_task(task_id)
        if task.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED}:
            await self._poller.task_ended(self._age_seconds())
            ended = await self._record_outcome(task)
            self._dependencies.metrics.record_task(ended)
            return ended
        self._poller.still_running()
        if self._is_overdue:
            await self._record_late(task.status_word or task.status)
        if told or self._age_seconds() <= self._dependencies.timings.late_after_seconds:
            return self.job
        self._progress.set_phase(Phase.LATE, self.job.task_created_at)
        return await self._dependencies.store.delay_notified(self.job.job_id)

    async def _record_outcome(self, task: Task) -> Job:
        store, job_id = self._dependencies.store, self.job.job_id
        if task.status is TaskStatus.SUCCEEDED:
            # A picture inside the address itself is too large for the row: `deliver` asks for it again.
            url = None if is_data_url(task.result_url or "") else task.result_url
            return await store.succeeded(job_id, url, task.final_credits)
        failure = failure_from_task(task)
        _log_failure(failure)
        return await store.failed(job_id, failure)

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

    def _body(self) -> str:
        request, reference = self.job.request, self.job.upload
        if reference is not None:
            mime_type = reference.mime_type or "image/png"
            name = reference.name or reference_filename(mime_type)
            reference = replace(reference, mime_type=mime_type, name=name)
        return create_body(
            MODELS[request.model],
            prompt=request.full_prompt,
            size=request.size,
            format=request.format,
            reference=reference,
            client_request_id=self.job.job_id,
        )

    def _age_seconds(self) -> float:
        return _seconds_since(self.job.task_created_at)

    def _late_interval_seconds(self) -> float:
        """Return the least time between two attempts for a late job, by its age; 0 if it is not late."""
        if self.job.late_at is None:
            return 0.0
        began_at = self.job.painted_at or self.job.task_created_at or self.job.accepted_at
        return min(_seconds_since(began_at) * _LATE_INTERVAL_SHARE, _MAX_LATE_INTERVAL_SECONDS)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Hold a slot. A task that exists at Rivya already does not wait for one."""
        guild_id, job_id = self.job.request.destination.guild_id, self.job.job_id
        async with AsyncExitStack() as stack:
            with self._dependencies.shutdown.interruptible():
                in_flight = self.job.stage is Stage.CREATED
                await stack.enter_async_context(
                    self._dependencies.slots.acquire(guild_id, job_id, bypass_queue=in_flight)
                )
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


def _seconds_since(at: int | None) -> float:
    """Return the time since `at` (epoch milliseconds); 0 for None."""
    return 0.0 if at is None else (now_ms() - at) / 1000


def _log_failure(failure: Failure) -> None:
    """Log a failure; credits in doubt as an error, since the operator has to act."""
    if failure.in_doubt:
        log.error("credits in doubt stay held", who=failure.cause, code=failure.code)
    else:
        log.info("failed", who=failure.cause, code=failure.code, charged_credits=failure.charged_credits)
