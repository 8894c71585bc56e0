"""One task as a walk looks at it: which ends it learns from, and clocks that jump."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import cast

import pytest

from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds, PollInterval
from bot.engine.polling.scheduler import PollScheduler, TaskKind
from bot.engine.polling.task_poller import TaskPoller
from bot.engine.timings import Timings

KIND = TaskKind("qwen-image", with_reference=False)


@dataclass
class RecordingPoller:
    """As much of the tools as a watch takes in its hands; what was recorded stays here."""

    scheduler: PollScheduler = field(
        default_factory=lambda: PollScheduler(PollInterval(2.5, 5.0), dice=random.Random(1))
    )
    timings: Timings = field(default_factory=lambda: Timings(2.5, 5.0))
    recorded: list[DurationBounds] = field(default_factory=list)

    @property
    def durations(self) -> RecordingPoller:
        return self

    async def record(self, kind: TaskKind, bounds: DurationBounds) -> None:
        self.recorded.append(bounds)


def start_poller(recorder: RecordingPoller) -> TaskPoller:
    watch = TaskPoller(KIND, recorder.scheduler, cast("TaskDurationStore", recorder), recorder.timings)
    watch.task_created()
    return watch


async def test_an_end_lies_between_the_last_answer_that_said_running_and_the_one_that_said_done() -> None:
    recorder = RecordingPoller()
    watch = start_poller(recorder)
    watch.poll_sent(2.5)
    watch.still_running()
    watch.poll_sent(7.5)  # no answer came
    watch.poll_sent(12.5)
    await watch.task_ended(12.8)
    assert recorder.recorded == [DurationBounds(2.5, 12.8)]


async def test_an_end_is_learned_once_even_if_it_could_not_be_written_down_the_first_time() -> None:
    recorder = RecordingPoller()
    watch = start_poller(recorder)
    watch.poll_sent(2.5)
    await watch.task_ended(2.6)
    watch.poll_sent(4.5)
    await watch.task_ended(4.6)
    assert recorder.recorded == [DurationBounds(0.0, 2.6)]


async def test_a_task_that_was_not_watched_from_its_beginning_teaches_nothing() -> None:
    recorder = RecordingPoller()
    watch = TaskPoller(KIND, recorder.scheduler, cast("TaskDurationStore", recorder), recorder.timings)
    assert watch.seconds_until_next(0.5) == 2.0
    assert watch.seconds_until_next(600.0) == 0.0
    watch.poll_sent(600.0)
    await watch.task_ended(600.2)
    assert recorder.recorded == []


@pytest.mark.parametrize("age", [-3600.0, 0.0, 7.0])
def test_a_clock_set_back_delays_no_poll(age: float) -> None:
    watch = start_poller(RecordingPoller())
    assert 0 <= watch.seconds_until_next(-3600.0) <= 2.5
    watch.poll_sent(7.5)
    assert 0 <= watch.seconds_until_next(age) <= 6.0


def test_a_walk_that_is_late_polls_at_once() -> None:
    watch = start_poller(RecordingPoller())
    watch.poll_sent(2.5)
    assert watch.seconds_until_next(60.0) == 0.0
