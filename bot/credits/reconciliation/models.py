"""What differs between the books and Rivya, and which of it Rivya proves.

Pure, so that what the operator may book with one click can be read, and tested, as one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.rivya.models import TaskStatus

NOT_FOUND: Final = "not_found"
"""Stands for a task that Rivya does not know."""


class DiscrepancyKind(StrEnum):
    """How the books and Rivya differ, or why a reservation is still held a day later."""

    CHARGED_OTHER = "charged_other"
    """Settled, and Rivya charged another amount."""
    CHARGED_AFTER_RELEASE = "charged_after_release"
    """Released, and Rivya charged all the same."""
    HELD_DONE = "held_done"
    """Held, and Rivya says what it charged in the end."""
    HELD_RUNNING = "held_running"
    """Held, and Rivya is still painting."""
    HELD_WAITING = "held_waiting"
    """Held, and its job has not got a task yet."""
    HELD_UNKNOWN = "held_unknown"
    """Held in doubt: its job is over, and nobody says what was charged."""
    NOT_OVER = "not_over"
    """Closed, and Rivya is still painting."""
    VANISHED = "vanished"
    """Rivya does not know the task."""
    UNCLEAR = "unclear"
    """Rivya's answer cannot be read."""

    @property
    def is_proof(self) -> bool:
        """Whether Rivya has said what it charged, so that it can be booked."""
        return self in {
            DiscrepancyKind.CHARGED_OTHER,
            DiscrepancyKind.CHARGED_AFTER_RELEASE,
            DiscrepancyKind.HELD_DONE,
        }


@dataclass(frozen=True, slots=True)
class BookedReservation:
    """One reservation as the books have it, to be compared."""

    job_id: str
    guild_id: int
    state: str
    credits: int
    """What counts: of a held one what is set aside."""
    task_id: str | None
    over: bool
    """Nothing is left to do for its job."""
    note: str
    """Why it is held although its job is over; else empty."""
    created_at: int


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """What Rivya answered about a task; `status` None stands for an answer that cannot be read."""

    status: str | None
    """Its word, or `NOT_FOUND`."""
    credits: int | None = None
    """What it charged; None if it did not say, or has not charged yet."""

    @property
    def is_over(self) -> bool:
        """Whether the task has ended."""
        return self.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference, or one reservation that is held for long."""

    booked: BookedReservation
    kind: DiscrepancyKind
    rivya_status: str | None
    """Rivya's word for the task; None without a task."""
    rivya_credits: int | None
    """What it charged; None if it did not say."""

    @property
    def target(self) -> tuple[str, int]:
        """The state and the credits that this finding proves."""
        credits = self.rivya_credits or 0
        painted = credits > 0 or self.rivya_status == "succeeded"
        return ("settled" if painted else "released"), credits


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What became of a run's findings when they were to be booked."""

    booked: int = 0
    difference_credits: int = 0
    """What the books gained by it; negative where they had too much."""
    before: int = 0
    """Stood as proven already."""
    changed: int = 0
    """No longer stand as they were found: to be compared anew."""
    in_progress: int = 0
    """Left to the engine, whose job is not over."""

    def __add__(self, other: ApplyResult) -> ApplyResult:
        return ApplyResult(
            self.booked + other.booked,
            self.difference_credits + other.difference_credits,
            self.before + other.before,
            self.changed + other.changed,
            self.in_progress + other.in_progress,
        )


class CloseResult(StrEnum):
    """What became of the operator's own decision about one reservation."""

    CLOSED = "closed"
    UNKNOWN = "unknown"
    """There is no such job."""
    IN_PROGRESS = "walking"
    """Its job is not over."""
    NOT_HELD = "not_held"
    """It is closed already."""


def classify(booked: BookedReservation, heard: RemoteTask | None) -> DiscrepancyKind | None:  # a table
    """How one reservation differs from what Rivya says; None if both agree, or Rivya does not say.

    `heard` is None where there is no task to ask for; of closed reservations those are not compared.
    """
    if heard is None:
        return DiscrepancyKind.HELD_UNKNOWN if booked.over else DiscrepancyKind.HELD_WAITING
    if heard.status in {NOT_FOUND, None}:
        return DiscrepancyKind.VANISHED if heard.status else DiscrepancyKind.UNCLEAR
    held = booked.state == "held"
    if not heard.is_over:
        return DiscrepancyKind.HELD_RUNNING if held else DiscrepancyKind.NOT_OVER
    if held:
        return DiscrepancyKind.HELD_UNKNOWN if heard.credits is None else DiscrepancyKind.HELD_DONE
    if heard.credits in {None, booked.credits}:
        return None
    return (
        DiscrepancyKind.CHARGED_OTHER if booked.state == "settled" else DiscrepancyKind.CHARGED_AFTER_RELEASE
    )


def describe(found: Discrepancy) -> str:  # noqa: PLR0911  # a table
    """One difference in plain words, without the note of what is in doubt."""
    booked, charged = found.booked.credits, found.rivya_credits
    match found.kind:
        case DiscrepancyKind.CHARGED_OTHER:
            return f"booked {booked}, Rivya charged {charged}"
        case DiscrepancyKind.CHARGED_AFTER_RELEASE:
            return f"released, Rivya charged {charged}"
        case DiscrepancyKind.HELD_DONE:
            return f"held {booked}, Rivya charged {charged} in the end"
        case DiscrepancyKind.HELD_RUNNING:
            return f"held {booked}, Rivya is still painting"
        case DiscrepancyKind.HELD_WAITING:
            return f"held {booked}, its job still waits for a task: see the log for what stops it"
        case DiscrepancyKind.HELD_UNKNOWN:
            return f"held {booked} in doubt, to be closed by hand"
        case DiscrepancyKind.NOT_OVER:
            return f"booked {booked}, Rivya is still painting"
        case DiscrepancyKind.VANISHED:
            return f"{found.booked.state} with {booked}, Rivya does not know the task"
        case DiscrepancyKind.UNCLEAR:
            return f"{found.booked.state} with {booked}, Rivya's answer cannot be read"
