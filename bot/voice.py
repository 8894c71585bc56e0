"""What a walk says while it walks: one line, true, and not too often.

Owns the progress line of one job. Never imports anything of ours but clock, delivery, jobs, slots.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from bot.clock import now_ms
from bot.jobs import Phase, Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.delivery import Courier
    from bot.jobs import Job
    from bot.slots import Slots

log = structlog.get_logger(__name__)


_SAID_AT_ONCE: Final = (Phase.UPLOADING, Phase.PAINTING, Phase.LATE, Phase.OUTAGE)
"""What lasts long enough to be worth an edit of its own; the rest is said if a beat falls into it."""


class Voice:
    """Speaks for one job at most every `every_seconds`, and never twice at once."""

    def __init__(self, job: Job, courier: Courier, slots: Slots, every_seconds: float) -> None:
        self._job = job
        self._courier = courier
        self._slots = slots
        self._every_seconds = every_seconds
        self._progress = Progress(Phase.WAITING, job.accepted_at)
        self._speaking = asyncio.Lock()
        self._spoke_at = -math.inf
        self._ticker: asyncio.Task[None] | None = None

    def turn(self, phase: Phase, since: int | None = None) -> None:
        """From now on, speak of this phase, which began at `since` (epoch milliseconds) or just now.

        A new phase is spoken of at once, if the last line is old enough.
        """
        if phase is self._progress.phase:
            return
        self._progress = Progress(phase, since or now_ms())
        due = asyncio.get_running_loop().time() - self._spoke_at >= self._every_seconds
        if self._ticker is not None and due and not self._speaking.locked():
            self._ticker.cancel()
            self._ticker = self._start()

    async def _speak(self) -> None:
        # Never raises: what cannot be said is logged.
        position = self._slots.position(self._job.job_id)
        progress = self._progress
        if position is not None:
            progress = Progress(Phase.WAITING, self._job.accepted_at, position)
        async with self._speaking:
            self._spoke_at = asyncio.get_running_loop().time()
            try:
                await self._courier.show_progress(self._job, progress)
            except Exception:
                # It says that it never raises; if it does, a line is not worth a picture.
                log.exception("progress line broke", phase=progress.phase)

    @asynccontextmanager
    async def speaking(self) -> AsyncIterator[None]:
        """Speak on every beat, until `hush` or the end of the block."""
        self._ticker = self._start()
        try:
            yield
        finally:
            ticker, self._ticker = self._ticker, None
            if ticker is not None:
                ticker.cancel()
                await asyncio.gather(ticker, return_exceptions=True)

    async def hush(self) -> None:
        """Say no more, and wait for what is being said.

        Without the wait an edit still under way could land after the result, and wipe it.
        """
        async with self._speaking:
            if self._ticker is not None:
                self._ticker.cancel()
                self._ticker = None

    def _start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._tick(), name=f"progress {self._job.job_id}")

    async def _tick(self) -> None:
        if self._progress.phase in _SAID_AT_ONCE or self._slots.position(self._job.job_id) is not None:
            await self._speak()
        while True:
            await asyncio.sleep(self._every_seconds)
            await self._speak()
