"""A clock for the simulated Discord that runs in real time.

SimCord's own clock stands at the beginning of 2026 until a test moves it. The bot writes real times into its
messages, and people read them.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from simcord._clock import Clock  # the type of `Backend.clock`, which no public module exports


class WallClock(Clock):
    """Starts at the current time, and runs."""

    def __init__(self) -> None:
        self._started_at = datetime.now(UTC)
        self._started = time.perf_counter()  # SimCord makes time.monotonic read this clock

        self._ahead_seconds = 0.0
        super().__init__()

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made, plus those it was set forward."""
        return time.perf_counter() - self._started + self._ahead_seconds

    @elapsed.setter
    def elapsed(self, seconds: float) -> None:
        self._ahead_seconds = seconds - (time.perf_counter() - self._started)

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return self._started_at + timedelta(seconds=self.elapsed)
