"""The failure policy as one table: when a job ends, and whether its credits are released or held."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bot.domain.errors import (
    ContractViolation,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.domain.jobs import FailureCode, Stage
from bot.engine.failure_policy import (
    MAX_LATE_SECONDS,
    MAX_NOT_FOUND_ATTEMPTS,
    MAX_RESULT_ATTEMPTS,
    MAX_UNCLEAR_ATTEMPTS,
    decide_failure,
    failure_from_task,
    makes_late,
)
from bot.rivya.models import Task, TaskStatus
from tests.support.factories import make_job

MEMBER = MemberError(MemberReason.PROMPT_REFUSED, message="no")
WALLET = OperatorError("wallet_empty", "no credits")
DATABASE = OperatorError("database", "the disk is full")
DISK = OperatorError("disk", "no folder")
LATER = TransientError("503")
CONFLICT = ContractViolation("idempotency_conflict", "in use")
UNKNOWN = ContractViolation("model_on_holiday", "new code")
VANISHED = ContractViolation("not_found", "no such task")
NO_PICTURE = ContractViolation("not_a_picture", "HTML")

RETRY = None
RELEASED = ("released",)
HELD = ("held",)

TABLE = [
    # stage, error, failed attempts, a task may exist, outcome
    (Stage.ACCEPTED, MEMBER, 1, False, RELEASED),
    (Stage.UPLOADED, MEMBER, 1, False, RELEASED),
    (Stage.UPLOADED, MEMBER, 1, True, HELD),  # proves nothing about an unanswered attempt
    (Stage.ACCEPTED, WALLET, 1, False, RELEASED),
    (Stage.UPLOADED, WALLET, 1, True, RETRY),
    (Stage.UPLOADED, WALLET, 500, True, RETRY),
    (Stage.ACCEPTED, DATABASE, 1, False, RETRY),
    (Stage.CREATED, DATABASE, 500, False, RETRY),
    (Stage.ACCEPTED, LATER, 1, False, RETRY),
    (Stage.UPLOADED, LATER, 500, True, RETRY),
    (Stage.UPLOADED, UNKNOWN, 1, False, RELEASED),
    (Stage.UPLOADED, UNKNOWN, 1, True, RETRY),
    (Stage.UPLOADED, UNKNOWN, MAX_UNCLEAR_ATTEMPTS, True, HELD),
    (Stage.UPLOADED, CONFLICT, 1, False, RETRY),
    (Stage.UPLOADED, CONFLICT, MAX_UNCLEAR_ATTEMPTS, False, HELD),
    (Stage.CREATED, LATER, 500, False, RETRY),
    (Stage.CREATED, WALLET, 500, False, RETRY),
    (Stage.CREATED, UNKNOWN, 500, False, RETRY),
    (Stage.CREATED, VANISHED, 500, False, RETRY),
    (Stage.SUCCEEDED, LATER, 500, False, RETRY),
    (Stage.SUCCEEDED, NO_PICTURE, 500, False, RETRY),
    (Stage.FAILED, LATER, 500, False, RETRY),
    (Stage.FAILED, UNKNOWN, 500, False, RETRY),
]


@pytest.mark.parametrize(("stage", "error", "failed_attempts", "task_may_exist", "outcome"), TABLE)
def test_an_error_is_decided_by_what_it_proves(
    stage: Stage, error: KuasError, failed_attempts: int, task_may_exist: bool, outcome: tuple[str] | None
) -> None:
    job = dataclasses.replace(make_job(), stage=stage, create_body="{}")
    failure = decide_failure(job, error, failed_attempts=failed_attempts, task_may_exist=task_may_exist)
    assert (failure is None) == (outcome is RETRY)
    if failure is not None:
        assert failure.in_doubt == (outcome is HELD)


@pytest.mark.parametrize(
    ("stage", "error", "downloaded", "code"),
    [
        (Stage.CREATED, VANISHED, False, FailureCode.TASK_VANISHED),
        (Stage.CREATED, LATER, False, None),  # a task that exists is polled for ever
        (Stage.CREATED, UNKNOWN, False, None),
        (Stage.SUCCEEDED, NO_PICTURE, False, FailureCode.RESULT_LOST),
        (Stage.SUCCEEDED, LATER, False, FailureCode.RESULT_LOST),
        (Stage.SUCCEEDED, LATER, True, None),  # Discord is down; the picture is here
        (Stage.SUCCEEDED, DISK, False, None),
        (Stage.SUCCEEDED, DATABASE, False, None),
        (Stage.UPLOADED, LATER, False, None),
    ],
)
def test_a_late_job_is_given_up_after_a_week_if_its_picture_cannot_be_had(
    stage: Stage, error: KuasError, downloaded: bool, code: str | None
) -> None:
    job = dataclasses.replace(make_job(), stage=stage, create_body="{}")

    def decide(late_seconds: float, failed_attempts: int = 500) -> str | None:
        failure = decide_failure(
            job,
            error,
            failed_attempts=failed_attempts,
            task_may_exist=True,
            late_seconds=late_seconds,
            downloaded=downloaded,
        )
        return None if failure is None else failure.code

    assert decide(MAX_LATE_SECONDS - 1) is None
    assert decide(MAX_LATE_SECONDS) == code
    # The bot may have been down for the week: one failed attempt after that proves nothing.
    assert decide(10 * MAX_LATE_SECONDS, min(MAX_RESULT_ATTEMPTS, MAX_NOT_FOUND_ATTEMPTS) - 1) is None


@pytest.mark.parametrize(
    ("stage", "error", "attempts", "downloaded", "late"),
    [
        (Stage.SUCCEEDED, NO_PICTURE, MAX_RESULT_ATTEMPTS - 1, False, False),
        (Stage.SUCCEEDED, NO_PICTURE, MAX_RESULT_ATTEMPTS, False, True),
        (Stage.SUCCEEDED, LATER, MAX_RESULT_ATTEMPTS, False, True),
        (Stage.SUCCEEDED, LATER, 500, True, False),
        (Stage.SUCCEEDED, DISK, 500, False, False),
        (Stage.CREATED, VANISHED, MAX_NOT_FOUND_ATTEMPTS - 1, False, False),
        (Stage.CREATED, VANISHED, MAX_NOT_FOUND_ATTEMPTS, False, True),
        (Stage.CREATED, LATER, 500, False, False),  # by its age alone
        (Stage.UPLOADED, LATER, MAX_UNCLEAR_ATTEMPTS - 1, False, False),
        (Stage.UPLOADED, WALLET, MAX_UNCLEAR_ATTEMPTS, False, True),
        (Stage.ACCEPTED, LATER, MAX_UNCLEAR_ATTEMPTS, False, True),
        (Stage.UPLOADED, DATABASE, 500, False, False),
        (Stage.FAILED, LATER, 500, False, False),
    ],
)
def test_a_job_is_late_after_some_failed_attempts_that_are_not_about_this_machine(
    stage: Stage, error: KuasError, attempts: int, downloaded: bool, late: bool
) -> None:
    job = dataclasses.replace(make_job(), stage=stage)
    assert makes_late(job, error, failed_attempts=attempts, downloaded=downloaded) == late


@pytest.mark.parametrize("code", ["unreadable", "idempotency_conflict"])
def test_a_failed_upload_is_never_in_doubt(code: str) -> None:
    error = ContractViolation(code, "gibberish")
    assert (
        decide_failure(make_job(), error, failed_attempts=MAX_UNCLEAR_ATTEMPTS - 1, task_may_exist=False)
        is None
    )
    failure = decide_failure(make_job(), error, failed_attempts=MAX_UNCLEAR_ATTEMPTS, task_may_exist=False)
    assert failure is not None
    assert not failure.in_doubt


def test_the_data_of_a_member_error_is_stored_in_the_failure() -> None:
    error = MemberError(MemberReason.REFERENCE_TOO_LARGE, width=30000, height=30000)
    failure = decide_failure(make_job(), error, failed_attempts=1, task_may_exist=False)
    assert failure is not None
    assert json.loads(failure.message) == {"width": 30000, "height": 30000}


@pytest.mark.parametrize(
    ("final_credits", "code", "cause", "in_doubt"),
    [
        (0, "generation_failed", "rivya", False),
        (0, None, "rivya", False),
        (None, "generation_failed", "rivya", True),
        (4, "generation_failed", "rivya", False),
        (0, "insufficient_credits", "operator", False),
        (0, "content_policy_violation", "member", False),
        (None, "nsfw_detected", "member", True),
    ],
)
def test_a_failed_task_is_released_only_if_rivya_says_that_it_cost_nothing(
    final_credits: int | None, code: str | None, cause: str, in_doubt: bool
) -> None:
    failure = failure_from_task(
        Task("task_1", TaskStatus.FAILED, 4, final_credits, (), 0, code, "The generation failed.")
    )
    assert (failure.cause, failure.in_doubt, failure.charged_credits) == (cause, in_doubt, final_credits or 0)
