"""The progress line of a job whose reports take long."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.jobs import Job
from bot.domain.progress import Phase, Progress
from bot.engine.polling.schedule import PollInterval
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.polling.task_kind import TaskKind
from bot.engine.progress import ProgressReporter
from bot.engine.slots import FairSlots
from tests.support.engine_harness import FakeDelivery
from tests.support.factories import make_job
from tests.support.waiting import until

KIND = TaskKind("qwen-image", with_reference=False)


class SlowDelivery(FakeDelivery):
    """Its first report ends when `answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = asyncio.Event()
        self.asked: list[Phase] = []

    async def show_progress(self, job: Job, progress: Progress) -> None:
        self.asked.append(progress.phase)
        await self.answer.wait()
        await super().show_progress(job, progress)


@pytest.mark.parametrize("late", [Phase.LATE, Phase.RESULT_LATE])
async def test_a_job_that_becomes_late_during_a_report_is_reported_as_late_right_after_it(
    late: Phase,
) -> None:
    job, delivery = make_job(), SlowDelivery()
    scheduler = PollScheduler(PollInterval(2.5, 5))
    reporter = ProgressReporter(job, KIND, delivery, FairSlots(1), scheduler, 0.01)
    reporter.set_phase(Phase.UPLOADING)
    async with reporter.running():
        await until(lambda: delivery.asked)
        reporter.set_phase(late)
        delivery.answer.set()
        await until(lambda: len(delivery.progress[job.job_id]) == 2)
        assert [shown.phase for shown in delivery.progress[job.job_id]] == [Phase.UPLOADING, late]
    assert delivery.overlaps == []
