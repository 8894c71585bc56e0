"""Decide when a task is polled next, from how long earlier tasks of its kind took.

Each task that was watched from its creation moves the polls of its kind to where ends are likely, with no
more polls a task on average than the fixed interval makes: polls beyond that are saved later. The first tasks
of a kind are polled as other tasks of their model, and the first tasks of a model at the fixed interval
(`FixedIntervalPolls`): how long those of another model take says too little about them.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from bot.engine.polling.fixed_interval import FixedIntervalPolls
from bot.engine.polling.history import KindHistory, median_seconds
from bot.engine.polling.task_kind import MAX_KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bot.engine.polling.schedule import DurationBounds, PollInterval
    from bot.engine.polling.task_kind import TaskKind

_SPREAD_OUT: Final = 0.02
"""The random part of a learned poll, in intervals: tasks created together are not polled together."""
_EXTRA_POLLS_LIMIT: Final = 50.0
"""With more polls of a kind beyond the fixed interval's, polls are `_THRIFT` intervals apart."""
_THRIFT: Final = 1.5
"""Rivya advises one to two intervals between polls."""


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
        self._histories: dict[TaskKind, KindHistory] = {}
        """At most `MAX_KINDS`, that with the newest task last."""
        self._typical: dict[str, float | None] = {}

    def next_poll(self, kind: TaskKind, polled_seconds: float | None = None) -> float:
        """Return the age at which a task is polled next that was last polled at `polled_seconds`, if ever."""
        interval, source = self._interval, self._source(kind)
        if source is None or not self._adaptive:
            return self._fixed.next_poll(polled_seconds)
        own = self._histories.get(kind)
        if own is not None and own.extra_polls > _EXTRA_POLLS_LIMIT:
            return self._fixed.next_poll(polled_seconds, _THRIFT)
        schedule = source.schedule()
        # A poll may be a little late; the next one is then moved, not skipped.
        begin = 0.0 if polled_seconds is None else polled_seconds + 0.75 * interval.gap_seconds
        place = bisect_left(schedule, begin)
        if place == len(schedule):
            return self._fixed.next_poll(polled_seconds)
        planned = schedule[place] + _SPREAD_OUT * interval.interval_seconds * self._random.random()
        return planned if polled_seconds is None else max(planned, polled_seconds + interval.gap_seconds)

    def _source(self, kind: TaskKind) -> KindHistory | None:
        """Return the history that the polls of a kind follow: its own, or else the longest of its model."""
        own = self._histories.get(kind)
        if own is not None and own.suffices:
            return own
        histories = (history for history in self._of(kind.model) if history.suffices)
        return max(histories, key=lambda history: len(history.durations), default=None)

    def _of(self, model: str) -> list[KindHistory]:
        return [history for kind, history in self._histories.items() if kind.model == model]

    def observe(self, kind: TaskKind, bounds: DurationBounds, *, polls: int | None = None) -> bool:
        """Add the duration of one task, and how many polls it took if that is known.

        Returns False, and adds nothing, if the bounds are impossible, as after a clock was set.
        """
        if not 0.0 <= bounds.after_seconds <= bounds.by_seconds < math.inf:
            return False
        source = None if polls is None else self._source(kind)
        history = self._histories.pop(kind, None) or KindHistory(self._interval)
        self._histories[kind] = history
        fixed_polls = None if source is None else source.fixed_polls(bounds)
        if polls is not None and fixed_polls is not None:
            history.count_polls(polls, fixed_polls)
        history.add(bounds)
        if len(self._histories) > MAX_KINDS:
            oldest = next(iter(self._histories))
            del self._histories[oldest]
            self._typical.pop(oldest.model, None)
        self._typical.pop(kind.model, None)
        return True

    def typical_duration(self, model: str) -> float | None:
        """Return the median duration of a model's latest tasks in seconds; None while there are too few."""
        if model not in self._typical:
            self._typical[model] = median_seconds(self._durations_of(model))
        return self._typical[model]

    def typical_seconds(self, kind: TaskKind) -> float | None:
        """Return the median duration of the latest tasks of a kind, or of its model while it has too few."""
        own = self._histories.get(kind)
        if own is None or not own.suffices:
            return self.typical_duration(kind.model)
        return median_seconds(own.durations)

    def longest_seconds(self, kind: TaskKind) -> float:
        """Return the longest of the latest durations of a kind, or of its model while it has too few.

        0 if there are none.
        """
        own = self._histories.get(kind)
        durations = self._durations_of(kind.model) if own is None or not own.suffices else own.durations
        return max((bounds.by_seconds for bounds in durations), default=0.0)

    def _durations_of(self, model: str) -> Collection[DurationBounds]:
        return [bounds for history in self._of(model) for bounds in history.durations]

    def load(self, history: Mapping[TaskKind, Iterable[DurationBounds]]) -> None:
        """Add what was observed before a restart for kinds without a history.

        The kinds are in the order of their newest task, and the tasks of each are, too.
        """
        for kind, durations in history.items():
            if kind not in self._histories:
                for bounds in durations:
                    self.observe(kind, bounds)
