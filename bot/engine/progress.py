"""Report the progress of a running job: one line, at most once per interval."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.jobs import Phase, Progress
from bot.engine.polling.scheduler import TaskKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.domain.jobs import Job
    from bot.engine.dependencies import EngineDependencies

log = structlog.get_logger(__name__)


_IMMEDIATE_PHASES: Final = (Phase.UPLOADING, Phase.PAINTING, Phase.LATE, Phase.OUTAGE)
"""What lasts long enough to be worth an edit of its own; the rest is said if a beat falls into it."""


_ESTIMATED_PHASES: Final = (Phase.WAITING, Phase.UPLOADING, Phase.ASKING, Phase.PAINTING)
"""Of what is late, or waits for Rivya, nobody knows how long it takes."""
_ROUNDING: Final = ((60.0, 5.0), (300.0, 30.0), (math.inf, 60.0))
"""Up to how many seconds a guess is told in which steps."""


def round_estimate(seconds: float) -> float:
    """A length as people tell it: up to the next 5 seconds, half minute or minute."""
    step = next(step for limit, step in _ROUNDING if seconds <= limit)
    return max(step, math.ceil(seconds / step) * step)


class ProgressReporter:
    """Reports for one job, at most once per interval and never twice at once."""

    def __init__(self, job: Job, dependencies: EngineDependencies) -> None:
        self._job = job
        self._delivery = dependencies.delivery
        self._slots = dependencies.slots
        self._scheduler = dependencies.scheduler
        self._interval_seconds = dependencies.timings.progress_seconds
        self._progress = Progress(Phase.WAITING, job.accepted_at)
        self._reporting = asyncio.Lock()
        self._reported_at = -math.inf
        self._ticker: asyncio.Task[None] | None = None

    def set_phase(self, phase: Phase, since: int | None = None) -> None:
        """From now on, speak of this phase, which began at `since` (epoch milliseconds) or just now.

        A new phase is spoken of at once, if the last line is old enough.
        """
        if phase is self._progress.phase:
            return
        self._progress = Progress(phase, since or now_ms())
        due = asyncio.get_running_loop().time() - self._reported_at >= self._interval_seconds
        if self._ticker is not None and due and not self._reporting.locked():
            self._ticker.cancel()
            self._ticker = self._start()

    async def _report(self) -> None:
        # Never raises: what cannot be said is logged.
        progress = self._current()
        async with self._reporting:
            self._reported_at = asyncio.get_running_loop().time()
            try:
                await self._delivery.show_progress(self._job, progress)
            except Exception:
                # It says that it never raises; if it does, a line is not worth a picture.
                log.exception("progress line broke", phase=progress.phase)

    def _current(self) -> Progress:
        """What is true at this moment. A guess is rounded, or every beat would be an edit."""
        position, typical = self._slots.position(self._job.job_id), self._typical_seconds()
        if position is not None:
            turns = math.ceil(position / self._slots.total)
            expected = None if typical is None else round_estimate(typical * (turns + 1))
            return Progress(Phase.WAITING, self._job.accepted_at, position, expected)
        guessed = typical is not None and self._progress.phase in _ESTIMATED_PHASES
        return replace(
            self._progress, expected_seconds=round_estimate(typical) if guessed and typical else None
        )

    def _typical_seconds(self) -> float | None:
        request = self._job.request
        return self._scheduler.typical_seconds(TaskKind(request.model, request.reference is not None))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Report once per interval, until `stop` or the end of the block."""
        self._ticker = self._start()
        try:
            yield
        finally:
            ticker, self._ticker = self._ticker, None
            if ticker is not None:
                ticker.cancel()
                await asyncio.gather(ticker, return_exceptions=True)

    async def stop(self) -> None:
        """Say no more, and wait for what is being said.

        Without the wait an edit still under way could land after the result, and wipe it.
        """
        async with self._reporting:
            if self._ticker is not None:
                self._ticker.cancel()
                self._ticker = None

    def _start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._tick(), name=f"progress {self._job.job_id}")

    async def _tick(self) -> None:
        if self._progress.phase in _IMMEDIATE_PHASES or self._slots.position(self._job.job_id) is not None:
            await self._report()
        while True:
            await asyncio.sleep(self._interval_seconds)
            await self._report()
