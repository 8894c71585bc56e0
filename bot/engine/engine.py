"""Accept requests, run a `JobRunner` for each job, resume jobs after a restart, stop them at shutdown."""

from __future__ import annotations

import asyncio
import gc
import uuid
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason, OperatorError
from bot.domain.jobs import BEFORE_TASK, Failure, FailureCause, Stage
from bot.engine.dependencies import EngineDependencies
from bot.engine.polling.schedule import PollInterval
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.runner import JobRunner
from bot.engine.shutdown import Shutdown, ShuttingDown
from bot.engine.slots import FairSlots
from bot.jobs.requests.submission import Duplicate

if TYPE_CHECKING:
    from bot.credits.ledger import Ledger
    from bot.domain.jobs import Job, Request, RequestContext, RequestOptions
    from bot.domain.model_catalog import ModelCatalog
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.engine.delivery import Delivery
    from bot.engine.job_files import JobFiles
    from bot.engine.polling.duration_store import TaskDurationStore
    from bot.engine.timings import Timings
    from bot.jobs.requests.drafts import Draft
    from bot.jobs.requests.submission import SubmitResult
    from bot.jobs.store import JobStore
    from bot.observability.metrics import Metrics
    from bot.observability.operator_log import OperatorLog
    from bot.rivya.client import RivyaClient

log = structlog.get_logger(__name__)

GRACE_SECONDS: Final = 20.0
"""How long a running step may take to end when the bot closes."""
RESTART_DELAYS_POLLS: Final = (12, 60, 360)
"""After which delays a runner that met a bug starts again, in poll intervals: 1, 5 and 30 minutes. Not more
often, since a step that breaks after it has posted a picture may post it each time."""
RESUME_BATCH: Final = 50
RESUMED_LATE_PER_SECOND: Final = 5.0
"""How many late jobs are tried per second after a start. They hold no slots, so nothing else bounds how many
tasks are polled, pictures downloaded and messages edited at once."""


