"""Decide whether an error ends a job, and whether it may have cost credits.

Pure functions, so the rules about money can be tested without I/O.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.domain.errors import (
    ContractViolation,
    DiskFull,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
)
from bot.domain.jobs import BEFORE_TASK, Failure, FailureCause, FailureCode, Job, Stage
from bot.rivya.responses import is_moderation

if TYPE_CHECKING:
    from bot.rivya.models import Task

MAX_UNCLEAR_ATTEMPTS: Final = 8
"""Failed attempts in a row, of any kind, after which an unclear answer before there is a task ends the job;
about 5 minutes."""
MAX_NOT_FOUND_ATTEMPTS: Final = 6
"""Failed attempts in a row, of any kind, after which a job is late if Rivya does not know its task; about
2 minutes."""
MAX_RESULT_ATTEMPTS: Final = 6
"""Failed attempts in a row, of any kind, after which a job is late if its picture cannot be downloaded; about
2 minutes."""
MAX_LATE_SECONDS: Final = 7 * 24 * 3600.0
"""How long a late job is tried whose task Rivya does not know, or whose picture cannot be downloaded: until
as many attempts in a row have failed, too, as make a job late, since the bot may not have run all the time.
A task that is not finished is polled for ever."""

_UNCLEAR: Final = ("idempotency_conflict", "unreadable")
"""Codes of answers to a create call after which a task may exist."""


def decide_failure(
    job: Job,
    error: KuasError,
    *,
    failed_attempts: int,
    task_may_exist: bool,
    late_seconds: float = 0.0,
    downloaded: bool = False,
) -> Failure | None:
    """Return the failure that ends the job; None to wait and try the step again.

    Args:
        job: its stage says which step failed.
        error: what the step raised.
        failed_attempts: how many attempts in a row have failed, this one included.
        task_may_exist: a body was committed before this run, or an attempt, this one included, had no clear
            answer or could not be stored.
        late_seconds: how long the job has been late; 0 if it is not.
        downloaded: the picture is here, and the error is about posting it.
    """
    if isinstance(error, DiskFull) or (isinstance(error, OperatorError) and error.code == "database"):
        return None
    given_up = late_seconds >= MAX_LATE_SECONDS
    if job.stage is Stage.CREATED:
        vanished = given_up and _is_unknown_task(error) and failed_attempts >= MAX_NOT_FOUND_ATTEMPTS
        code = FailureCode.TASK_VANISHED
        return Failure(FailureCause.DEVELOPER, code, in_doubt=True) if vanished else None
    if job.stage is Stage.SUCCEEDED:
        given_up = given_up and failed_attempts >= MAX_RESULT_ATTEMPTS
        lost = given_up and not downloaded and not is_local(error)
        return Failure(FailureCause.DEVELOPER, FailureCode.RESULT_LOST) if lost else None
    if job.stage in BEFORE_TASK:
        return _before_task(job, error, failed_attempts, task_may_exist=task_may_exist)
    return None


def _before_task(job: Job, error: KuasError, failed_attempts: int, *, task_may_exist: bool) -> Failure | None:
    if isinstance(error, MemberError):
        # The body is the same as before, yet Rivya may refuse it only now: an upload may have expired.
        told = json.dumps(error.data, default=str, sort_keys=True)
        return Failure(FailureCause.MEMBER, error.reason, message=told, in_doubt=task_may_exist)
    if isinstance(error, OperatorError):
        # This refusal says nothing about an earlier attempt, which may have succeeded: wait for the operator.
        return None if task_may_exist else Failure(FailureCause.OPERATOR, error.code)
    if isinstance(error, ContractViolation):
        if not task_may_exist and error.code not in _UNCLEAR:
            return Failure(FailureCause.DEVELOPER, error.code)
        if failed_attempts >= MAX_UNCLEAR_ATTEMPTS:
            # Without a body only an upload can have been sent, which costs nothing.
            return Failure(
                FailureCause.DEVELOPER, error.code, in_doubt=task_may_exist or job.create_body is not None
            )
    return None


def makes_late(job: Job, error: KuasError, *, failed_attempts: int, downloaded: bool) -> bool:
    """Return whether a job is late after so many failed attempts in a row, the one with `error` included."""
    if is_local(error) or downloaded:
        return False
    if job.stage is Stage.CREATED:
        return _is_unknown_task(error) and failed_attempts >= MAX_NOT_FOUND_ATTEMPTS
    if job.stage is Stage.SUCCEEDED:
        return failed_attempts >= MAX_RESULT_ATTEMPTS
    return job.stage in BEFORE_TASK and failed_attempts >= MAX_UNCLEAR_ATTEMPTS


def _is_unknown_task(error: KuasError) -> bool:
    return isinstance(error, ContractViolation) and error.code == "not_found"


def is_local(error: KuasError) -> bool:
    """Whether the fault is on this machine: the job goes on once it is mended."""
    return isinstance(error, OperatorError) and error.code in {"database", "disk"}


def failure_from_task(task: Task) -> Failure:
    """Return the failure of a task that Rivya reports as failed, and what it cost.

    `final_credits` 0 releases the credits, as https://rivya.ai/docs/api-generation-status shows for a failed
    task; None leaves them in doubt, because https://rivya.ai/docs/failed-tasks-and-refunds does not promise
    refunds.
    """
    code = task.error_code or "generation_failed"
    if is_moderation(task.error_code, task.error_message):
        return Failure(
            FailureCause.MEMBER,
            MemberReason.CONTENT_REFUSED,
            message=json.dumps({"code": code, "message": task.error_message or ""}, sort_keys=True),
            charged_credits=task.final_credits or 0,
            in_doubt=task.final_credits is None,
        )
    return Failure(
        cause=FailureCause.OPERATOR if code == "insufficient_credits" else FailureCause.RIVYA,
        code=code,
        message=task.error_message or "",
        charged_credits=task.final_credits or 0,
        in_doubt=task.final_credits is None,
    )
