"""One task as a walk looks at it: which ends it learns from, and clocks that jump."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from bot.engine.polling.schedule import Ending, Rhythm
from bot.engine.polling.scheduler import Kind, Tempo
from bot.engine.polling.task_poller import Watch
from bot.engine.timings import Beat

KIND = Kind("qwen-image", with_reference=False)


@dataclass
class Desk:
    """As much of the tools as a watch takes in its hands; what was recorded stays here."""

    tempo: Tempo = field(default_factory=lambda: Tempo(Rhythm(2.5, 5.0), dice=random.Random(1)))
    beat: Beat = field(default_factory=lambda: Beat(2.5, 5.0))
    recorded: list[Ending] = field(default_factory=list)

    @property
    def durations(self) -> Desk:
        return self

    async def record(self, kind: Kind, ending: Ending) -> None:
        self.recorded.append(ending)


def begun(desk: Desk) -> Watch:
    watch = Watch(KIND, desk.tempo, desk, desk.beat)
    watch.begin()
    return watch


async def test_an_end_lies_between_the_last_answer_that_said_running_and_the_one_that_said_done() -> None:
    desk = Desk()
    watch = begun(desk)
    watch.look(2.5)
    watch.still_running()
    watch.look(7.5)  # no answer came
    watch.look(12.5)
    await watch.ended(12.8)
    assert desk.recorded == [Ending(2.5, 12.8)]


async def test_an_end_is_learned_once_even_if_it_could_not_be_written_down_the_first_time() -> None:
    desk = Desk()
    watch = begun(desk)
    watch.look(2.5)
    await watch.ended(2.6)
    watch.look(4.5)
    await watch.ended(4.6)
    assert desk.recorded == [Ending(0.0, 2.6)]


async def test_a_task_that_was_not_watched_from_its_beginning_teaches_nothing() -> None:
    desk = Desk()
    watch = Watch(KIND, desk.tempo, desk, desk.beat)
    assert watch.until_next(0.5) == 2.0
    assert watch.until_next(600.0) == 0.0
    watch.look(600.0)
    await watch.ended(600.2)
    assert desk.recorded == []


@pytest.mark.parametrize("age", [-3600.0, 0.0, 7.0])
def test_a_clock_set_back_delays_no_poll(age: float) -> None:
    watch = begun(Desk())
    assert 0 <= watch.until_next(-3600.0) <= 2.5
    watch.look(7.5)
    assert 0 <= watch.until_next(age) <= 6.0


def test_a_walk_that_is_late_polls_at_once() -> None:
    watch = begun(Desk())
    watch.look(2.5)
    assert watch.until_next(60.0) == 0.0
