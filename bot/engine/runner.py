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
from bot.engine.delivery import UndeliverableError
from bot.engine.failure_policy import decide_failure, failure_from_task
from bot.engine.job_files import reference_filename
from bot.engine.polling.scheduler import TaskKind
from bot.engine.polling.task_poller import TaskPoller
from bot.engine.progress import ProgressReporter
from bot.rivya.models import TaskStatus, create_body
from bot.rivya.rate_limit import MAX_BACKOFF_SECONDS, MAX_RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture
    from bot.engine.dependencies import EngineDependencies

log = structlog.get_logger(__name__)


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
        kind = TaskKind(job.request.model, job.request.reference is not None)
        self._poller = TaskPoller(kind, dependencies.scheduler, dependencies.durations, dependencies.timings)
        # A body committed before this runner began may have been sent by the one before.
        self._task_may_exist = job.create_body is not None
        self._picture: tuple[Picture, bool] | None = None
        # Kept, so that a commit that fails after the post does not post a second time.
        self._delivered: DeliveredMessage | None = None
        self._notified = False
        self._files = dependencies.files
        self._progress = ProgressReporter(
            job,
            dependencies.delivery,
            dependencies.slots,
            dependencies.scheduler,
            dependencies.timings.progress_seconds,
        )

    async def run(self) -> None:
        """Run the job to its end.

        Raises:
            ShuttingDown, asyncio.CancelledError: the bot is closing; the row says where to go on.
            ContractViolation: `bug`; something else has changed the row.
        """
        while self.job.acknowledged_at is None and self.job.finished_at is None:
            await self._run_step(JobRunner.confirm_acknowledged)
        async with self._progress.running():
            if self.job.stage in IN_FLIGHT:
                async with self._slot():
                    while self.job.stage in IN_FLIGHT:
                        await self._wait_for_circuit()
                        await self._run_step(STEP_BY_STAGE[self.job.stage])
            while self.job.finished_at is None:
                await self._run_step(STEP_BY_STAGE[self.job.stage])

    async def stop_progress(self) -> None:
        """Stop reporting progress, and wait for a report under way."""
        await self._progress.stop()

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
            found = await self._dependencies.store.find(self.job.job_id)
            if found is None or found.stage is not Stage.CANCELLED:
                raise error
            self.job = found  # cancelled by its member during this step
            return
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
        failure = decide_failure(
            self.job, error, failed_attempts=self._failed_attempts, task_may_exist=self._task_may_exist
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
        if failure is None:
            await self._dependencies.shutdown.sleep(self._backoff(error))
        else:
            await self._fail(failure)

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
            await self._dependencies.shutdown.sleep(self._backoff(error))
        else:
            self._failed_attempts = 0

    def _backoff(self, error: KuasError) -> float:
        grown = self._dependencies.timings.poll_seconds * 2.0 ** min(self._failed_attempts - 1, 10)
        seconds = min(MAX_BACKOFF_SECONDS, grown) * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
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
        late = self.job.delay_notified_at is not None
        self._progress.set_phase(Phase.LATE if late else Phase.PAINTING, self.job.task_created_at)
        await self._dependencies.shutdown.sleep(self._seconds_until_next_poll())
        self._poller.poll_sent(self._age_seconds())
        task = await self._dependencies.rivya.get_task(task_id)
        if task.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED}:
            await self._poller.task_ended(self._age_seconds())
        if task.status is TaskStatus.SUCCEEDED:
            ended = await self._dependencies.store.succeeded(
                self.job.job_id, task.result_url, task.final_credits
            )
            self._dependencies.metrics.record_task(ended)
            return ended
        if task.status is TaskStatus.FAILED:
            failure = failure_from_task(task)
            _log_failure(failure)
            ended = await self._dependencies.store.failed(self.job.job_id, failure)
            self._dependencies.metrics.record_task(ended)
            return ended
        self._poller.still_running()
        if late or self._age_seconds() <= self._dependencies.timings.late_after_seconds:
            return self.job
        self._progress.set_phase(Phase.LATE, self.job.task_created_at)
        return await self._dependencies.store.delay_notified(self.job.job_id)

    async def deliver(self) -> Job:
        """Fetch the picture in one step, deliver it in the next, so that a retry repeats only what failed."""
        if self._picture is None:
            self._progress.set_phase(Phase.FETCHING)
            self._picture = await self._files.fetch_result(self.job, anew=self._failed_attempts > 0)
            return self.job
        picture, shrunk = self._picture
        await self._progress.stop()
        # An ephemeral message is gone after a reload and has no link, so a private picture is stored first.
        # A full disk must not delay the delivery until the interaction's token has expired.
        kept = not self.job.request.destination.private or await self._try_to_store(picture)
        if self._delivered is None:
            receipt = await self._dependencies.ledger.receipt(
                self.job.job_id, self.job.request.destination.guild_id
            )
            try:
                self._delivered = await self._dependencies.delivery.deliver(
                    self.job, picture, receipt, shrunk=shrunk
                )
            except UndeliverableError:
                log.warning("undeliverable")
                await self._files.store_picture(self.job, picture)
                return await self._dependencies.store.undeliverable(self.job.job_id)
            log.info("delivered", way=self._delivered.method)
        if not kept and not await self._try_to_store(picture):
            log.error("a private picture was brought and is not kept")
        return await self._dependencies.store.delivered(self.job.job_id, self._delivered)

    async def _try_to_store(self, picture: Picture) -> bool:
        try:
            await self._files.store_picture(self.job, picture)
        except OperatorError as error:
            self._dependencies.operator_log.report(error)
            return False
        return True

    async def notify_failure(self) -> Job:
        """Tell the member that there will be no picture; if they cannot be reached, finish the job."""
        failure = self.job.failure
        assert (
            failure is not None
        )  # the schema says so of a failed job, `JobStore.result_lost` of an undeliverable one
        await self._progress.stop()
        if not self._notified:
            try:
                await self._dependencies.delivery.deliver_failure(self.job, failure)
            except UndeliverableError:
                log.warning("untold", code=failure.code)
            self._notified = True
        return await self._dependencies.store.failure_notified(self.job.job_id)

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

    def _seconds_until_next_poll(self) -> float:
        return self._poller.seconds_until_next(self._age_seconds())

    def _age_seconds(self) -> float:
        return (now_ms() - (self.job.task_created_at or now_ms())) / 1000

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


def _log_failure(failure: Failure) -> None:
    """Log a failure; credits in doubt as an error, since the operator has to act."""
    if failure.in_doubt:
        log.error("credits in doubt stay held", who=failure.cause, code=failure.code)
    else:
        log.info("failed", who=failure.cause, code=failure.code, charged_credits=failure.charged_credits)
