"""Fetch pictures that were posted before, for another message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.errors import KuasError, TransientError
from cogs.delivery.outgoing_group import NewFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import Job, Picture
    from bot.engine.job_files import JobFiles
    from bot.images.workers import ImageWorkers
    from bot.jobs.history import HistoryStore
    from bot.storage.picture_store import PictureStore

log = structlog.get_logger(__name__)

MAX_ATTEMPTS: Final = 4
"""To fetch a picture that was posted before while Rivya does not answer; about 35 seconds."""


class PostedPictures:
    """Fetches pictures from the picture store, or again from Rivya."""

    def __init__(
        self, history: HistoryStore, pictures: PictureStore, files: JobFiles, image_workers: ImageWorkers
    ) -> None:
        self._history = history
        self._pictures = pictures
        self._files = files
        self._image_workers = image_workers
        self._failed_attempts: dict[str, int] = {}
        """How often Rivya did not answer, by the ids of the jobs."""

    async def fetch(self, jobs: Sequence[Job]) -> dict[str, NewFiles | None]:
        """Return the pictures of these jobs by their ids; None for one that cannot be fetched.

        Raises:
            TransientError: Rivya does not hand one over now; after some attempts it counts as lost.
        """
        found: dict[str, NewFiles | None] = {}
        unanswered: TransientError | None = None
        for job in jobs:
            found[job.job_id] = None
            try:
                found[job.job_id] = await self._fetch(job)
            except KuasError as error:
                log.warning("a posted picture cannot be fetched again", job_id=job.job_id, reason=str(error))
                if isinstance(error, TransientError) and self._may_be_tried_again(job.job_id):
                    unanswered = error
        if unanswered is not None:
            raise unanswered
        return found

    async def _fetch(self, job: Job) -> NewFiles:
        pictures = await self._stored(job) or await self._from_rivya(job)
        self._failed_attempts.pop(job.job_id, None)
        return NewFiles(tuple(picture for picture, _ in pictures), any(shrunk for _, shrunk in pictures))

    def _may_be_tried_again(self, job_id: str) -> bool:
        """Count an attempt; False after the last one, so that new pictures do not wait long for old ones."""
        attempts = self._failed_attempts.pop(job_id, 0) + 1
        if attempts < MAX_ATTEMPTS:
            self._failed_attempts[job_id] = attempts
        return attempts < MAX_ATTEMPTS

    async def _stored(self, job: Job) -> list[tuple[Picture, bool]]:
        """Return the pictures of a job from the store; none if it does not have them all."""
        item = await self._history.find(job.job_id)
        stored = () if item is None else tuple(item.stored_files.values())
        if len(stored) < job.picture_count:
            return []
        limit_bytes = min(job.request.destination.upload_limit_bytes, UPLOAD_LIMIT_BYTES)
        found = []
        for sha256 in stored:
            data = await self._pictures.read(sha256)
            if data is None:
                return []
            found.append(await self._image_workers.prepare_result(data, limit_bytes=limit_bytes))
        return found

    async def _from_rivya(self, job: Job) -> list[tuple[Picture, bool]]:
        urls = await self._files.result_urls(job, anew=True)
        return [await self._files.fetch_result(job, url) for url in urls[: job.picture_count]]
