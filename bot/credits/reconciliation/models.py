"""What differs between the books and Rivya, and which of it Rivya proves.

Pure, so that what the operator may book with one click can be read, and tested, as one table.

Owns the frozen types of a comparison and its judgement. Never imports anything of ours but models.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.rivya.models import TaskStatus

NOT_FOUND: Final = "not_found"
"""Stands for a task that Rivya does not know."""


class Kind(StrEnum):
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
        return self in {Kind.CHARGED_OTHER, Kind.CHARGED_AFTER_RELEASE, Kind.HELD_DONE}


@dataclass(frozen=True, slots=True)
class Booked:
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
class Heard:
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
class Finding:
    """One difference, or one reservation that is held for long."""

    booked: Booked
    kind: Kind
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
class Booking:
    """What became of a run's findings when they were to be booked."""

    booked: int = 0
    difference_credits: int = 0
    """What the books gained by it; negative where they had too much."""
    before: int = 0
    """Stood as proven already."""
    changed: int = 0
    """No longer stand as they were found: to be compared anew."""
    walking: int = 0
    """Left to the engine, whose job is not over."""

    def __add__(self, other: Booking) -> Booking:
        return Booking(
            self.booked + other.booked,
            self.difference_credits + other.difference_credits,
            self.before + other.before,
            self.changed + other.changed,
            self.walking + other.walking,
        )


class Closing(StrEnum):
    """What became of the operator's own decision about one reservation."""

    CLOSED = "closed"
    UNKNOWN = "unknown"
    """There is no such job."""
    WALKING = "walking"
    """Its job is not over."""
    NOT_HELD = "not_held"
    """It is closed already."""


def judge(booked: Booked, heard: Heard | None) -> Kind | None:  # a table
    """How one reservation differs from what Rivya says; None if both agree, or Rivya does not say.

    `heard` is None where there is no task to ask for; of closed reservations those are not compared.
    """
    if heard is None:
        return Kind.HELD_UNKNOWN if booked.over else Kind.HELD_WAITING
    if heard.status in {NOT_FOUND, None}:
        return Kind.VANISHED if heard.status else Kind.UNCLEAR
    held = booked.state == "held"
    if not heard.is_over:
        return Kind.HELD_RUNNING if held else Kind.NOT_OVER
    if held:
        return Kind.HELD_UNKNOWN if heard.credits is None else Kind.HELD_DONE
    if heard.credits in {None, booked.credits}:
        return None
    return Kind.CHARGED_OTHER if booked.state == "settled" else Kind.CHARGED_AFTER_RELEASE


def describe(found: Finding) -> str:  # noqa: PLR0911  # a table
    """One difference in plain words, without the note of what is in doubt."""
    booked, charged = found.booked.credits, found.rivya_credits
    match found.kind:
        case Kind.CHARGED_OTHER:
            return f"booked {booked}, Rivya charged {charged}"
        case Kind.CHARGED_AFTER_RELEASE:
            return f"released, Rivya charged {charged}"
        case Kind.HELD_DONE:
            return f"held {booked}, Rivya charged {charged} in the end"
        case Kind.HELD_RUNNING:
            return f"held {booked}, Rivya is still painting"
        case Kind.HELD_WAITING:
            return f"held {booked}, its job still waits for a task: see the log for what stops it"
        case Kind.HELD_UNKNOWN:
            return f"held {booked} in doubt, to be closed by hand"
        case Kind.NOT_OVER:
            return f"booked {booked}, Rivya is still painting"
        case Kind.VANISHED:
            return f"{found.booked.state} with {booked}, Rivya does not know the task"
        case Kind.UNCLEAR:
            return f"{found.booked.state} with {booked}, Rivya's answer cannot be read"
