"""Post the outcome of a job: its picture, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import DiskFull, OperatorError
from bot.domain.jobs import Phase
from bot.engine.delivery import UndeliverableError

if TYPE_CHECKING:
    from bot.domain.jobs import DeliveredMessage, Job, Picture
    from bot.engine.dependencies import EngineDependencies
    from bot.engine.progress import ProgressReporter

log = structlog.get_logger(__name__)


class ResultPoster:
    """The last steps of one job. Each returns the job as it is in the database afterwards."""

    def __init__(self, dependencies: EngineDependencies, progress: ProgressReporter) -> None:
        self._dependencies = dependencies
        self._files = dependencies.files
        self._progress = progress
        self._picture: tuple[Picture, bool] | None = None
        # Kept, so that a commit that fails after the post does not post a second time.
        self._delivered: DeliveredMessage | None = None
        self._notified = False

    @property
    def downloaded(self) -> bool:
        """Whether the picture is here, so that only posting it is left."""
        return self._picture is not None

    async def deliver(self, job: Job, *, retry: bool) -> Job:
        """Fetch the picture, or deliver it if it is here. `retry` says that the attempt before has failed."""
        if self._picture is None:
            late = job.late_at is not None
            self._progress.set_phase(Phase.RESULT_LATE if late else Phase.FETCHING, job.late_at)
            self._picture = await self._files.fetch_result(job, anew=late or retry)
            return await self._dependencies.store.result_downloaded(job.job_id) if late else job
        picture, shrunk = self._picture
        await self._progress.stop()
        # An ephemeral message is gone after a reload and has no link, so a private picture is stored first.
        # A full disk must not delay the delivery until the interaction's token has expired.
        kept = not job.request.destination.private or await self._try_to_store(job, picture)
        if self._delivered is None:
            receipt = await self._dependencies.ledger.receipt(job.job_id, job.request.destination.guild_id)
            try:
                self._delivered = await self._dependencies.delivery.deliver(
                    job, picture, receipt, shrunk=shrunk
                )
            except UndeliverableError:
                log.warning("undeliverable")
                await self._files.store_picture(job, picture)
                return await self._dependencies.store.undeliverable(job.job_id)
            log.info("delivered", way=self._delivered.method)
        # It waits for room on a full disk: the member's message does not outlive a reload.
        if not kept and not await self._try_to_store(job, picture, wait_for_room=True):
            log.error("a private picture was brought and is not kept")
        return await self._dependencies.store.delivered(job.job_id, self._delivered)

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

    async def _try_to_store(self, job: Job, picture: Picture, *, wait_for_room: bool = False) -> bool:
        try:
            await self._files.store_picture(job, picture)
        except OperatorError as error:
            if wait_for_room and isinstance(error, DiskFull):
                raise
            self._dependencies.operator_log.report(error)
            return False
        return True
