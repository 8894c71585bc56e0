"""What a walk says while it walks: one line, true, and not too often.

Owns the progress line of one job. Never imports anything of ours but clock, jobs, tempo, tools.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.jobs import Phase, Progress
from bot.engine.polling.scheduler import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.domain.jobs import Job
    from bot.engine.dependencies import Tools

log = structlog.get_logger(__name__)


_SAID_AT_ONCE: Final = (Phase.UPLOADING, Phase.PAINTING, Phase.LATE, Phase.OUTAGE)
"""What lasts long enough to be worth an edit of its own; the rest is said if a beat falls into it."""


_GUESSED: Final = (Phase.WAITING, Phase.UPLOADING, Phase.ASKING, Phase.PAINTING)
"""Of what is late, or waits for Rivya, nobody knows how long it takes."""
_STEPS: Final = ((60.0, 5.0), (300.0, 30.0), (math.inf, 60.0))
"""Up to how many seconds a guess is told in which steps."""


def rounded(seconds: float) -> float:
    """A length as people tell it: up to the next 5 seconds, half minute or minute."""
    step = next(step for limit, step in _STEPS if seconds <= limit)
    return max(step, math.ceil(seconds / step) * step)


class Voice:
    """Speaks for one job at most once a beat, and never twice at once."""

    def __init__(self, job: Job, tools: Tools) -> None:
        self._job = job
        self._courier = tools.courier
        self._slots = tools.slots
        self._tempo = tools.tempo
        self._every_seconds = tools.beat.progress_seconds
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
        progress = self._now()
        async with self._speaking:
            self._spoke_at = asyncio.get_running_loop().time()
            try:
                await self._courier.show_progress(self._job, progress)
            except Exception:
                # It says that it never raises; if it does, a line is not worth a picture.
                log.exception("progress line broke", phase=progress.phase)

    def _now(self) -> Progress:
        """What is true at this moment. A guess is rounded, or every beat would be an edit."""
        position, typical = self._slots.position(self._job.job_id), self._typical_seconds()
        if position is not None:
            turns = math.ceil(position / self._slots.total)
            expected = None if typical is None else rounded(typical * (turns + 1))
            return Progress(Phase.WAITING, self._job.accepted_at, position, expected)
        guessed = typical is not None and self._progress.phase in _GUESSED
        return replace(self._progress, expected_seconds=rounded(typical) if guessed and typical else None)

    def _typical_seconds(self) -> float | None:
        request = self._job.request
        return self._tempo.typical_seconds(Kind(request.model, request.reference is not None))

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
