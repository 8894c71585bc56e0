"""Fetch the pictures of a finished job, one at a time, in the order in which Rivya names them.

What was fetched stays for the next attempt, so that a retry repeats only what failed. One that cannot be had
is left out after some attempts, if there is another: the job was charged, and its member gets what there is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.attachments import REQUEST_LIMIT_BYTES
from bot.domain.errors import ContractViolation, KuasError
from bot.engine.failure_policy import MAX_RESULT_ATTEMPTS, is_local

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import Job, Picture
    from bot.engine.job_files import JobFiles

log = structlog.get_logger(__name__)

MAX_REFUSED_ATTEMPTS: Final = 3
"""Attempts after which one of several pictures is left out that is gone, or is none; about 15 seconds. One
whose host does not answer is tried as long as the only picture is before its job is late."""


class ResultFetcher:
    """The pictures of one job, as far as they are here. All of them fit into one message together."""

    def __init__(self, files: JobFiles) -> None:
        self._files = files
        self._fetched: dict[int, tuple[Picture, bool]] = {}
        self._begun: asyncio.Task[tuple[Picture, bool]] | None = None
        self._failed_attempts = 0
        self.complete = False
        """Whether nothing more is to be fetched."""
        self.lost = 0
        """How many pictures that Rivya has named are left out, since they cannot be had."""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that are here, in their order."""
        return tuple(self._fetched[number][0] for number in sorted(self._fetched))

    @property
    def shrunk(self) -> bool:
        """Whether one was made smaller to fit."""
        return any(shrunk for _, shrunk in self._fetched.values())

    def begin(self, job: Job, url: str) -> None:
        """Begin to fetch the first picture while the success of its task is committed; nothing is written."""
        if self._begun is None:
            self._begun = self._files.begin_fetch(job, url)

    async def aclose(self) -> None:
        """End a fetch that `fetch` has not taken."""
        if self._begun is not None:
            self._begun.cancel()
            await asyncio.gather(self._begun, return_exceptions=True)
            self._begun = None

    async def fetch(self, job: Job, *, anew: bool) -> None:
        """Fetch what is not here yet; afterwards it is `complete`.

        `anew` asks Rivya for the addresses again, since those of the row may have expired.

        Raises:
            KuasError: as `JobFiles.result_urls` and `JobFiles.fetch_result`, the first that was raised.
        """
        begun, self._begun = self._begun, None
        failed: KuasError | None = None
        urls: Sequence[str | None]
        try:
            # A fetch that was begun has the first address of the row, so Rivya need not be asked.
            urls = await self._files.result_urls(job, anew=anew and begun is None)
        except KuasError as error:
            if not self._fetched:
                raise
            failed, urls = error, job.result_urls
        count = max(len(urls), job.picture_count)
        for number, url in enumerate(urls, start=1):
            if url is None or number in self._fetched:
                continue
            try:
                fetched = await self._files.fetch_result(job, url, begun=begun if number == 1 else None)
            except KuasError as error:
                failed = failed or error
            else:
                self._fetched[number] = fetched
                await self._fit(count)
        lost = count - len(self._fetched)
        if failed is not None and lost and not self._may_leave_out(failed):
            raise failed
        self.lost, self.complete = lost, True
        if lost:
            log.warning("pictures left out", lost=lost, reason=str(failed))

    def _may_leave_out(self, error: KuasError) -> bool:
        """Whether the others are delivered without the one that cannot be had."""
        if not self._fetched or is_local(error):  # a fault of this machine is mended, and all can be had
            return False
        self._failed_attempts += 1
        refused = isinstance(error, ContractViolation)
        return self._failed_attempts >= (MAX_REFUSED_ATTEMPTS if refused else MAX_RESULT_ATTEMPTS)

    async def _fit(self, count: int) -> None:
        """If all are more than one message takes, make those smaller that are larger than their share."""
        if sum(len(picture.data) for picture, _ in self._fetched.values()) <= REQUEST_LIMIT_BYTES:
            return
        for number, (picture, shrunk) in self._fetched.items():
            fitted, smaller = await self._files.fit(picture, REQUEST_LIMIT_BYTES // count)
            self._fetched[number] = fitted, shrunk or smaller
