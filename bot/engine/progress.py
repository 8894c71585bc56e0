"""Report the progress of a running job: edit one line, at most once per interval."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.progress import LATE_PHASES, Phase, Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.domain.jobs import Job
    from bot.engine.delivery import Delivery
    from bot.engine.polling.scheduler import PollScheduler
    from bot.engine.polling.task_kind import TaskKind
    from bot.engine.slots import FairSlots

log = structlog.get_logger(__name__)


_IMMEDIATE_PHASES: Final = (Phase.UPLOADING, Phase.PAINTING, Phase.LATE, Phase.RESULT_LATE, Phase.OUTAGE)
"""Phases that are reported when they begin; the others only if the interval ends while they last."""


_LATE_INTERVAL_SECONDS: Final = 3600.0
"""Between two reports of a late job: its line does not change, but may not have been shown yet."""
_ESTIMATED_PHASES: Final = (Phase.WAITING, Phase.UPLOADING, Phase.ASKING, Phase.PAINTING)
"""Phases with an estimate: how long a late task or an outage takes is not known."""
_ROUNDING: Final = ((60.0, 5.0), (300.0, 30.0), (math.inf, 60.0))
"""Up to how many seconds an estimate is rounded up to a multiple of what."""


def round_estimate(seconds: float) -> float:
    """Round an estimate up to the next 5 seconds, half minute or minute."""
    step = next(step for limit, step in _ROUNDING if seconds <= limit)
    return max(step, math.ceil(seconds / step) * step)


class ProgressReporter:
    """Report the progress of one job, never with two edits at once."""

    def __init__(
        self,
        job: Job,
        kind: TaskKind,
        delivery: Delivery,
        slots: FairSlots,
        scheduler: PollScheduler,
        interval_seconds: float,
    ) -> None:
        self._job = job
        self._kind = kind
        self._delivery = delivery
        self._slots = slots
        self._scheduler = scheduler
        self._interval_seconds = interval_seconds
        self._progress = Progress(Phase.WAITING, job.accepted_at)
        self._reporting = asyncio.Lock()
        self._reported_at = -math.inf
        self._reported_phase: Phase | None = None
        self._ticker: asyncio.Task[None] | None = None

    def set_phase(self, phase: Phase, since: int | None = None) -> None:
        """Report this phase from now on; it began at `since` (epoch milliseconds) or just now.

        A new phase is reported immediately if the interval since the last report is over, or if it is about
        lateness.
        """
        if phase is self._progress.phase:
            return
        late = not {phase, self._progress.phase}.isdisjoint(LATE_PHASES)
        self._progress = Progress(phase, since or now_ms())
        due = late or asyncio.get_running_loop().time() - self._reported_at >= self._interval_seconds
        if self._ticker is not None and due and not self._reporting.locked():
            self._ticker.cancel()
            self._ticker = self._start()

    async def _report(self) -> None:
        # Never raises: a failure is logged.
        progress = self._current()
        self._reported_phase = progress.phase
        async with self._reporting:
            self._reported_at = asyncio.get_running_loop().time()
            try:
                await self._delivery.show_progress(self._job, progress)
            except Exception:
                # `Delivery.show_progress` never raises; a bug in it must not end the job.
                log.exception("progress line broke", phase=progress.phase)

    def _current(self) -> Progress:
        """Return the progress now. The estimate is rounded, so that not every report is an edit."""
        position = self._slots.position(self._job.job_id)
        typical = self._scheduler.typical_seconds(self._kind)
        if position is not None:
            rounds = math.ceil(position / self._slots.total)
            expected = None if typical is None else round_estimate(typical * (rounds + 1))
            return Progress(Phase.WAITING, self._job.accepted_at, position, expected)
        estimated = typical is not None and self._progress.phase in _ESTIMATED_PHASES
        return replace(
            self._progress, expected_seconds=round_estimate(typical) if estimated and typical else None
        )

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
        """Stop reporting, and wait for a report under way.

        Without the wait its edit could arrive after the result and replace it.
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
            phase = self._progress.phase
            if phase not in LATE_PHASES:
                await asyncio.sleep(self._interval_seconds)
            elif phase is self._reported_phase:
                await asyncio.sleep(_LATE_INTERVAL_SECONDS)
            await self._report()  # at once if the job became late during the report before
