"""A clock for the simulated Discord that goes like the one on the wall.

SimCord's own stands still at the beginning of 2026 until a test moves it. The bot writes real times into its
messages, and people read them.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from simcord._clock import Clock  # the type of `Backend.clock`, which no public module names


class WallClock(Clock):
    """Starts now, and runs."""

    def __init__(self) -> None:
        self._began_at = datetime.now(UTC)
        self._began = time.perf_counter()  # SimCord replaces time.monotonic, with one that asks its clock
        self._ahead_seconds = 0.0
        super().__init__()

    @property
    def elapsed(self) -> float:
        """Seconds since it was made, and what it was moved since."""
        return time.perf_counter() - self._began + self._ahead_seconds

    @elapsed.setter
    def elapsed(self, seconds: float) -> None:
        self._ahead_seconds = seconds - (time.perf_counter() - self._began)

    def now(self) -> datetime:
        """This moment, in UTC."""
        return self._began_at + timedelta(seconds=self.elapsed)
