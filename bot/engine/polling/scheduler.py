"""When to look at a task next, learned from where tasks of its kind have been ending.

With no history it is the fixed beat of Rivya's guidance: a first poll, then one each interval, slower for old
tasks (https://rivya.ai/docs/api-generation-status). Each end that was watched moves the polls to where ends
are likely, at no more polls a task than the fixed beat makes: what was polled beyond it is saved again later.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from bot.engine.polling.schedule import DurationBounds, PollInterval, estimate_distribution, optimal_schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.engine.polling.schedule import DurationDistribution

HISTORY_SIZE: Final = 200
"""Endings of a kind that count, the newest."""
_MIN_HISTORY: Final = 5
"""Endings before anything is made of them."""
_NEW_PART: Final = 25
"""Thought over again when so many times fewer have come than there are."""
_SLOWER: Final = ((300.0, 1), (1800.0, 2), (math.inf, 6))
"""Up to which age, in seconds, the fixed beat takes how many intervals: for 5 minutes, for 30, for ever."""
_SPREAD_OUT: Final = 0.02
"""How much later a learned poll may come, in intervals, so that tasks made in one moment part."""

_SURPRISING: Final = (5, 10, 20, 40)
"""How many of the newest endings are compared with what was expected of them."""
_SURPRISE: Final = 2.0
"""Of Kolmogorov's statistic, which is above this once in 1500 times by chance."""

_SAVINGS_LIMIT: Final = 30.0
_EXTRA_POLLS_LIMIT: Final = 50.0
_EXTRA_LIMIT: Final = 1.0
_TASKS_TO_PAY: Final = 10.0
"""Over how many tasks polls that were saved are spent, and those made too many are saved again."""
_CAUTION: Final = 0.985
"""The part of the fixed beat's polls that is made use of, since those are an estimate."""
_THRIFT: Final = 1.5
"""Intervals between polls while the debt is over its limit; Rivya's guidance is one to two."""


@dataclass(frozen=True, slots=True)
class TaskKind:
    """Tasks of a kind take alike long."""

    model: str
    with_reference: bool


class PollScheduler:
    """The polls of all tasks. Ages are in seconds since the task's creation."""

    def __init__(self, interval: PollInterval, *, dice: random.Random | None = None) -> None:
        self._interval = interval
        self._random = dice or random.Random()  # noqa: S311  # no secret
        self._histories: dict[TaskKind, _KindHistory] = {}

    def next_poll(self, kind: TaskKind, polled_seconds: float | None = None) -> float:
        """The age at which a task should be polled that was last polled at `polled_seconds`, if ever."""
        interval, kind_history = self._interval, self._histories.get(kind)
        if kind_history is not None and kind_history.extra_polls > _EXTRA_POLLS_LIMIT:
            return self._fixed(polled_seconds, _THRIFT)
        schedule = kind_history.schedule() if kind_history is not None else ()
        # A poll may be a little late, so the one after it is not skipped but moved.
        begin = 0.0 if polled_seconds is None else polled_seconds + 0.75 * interval.gap_seconds
        place = bisect_left(schedule, begin)
        if place == len(schedule):
            return self._fixed(polled_seconds, 1.0)
        planned = schedule[place] + _SPREAD_OUT * interval.interval_seconds * self._random.random()
        return planned if polled_seconds is None else max(planned, polled_seconds + interval.gap_seconds)

    def observe(self, kind: TaskKind, bounds: DurationBounds, *, polls: int | None = None) -> bool:
        """Remember one ending, and how many polls it took if that is known; False if it cannot be true."""
        if not 0.0 <= bounds.after_seconds <= bounds.by_seconds < math.inf:
            return False
        self._histories.setdefault(kind, _KindHistory(self._interval)).add(bounds, polls)
        return True

    def typical_seconds(self, kind: TaskKind) -> float | None:
        """How long half of the latest tasks of a kind took at most; None while there are too few to tell."""
        kind_history = self._histories.get(kind)
        return None if kind_history is None else kind_history.median_seconds()

    def load(self, history: Mapping[TaskKind, Iterable[DurationBounds]]) -> None:
        """Take in what was learned before a restart, the oldest first, for kinds that are new so far."""
        for kind in history.keys() - self._histories.keys():
            for bounds in history[kind]:
                self.observe(kind, bounds)

    def _fixed(self, polled_seconds: float | None, intervals: float) -> float:
        if polled_seconds is None:
            return self._interval.first_seconds
        intervals *= next(slower for age, slower in _SLOWER if polled_seconds < age)
        return polled_seconds + self._interval.interval_seconds * intervals * self._random.uniform(1.0, 1.2)


