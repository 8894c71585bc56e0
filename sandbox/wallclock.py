"""A clock for the simulated Discord that runs in real time, and can begin in the past.

SimCord's own clock stands at the beginning of 2026 until a test moves it. The bot writes real times into its
messages, and people read them.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import time_machine
from simcord._clock import Clock  # the type of `Backend.clock`, which no public module exports

if TYPE_CHECKING:
    from collections.abc import Iterator


class WallClock(Clock):
    """Starts at the current time, and runs.

    Inside `in_the_past` Discord, the bot and the fake Rivya all have an earlier time, which `go_to` moves
    forward; `go_to_present` ends that.
    """

    def __init__(self) -> None:
        self._started_at = datetime.now(UTC)
        self._started = time.perf_counter()  # SimCord makes time.monotonic read this clock

        self._ahead_seconds = 0.0
        self._travel: time_machine.travel | None = None
        self._traveller: time_machine.Traveller | None = None
        super().__init__()

    @property
    def is_in_the_past(self) -> bool:
        """Whether `go_to_present` is still to come."""
        return self._traveller is not None

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

    @contextmanager
    def in_the_past(self, ago: timedelta) -> Iterator[None]:
        """Set this process's clock, and with it this one, back by `ago` until `go_to_present`.

        To be entered before anything has used this clock. The end of the block sets the process's clock
        right if that has not happened.
        """
        self._started_at -= ago
        self._travel = time_machine.travel(self.now(), tick=True)
        self._traveller = self._travel.start()
        try:
            yield
        finally:
            self._stop_travel()

    def go_to(self, moment: datetime) -> None:
        """Set the clocks forward. Timers of the bot that are due by then fire at the next settle."""
        self.advance(max(0.0, (moment - self.now()).total_seconds()))
        if self._traveller is not None:
            self._traveller.move_to(self.now())

    def go_to_present(self) -> None:
        """Set all clocks to the real time, which then they keep."""
        self._stop_travel()
        self.go_to(datetime.now(UTC))

    def _stop_travel(self) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = self._traveller = None
