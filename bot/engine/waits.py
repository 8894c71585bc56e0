"""The waits of a job runner: until its next attempt, or until another process has changed its job."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from bot.domain.clock import now_ms
from bot.domain.errors import TransientError
from bot.rivya.rate_limit import MAX_BACKOFF_SECONDS, MAX_RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.errors import KuasError
    from bot.domain.jobs import Job

_LATE_INTERVAL_SHARE: Final = 0.125
_MAX_LATE_INTERVAL_SECONDS: Final = 3600.0
"""A late job is tried again after an eighth of its age, and at least once an hour."""


class WakeableWait:
    """The waits of one task, which `wake` interrupts."""

    def __init__(self) -> None:
        self._woken = False
        self._waiting: asyncio.Task[object] | None = None

    @property
    def woken(self) -> bool:
        """Whether `wake` was called, and no wait has ended by it since."""
        return self._woken

    def wake(self) -> None:
        """End the wait under way or, if there is none, the next one at its beginning."""
        self._woken = True
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def wait(self, what: Callable[[], Awaitable[object]]) -> bool:
        """Wait for `what`, at most until `wake`; returns whether that has ended the wait.

        Raises:
            asyncio.CancelledError: the task was cancelled. As `what`.
        """
        if self._take_wake():
            return True
        task = self._waiting = asyncio.current_task()
        assert task is not None  # only coroutines use this
        try:
            await what()
        except asyncio.CancelledError:
            if not self._take_wake() or task.uncancel():  # cancelled by others, too
                raise
            return True
        finally:
            self._waiting = None
        return self._take_wake()

    def _take_wake(self) -> bool:
        woken, self._woken = self._woken, False
        return woken


def backoff_seconds(job: Job, error: KuasError, *, failed_attempts: int, poll_seconds: float) -> float:
    """Return the time until the next attempt of a step that has failed `failed_attempts` times in a row."""
    grown = poll_seconds * 2.0 ** min(failed_attempts - 1, 10)
    grown = max(min(MAX_BACKOFF_SECONDS, grown), late_interval_seconds(job))
    seconds = grown * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
    asked = error.retry_after_seconds if isinstance(error, TransientError) else None
    return seconds if asked is None else max(seconds, min(asked, MAX_RETRY_AFTER_SECONDS))


def late_interval_seconds(job: Job) -> float:
    """Return the least time between two attempts for a late job, by its age; 0 if it is not late."""
    if job.late_at is None:
        return 0.0
    began_at = job.painted_at or job.task_created_at or job.accepted_at
    return min(seconds_since(began_at) * _LATE_INTERVAL_SHARE, _MAX_LATE_INTERVAL_SECONDS)


def seconds_since(at: int | None) -> float:
    """Return the time since `at` (epoch milliseconds); 0 for None."""
    return 0.0 if at is None else (now_ms() - at) / 1000
