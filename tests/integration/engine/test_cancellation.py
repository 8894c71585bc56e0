"""A member changes their mind: either nothing was asked for and nothing is charged, or it is too late."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
import structlog

from bot.domain.errors import MemberReason, OperatorError, TransientError
from bot.domain.jobs import Job, Phase, Progress, Reference, Stage
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.engine.timings import Timings
from tests.support.engine_harness import EngineHarness, MakeHarness, write_protect
from tests.support.factories import make_request, submit
from tests.support.waiting import PATIENCE_SECONDS, soon, until

ROUNDS = 200
AT_ONCE = 10


async def assert_cancelled(harness: EngineHarness, job: Job) -> None:
    """Nothing was asked for, nothing is held, and nobody walks it any more."""
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
    """How many jobs the metrics have counted, by outcome."""
    counted: Counter[str] = Counter()
    for metric in harness.engine._dependencies.metrics._jobs.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                counted[sample.labels["outcome"]] += int(sample.value)
    return counted


async def test_while_it_waits_for_a_slot_the_line_moves_up(make_harness: MakeHarness) -> None:
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


async def test_while_its_reference_travels_the_slot_is_free_again(make_harness: MakeHarness) -> None:
    harness = make_harness(max_running=1)
    stalled = harness.rivya.faults.add("stall", "files")
    job = await harness.submit(make_request(reference=make_reference(harness)))
    await harness.rivya.until(lambda: stalled.hits == 1)
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)
    assert (await harness.submit_and_wait()).stage is Stage.DELIVERED


async def test_before_discord_is_known_to_have_our_answer(harness: EngineHarness) -> None:
    harness.delivery.transient_errors = 10**6
    job = await harness.submit(answered=False)
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)


async def test_before_its_walk_has_begun(harness: EngineHarness) -> None:
    job = await submit(harness.engine)
    assert await harness.engine.cancel(job.job_id)
    harness.engine.start(job, answered=True, message_id=77)  # the command was slower than its member
    await harness.wait(job)
    await assert_cancelled(harness, job)


async def test_once_its_body_is_written_down_it_is_too_late(harness: EngineHarness) -> None:
    lag = harness.rivya.faults.add("lag", "create", seconds=PATIENCE_SECONDS)
    job = await harness.submit()
    await harness.rivya.until(lambda: bool(harness.rivya.keys_in_flight))
    assert not await harness.engine.cancel(job.job_id)
    lag.over.set()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert (await harness.state(job), count_tasks(harness, job)) == ("settled", 1)


async def test_a_body_that_was_never_answered_may_have_been_sent_all_the_same(harness: EngineHarness) -> None:
    down = harness.rivya.faults.add("status", "create", times=None, code=503)
    job = await harness.submit()
    await harness.rivya.until(lambda: down.hits >= 2)
    assert not await harness.engine.cancel(job.job_id)
    assert await harness.state(job) == "held"
    harness.rivya.faults.clear()
    assert (await harness.wait(job)).stage is Stage.DELIVERED


async def test_twice_is_once_and_what_is_over_or_unknown_is_not_cancelled(harness: EngineHarness) -> None:
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


async def test_a_database_that_fails_just_then_cancels_nothing(harness: EngineHarness) -> None:
    harness.delivery.transient_errors = 10**6
    job = await harness.submit(answered=False)
    await write_protect(harness, on=True)
    with pytest.raises(OperatorError):
        await harness.engine.cancel(job.job_id)
    await write_protect(harness, on=False)
    harness.delivery.transient_errors = 0
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await harness.state(job) == "settled"


async def test_after_a_restart_before_and_after_it_was_resumed(make_harness: MakeHarness) -> None:
    first = make_harness(max_running=1)
    first.rivya.hold()
    jobs = [await first.submit() for _ in range(4)]
    await first.rivya.created(1)
    await soon(first.engine.close())
    painting = next(job for job in jobs if count_tasks(first, job))
    early, late, stays = [job for job in jobs if job is not painting]

    second = make_harness(max_running=1)
    assert await second.engine.cancel(early.job_id)
    assert await second.engine.resume() == 3
    assert await second.engine.cancel(late.job_id)
    assert not await second.engine.cancel(painting.job_id)
    for job in (early, late):
        await assert_cancelled(second, job)
    second.rivya.release()
    assert {(await second.wait(job)).stage for job in (painting, stays)} == {Stage.DELIVERED}
    assert len(second.rivya.tasks) == 2
    assert second.rivya.charged_credits == 8


async def test_no_progress_lands_after_it(make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = make_harness(max_running=1, timings=Timings(0.02, 0.02, progress_seconds=0.001))
    harness.rivya.hold()
    await harness.submit()
    await harness.rivya.created(1)
    under_way, gate, landed = asyncio.Event(), asyncio.Event(), 0

    async def slow_line(job: Job, progress: Progress) -> None:
        nonlocal landed
        if progress.position is not None:
            under_way.set()
            await gate.wait()
            landed += 1

    monkeypatch.setattr(harness.delivery, "show_progress", slow_line)
    waiting = await harness.submit()
    await under_way.wait()
    cancelling = asyncio.create_task(harness.engine.cancel(waiting.job_id))
    while (await harness.store.find(waiting.job_id) or waiting).stage is not Stage.CANCELLED:
        await asyncio.sleep(0)
    assert not cancelling.done(), "what is being said would land after what is said next"
    gate.set()
    assert await cancelling
    said = landed
    await assert_cancelled(harness, waiting)
    assert not [task for task in asyncio.all_tasks() if waiting.job_id in task.get_name()]
    assert landed == said
    harness.rivya.release()


async def test_a_step_that_fails_just_then_is_no_trouble(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, gate = asyncio.Event(), asyncio.Event()
    failing, fail = asyncio.Event(), harness.store.failed

    async def slow_line(job: Job, progress: Progress) -> None:
        under_way.set()
        await gate.wait()

    async def failed(*details: Any) -> Job:
        failing.set()
        await under_way.wait()
        while (await harness.store.find(job.job_id) or job).stage is not Stage.CANCELLED:
            await asyncio.sleep(0)
        return await fail(*details)

    monkeypatch.setattr(harness.delivery, "show_progress", slow_line)
    monkeypatch.setattr(harness.store, "failed", failed)
    with structlog.testing.capture_logs() as lines:
        job = await harness.submit(make_request(reference=make_reference(harness, "gone.png")))
        await failing.wait()
        assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)
    assert MemberReason.REFERENCE_GONE in {line.get("reason") for line in lines}
    assert [line["event"] for line in lines if line["log_level"] == "error"] == []


async def test_against_a_racing_create_exactly_one_of_them_wins(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness(max_running=2 * AT_ONCE, timings=Timings(0.005, 0.01))
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
        for first in range(0, ROUNDS, AT_ONCE):
            won += Counter(await asyncio.gather(*map(one_round, range(first, first + AT_ONCE))))
    assert won[True] > ROUNDS // 20, "the race was never won by its member"
    assert won[False] > ROUNDS // 20, "the race was never lost by its member"
    assert (await harness.ledger.usage(1)).used_credits == 4 * won[False] == harness.rivya.charged_credits
    assert count_ended_jobs(harness) == {"cancelled": won[True], "delivered": won[False]}
    assert [line for line in lines if line["log_level"] == "error"] == []


async def test_a_cancelled_job_is_not_walked_again_after_a_bug(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness()
    met = asyncio.Event()

    async def breaks(*_: object, **__: object) -> None:
        met.set()
        raise RuntimeError("a bug")

    monkeypatch.setattr(harness.engine._dependencies.files._downloader, "reference", breaks)
    job = await harness.submit(make_request(reference=make_reference(harness)))
    await met.wait()
    assert await harness.engine.cancel(job.job_id)
    await assert_cancelled(harness, job)


async def test_while_rivya_is_out_of_reach_nothing_was_asked_for(make_harness: MakeHarness) -> None:
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


async def test_what_discord_cannot_say_now_keeps_nobody_from_cancelling(
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
