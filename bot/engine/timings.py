"""How often a running job polls, and how often it reports its progress."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Intervals of a running job, in seconds."""

    first_poll_seconds: float
    poll_seconds: float
    adaptive_polling: bool = True
    """Learn from how long tasks take when to poll; else poll at the fixed interval."""
    late_after_seconds: float = 120
    """After this time the member is told that a task takes longer than usual."""
    max_slot_seconds: float = 1800
    """The longest that a task holds a slot; less if all tasks before it were faster."""
    progress_seconds: float = 10
    """Between two edits of the progress line; Discord does not publish how many it takes."""
