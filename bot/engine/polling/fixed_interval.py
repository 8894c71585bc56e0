"""Poll at a fixed interval, and more rarely for old tasks, as Rivya advises.

https://rivya.ai/docs/api-generation-status
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

    from bot.engine.polling.schedule import PollInterval

_INTERVALS_BY_AGE: Final = ((300.0, 1), (1800.0, 2), (math.inf, 6))
"""Up to which age of a task, in seconds, polls are how many intervals apart."""


class FixedIntervalPolls:
    """The polls of all tasks at a fixed interval. Ages are in seconds since a task's creation."""

    def __init__(self, interval: PollInterval, dice: random.Random) -> None:
        self._interval = interval
        self._random = dice

    def next_poll(self, polled_seconds: float | None, intervals: float = 1.0) -> float:
        """Return the age at which a task is polled next that was last polled at `polled_seconds`, if ever.

        Polls are `intervals` intervals apart, and up to a fifth more at random, so that tasks that were
        created together are not polled together.
        """
        if polled_seconds is None:
            return self._interval.first_seconds
        intervals *= next(number for age, number in _INTERVALS_BY_AGE if polled_seconds < age)
        return polled_seconds + self._interval.interval_seconds * intervals * self._random.uniform(1.0, 1.2)
