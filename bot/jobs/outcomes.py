"""How a job ends, in SQL: the columns of its failure or its message, and what becomes of its reservation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits import ledger
from bot.domain.jobs import BEFORE_TASK, Stage

if TYPE_CHECKING:
    from bot.credits.ledger import Transaction
    from bot.domain.jobs import DeliveredMessage, Failure
    from bot.domain.limits import Limit

# A finished job no longer needs its token, and a token that is not stored cannot leak.
FINISH: Final = "finished_at = ?, interaction_token = ''"
FAILURE: Final = (
    "stage = ?, failure_who = ?, failure_code = ?, failure_message = ?,"
    " failure_charged = ?, failure_in_doubt = ?"
)
NO_FAILURE: Final = (
    "failure_who = NULL, failure_code = NULL, failure_message = NULL,"
    " failure_charged = NULL, failure_in_doubt = NULL"
)
NOT_LATE: Final = "late_at = NULL, late_note = NULL"
LANDING: Final = (
    "landed_channel_id = ?, landed_message_id = ?, landed_way = ?, landed_url = ?, landed_attachment_id = ?"
)


def failure_values(stage: Stage, failure: Failure) -> tuple[object, ...]:
    """Return the values of `FAILURE`."""
    return (
        stage,
        failure.cause,
        failure.code,
        failure.message,
        failure.charged_credits,
        int(failure.in_doubt),
    )


def landing_values(delivered: DeliveredMessage | None) -> tuple[object, ...]:
    """Return the values of `LANDING`; None for no message."""
    if delivered is None:
        return (None, None, None, None, None)
    return (
        delivered.channel_id,
        delivered.message_id,
        delivered.method,
        delivered.url,
        delivered.attachment_id,
    )


def close_credits(
    transaction: Transaction, job_id: str, failure: Failure, at: int, default: Limit | None = None
) -> int:
    """Settle what a failure was charged, keep held what is in doubt, release the rest.

    Returns the credits that were settled. `at` is now, in epoch milliseconds; `default` as for
    `ledger.settle`.
    """
    if failure.in_doubt:
        note = f"{failure.cause}: {failure.code} {failure.message}"
        ledger.annotate_held(transaction, job_id=job_id, note=note)
    elif failure.charged_credits:
        return ledger.settle(
            transaction, job_id=job_id, final_credits=failure.charged_credits, at=at, default=default
        )
    else:
        ledger.release(transaction, job_id=job_id, at=at)
    return 0


def cancel_in_time(transaction: Transaction, job_id: str, at: int) -> bool:
    """Cancel a job and release its credits; False, and nothing changed, if a task may exist.

    `at` is now, in epoch milliseconds.
    """
    row = transaction.execute(
        f"UPDATE jobs SET stage = ?, {FINISH}"  # noqa: S608  # our own text
        " WHERE job_id = ? AND stage IN (?, ?) AND create_body IS NULL RETURNING job_id",
        (Stage.CANCELLED, at, job_id, *BEFORE_TASK),
    ).fetchone()
    if row is not None:
        ledger.release(transaction, job_id=job_id, at=at)
    return row is not None
