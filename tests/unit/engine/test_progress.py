"""The progress line: a phase that begins while another is being shown is not lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from bot.domain.jobs import Job, Phase, Progress
from bot.engine.polling.schedule import PollInterval
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.progress import ProgressReporter
from bot.engine.slots import FairSlots
from tests.support.engine_harness import FakeDelivery
from tests.support.factories import make_job
from tests.support.waiting import until


class SlowDelivery(FakeDelivery):
    """Shows a progress only once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.started = asyncio.Event()
        self.may_show = asyncio.Event()

    async def show_progress(self, job: Job, progress: Progress) -> None:
        self.started.set()
        await self.may_show.wait()
        await super().show_progress(job, progress)


@pytest.mark.parametrize("phase", [Phase.LATE, Phase.RESULT_LATE])
async def test_a_late_phase_that_begins_during_a_report_is_shown_after_it(phase: Phase) -> None:
    job, delivery = make_job(), SlowDelivery()
    scheduler = PollScheduler(PollInterval(1.0, 1.0), dice=random.Random(1))
    reporter = ProgressReporter(job, delivery, FairSlots(1), scheduler, 0.01)
    reporter.set_phase(Phase.PAINTING)
    async with reporter.running():
        await delivery.started.wait()
        reporter.set_phase(phase)
        delivery.may_show.set()
        await until(lambda: phase in {shown.phase for shown in delivery.progress[job.job_id]})
