"""Cancelling a job: free until its request to Rivya is recorded, and impossible from then on."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
import structlog

from bot.domain.errors import MemberReason, OperatorError, TransientError
from bot.domain.jobs import Job, Reference, Stage
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.domain.progress import Phase, Progress
from bot.engine.timings import Timings
from tests.support.engine_harness import EngineHarness, MakeHarness, write_protect
from tests.support.factories import make_request, submit
from tests.support.waiting import PATIENCE_SECONDS, soon, until

ROUNDS = 200
PARALLEL = 10


async def assert_cancelled(harness: EngineHarness, job: Job) -> None:
    """Assert that nothing was asked of Rivya, no credits are held, and nothing runs the job any more."""
    found = await harness.store.find(job.job_id)
    assert found is not None
    assert found.stage is Stage.CANCELLED
    assert found.finished_at is not None
    assert found.request.destination.interaction_token == ""
    assert await harness.state(job) == "released"
    assert count_tasks(harness, job) == 0
    assert job.job_id not in harness.engine._tasks
    assert job.job_id not in harness.engine._runners
    assert job.job_id not in harness.delivery.delivered
    assert job.job_id not in harness.delivery.failures


def count_tasks(harness: EngineHarness, job: Job) -> int:
    return sum(task.client_request_id == job.job_id for task in harness.rivya.tasks.values())


def make_reference(harness: EngineHarness, name: str = "fox.png") -> Reference:
    return Reference(f"{harness.files}/{name}", name, "image/png", 200)


def count_ended_jobs(harness: EngineHarness) -> Counter[str]:
    """Return how many jobs the metrics have counted, by outcome."""
    counted: Counter[str] = Counter()
    for metric in harness.engine._dependencies.metrics._jobs.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                counted[sample.labels["outcome"]] += int(sample.value)
    return counted


async def test_cancelling_a_queued_job_moves_the_queue_up(make_harness: MakeHarness) -> None:
    harness = make_harness(max_running=1)
    harness.rivya.hold()
    first, second, third = [await harness.submit() for _ in range(3)]
    slots = harness.engine._dependencies.slots
    await harness.rivya.until(lambda: len(harness.rivya.tasks) == 1 and slots.position(third.job_id) == 2)
    assert await harness.engine.cancel(second.job_id)
    await assert_cancelled(harness, second)
    assert slots.position(third.job_id) == 1
    assert (await harness.ledger.usage(1)).held_credits == 8
    harness.rivya.release()
    assert {(await harness.wait(job)).stage for job in (first, third)} == {Stage.DELIVERED}
    assert len(harness.rivya.tasks) == 2
    assert count_ended_jobs(harness) == {"cancelled": 1, "delivered": 2}


async def test_cancelling_during_the_upload_frees_the_slot(make_harness: MakeHarness) -> None:
    harness = make_harness(max_running=1)
    stalled = harness.rivya.faults.add("stall", "files")
    job = await harness.submit(make_request(reference=make_reference(harness)))
    await harness.rivya.until(lambda: stalled.hits == 1)
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)
    assert (await harness.submit_and_wait()).stage is Stage.DELIVERED


async def test_a_job_can_be_cancelled_before_its_reply_is_confirmed(harness: EngineHarness) -> None:
    harness.delivery.transient_errors = 10**6
    job = await harness.submit(answered=False)
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)


async def test_a_job_can_be_cancelled_before_it_is_started(harness: EngineHarness) -> None:
    job = await submit(harness.engine)
    assert await harness.engine.cancel(job.job_id)
    # The command starts the job after its member cancelled it.
    harness.engine.start(job, answered=True, message_id=77)
    await harness.wait(job)
    await assert_cancelled(harness, job)


async def test_a_job_cannot_be_cancelled_once_its_request_is_recorded(harness: EngineHarness) -> None:
    lag = harness.rivya.faults.add("lag", "create", seconds=PATIENCE_SECONDS)
    job = await harness.submit()
    await harness.rivya.until(lambda: bool(harness.rivya.keys_in_flight))
    assert not await harness.engine.cancel(job.job_id)
    lag.over.set()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert (await harness.state(job), count_tasks(harness, job)) == ("settled", 1)


async def test_a_job_cannot_be_cancelled_while_its_request_is_unanswered(harness: EngineHarness) -> None:
    down = harness.rivya.faults.add("status", "create", times=None, code=503)
    job = await harness.submit()
    await harness.rivya.until(lambda: down.hits >= 2)
    assert not await harness.engine.cancel(job.job_id)
    assert await harness.state(job) == "held"
    harness.rivya.faults.clear()
    assert (await harness.wait(job)).stage is Stage.DELIVERED


async def test_cancelling_twice_counts_once_and_ended_or_unknown_jobs_are_not_cancelled(
    harness: EngineHarness,
) -> None:
    harness.delivery.transient_errors = 10**6
    job = await harness.submit(answered=False)
    assert await asyncio.gather(*(harness.engine.cancel(job.job_id) for _ in range(5))) == [True] * 5
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)
    assert count_ended_jobs(harness) == {"cancelled": 1}
    harness.delivery.transient_errors = 0
    done = await harness.submit_and_wait()
    assert not await harness.engine.cancel(done.job_id)
    assert await harness.state(done) == "settled"
    assert not await harness.engine.cancel("00000000-0000-4000-8000-000000000000")


async def test_a_database_error_cancels_nothing(harness: EngineHarness) -> None:
    harness.delivery.transient_errors = 10**6
    job = await harness.submit(answered=False)
    await write_protect(harness, on=True)
    with pytest.raises(OperatorError):
        await harness.engine.cancel(job.job_id)
    await write_protect(harness, on=False)
    harness.delivery.transient_errors = 0
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await harness.state(job) == "settled"


async def test_a_job_can_be_cancelled_after_a_restart_before_and_after_resume(
    make_harness: MakeHarness,
) -> None:
    first = make_harness(max_running=1)
    first.rivya.hold()
    jobs = [await first.submit() for _ in range(4)]
    await first.rivya.created(1)
    await soon(first.engine.close())
    generating = next(job for job in jobs if count_tasks(first, job))
    early, late, remaining = [job for job in jobs if job is not generating]

    second = make_harness(max_running=1)
    assert await second.engine.cancel(early.job_id)
    assert await second.engine.resume() == 3
    assert await second.engine.cancel(late.job_id)
    assert not await second.engine.cancel(generating.job_id)
    for job in (early, late):
        await assert_cancelled(second, job)
    second.rivya.release()
    assert {(await second.wait(job)).stage for job in (generating, remaining)} == {Stage.DELIVERED}
    assert len(second.rivya.tasks) == 2
    assert second.rivya.charged_credits == 8


async def test_no_progress_is_shown_after_a_cancellation(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness(max_running=1, timings=Timings(0.02, 0.02, progress_seconds=0.001))
    harness.rivya.hold()
    await harness.submit()
    await harness.rivya.created(1)
    under_way, gate, landed = asyncio.Event(), asyncio.Event(), 0

    async def slow_progress(job: Job, progress: Progress) -> None:
        nonlocal landed
        if progress.position is not None:
            under_way.set()
            await gate.wait()
            landed += 1

    monkeypatch.setattr(harness.delivery, "show_progress", slow_progress)
    waiting = await harness.submit()
    await under_way.wait()
    cancelling = asyncio.create_task(harness.engine.cancel(waiting.job_id))
    while (await harness.store.find(waiting.job_id) or waiting).stage is not Stage.CANCELLED:
        await asyncio.sleep(0)
    assert not cancelling.done(), "progress under way would be shown after the cancellation"
    gate.set()
    assert await cancelling
    before = landed
    await assert_cancelled(harness, waiting)
    assert not [task for task in asyncio.all_tasks() if waiting.job_id in task.get_name()]
    assert landed == before
    harness.rivya.release()


async def test_a_step_that_fails_during_the_cancellation_is_not_logged_as_an_error(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, gate = asyncio.Event(), asyncio.Event()
    failing, fail = asyncio.Event(), harness.store.failed

    async def slow_progress(job: Job, progress: Progress) -> None:
        under_way.set()
        await gate.wait()

    async def failed(*details: Any) -> Job:
        failing.set()
        await under_way.wait()
        while (await harness.store.find(job.job_id) or job).stage is not Stage.CANCELLED:
            await asyncio.sleep(0)
        return await fail(*details)

    monkeypatch.setattr(harness.delivery, "show_progress", slow_progress)
    monkeypatch.setattr(harness.store, "failed", failed)
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit(make_request(reference=make_reference(harness, "gone.png")))
        await failing.wait()
        assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)
    assert MemberReason.REFERENCE_GONE in {line.get("reason") for line in lines}
    assert [line["event"] for line in lines if line["log_level"] == "error"] == []


async def test_of_a_cancellation_and_a_create_call_at_once_exactly_one_wins(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness(max_running=2 * PARALLEL, timings=Timings(0.005, 0.01))
    await harness.credit_admin.set_limit(1, Limit(10**6, Period.MONTH), set_by=99)
    barriers: dict[str, asyncio.Barrier] = {}
    head_start: dict[str, int] = {}
    creating = harness.store.creating

    async def meet_and_create(job_id: str, body: str) -> Job:
        await barriers[job_id].wait()
        for _ in range(max(0, -head_start[job_id])):
            await asyncio.sleep(0)
        return await creating(job_id, body)

    monkeypatch.setattr(harness.store, "creating", meet_and_create)

    async def one_round(number: int) -> bool:
        job = await submit(harness.engine)
        barriers[job.job_id], head_start[job.job_id] = asyncio.Barrier(2), number % 5 - 2
        harness.engine.start(job, answered=True, message_id=77)
        await barriers[job.job_id].wait()
        for _ in range(max(0, head_start[job.job_id])):
            await asyncio.sleep(0)
        if cancelled := await harness.engine.cancel(job.job_id):
            await assert_cancelled(harness, job)
        else:
            assert (await harness.wait(job)).stage is Stage.DELIVERED
            assert (await harness.state(job), count_tasks(harness, job)) == ("settled", 1)
        return cancelled

    won: Counter[bool] = Counter()
    with structlog.testing.capture_logs() as lines:
        for first in range(0, ROUNDS, PARALLEL):
            won += Counter(await asyncio.gather(*map(one_round, range(first, first + PARALLEL))))
    assert won[True] > ROUNDS // 20, "the cancellation hardly ever won"
    assert won[False] > ROUNDS // 20, "the create call hardly ever won"
    assert (await harness.ledger.usage(1)).used_credits == 4 * won[False] == harness.rivya.charged_credits
    assert count_ended_jobs(harness) == {"cancelled": won[True], "delivered": won[False]}
    assert [line for line in lines if line["log_level"] == "error"] == []


async def test_a_cancelled_job_is_not_restarted_after_a_bug(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness()
    raised = asyncio.Event()

    async def breaks(*_: object, **__: object) -> None:
        raised.set()
        raise RuntimeError("a bug")

    monkeypatch.setattr(harness.engine._dependencies.files._downloader, "reference", breaks)
    job = await harness.submit(make_request(reference=make_reference(harness)))
    await raised.wait()
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)


async def test_a_job_can_be_cancelled_during_an_outage_of_rivya(make_harness: MakeHarness) -> None:
    harness = make_harness(with_circuit_breaker=True, max_running=10)
    for route in ("create", "credits"):
        harness.rivya.faults.add("status", route, times=None, code=503)
    asked = [await harness.submit() for _ in range(4)]
    await until(lambda: harness.engine._dependencies.circuit_breaker.is_open)
    waiting = await harness.submit()
    await until(lambda: Phase.OUTAGE in {line.phase for line in harness.delivery.progress[waiting.job_id]})
    assert await harness.engine.cancel(waiting.job_id)
    await assert_cancelled(harness, waiting)
    harness.rivya.faults.clear()
    assert {(await harness.wait(job)).stage for job in asked} == {Stage.DELIVERED}


async def test_a_job_can_be_cancelled_while_discord_is_unreachable(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def away(_: Job) -> int:
        asked.set()
        raise TransientError("Discord is away", retry_after_seconds=600)

    monkeypatch.setattr(harness.delivery, "find_reply", away)
    job = await harness.submit(answered=False)
    await asked.wait()
    assert await soon(harness.engine.cancel(job.job_id))
    await assert_cancelled(harness, job)
