"""Decide when a task is polled next, from how long earlier tasks of its kind took.

Without a history tasks are polled at the fixed interval (`FixedIntervalPolls`). Each task that was watched
from its creation moves the polls to where ends are likely, with no more polls a task on average than the
fixed interval makes: polls beyond that are saved later.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from bot.engine.polling.fixed_interval import FixedIntervalPolls
from bot.engine.polling.schedule import DurationBounds, PollInterval, estimate_distribution, optimal_schedule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bot.engine.polling.schedule import DurationDistribution

HISTORY_SIZE: Final = 200
"""How many of the newest tasks of a kind count."""
_MIN_HISTORY: Final = 5
"""How many tasks of a kind have to be seen before a schedule is learned from them."""
_NEW_PART: Final = 25
"""The schedule is computed anew when the tasks since the last time are this part of all: one in 25."""
_SPREAD_OUT: Final = 0.02
"""The random part of a learned poll, in intervals: tasks created together are not polled together."""

_CHANGE_WINDOWS: Final = (5, 10, 20, 40)
"""How many of the newest durations are tested against the learned distribution."""
_CHANGE_THRESHOLD: Final = 2.0
"""Kolmogorov's statistic above which the durations have changed; by chance it is once in 1500 tests."""

_SAVINGS_LIMIT: Final = 30.0
"""The most saved polls of a kind that are kept for later."""
_EXTRA_POLLS_LIMIT: Final = 50.0
"""With more polls of a kind beyond the fixed interval's, polls are `_THRIFT` intervals apart."""
_EXTRA_LIMIT: Final = 1.0
"""The most polls a task that are spent or saved."""
_TASKS_TO_PAY: Final = 10.0
"""Over how many tasks saved polls are spent, and extra polls are saved again."""
_CAUTION: Final = 0.985
"""The part of the fixed interval's polls that is used: their number is an estimate."""
_THRIFT: Final = 1.5
"""Rivya advises one to two intervals between polls."""


@dataclass(frozen=True, slots=True)
class TaskKind:
    """Tasks of one kind take about the same time."""

    model: str
    with_reference: bool


class PollScheduler:
    """The polls of all tasks. Ages are in seconds since a task's creation.

    `adaptive` False polls at the fixed interval whatever was observed; the history then only gives the
    expected duration.
    """

    def __init__(
        self, interval: PollInterval, *, adaptive: bool = True, dice: random.Random | None = None
    ) -> None:
        self._interval = interval
        self._adaptive = adaptive
        self._random = dice or random.Random()  # noqa: S311  # no secret
        self._fixed = FixedIntervalPolls(interval, self._random)
        self._histories: dict[TaskKind, _KindHistory] = {}
        self._typical: dict[str, float | None] = {}

    def next_poll(self, kind: TaskKind, polled_seconds: float | None = None) -> float:
        """Return the age at which a task is polled next that was last polled at `polled_seconds`, if ever."""
        interval, kind_history = self._interval, self._histories.get(kind)
        if kind_history is None or not self._adaptive:
            return self._fixed.next_poll(polled_seconds)
        if kind_history.extra_polls > _EXTRA_POLLS_LIMIT:
            return self._fixed.next_poll(polled_seconds, _THRIFT)
        schedule = kind_history.schedule()
        # A poll may be a little late; the next one is then moved, not skipped.
        begin = 0.0 if polled_seconds is None else polled_seconds + 0.75 * interval.gap_seconds
        place = bisect_left(schedule, begin)
        if place == len(schedule):
            return self._fixed.next_poll(polled_seconds)
        planned = schedule[place] + _SPREAD_OUT * interval.interval_seconds * self._random.random()
        return planned if polled_seconds is None else max(planned, polled_seconds + interval.gap_seconds)

    def observe(self, kind: TaskKind, bounds: DurationBounds, *, polls: int | None = None) -> bool:
        """Add the duration of one task, and how many polls it took if that is known.

        Returns False, and adds nothing, if the bounds are impossible, as after a clock was set.
        """
        if not 0.0 <= bounds.after_seconds <= bounds.by_seconds < math.inf:
            return False
        self._histories.setdefault(kind, _KindHistory(self._interval)).add(bounds, polls)
        self._typical.pop(kind.model, None)
        return True

    def typical_duration(self, model: str) -> float | None:
        """Return the median duration of a model's latest tasks in seconds; None while there are too few."""
        if model not in self._typical:
            kinds = [kind_history for kind, kind_history in self._histories.items() if kind.model == model]
            self._typical[model] = _median_seconds([each for kind in kinds for each in kind.durations])
        return self._typical[model]

    def typical_seconds(self, kind: TaskKind) -> float | None:
        """Return the median duration of the latest tasks of a kind; None while there are too few."""
        kind_history = self._histories.get(kind)
        return None if kind_history is None else kind_history.median_seconds()

    def longest_seconds(self, kind: TaskKind) -> float:
        """Return the longest of the latest durations of a kind; 0 if there are none."""
        kind_history = self._histories.get(kind)
        return 0.0 if kind_history is None else kind_history.longest_seconds()

    def load(self, history: Mapping[TaskKind, Iterable[DurationBounds]]) -> None:
        """Add what was observed before a restart, the oldest first, for kinds without a history."""
        for kind in history.keys() - self._histories.keys():
            for bounds in history[kind]:
                self.observe(kind, bounds)


