"""Record and post the outcome of a job: its picture, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import DiskFull, OperatorError
from bot.domain.progress import Phase
from bot.engine.delivery import UndeliverableError
from bot.engine.failure_policy import failure_from_task
from bot.engine.result_fetcher import ResultFetcher
from bot.images.data_urls import is_data_url
from bot.rivya.models import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture
    from bot.engine.dependencies import EngineDependencies
    from bot.engine.progress import ProgressReporter
    from bot.rivya.models import Task

log = structlog.get_logger(__name__)


class ResultPoster:
    """The last steps of one job. Each returns the job as it is in the database afterwards."""

    def __init__(self, dependencies: EngineDependencies, progress: ProgressReporter) -> None:
        self._dependencies = dependencies
        self._files = dependencies.files
        self._progress = progress
        self._results = ResultFetcher(dependencies.files)
        # Kept, so that a commit that fails after the post does not post a second time.
        self._delivered: DeliveredMessage | None = None
        self._notified = False

    @property
    def downloaded(self) -> bool:
        """Whether the pictures are here, so that only posting them is left."""
        return self._results.complete

    async def record_outcome(self, job: Job, task: Task) -> Job:
        """Commit how a task ended, and begin to fetch its first picture before that is done.

        An address that holds the picture is too large for the row: `deliver` asks for it again.
        """
        if task.status is not TaskStatus.SUCCEEDED:
            failure = failure_from_task(task)
            log_failure(failure)
            return await self._dependencies.store.failed(job.job_id, failure)
        if task.unusable_results:
            log.warning("results without a picture", entries=task.unusable_results)
        urls = [None if is_data_url(url) else url for url in task.result_urls]
        first = urls[0] if urls else None
        if first is not None:
            self._results.begin(job, first)
        return await self._dependencies.store.succeeded(
            job.job_id, first, task.final_credits, more_urls=urls[1:], known=job
        )

    async def aclose(self) -> None:
        """End a fetch that `deliver` has not taken."""
        await self._results.aclose()

    async def deliver(self, job: Job, *, retry: bool) -> Job:
        """Fetch the pictures, or deliver them if they are here. `retry`: the attempt before has failed."""
        if not self._results.complete:
            late = job.late_at is not None
            self._progress.set_phase(Phase.RESULT_LATE if late else Phase.FETCHING, job.late_at)
            await self._results.fetch(job, anew=late or retry)
            return await self._dependencies.store.result_downloaded(job.job_id) if late else job
        pictures = self._results.pictures
        several = len(pictures) > 1 or bool(job.more_pictures)
        count = len(pictures) if several else None
        await self._progress.stop()
        # An ephemeral message is gone after a reload and has no link, so a private picture is stored first.
        # A full disk must not delay the delivery until the interaction's token has expired.
        kept = not job.request.destination.private or await self._try_to_store(job, pictures)
        if self._delivered is None:
            receipt = await self._dependencies.ledger.receipt(job.job_id, job.request.destination.guild_id)
            try:
                self._delivered = await self._dependencies.delivery.deliver(
                    job, pictures, receipt, shrunk=self._results.shrunk, lost=self._results.lost
                )
            except UndeliverableError:
                log.warning("undeliverable")
                await self._files.store_pictures(job, pictures)
                return await self._dependencies.store.undeliverable(job.job_id, pictures=count)
            log.info("delivered", way=self._delivered.method)
        # It waits for room on a full disk: the member's message does not outlive a reload.
        if not kept and not await self._try_to_store(job, pictures, wait_for_room=True):
            log.error("a private picture was brought and is not kept")
        return await self._dependencies.store.delivered(job.job_id, self._delivered, pictures=count)

    async def notify_failure(self, job: Job) -> Job:
        """Tell the member that there will be no picture; if they cannot be reached, finish the job."""
        failure = job.failure
        # The schema says so of a failed job, `JobStore.result_lost` of an undeliverable one.
        assert failure is not None
        await self._progress.stop()
        if not self._notified:
            try:
                await self._dependencies.delivery.deliver_failure(job, failure)
            except UndeliverableError:
                log.warning("untold", code=failure.code)
            self._notified = True
        return await self._dependencies.store.failure_notified(job.job_id)

    async def _try_to_store(
        self, job: Job, pictures: Sequence[Picture], *, wait_for_room: bool = False
    ) -> bool:
        try:
            await self._files.store_pictures(job, pictures)
        except OperatorError as error:
            if wait_for_room and isinstance(error, DiskFull):
                raise
            self._dependencies.operator_log.report(error)
            return False
        return True


def log_failure(failure: Failure) -> None:
    """Log a failure; credits in doubt as an error, since the operator has to act."""
    if failure.in_doubt:
        log.error("credits in doubt stay held", who=failure.cause, code=failure.code)
    else:
        log.info("failed", who=failure.cause, code=failure.code, charged_credits=failure.charged_credits)
