"""How long the latest tasks of one kind took, and the schedule that is learned from them."""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Final

from bot.engine.polling.schedule import DurationBounds, PollInterval, estimate_distribution, optimal_schedule
from bot.engine.polling.task_kind import HISTORY_SIZE

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.engine.polling.schedule import DurationDistribution

MIN_HISTORY: Final = 5
"""How many tasks of a kind have to be seen before a schedule is learned from them."""
_NEW_PART: Final = 25
"""The schedule is computed anew when the tasks since the last time are this part of all: one in 25."""

_CHANGE_WINDOWS: Final = (5, 10, 20, 40)
"""How many of the newest durations are tested against the learned distribution."""
_CHANGE_THRESHOLD: Final = 2.0
"""Kolmogorov's statistic above which the durations have changed; by chance it is once in 1500 tests."""

_SAVINGS_LIMIT: Final = 30.0
"""The most saved polls of a kind that are kept for later."""
_CAUTION: Final = 0.98
"""The part of the fixed interval's polls that is used: their number is an estimate."""
_REPAID_PART: Final = 0.006
"""The part of its polls that a task saves for each poll made beyond, and spends for each one saved. The mean
delay is convex in the number of polls: extra polls that are repaid at once cost more than they brought."""
_MAX_REPAID_PART: Final = 0.25
"""The most that a task saves or spends, as a part of its polls."""


class KindHistory:
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

    @property
    def durations(self) -> Collection[DurationBounds]:
        """The latest durations, the oldest first."""
        return self._durations

    @property
    def suffices(self) -> bool:
        """Whether a schedule can be learned."""
        return len(self._durations) >= MIN_HISTORY

    def schedule(self) -> tuple[float, ...]:
        """Return the ages of the learned polls; empty while there are too few tasks."""
        if self.suffices and self._new * _NEW_PART >= len(self._durations):
            self._new = 0
            self._distribution = estimate_distribution(self._durations, self._interval)
            repaid = max(-_MAX_REPAID_PART, min(_MAX_REPAID_PART, self.extra_polls * _REPAID_PART))
            self._schedule = optimal_schedule(self._distribution, self._interval, part=1.0 - repaid)
        return self._schedule

    def fixed_polls(self, bounds: DurationBounds) -> float | None:
        """Return how many polls the fixed interval takes for a task that ended within these bounds.

        None if nothing was learned yet.
        """
        distribution = self._distribution
        return None if distribution is None else distribution.fixed_polls(bounds, self._interval)

    def count_polls(self, polls: int, fixed_polls: float) -> None:
        """Count what a task took of polls, and what it takes at the fixed interval."""
        self.extra_polls = max(self.extra_polls + polls - _CAUTION * fixed_polls, -_SAVINGS_LIMIT)

    def add(self, bounds: DurationBounds) -> None:
        """Add one duration; if the newest ones differ from the older, drop the older."""
        self._durations.append(bounds)
        self._new += 1
        if self._distribution is None:  # nothing was learned that it could differ from
            return
        self._shares.append(self._distribution.shares(bounds))
        newest = _count_changed(list(self._shares))
        if newest and newest < len(self._durations):
            self._durations = deque(list(self._durations)[-newest:], HISTORY_SIZE)
            self._shares.clear()
            self._new = newest
            self.extra_polls = max(self.extra_polls, 0.0)


def median_seconds(durations: Collection[DurationBounds]) -> float | None:
    """Return the median, each duration taken as the middle of its bounds; None with too few tasks."""
    if len(durations) < MIN_HISTORY:
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
