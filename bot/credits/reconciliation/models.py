"""Discrepancies between the ledger and Rivya, and which of them Rivya proves. No I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass
from enum import StrEnum
from operator import add
from typing import TYPE_CHECKING, Final

from bot.domain.limits import ReservationState
from bot.rivya.models import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_FOUND: Final = "not_found"
"""In place of the status of a task that Rivya does not know."""


class DiscrepancyKind(StrEnum):
    """How the ledger and Rivya differ, or why a reservation is still held after a day."""

    CHARGED_OTHER = "charged_other"
    """Settled; Rivya charged another amount."""
    CHARGED_AFTER_RELEASE = "charged_after_release"
    """Released; Rivya charged something."""
    HELD_DONE = "held_done"
    """Held; the task is over, and Rivya says what it charged."""
    HELD_RUNNING = "held_running"
    """Held; the task is in progress."""
    HELD_WAITING = "held_waiting"
    """Held; its job has no task yet."""
    HELD_UNKNOWN = "held_unknown"
    """Held in doubt: its job is over without a task, or Rivya does not say what the task cost."""
    NOT_OVER = "not_over"
    """Closed; the task is in progress."""
    VANISHED = "vanished"
    """Rivya does not know the task."""
    UNCLEAR = "unclear"
    """Rivya's answer cannot be parsed."""
    OTHER_MODEL = "other_model"
    """The credits agree; Rivya says that the task was made with another model than its job asked for."""

    @property
    def is_proof(self) -> bool:
        """Whether Rivya says what it charged, so that the ledger can be corrected."""
        return self in {
            DiscrepancyKind.CHARGED_OTHER,
            DiscrepancyKind.CHARGED_AFTER_RELEASE,
            DiscrepancyKind.HELD_DONE,
        }


@dataclass(frozen=True, slots=True)
class BookedReservation:
    """One reservation of the ledger, to be compared."""

    job_id: str
    guild_id: int
    state: ReservationState
    credits: int
    """What was charged, or is held."""
    model: str
    """The id of the model that was asked for."""
    task_id: str | None
    over: bool
    """Whether its job is finished."""
    note: str
    """Why it is held although its job is over; else empty."""
    created_at: int
    """Epoch milliseconds, UTC."""


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """What Rivya answered about a task; `status` is None for an answer that cannot be parsed."""

    status: str | None
    """Rivya's word, or `NOT_FOUND`."""
    credits: int | None = None
    """What Rivya charged; None if it does not say, or the task is in progress."""
    model: str | None = None
    """The id of its model; None if Rivya does not say."""

    @property
    def is_over(self) -> bool:
        """Whether the task has ended."""
        return self.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference, or one reservation that is held for more than a day."""

    booked: BookedReservation
    kind: DiscrepancyKind
    rivya_status: str | None
    """Rivya's word for the task; None without a task."""
    rivya_credits: int | None
    """What Rivya charged; None if it did not say."""
    rivya_model: str | None = None
    """The model that Rivya named; None if it did not, as in runs of older versions."""

    @property
    def other_model(self) -> str | None:
        """The model that Rivya named, if it is not the one that was asked for."""
        return None if self.rivya_model == self.booked.model else self.rivya_model

    @property
    def target(self) -> tuple[ReservationState, int]:
        """The state and the credits that Rivya proves, if `kind.is_proof`."""
        credits = self.rivya_credits or 0
        is_settled = credits > 0 or self.rivya_status == TaskStatus.SUCCEEDED
        return (ReservationState.SETTLED if is_settled else ReservationState.RELEASED), credits


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """How many discrepancies of a run were corrected, or why not."""

    booked: int = 0
    difference_credits: int = 0
    """The sum of the corrections; negative where the ledger had more than Rivya charged."""
    before: int = 0
    """The reservation was correct already."""
    changed: int = 0
    """The reservation has changed since the comparison; it has to be compared again."""
    in_progress: int = 0
    """The job is not over, so the engine closes the reservation."""

    def __add__(self, other: ApplyResult) -> ApplyResult:
        return ApplyResult(*map(add, astuple(self), astuple(other)))


class CloseResult(StrEnum):
    """The outcome of the operator's decision about one reservation."""

    CLOSED = "closed"
    UNKNOWN = "unknown"
    """No such job."""
    IN_PROGRESS = "walking"
    """The job is not over."""
    NOT_HELD = "not_held"
    """The reservation is closed already."""


def classify(booked: BookedReservation, task: RemoteTask | None) -> DiscrepancyKind | None:
    """Compare a reservation with Rivya's answer; None if they agree, or a closed one has no price at Rivya.

    Another model is a difference of its own only where the credits agree: the task is the job's all the same,
    as its id was the answer to the job's own create call, so what Rivya charged for it is proven.
    `task` is None if the job has no task, which only held reservations are compared for.
    """
    if task is None:
        return DiscrepancyKind.HELD_UNKNOWN if booked.over else DiscrepancyKind.HELD_WAITING
    if task.status in {NOT_FOUND, None}:
        return DiscrepancyKind.VANISHED if task.status else DiscrepancyKind.UNCLEAR
    is_held = booked.state is ReservationState.HELD
    if not task.is_over:
        return DiscrepancyKind.HELD_RUNNING if is_held else DiscrepancyKind.NOT_OVER
    if is_held:
        return DiscrepancyKind.HELD_UNKNOWN if task.credits is None else DiscrepancyKind.HELD_DONE
    if task.credits in {None, booked.credits}:
        return None if task.model in {None, booked.model} else DiscrepancyKind.OTHER_MODEL
    is_settled = booked.state is ReservationState.SETTLED
    return DiscrepancyKind.CHARGED_OTHER if is_settled else DiscrepancyKind.CHARGED_AFTER_RELEASE


def describe(found: Discrepancy) -> str:
    """Describe a discrepancy in one line, in English, without the note of its reservation."""
    described, other = _describe(found), found.other_model
    if other is None or found.kind is DiscrepancyKind.OTHER_MODEL:
        return described
    return f"{described}; Rivya names the model {other}"


def _describe(found: Discrepancy) -> str:  # noqa: C901, PLR0911  # a table
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
        case DiscrepancyKind.OTHER_MODEL:
            return (
                f"{found.booked.state} with {booked} as at Rivya, which names the model {found.rivya_model}"
            )


def count_by_model(found: Iterable[Discrepancy]) -> dict[str, int]:
    """Return how many discrepancies each model has that was asked for, the most first."""
    return dict(Counter(discrepancy.booked.model for discrepancy in found).most_common())
