"""Decide when one task is polled next, and add its duration to the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.engine.polling.schedule import DurationBounds

if TYPE_CHECKING:
    from bot.engine.polling.duration_store import TaskDurationStore
    from bot.engine.polling.scheduler import PollScheduler
    from bot.engine.polling.task_kind import TaskKind
    from bot.engine.timings import Timings


class TaskPoller:
    """The polls of one task. Ages are in seconds since `task_created_at` of its row, by the wall clock."""

    def __init__(
        self, kind: TaskKind, scheduler: PollScheduler, durations: TaskDurationStore, timings: Timings
    ) -> None:
        self._kind = kind
        self._scheduler = scheduler
        self._durations = durations
        self._timings = timings
        self._polls = 0
        self._last_poll_seconds: float | None = None
        self._running_seconds = 0.0
        self._saw_creation = False

    def task_created(self) -> None:
        """Note that this runner created the task, so its whole duration is seen."""
        self._saw_creation = True

    @property
    def has_polled(self) -> bool:
        """Whether this runner has polled the task."""
        return self._last_poll_seconds is not None

    def seconds_until_next(self, age_seconds: float) -> float:
        """Return how long to wait before the next poll."""
        # A clock that was set back makes the task look younger; that must not lengthen the wait.
        age = max(age_seconds, self._last_poll_seconds or 0.0)
        if self._last_poll_seconds is None and not self._saw_creation:
            return max(0.0, self._timings.first_poll_seconds - age)
        return max(0.0, self._scheduler.next_poll(self._kind, self._last_poll_seconds) - age)

    def poll_sent(self, age_seconds: float) -> None:
        """Note that a poll is sent."""
        self._polls += 1
        self._last_poll_seconds = max(0.0, age_seconds)

    def still_running(self) -> None:
        """Note that the task had not ended when the last poll was sent."""
        self._running_seconds = self._last_poll_seconds or 0.0

    async def task_ended(self, age_seconds: float) -> None:
        """Record the duration of a task that has ended, once, if this runner created it.

        Raises:
            OperatorError: `database`.
        """
        whole, self._saw_creation = self._saw_creation, False
        bounds = DurationBounds(self._running_seconds, age_seconds)
        if whole and self._scheduler.observe(self._kind, bounds, polls=self._polls):
            await self._durations.record(self._kind, bounds)