class _KindHistory:
    """The latest tasks of one kind, and the schedule that is learned from them."""

    def __init__(self, interval: PollInterval) -> None:
        self.extra_polls = 0.0
        """Polls made beyond those of the fixed interval; negative if polls were saved."""
        self._interval = interval
        self._durations: deque[DurationBounds] = deque(maxlen=HISTORY_SIZE)
        self._shares: deque[tuple[float, float]] = deque(maxlen=max(_CHANGE_WINDOWS))
        self._distribution: DurationDistribution | None = None
        self._schedule: tuple[float, ...] = ()
        self._new = 0

    def schedule(self) -> tuple[float, ...]:
        """Return the ages of the learned polls; empty while there are too few tasks."""
        if len(self._durations) >= _MIN_HISTORY and self._new * _NEW_PART >= len(self._durations):
            self._new = 0
            self._distribution = estimate_distribution(self._durations, self._interval)
            extra = max(-_EXTRA_LIMIT, min(_EXTRA_LIMIT, -self.extra_polls / _TASKS_TO_PAY))
            self._schedule = optimal_schedule(self._distribution, self._interval, extra_polls=extra)
        return self._schedule

    @property
    def durations(self) -> Collection[DurationBounds]:
        """The latest durations, the oldest first."""
        return self._durations

    def median_seconds(self) -> float | None:
        """Return the median; None with too few tasks."""
        return _median_seconds(self._durations)

    def longest_seconds(self) -> float:
        """Return the longest duration, by its upper bound."""
        return max((bounds.by_seconds for bounds in self._durations), default=0.0)

    def add(self, bounds: DurationBounds, polls: int | None) -> None:
        """Add one duration; if the newest ones differ from the older, drop the older."""
        self._durations.append(bounds)
        self._new += 1
        if self._distribution is None:  # polled at the fixed interval until now
            return
        if polls is not None:
            beyond = polls - _CAUTION * self._distribution.fixed_polls(bounds, self._interval)
            self.extra_polls = max(self.extra_polls + beyond, -_SAVINGS_LIMIT)
        self._shares.append(self._distribution.shares(bounds))
        newest = _count_changed(list(self._shares))
        if newest and newest < len(self._durations):
            self._durations = deque(list(self._durations)[-newest:], HISTORY_SIZE)
            self._shares.clear()
            self._new = newest
            self.extra_polls = max(self.extra_polls, 0.0)


def _median_seconds(durations: Collection[DurationBounds]) -> float | None:
    """Return the median, each duration taken as the middle of its bounds; None with too few tasks."""
    if len(durations) < _MIN_HISTORY:
        return None
    return median((bounds.after_seconds + bounds.by_seconds) / 2 for bounds in durations)


def _count_changed(shares: list[tuple[float, float]]) -> int:
    """Return how many of the newest durations differ from the learned distribution; 0 if none do.

    Without a change the shares are uniform between 0 and 1: Kolmogorov's test, with Stephens' correction for
    small numbers. An interval counts evenly over its length.
    """
    for number in _CHANGE_WINDOWS:
        if number > len(shares):
            return 0
        root = math.sqrt(number)
        if _distance(shares[-number:]) * (root + 0.12 + 0.11 / root) > _CHANGE_THRESHOLD:
            return number
    return 0


def _distance(shares: list[tuple[float, float]]) -> float:
    """Return Kolmogorov's distance between the shares and the uniform distribution."""
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
