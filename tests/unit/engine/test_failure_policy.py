"""The rules about money, as one table: when is a job over, and what is proven?"""

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
from bot.domain.jobs import Stage
from bot.engine.failure_policy import (
    MAX_NOT_FOUND_ATTEMPTS,
    MAX_RESULT_ATTEMPTS,
    MAX_UNCLEAR_ATTEMPTS,
    decide_failure,
    failure_from_task,
)
from bot.rivya.models import Task, TaskStatus
from tests.support.factories import make_job

MEMBER = MemberError(MemberReason.PROMPT_REFUSED, message="no")
WALLET = OperatorError("wallet_empty", "no credits")
DATABASE = OperatorError("database", "the disk is full")
LATER = TransientError("503")
CONFLICT = ContractViolation("idempotency_conflict", "in use")
UNKNOWN = ContractViolation("model_on_holiday", "new code")
VANISHED = ContractViolation("not_found", "no such task")
NO_PICTURE = ContractViolation("not_a_picture", "HTML")

GOES_ON = None
RELEASED = ("released",)
HELD = ("held",)

TABLE = [
    # stage, error, setbacks, a task may exist -> what becomes of the job
    (Stage.ACCEPTED, MEMBER, 1, False, RELEASED),
    (Stage.UPLOADED, MEMBER, 1, False, RELEASED),
    (Stage.UPLOADED, MEMBER, 1, True, HELD),  # proves nothing about an attempt that was not answered
    (Stage.ACCEPTED, WALLET, 1, False, RELEASED),
    (Stage.UPLOADED, WALLET, 1, True, GOES_ON),
    (Stage.UPLOADED, WALLET, 500, True, GOES_ON),
    (Stage.ACCEPTED, DATABASE, 1, False, GOES_ON),
    (Stage.CREATED, DATABASE, 500, False, GOES_ON),
    (Stage.ACCEPTED, LATER, 1, False, GOES_ON),
    (Stage.UPLOADED, LATER, 500, True, GOES_ON),
    (Stage.UPLOADED, UNKNOWN, 1, False, RELEASED),
    (Stage.UPLOADED, UNKNOWN, 1, True, GOES_ON),
    (Stage.UPLOADED, UNKNOWN, MAX_UNCLEAR_ATTEMPTS, True, HELD),
    (Stage.UPLOADED, CONFLICT, 1, False, GOES_ON),
    (Stage.UPLOADED, CONFLICT, MAX_UNCLEAR_ATTEMPTS, False, HELD),
    (Stage.CREATED, LATER, 500, False, GOES_ON),
    (Stage.CREATED, WALLET, 500, False, GOES_ON),
    (Stage.CREATED, UNKNOWN, 500, False, GOES_ON),
    (Stage.CREATED, VANISHED, MAX_NOT_FOUND_ATTEMPTS - 1, False, GOES_ON),
    (Stage.CREATED, VANISHED, MAX_NOT_FOUND_ATTEMPTS, False, HELD),
    (Stage.SUCCEEDED, LATER, 500, False, GOES_ON),
    (Stage.SUCCEEDED, NO_PICTURE, MAX_RESULT_ATTEMPTS - 1, False, GOES_ON),
    (
        Stage.SUCCEEDED,
        NO_PICTURE,
        MAX_RESULT_ATTEMPTS,
        False,
        RELEASED,
    ),  # settled before: the store closes once
    (Stage.FAILED, LATER, 500, False, GOES_ON),
    (Stage.FAILED, UNKNOWN, 500, False, GOES_ON),
]


@pytest.mark.parametrize(("stage", "error", "failed_attempts", "may_be_sent", "becomes"), TABLE)
def test_a_setback_is_judged_by_what_is_proven(
    stage: Stage, error: KuasError, failed_attempts: int, may_be_sent: bool, becomes: tuple[str] | None
) -> None:
    job = dataclasses.replace(make_job(), stage=stage, create_body="{}")
    failure = decide_failure(job, error, failed_attempts=failed_attempts, may_be_sent=may_be_sent)
    assert (failure is None) == (becomes is GOES_ON)
    if failure is not None:
        assert failure.in_doubt == (becomes is HELD)


@pytest.mark.parametrize("code", ["unreadable", "idempotency_conflict"])
def test_an_unreadable_answer_to_an_upload_proves_that_nothing_was_charged(code: str) -> None:
    error = ContractViolation(code, "gibberish")
    assert (
        decide_failure(make_job(), error, failed_attempts=MAX_UNCLEAR_ATTEMPTS - 1, may_be_sent=False) is None
    )
    failure = decide_failure(make_job(), error, failed_attempts=MAX_UNCLEAR_ATTEMPTS, may_be_sent=False)
    assert failure is not None
    assert not failure.in_doubt


def test_what_a_member_needs_to_know_survives_in_the_row() -> None:
    error = MemberError(MemberReason.REFERENCE_TOO_LARGE, width=30000, height=30000)
    failure = decide_failure(make_job(), error, failed_attempts=1, may_be_sent=False)
    assert failure is not None
    assert json.loads(failure.message) == {"width": 30000, "height": 30000}


@pytest.mark.parametrize(
    ("final_credits", "code", "who", "in_doubt"),
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
def test_a_failed_task_is_released_only_if_it_says_that_it_cost_nothing(
    final_credits: int | None, code: str | None, who: str, in_doubt: bool
) -> None:
    failure = failure_from_task(
        Task("task_1", TaskStatus.FAILED, 4, final_credits, None, code, "The generation failed.")
    )
    assert (failure.cause, failure.in_doubt, failure.charged_credits) == (who, in_doubt, final_credits or 0)
