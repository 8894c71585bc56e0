"""Late jobs that the operator, an erasure or a restart meets at any moment."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.credits.reconciliation.models import DiscrepancyKind
from bot.credits.reconciliation.reconciler import Reconciler
from bot.credits.reconciliation.store import DiscrepancyStore
from bot.domain.jobs import Job, Stage
from bot.engine import engine as engine_module
from bot.engine.timings import Timings
from bot.jobs.late_jobs import LateJobResult
from bot.privacy.erasure import ErasureRequests
from bot.storage.database import Database
from tests.integration.engine.test_late_jobs import FAST, OPERATOR, late_jobs, until_late, wake
from tests.support.engine_harness import EngineHarness, MakeHarness
from tests.support.factories import make_request
from tests.support.sql import rows
from tests.support.waiting import soon, until

BRISK = Timings(0.005, 0.005, late_after_seconds=600, progress_seconds=0.05)
END = {"abandon": "held", "release": "released"}


async def end(harness: EngineHarness, job: Job, how: str) -> None:
    """End a late job as the command line does: the bot is not woken by it."""
    store = late_jobs(harness)
    if how == "abandon":
        assert await store.abandon(job.job_id, reason="stuck") is LateJobResult.DONE
    else:
        assert await store.release(job.job_id, reason="stuck", by=OPERATOR) is LateJobResult.DONE


@pytest.mark.parametrize("how", END)
async def test_a_job_that_is_ended_during_a_poll_that_fails_tells_its_member_at_once(
    make_harness: MakeHarness, how: str
) -> None:
    harness = make_harness(timings=FAST)
    harness.rivya.hold()
    job = await harness.submit()
    await until_late(harness, job)
    poll = harness.rivya.faults.add("lag", "status", seconds=60)
    await until(lambda: poll.hits)
    with capture_logs() as lines:
        await end(harness, job, how)
        harness.rivya.tasks.clear()  # the poll is answered with 404
        poll.over.set()
        ended = await harness.wait(job)
    assert (ended.stage, await harness.state(job)) == (Stage.FAILED, END[how])
    assert job.job_id in harness.delivery.failures
    assert [line for line in lines if line["event"] == "walk broke"] == []


@pytest.mark.parametrize("how", END)
async def test_a_job_that_is_ended_between_two_create_calls_sends_no_other_although_it_is_not_woken(
    make_harness: MakeHarness, how: str
) -> None:
    harness = make_harness(timings=BRISK)
    harness.rivya.faults.add("status", "create", times=None, code=500)
    job = await harness.submit()
    await until_late(harness, job)
    await end(harness, job, how)
    harness.rivya.faults.clear()
    ended = await harness.wait(job)
    assert (ended.stage, await harness.state(job)) == (Stage.FAILED, END[how])
    assert harness.rivya.tasks == {}


async def test_a_task_that_rivya_creates_while_its_job_is_released_is_known_compared_and_fetched(
    make_harness: MakeHarness, database: Database
) -> None:
    harness = make_harness(timings=BRISK)
    failing = harness.rivya.faults.add("status", "create", times=None, code=500)
    job = await harness.submit()
    await until_late(harness, job)
    call = harness.rivya.faults.add("lag", "create", seconds=60)
    harness.rivya.faults.waiting.remove(failing)
    await until(lambda: call.hits)
    await end(harness, job, "release")
    call.over.set()
    ended = await harness.wait(job)
    (task_id,) = harness.rivya.tasks
    assert (ended.stage, ended.task_id, await harness.state(job)) == (Stage.FAILED, task_id, "released")
    await harness.rivya.ended(task_id)
    assert await late_jobs(harness).retry(job.job_id) is LateJobResult.OVER, "nobody has booked it"
    discrepancies = DiscrepancyStore(database)
    run = await Reconciler(discrepancies, harness.engine._dependencies.rivya).compare(0)
    (found,) = await discrepancies.list_run(run.run_id)
    assert found.kind is DiscrepancyKind.CHARGED_AFTER_RELEASE
    assert (await discrepancies.apply(run.run_id, by=OPERATOR)).booked == 1
    # What is booked can be fetched, and is booked once.
    assert await late_jobs(harness).retry(job.job_id) is LateJobResult.DONE
    await wake(harness)
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await harness.state(job) == "settled"
    assert (await harness.ledger.usage(1)).used_credits == harness.rivya.charged_credits == 4


async def test_a_job_that_is_taken_up_during_the_last_step_of_its_runner_is_run(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness(timings=FAST)
    harness.rivya.hold()
    job = await harness.submit()
    await until_late(harness, job)
    failure_notified = harness.store.failure_notified

    async def notified_and_taken_up(job_id: str) -> Job:
        finished = await failure_notified(job_id)
        harness.rivya.release()
        assert await late_jobs(harness).retry(job_id) is LateJobResult.DONE
        await wake(harness)
        return finished

    monkeypatch.setattr(harness.store, "failure_notified", notified_and_taken_up)
    await end(harness, job, "abandon")
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await harness.state(job) == "settled"


async def test_late_jobs_without_a_task_create_no_more_at_once_than_there_are_slots(
    make_harness: MakeHarness,
) -> None:
    harness = make_harness(max_running=2, timings=BRISK)
    harness.rivya.faults.add("status", "create", times=None, code=500)
    jobs = [await harness.submit(make_request(interaction_id=number)) for number in range(1, 7)]
    for job in jobs:
        await until_late(harness, job)
    harness.rivya.hold()
    harness.rivya.faults.clear()
    waiters = harness.engine._dependencies.slots._waiters
    await until(lambda: len(waiters) == len(jobs) - 2 or len(harness.rivya.tasks) > 2)
    assert len(harness.rivya.tasks) == 2
    harness.rivya.release()
    assert {(await harness.wait(job)).stage for job in jobs} == {Stage.DELIVERED}
    assert harness.rivya.peak_concurrent <= 2


async def test_a_wakeup_stays_until_its_job_was_woken_and_a_newer_one_stays(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "result", times=None, code=404)
    job = await harness.submit()
    await until_late(harness, job)
    store = late_jobs(harness)
    await store.retry(job.job_id)
    (first,) = await store.wakeups()
    assert await store.wakeups() == [first]
    await store.retry(job.job_id)  # the command line again, while the bot wakes the job
    await store.forget_wakeup(first)
    (second,) = await store.wakeups()
    assert second.job_id == job.job_id
    await store.forget_wakeup(second)
    assert await store.wakeups() == []


async def test_what_was_downloaded_is_not_kept_once_its_member_is_erased(
    harness: EngineHarness, database: Database
) -> None:
    harness.rivya.faults.add("not_a_picture", "result", times=None)
    job = await harness.submit()
    late = await until_late(harness, job)
    download = harness.rivya.faults.add("lag", "status", seconds=60)
    await wake_by_hand(harness, job)
    await until(lambda: download.hits)
    await ErasureRequests(database).erase(job.request.destination.user_id)
    download.over.set()
    assert (await harness.wait(job)).request.prompt == ""
    await harness.store.record_unreadable_result(late.job_id, "0" * 64, 1)
    assert await rows(database, "SELECT job_id FROM unreadable_results") == []


async def wake_by_hand(harness: EngineHarness, job: Job) -> None:
    assert await late_jobs(harness).retry(job.job_id) is LateJobResult.DONE
    await wake(harness)


async def test_a_start_tries_late_jobs_one_after_the_other_and_a_woken_one_at_once(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_harness()
    first.rivya.faults.add("status", "result", times=None, code=404)
    jobs = [await first.submit(make_request(interaction_id=number)) for number in (1, 2, 3)]
    for job in jobs:
        await until_late(first, job)
    await first.engine.close()
    first.rivya.faults.clear()
    monkeypatch.setattr(engine_module, "RESUMED_LATE_PER_SECOND", 1e-6)
    second = make_harness()
    other = await second.submit(make_request(interaction_id=4))
    await second.engine.resume()
    assert (await second.wait(jobs[0])).stage is Stage.DELIVERED
    assert (await second.wait(other)).stage is Stage.DELIVERED
    await wake_by_hand(second, jobs[2])
    assert (await second.wait(jobs[2])).stage is Stage.DELIVERED
    waiting = await second.store.find(jobs[1].job_id)
    assert waiting is not None
    assert waiting.stage is Stage.SUCCEEDED
    await soon(second.engine.close())
    assert set(second.delivery.delivered) == {job.job_id for job in (jobs[0], jobs[2], other)}