class JobEngine:
    """Run every job from its acceptance to its delivery; `max_running` is the most tasks over all guilds."""

    def __init__(
        self,
        *,
        catalog: ModelCatalog,
        store: JobStore,
        ledger: Ledger,
        rivya: RivyaClient,
        files: JobFiles,
        delivery: Delivery,
        operator_log: OperatorLog,
        circuit_breaker: CircuitBreaker,
        metrics: Metrics,
        durations: TaskDurationStore,
        timings: Timings,
        max_running: int,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._dependencies = EngineDependencies(
            catalog=catalog,
            store=store,
            ledger=ledger,
            rivya=rivya,
            files=files,
            delivery=delivery,
            slots=FairSlots(max_running),
            timings=timings,
            scheduler=PollScheduler(
                PollInterval(timings.first_poll_seconds, timings.poll_seconds),
                adaptive=timings.adaptive_polling,
            ),
            durations=durations,
            shutdown=Shutdown(),
            operator_log=operator_log,
            circuit_breaker=circuit_breaker,
            metrics=metrics,
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._runners: dict[str, JobRunner] = {}

    @property
    def closing(self) -> bool:
        """Whether the bot is closing and takes no new requests."""
        return self._dependencies.shutdown.requested

    def typical_duration(self, model: str) -> float | None:
        """Return how many seconds a task of the model typically takes, from memory; None if unknown."""
        return self._dependencies.scheduler.typical_duration(model)

    async def submit(
        self,
        request: Request | RequestOptions,
        context: RequestContext,
        *,
        draft_id: int | None = None,
        confirmed: bool = False,
    ) -> SubmitResult:
        """Check a request, then commit its jobs and their credits, or a draft to confirm its price.

        Nothing is sent anywhere. `confirmed` says that the member has seen the price; `draft_id` is the draft
        that is submitted, which is done once.

        Raises:
            MemberError: refused, with the reason; a `LimitExceeded` if a limit has no room.
            OperatorError: `database`.
        """
        self._require_accepting(context)
        result = await self._store.submit(
            request,
            context,
            job_id=str(uuid.uuid4()),
            catalog=self._catalog,
            at=now_ms(),
            draft_id=draft_id,
            confirmed=confirmed,
        )
        if isinstance(result, Duplicate):
            log.info("interaction delivered twice", interaction_id=request.destination.interaction_id)
        return result

    async def open_draft(
        self, request: Request | RequestOptions, context: RequestContext, *, extends: bool = False
    ) -> Draft | None:
        """Save a request as the draft of a form; None if its interaction was saved before.

        With `extends` its references are added to the draft that its member has begun a moment ago, if there
        is one whose model takes as many; else another model takes the place of one that takes no reference,
        or that the member may not use.

        Raises:
            MemberError: it would be refused, whatever is typed into the form.
            OperatorError: `database`.
        """
        self._require_accepting(context)
        return await self._store.open_draft(
            request, context, catalog=self._catalog, at=now_ms(), extends=extends
        )

    def _require_accepting(self, context: RequestContext) -> None:
        if self.closing:
            raise MemberError(MemberReason.CLOSING)
        if context.missing_permissions:
            raise MemberError(MemberReason.CHANNEL_UNUSABLE, missing=context.missing_permissions)

    async def cancel(self, job_id: str) -> bool:
        """Cancel a job for its member and release its credits; False if a task may exist already.

        A second call for a cancelled job returns True.

        Raises:
            OperatorError: `database`.
        """
        job = await self._store.cancelled_in_time(job_id)
        if job is None:
            found = await self._store.find(job_id)
            return found is not None and found.stage is Stage.CANCELLED
        log.info("cancelled", job_id=job_id, why="its member changed their mind")
        if (runner := self._runners.get(job_id)) is not None:
            await runner.stop_progress()  # a progress edit must not arrive after the answer to the click
        if (task := self._tasks.get(job_id)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return True

    async def cancel_unacknowledged(self, *jobs: Job) -> None:
        """Cancel the jobs of a request whose first answer came too late for Discord; nothing was spent.

        What a crash leaves of them is cancelled by the next start, which asks Discord for the answer.
        """
        await asyncio.gather(*(self._store.cancelled(job.job_id) for job in jobs))
        for job in jobs:
            log.info("cancelled", job_id=job.job_id, why="the interaction was gone before our first answer")

    def start(
        self, job: Job, *, answered: bool = False, message_id: int | None = None, delay_seconds: float = 0.0
    ) -> None:
        """Start the task that runs the job; while the bot closes, do nothing: the next start resumes it.

        `answered` says that Discord has our first answer, and `message_id` which message it is, if known.
        Otherwise the runner asks Discord before anything is spent. `delay_seconds` is the wait before that.
        """
        if self.closing or job.job_id in self._tasks:
            return
        run = self._run(job, answered=answered, message_id=message_id, delay_seconds=delay_seconds)
        task = asyncio.create_task(run, name=f"job {job.job_id}")
        self._tasks[job.job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.job_id, None))

    async def wake(self, job_id: str) -> None:
        """Look at a job now: at its row, which another process may have changed, and at its task.

        Raises:
            OperatorError: `database`.
        """
        if (runner := self._runners.get(job_id)) is not None:
            runner.wake()
            return
        job = await self._store.find(job_id)
        if job is not None and job.finished_at is None:
            self.start(job)

    async def resume(self) -> int:
        """Load the durations of earlier tasks, and start every unfinished job; returns how many."""
        self._dependencies.scheduler.load(await self._dependencies.durations.recent())
        jobs = await self._store.unfinished()
        late = 0
        try:
            for number, job in enumerate(jobs, start=1):
                delay_seconds = late / RESUMED_LATE_PER_SECOND if job.late_at is not None else 0.0
                self.start(job, delay_seconds=delay_seconds)
                late += job.late_at is not None
                if number % RESUME_BATCH == 0:
                    # Ten thousand jobs must not block the heartbeat, nor a collection that visits those which
                    # were just started: https://docs.python.org/3/library/gc.html#gc.freeze
                    gc.freeze()
                    await asyncio.sleep(0)
        finally:
            gc.unfreeze()
        if jobs:
            log.info("resumed", jobs=len(jobs))
        return len(jobs)

    async def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Interrupt waiting jobs, let running steps end, and cancel those that take longer than the grace."""
        self._dependencies.shutdown.begin()
        self._dependencies.rivya.stop_retrying()
        tasks = tuple(self._tasks.values())
        if tasks:
            log.info("closing", walks=len(tasks))
            _, late = await asyncio.wait(tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job, *, answered: bool, message_id: int | None, delay_seconds: float) -> None:
        with structlog.contextvars.bound_contextvars(job_id=job.job_id):
            try:
                for polls in (0, *RESTART_DELAYS_POLLS):
                    if polls:
                        await self._dependencies.shutdown.sleep(
                            polls * self._dependencies.timings.poll_seconds
                        )
                        job = await self._store.find(job.job_id) or job
                    runner = JobRunner(
                        job,
                        self._dependencies,
                        answered=answered,
                        message_id=message_id,
                        delay_seconds=0.0 if polls else delay_seconds,
                    )
                    if await self._run_to_end(runner):
                        return
                await self._fail_after_bugs(job.job_id)
            except ShuttingDown:
                log.info("parked")
            except OperatorError as error:
                self._dependencies.operator_log.report(error)
            finally:
                self._runners.pop(job.job_id, None)

    async def _fail_after_bugs(self, job_id: str) -> None:
        """Fail a job that met a bug at each attempt, if no create call was sent: nothing is charged then.

        A job that came further, or has no first answer at Discord yet, waits for the next start.
        """
        job = await self._store.find(job_id)
        if job is None or job.acknowledged_at is None:
            return
        if job.stage in BEFORE_TASK and job.create_body is None:
            failed = await self._store.failed(job_id, Failure(FailureCause.DEVELOPER, "bug"))
            await self._run_to_end(JobRunner(failed, self._dependencies))

    async def _run_to_end(self, runner: JobRunner) -> bool:
        """Run a job to its end; False if it met a bug.

        The row then says where to go on, now or at the next start, as after a crash.
        """
        job_id = runner.job.job_id
        try:
            self._runners[job_id] = runner
            await runner.run()
            while runner.woken:  # during its last step: the operator may have taken the job up again
                job = await self._store.find(job_id)
                if job is None or job.finished_at is not None:
                    break
                runner = self._runners[job_id] = JobRunner(job, self._dependencies)
                await runner.run()
        except ShuttingDown:
            raise
        except Exception:
            log.exception("walk broke", stage=runner.job.stage)
            return False
        return True
