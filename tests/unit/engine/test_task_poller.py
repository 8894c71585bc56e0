"""The poller of one task: which durations are recorded, and clocks that jump."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import cast

import pytest

from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds, PollInterval
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.polling.task_kind import TaskKind
from bot.engine.polling.task_poller import TaskPoller
from bot.engine.timings import Timings

KIND = TaskKind("qwen-image", with_reference=False)


@dataclass
class PollerHarness:
    """What a poller needs; keeps the recorded durations."""

    scheduler: PollScheduler = field(
        default_factory=lambda: PollScheduler(PollInterval(2.5, 5.0), dice=random.Random(1))
    )
    timings: Timings = field(default_factory=lambda: Timings(2.5, 5.0))
    recorded: list[DurationBounds] = field(default_factory=list)

    @property
    def durations(self) -> PollerHarness:
        return self

    async def record(self, kind: TaskKind, bounds: DurationBounds) -> None:
        self.recorded.append(bounds)


def start_poller(recorder: PollerHarness) -> TaskPoller:
    poller = TaskPoller(KIND, recorder.scheduler, cast("TaskDurationStore", recorder), recorder.timings)
    poller.task_created()
    return poller


async def test_a_duration_is_between_the_last_running_answer_and_the_final_one() -> None:
    recorder = PollerHarness()
    poller = start_poller(recorder)
    poller.poll_sent(2.5)
    poller.still_running()
    poller.poll_sent(7.5)  # not answered
    poller.poll_sent(12.5)
    await poller.task_ended(12.8)
    assert recorder.recorded == [DurationBounds(2.5, 12.8)]


async def test_a_duration_is_recorded_once() -> None:
    recorder = PollerHarness()
    poller = start_poller(recorder)
    poller.poll_sent(2.5)
    await poller.task_ended(2.6)
    poller.poll_sent(4.5)
    await poller.task_ended(4.6)
    assert recorder.recorded == [DurationBounds(0.0, 2.6)]


async def test_no_duration_is_recorded_of_a_task_not_polled_from_its_start() -> None:
    recorder = PollerHarness()
    poller = TaskPoller(KIND, recorder.scheduler, cast("TaskDurationStore", recorder), recorder.timings)
    assert poller.seconds_until_next(0.5) == 2.0
    assert poller.seconds_until_next(600.0) == 0.0
    poller.poll_sent(600.0)
    await poller.task_ended(600.2)
    assert recorder.recorded == []


@pytest.mark.parametrize("age", [-3600.0, 0.0, 7.0])
def test_a_clock_set_back_delays_no_poll(age: float) -> None:
    poller = start_poller(PollerHarness())
    assert 0 <= poller.seconds_until_next(-3600.0) <= 2.5
    poller.poll_sent(7.5)
    assert 0 <= poller.seconds_until_next(age) <= 6.0


def test_an_overdue_poll_is_sent_at_once() -> None:
    poller = start_poller(PollerHarness())
    poller.poll_sent(2.5)
    assert poller.seconds_until_next(60.0) == 0.0
