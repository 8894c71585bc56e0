"""What the creation of a task changes beside the row of its job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits import ledger
from bot.credits.model_prices import record_reserved
from bot.domain.errors import ContractViolation

if TYPE_CHECKING:
    from bot.credits.ledger import Transaction
    from bot.domain.limits import Limit
    from bot.domain.prices import PricedSettings


@dataclass(frozen=True, slots=True)
class CreatedTask:
    """A task that Rivya has created for a job; `at` is now, in epoch milliseconds."""

    job_id: str
    task_id: str
    reserved_credits: int | None
    """None if Rivya does not say it."""
    priced: PricedSettings | None
    """The settings of the job that move its price; None if there are none."""
    at: int


def record_created(transaction: Transaction, task: CreatedTask, default: Limit) -> None:
    """Set the reservation to what Rivya has reserved, and remember it as the price of the settings.

    `default` is the limit of guilds without one of their own.

    Raises:
        ContractViolation: `task_taken`; the task is another job's, so ours may or may not exist.
    """
    # Checked first: the error of the UNIQUE constraint would not say which row it is about.
    other = transaction.execute(
        "SELECT 1 FROM jobs WHERE task_id = ? AND job_id <> ?", (task.task_id, task.job_id)
    )
    if other.fetchone() is not None:
        raise ContractViolation("task_taken", "Rivya names a task that is another job's")
    if task.reserved_credits is None:
        return
    ledger.adjust_reserved(
        transaction,
        job_id=task.job_id,
        reserved_credits=task.reserved_credits,
        default=default,
        at=task.at,
    )
    if task.priced is not None:
        record_reserved(transaction, task.priced, task.reserved_credits, task.at)


def record_created_too_late(transaction: Transaction, job_id: str, task_id: str, at: int) -> None:
    """Record the task of a job that was ended while Rivya created it, unless it is another job's."""
    transaction.execute(
        "UPDATE jobs SET task_id = ?, task_created_at = ?"
        " WHERE job_id = ? AND task_id IS NULL AND stage = 'failed'"
        " AND NOT EXISTS (SELECT 1 FROM jobs other WHERE other.task_id = ?)",
        (task_id, at, job_id, task_id),
    )
