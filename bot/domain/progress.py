"""What a job is doing while it runs, as its member reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """What a job is doing now, for its member."""

    WAITING = "waiting"
    """Waits for a slot; `Progress.position` is its place in the queue."""
    UPLOADING = "uploading"
    ASKING = "asking"
    """The create call was sent, or is retried, and has not succeeded yet."""
    PAINTING = "painting"
    LATE = "late"
    """Takes longer than usual, and goes on."""
    OUTAGE = "outage"
    """Rivya does not answer; the job waits."""
    FETCHING = "fetching"
    """The picture is finished, and is downloaded and posted."""
    RESULT_LATE = "result_late"
    """The picture is finished, but cannot be downloaded yet; it is tried for a week."""


LATE_PHASES: Final = (Phase.LATE, Phase.RESULT_LATE)
"""Phases of a job that takes longer than usual, however long that is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a running job. `since` is when the phase began, in epoch milliseconds."""

    phase: Phase
    since: int
    position: int | None = None
    """The place in the queue; the next one is 1."""
    expected_seconds: float | None = None
    """In `WAITING` until the picture is there, in other phases how long painting takes; None if unknown."""
