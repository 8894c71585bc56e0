"""Late jobs: nothing paid for is given up, nothing blocks the others, and the operator can end the wait."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.clock import now_ms
from bot.domain.jobs import FailureCode, Job, Stage
from bot.domain.progress import Phase
from bot.engine.failure_policy import MAX_LATE_SECONDS
from bot.engine.timings import Timings
from bot.jobs.late_jobs import LateJobResult, LateJobStore
from bot.privacy.erasure import ErasureRequests
from bot.storage.database import Database
from sandbox.fake_rivya.faults import FaultName
from tests.support.engine_harness import EngineHarness, MakeHarness
from tests.support.factories import make_request
from tests.support.sql import rows
from tests.support.waiting import soon, until

FAST = Timings(0.01, 0.01, late_after_seconds=0.2, progress_seconds=0.02)
OPERATOR = 42


def late_jobs(harness: EngineHarness) -> LateJobStore:
    return LateJobStore(harness.store._database)


async def until_late(harness: EngineHarness, job: Job) -> Job:
    """Wait until the job is late; returns its row."""

    async def find() -> Job:
        while (found := await harness.store.find(job.job_id)) is None or found.late_at is None:
            await asyncio.sleep(0.01)
        return found

    return await soon(find())


async def wake(harness: EngineHarness) -> None:
    """Do what the bot does every few seconds."""
    for wakeup in await late_jobs(harness).wakeups():
        await harness.engine.wake(wakeup.job_id)
        await late_jobs(harness).forget_wakeup(wakeup)


async def age(database: Database, job: Job, seconds: float) -> None:
    """Let a job be late for so long."""
    await rows(
        database, "UPDATE jobs SET late_at = ? WHERE job_id = ?", now_ms() - int(seconds * 1000), job.job_id
    )


# A picture that cannot be downloaded.


@pytest.mark.parametrize(
    ("fault", "details"),
    [("status", {"code": 404}), ("status", {"code": 403}), ("status", {"code": 500}), ("not_a_picture", {})],
)
async def test_a_picture_that_cannot_be_downloaded_is_late_and_delivered_once_it_can(
    harness: EngineHarness, fault: FaultName, details: dict[str, int]
) -> None:
    harness.rivya.faults.add(fault, "result", times=None, **details)  # type: ignore[arg-type]
    job = await harness.submit()
    late = await until_late(harness, job)
    assert (late.stage, late.finished_at) == (Stage.SUCCEEDED, None)
    assert late.late_note
    await until(
        lambda: any(shown.phase is Phase.RESULT_LATE for shown in harness.delivery.progress[job.job_id])
    )
    harness.rivya.faults.clear()
    assert await late_jobs(harness).retry(job.job_id) is LateJobResult.DONE
    await wake(harness)
    done = await harness.wait(job)
    assert (done.stage, done.late_at, done.late_note) == (Stage.DELIVERED, None, None)
    assert harness.delivery.failures == {}
    assert await harness.state(job) == "settled"
    assert await rows(harness.store._database, "SELECT job_id FROM unreadable_results") == []


async def test_what_is_no_picture_is_kept_for_the_operator_and_never_posted(harness: EngineHarness) -> None:
    harness.rivya.faults.add("not_a_picture", "result", times=None)
    job = await harness.submit()
    await until_late(harness, job)
    (listed,) = (await late_jobs(harness).page()).rows
    assert listed.job.job_id == job.job_id
    assert listed.unreadable_sha256 is not None
    stored = await harness.picture_store.read(listed.unreadable_sha256)
    assert stored is not None
    assert (b"<html" in stored.lower(), len(stored)) == (True, listed.unreadable_bytes)
    assert harness.delivery.delivered == {}


async def test_a_late_picture_is_tried_at_the_next_start(make_harness: MakeHarness) -> None:
    first = make_harness()
    first.rivya.faults.add("status", "result", times=None, code=404)
    job = await first.submit()
    await until_late(first, job)
    await first.engine.close()
    first.rivya.faults.clear()
    second = make_harness()
    await second.engine.resume()
    assert (await second.wait(job)).stage is Stage.DELIVERED


async def test_a_picture_is_given_up_after_a_week_and_can_be_taken_up_again(
    make_harness: MakeHarness, database: Database
) -> None:
    first = make_harness()
    first.rivya.faults.add("status", "result", times=None, code=404)
    job = await first.submit()
    await until_late(first, job)
    await first.engine.close()
    await age(database, job, MAX_LATE_SECONDS)
    second = make_harness()
    await second.engine.resume()
    lost = await second.wait(job)
    assert (lost.stage, lost.finished_at is not None) == (Stage.UNDELIVERABLE, True)
    told = second.delivery.failures[job.job_id]
    assert (told.code, told.charged_credits) == (FailureCode.RESULT_LOST, 4)
    assert [listed.job.job_id for listed in (await late_jobs(second).page()).rows] == [job.job_id]
    second.rivya.faults.clear()
    assert await late_jobs(second).retry(job.job_id) is LateJobResult.DONE
    await wake(second)
    assert (await second.wait(job)).stage is Stage.DELIVERED
    assert (await late_jobs(second).page()).total == 0
    assert second.rivya.charged_credits == 4


async def test_a_task_that_rivya_forgot_is_asked_for_a_week(
    make_harness: MakeHarness, database: Database
) -> None:
    first = make_harness()
    first.rivya.hold()
    job = await first.submit()
    await first.rivya.created(1)
    forgotten = dict(first.rivya.tasks)
    first.rivya.tasks.clear()
    assert (await until_late(first, job)).stage is Stage.CREATED
    await first.engine.close()
    await age(database, job, MAX_LATE_SECONDS)
    second = make_harness()
    await second.engine.resume()
    ended = await second.wait(job)
    assert (ended.stage, await second.state(job)) == (Stage.FAILED, "held")
    assert second.delivery.failures[job.job_id].code == FailureCode.TASK_VANISHED
    # It comes back: the operator has it polled again, and it is charged once.
    first.rivya.tasks.update(forgotten)
    first.rivya.release()
    assert await late_jobs(second).retry(job.job_id) is LateJobResult.DONE
    await wake(second)
    assert (await second.wait(job)).stage is Stage.DELIVERED
    assert await second.state(job) == "settled"


# A task that never ends.


async def test_endless_tasks_give_their_slots_back_and_do_not_count_as_running(
    make_harness: MakeHarness, database: Database
) -> None:
    harness = make_harness(max_running=2, timings=FAST)
    harness.rivya.hold()
    endless = [await harness.submit(make_request(interaction_id=number)) for number in (1, 2)]
    await harness.rivya.created(2)
    for job in endless:
        await until_late(harness, job)
    others = [await harness.submit(make_request(interaction_id=number)) for number in (3, 4)]
    await soon(harness.rivya.created(4))  # all slots would be taken otherwise
    running = await rows(
        database, "SELECT count(*) AS n FROM jobs WHERE finished_at IS NULL AND late_at IS NULL"
    )
    assert running[0][0] <= 2
    harness.rivya.release()
    assert {(await harness.wait(job)).stage for job in (*endless, *others)} == {Stage.DELIVERED}


async def test_the_operator_abandons_an_endless_task_and_its_credits_stay_held(
    make_harness: MakeHarness,
) -> None:
    harness = make_harness(timings=FAST)
    harness.rivya.hold()
    job = await harness.submit()
    await until_late(harness, job)
    assert await late_jobs(harness).abandon(job.job_id, reason="stuck") is LateJobResult.DONE
    await wake(harness)
    ended = await harness.wait(job)
    assert (ended.stage, await harness.state(job)) == (Stage.FAILED, "held")
    failure = harness.delivery.failures[job.job_id]
    assert (failure.code, failure.in_doubt) == (FailureCode.ABANDONED, True)
    assert (await late_jobs(harness).page()).total == 0
    assert await late_jobs(harness).abandon(job.job_id, reason="again") is LateJobResult.OVER


async def test_the_operator_releases_an_endless_task_on_the_record(
    make_harness: MakeHarness, database: Database
) -> None:
    harness = make_harness(timings=FAST)
    harness.rivya.hold()
    job = await harness.submit()
    await until_late(harness, job)
    assert await late_jobs(harness).release(job.job_id, reason="stuck", by=OPERATOR) is LateJobResult.DONE
    await wake(harness)
    ended = await harness.wait(job)
    assert (ended.stage, await harness.state(job)) == (Stage.FAILED, "released")
    assert not harness.delivery.failures[job.job_id].in_doubt
    assert await rows(database, "SELECT job_id, to_credits, reason, made_by FROM corrections") == [
        (job.job_id, 0, "stuck", OPERATOR)
    ]
    assert (await harness.ledger.usage(1)).used_credits == 0


async def test_an_action_on_a_job_that_is_not_late_changes_nothing(harness: EngineHarness) -> None:
    harness.rivya.hold()
    job = await harness.submit()
    await harness.rivya.created(1)
    store = late_jobs(harness)
    for job_id, result in ((job.job_id, LateJobResult.NOT_LATE), ("0" * 36, LateJobResult.UNKNOWN)):
        assert await store.retry(job_id) is result
        assert await store.abandon(job_id, reason="x") is result
        assert await store.release(job_id, reason="x", by=OPERATOR) is result
    harness.rivya.release()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await store.retry(job.job_id) is LateJobResult.OVER
    assert await store.release(job.job_id, reason="x", by=OPERATOR) is LateJobResult.OVER
    assert await store.wakeups() == []
    assert await harness.state(job) == "settled"


async def test_a_charged_picture_cannot_be_released_but_abandoned(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "result", times=None, code=404)
    job = await harness.submit()
    await until_late(harness, job)
    store = late_jobs(harness)
    assert await store.release(job.job_id, reason="x", by=OPERATOR) is LateJobResult.CHARGED
    assert await store.abandon(job.job_id, reason="x") is LateJobResult.DONE
    await wake(harness)
    assert (await harness.wait(job)).stage is Stage.UNDELIVERABLE
    failure = harness.delivery.failures[job.job_id]
    assert (failure.code, failure.charged_credits, failure.in_doubt) == (FailureCode.ABANDONED, 4, False)
    assert await harness.state(job) == "settled"


async def test_nothing_is_released_of_a_job_that_never_reached_rivya_but_what_it_held(
    make_harness: MakeHarness,
) -> None:
    harness = make_harness()
    harness.rivya.faults.add("status", "create", times=None, code=500)
    job = await harness.submit()
    late = await until_late(harness, job)
    assert late.create_body is not None  # so a task may exist
    await late_jobs(harness).abandon(job.job_id, reason="x")
    await wake(harness)
    assert (await harness.wait(job)).stage is Stage.FAILED
    assert await harness.state(job) == "held"


# Erasure.


@pytest.mark.parametrize("painted", [False, True])
async def test_an_erasure_ends_the_wait_for_a_late_job_and_takes_its_words_and_bytes(
    make_harness: MakeHarness, database: Database, painted: bool
) -> None:
    harness = make_harness(timings=FAST)
    if painted:
        harness.rivya.faults.add("not_a_picture", "result", times=None)
    else:
        harness.rivya.hold()
    job = await harness.submit()
    await until_late(harness, job)
    await ErasureRequests(database).erase(job.request.destination.user_id)
    erased = await harness.store.find(job.job_id)
    assert erased is not None
    assert (erased.request.prompt, erased.late_at, erased.late_note) == ("", None, None)
    assert erased.finished_at is not None
    assert erased.task_id is not None
    assert await rows(database, "SELECT job_id FROM unreadable_results") == []
    assert await harness.state(job) == ("settled" if painted else "held")
    await wake(harness)
    await harness.wait(job)
    assert (harness.delivery.delivered, harness.delivery.failures) == ({}, {})