class _KindHistory:
    """What is known about one kind."""

    def __init__(self, interval: PollInterval) -> None:
        self.extra_polls = 0.0
        """Polls made beyond the fixed beat's; below 0 what was saved."""
        self._interval = interval
        self._durations: deque[DurationBounds] = deque(maxlen=HISTORY_SIZE)
        self._shares: deque[tuple[float, float]] = deque(maxlen=max(_SURPRISING))
        self._distribution: DurationDistribution | None = None
        self._schedule: tuple[float, ...] = ()
        self._new = 0

    def schedule(self) -> tuple[float, ...]:
        """The polls that are best by now; nothing while there is too little to go by."""
        if len(self._durations) >= _MIN_HISTORY and self._new * _NEW_PART >= len(self._durations):
            self._new = 0
            self._distribution = estimate_distribution(self._durations, self._interval)
            extra = max(-_EXTRA_LIMIT, min(_EXTRA_LIMIT, -self.extra_polls / _TASKS_TO_PAY))
            self._schedule = optimal_schedule(self._distribution, self._interval, extra_polls=extra)
        return self._schedule

    def median_seconds(self) -> float | None:
        """The middle of the endings, each taken for the middle of its interval."""
        if len(self._durations) < _MIN_HISTORY:
            return None
        return median((bounds.after_seconds + bounds.by_seconds) / 2 for bounds in self._durations)

    def add(self, bounds: DurationBounds, polls: int | None) -> None:
        """Take one ending in; where the newest ones are no longer like the older, forget those."""
        self._durations.append(bounds)
        self._new += 1
        if self._distribution is None:  # until now it was the fixed beat
            return
        if polls is not None:
            beyond = polls - _CAUTION * self._distribution.polls_of_beat(bounds, self._interval)
            self.extra_polls = max(self.extra_polls + beyond, -_SAVINGS_LIMIT)
        self._shares.append(self._distribution.shares(bounds))
        newest = _count_changed(list(self._shares))
        if newest and newest < len(self._durations):
            self._durations = deque(list(self._durations)[-newest:], HISTORY_SIZE)
            self._shares.clear()
            self._new = newest
            self.extra_polls = max(self.extra_polls, 0.0)


def _count_changed(shares: list[tuple[float, float]]) -> int:
    """How many of the newest endings came from elsewhere than expected; 0 if none stand out.

    If all is as before, the shares fill the range from 0 to 1 evenly (Kolmogorov's test, with Stephens'
    correction for small numbers); an interval counts evenly over its length.
    """
    for number in _SURPRISING:
        if number > len(shares):
            return 0
        root = math.sqrt(number)
        if _distance(shares[-number:]) * (root + 0.12 + 0.11 / root) > _SURPRISE:
            return number
    return 0


def _distance(shares: list[tuple[float, float]]) -> float:
    """How far what the intervals fill up to any mark is from the mark itself, at most."""
    bends = []
    for low, high in shares:
        length = max(high - low, 1e-6)
        bends += [(low, 1 / length), (low + length, -1 / length)]
    level, slope, reached, distance = 0.0, 0.0, 0.0, 0.0
    for mark, bend in sorted(bends):
        level += slope * (mark - reached)
        slope, reached = slope + bend / len(shares), mark
        distance = max(distance, abs(level - mark))
    return distance
