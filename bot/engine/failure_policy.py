"""What a setback means for a job: is it over, and is it proven that nothing was charged?

Pure, so that the rules about money can be read, and tested, as one table.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.domain.errors import ContractViolation, KuasError, MemberError, OperatorError
from bot.domain.jobs import Failure, Job, Stage

if TYPE_CHECKING:
    from bot.rivya.models import Task

MAX_UNCLEAR_ATTEMPTS: Final = 8
"""Times in a row that an unclear answer to a create call is met with the same call again; about 5 minutes."""
MAX_NOT_FOUND_ATTEMPTS: Final = 6
"""Times in a row that a task may be unknown to Rivya before we believe it; about 2 minutes."""
MAX_RESULT_ATTEMPTS: Final = 6
"""Times in a row that a finished picture may be unobtainable; about 2 minutes."""

_UNCLEAR: Final = ("idempotency_conflict", "unreadable")
"""Answers to a create call that leave open whether there is a task."""


def decide_failure(job: Job, error: KuasError, *, failed_attempts: int, may_be_sent: bool) -> Failure | None:
    """The failure that ends the job, or None: rest, then do the same again.

    Args:
        job: as it stands; its stage says what was being tried.
        error: what came of it.
        failed_attempts: how many in a row, this one included.
        may_be_sent: an earlier create call of this job was never answered, or its answer could not be
            written down, so a task may exist.
    """
    if isinstance(error, OperatorError) and error.code == "database":
        return None
    if job.stage is Stage.CREATED:
        return _while_polling(error, failed_attempts)
    if job.stage is Stage.SUCCEEDED:
        return _while_fetching(error, failed_attempts)
    if job.stage in (Stage.ACCEPTED, Stage.UPLOADED):
        return _before_task(job, error, failed_attempts, may_be_sent=may_be_sent)
    return None


def _before_task(job: Job, error: KuasError, failed_attempts: int, *, may_be_sent: bool) -> Failure | None:
    if isinstance(error, MemberError):
        # The request was the same before, but not what it is held against: an upload may have expired since.
        told = json.dumps(error.data, default=str, sort_keys=True)
        return Failure("member", error.reason, message=told, in_doubt=may_be_sent)
    if isinstance(error, OperatorError):
        # A refused key now says nothing about an unanswered attempt before: wait for the operator instead.
        return None if may_be_sent else Failure("operator", error.code)
    if isinstance(error, ContractViolation):
        if not may_be_sent and error.code not in _UNCLEAR:
            return Failure("developer", error.code)
        if failed_attempts >= MAX_UNCLEAR_ATTEMPTS:
            # Without a body nothing but an upload was ever sent, and that costs nothing.
            return Failure("developer", error.code, in_doubt=may_be_sent or job.create_body is not None)
    return None


def _while_polling(error: KuasError, failed_attempts: int) -> Failure | None:
    gone = isinstance(error, ContractViolation) and error.code == "not_found"
    if gone and failed_attempts >= MAX_NOT_FOUND_ATTEMPTS:
        return Failure("developer", "task_vanished", in_doubt=True)
    return None


def _while_fetching(error: KuasError, failed_attempts: int) -> Failure | None:
    if isinstance(error, ContractViolation) and failed_attempts >= MAX_RESULT_ATTEMPTS:
        return Failure("developer", error.code)
    return None


def failure_from_task(task: Task) -> Failure:
    """Why a task that Rivya reports as failed has no picture, and what it cost.

    Released only if `final_credits` is 0: https://rivya.ai/docs/api-generation-status shows that for a failed
    task, and https://rivya.ai/docs/failed-tasks-and-refunds does not promise it.
    """
    code = task.error_code or "generation_failed"
    return Failure(
        cause="operator" if code == "insufficient_credits" else "rivya",
        code=code,
        message=task.error_message or "",
        charged_credits=task.final_credits or 0,
        in_doubt=task.final_credits is None,
    )
