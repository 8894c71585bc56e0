"""A member changes their mind: either nothing was asked for and nothing is charged, or it is too late."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from bot.domain.errors import MemberReason, OperatorError, TryLater
from bot.domain.jobs import Job, Phase, Progress, Reference, Stage
from bot.domain.limits import Limit
from bot.engine.timings import Beat
from tests.support.engine_harness import Shop, write_protect
from tests.support.factories import ANYWHERE, a_request
from tests.support.waiting import PATIENCE_SECONDS, soon, until

ROUNDS = 200
AT_ONCE = 10

Shops = Callable[..., Shop]


async def assert_cancelled(shop: Shop, job: Job) -> None:
    """Nothing was asked for, nothing is held, and nobody walks it any more."""
    found = await shop.store.find(job.job_id)
    assert found is not None
    assert found.stage is Stage.CANCELLED
    assert found.finished_at is not None
    assert found.request.destination.interaction_token == ""
    assert await shop.state(job) == "released"
    assert tasks_of(shop, job) == 0
    assert job.job_id not in shop.engine._walks
    assert job.job_id not in shop.engine._walking
    assert job.job_id not in shop.courier.delivered
    assert job.job_id not in shop.courier.told


def tasks_of(shop: Shop, job: Job) -> int:
    return sum(task.client_request_id == job.job_id for task in shop.rivya.tasks.values())


def a_reference(shop: Shop, name: str = "fox.png") -> Reference:
    return Reference(f"{shop.files}/{name}", name, "image/png", 200)


def ended(shop: Shop) -> Counter[str]:
    """How many jobs the metrics have counted, by outcome."""
    counted: Counter[str] = Counter()
    for metric in shop.engine._tools.metrics._jobs.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                counted[sample.labels["outcome"]] += int(sample.value)
    return counted


async def test_while_it_waits_for_a_slot_the_line_moves_up(shops: Shops) -> None:
    shop = shops(max_running=1)
    shop.rivya.hold()
    first, second, third = [await shop.paint() for _ in range(3)]
    slots = shop.engine._tools.slots
    await shop.rivya.until(lambda: len(shop.rivya.tasks) == 1 and slots.position(third.job_id) == 2)
    assert await shop.engine.cancel(second.job_id)
    await assert_cancelled(shop, second)
    assert slots.position(third.job_id) == 1
    assert (await shop.ledger.usage(1)).held_credits == 8
    shop.rivya.release()
    assert {(await shop.end(job)).stage for job in (first, third)} == {Stage.DELIVERED}
    assert len(shop.rivya.tasks) == 2
    assert ended(shop) == {"cancelled": 1, "delivered": 2}


async def test_while_its_reference_travels_the_slot_is_free_again(shops: Shops) -> None:
    shop = shops(max_running=1)
    stalled = shop.rivya.faults.add("stall", "files")
    job = await shop.paint(a_request(reference=a_reference(shop)))
    await shop.rivya.until(lambda: stalled.hits == 1)
    assert await shop.engine.cancel(job.job_id)
    await assert_cancelled(shop, job)
    assert (await shop.paint_to_the_end()).stage is Stage.DELIVERED


async def test_before_discord_is_known_to_have_our_answer(shop: Shop) -> None:
    shop.courier.away = 10**6
    job = await shop.paint(answered=False)
    assert await shop.engine.cancel(job.job_id)
    await assert_cancelled(shop, job)


async def test_before_its_walk_has_begun(shop: Shop) -> None:
    job = await shop.engine.submit(a_request(), ANYWHERE)
    assert job is not None
    assert await shop.engine.cancel(job.job_id)
    shop.engine.start(job, answered=True, message_id=77)  # the command was slower than its member
    await shop.end(job)
    await assert_cancelled(shop, job)


async def test_once_its_body_is_written_down_it_is_too_late(shop: Shop) -> None:
    lag = shop.rivya.faults.add("lag", "create", seconds=PATIENCE_SECONDS)
    job = await shop.paint()
    await shop.rivya.until(lambda: bool(shop.rivya.keys_in_flight))
    assert not await shop.engine.cancel(job.job_id)
    lag.over.set()
    assert (await shop.end(job)).stage is Stage.DELIVERED
    assert (await shop.state(job), tasks_of(shop, job)) == ("settled", 1)


async def test_a_body_that_was_never_answered_may_have_been_sent_all_the_same(shop: Shop) -> None:
    down = shop.rivya.faults.add("status", "create", times=None, code=503)
    job = await shop.paint()
    await shop.rivya.until(lambda: down.hits >= 2)
    assert not await shop.engine.cancel(job.job_id)
    assert await shop.state(job) == "held"
    shop.rivya.faults.clear()
    assert (await shop.end(job)).stage is Stage.DELIVERED


async def test_twice_is_once_and_what_is_over_or_unknown_is_not_cancelled(shop: Shop) -> None:
    shop.courier.away = 10**6
    job = await shop.paint(answered=False)
    assert await asyncio.gather(*(shop.engine.cancel(job.job_id) for _ in range(5))) == [True] * 5
    assert await shop.engine.cancel(job.job_id)
    await assert_cancelled(shop, job)
    assert ended(shop) == {"cancelled": 1}
    shop.courier.away = 0
    done = await shop.paint_to_the_end()
    assert not await shop.engine.cancel(done.job_id)
    assert await shop.state(done) == "settled"
    assert not await shop.engine.cancel("00000000-0000-4000-8000-000000000000")


async def test_a_database_that_fails_just_then_cancels_nothing(shop: Shop) -> None:
    shop.courier.away = 10**6
    job = await shop.paint(answered=False)
    await write_protect(shop, on=True)
    with pytest.raises(OperatorError):
        await shop.engine.cancel(job.job_id)
    await write_protect(shop, on=False)
    shop.courier.away = 0
    assert (await shop.end(job)).stage is Stage.DELIVERED
    assert await shop.state(job) == "settled"


async def test_after_a_restart_before_and_after_it_was_resumed(shops: Shops) -> None:
    first = shops(max_running=1)
    first.rivya.hold()
    jobs = [await first.paint() for _ in range(4)]
    await first.rivya.created(1)
    await soon(first.engine.close())
    painting = next(job for job in jobs if tasks_of(first, job))
    early, late, stays = [job for job in jobs if job is not painting]

    second = shops(max_running=1)
    assert await second.engine.cancel(early.job_id)
    assert await second.engine.resume() == 3
    assert await second.engine.cancel(late.job_id)
    assert not await second.engine.cancel(painting.job_id)
    for job in (early, late):
        await assert_cancelled(second, job)
    second.rivya.release()
    assert {(await second.end(job)).stage for job in (painting, stays)} == {Stage.DELIVERED}
    assert len(second.rivya.tasks) == 2
    assert second.rivya.charged_credits == 8


async def test_no_progress_lands_after_it(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shops(max_running=1, beat=Beat(0.02, 0.02, progress_seconds=0.001))
    shop.rivya.hold()
    await shop.paint()
    await shop.rivya.created(1)
    under_way, gate, landed = asyncio.Event(), asyncio.Event(), 0

    async def slow_line(job: Job, progress: Progress) -> None:
        nonlocal landed
        if progress.position is not None:
            under_way.set()
            await gate.wait()
            landed += 1

    monkeypatch.setattr(shop.courier, "show_progress", slow_line)
    waiting = await shop.paint()
    await under_way.wait()
    cancelling = asyncio.create_task(shop.engine.cancel(waiting.job_id))
    while (await shop.store.find(waiting.job_id) or waiting).stage is not Stage.CANCELLED:
        await asyncio.sleep(0)
    assert not cancelling.done(), "what is being said would land after what is said next"
    gate.set()
    assert await cancelling
    said = landed
    await assert_cancelled(shop, waiting)
    assert not [task for task in asyncio.all_tasks() if waiting.job_id in task.get_name()]
    assert landed == said
    shop.rivya.release()


async def test_a_step_that_fails_just_then_is_no_trouble(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, gate = asyncio.Event(), asyncio.Event()
    failing, fail = asyncio.Event(), shop.store.failed

    async def slow_line(job: Job, progress: Progress) -> None:
        under_way.set()
        await gate.wait()

    async def failed(*details: Any) -> Job:
        failing.set()
        await under_way.wait()
        while (await shop.store.find(job.job_id) or job).stage is not Stage.CANCELLED:
            await asyncio.sleep(0)
        return await fail(*details)

    monkeypatch.setattr(shop.courier, "show_progress", slow_line)
    monkeypatch.setattr(shop.store, "failed", failed)
    with structlog.testing.capture_logs() as lines:
        job = await shop.paint(a_request(reference=a_reference(shop, "gone.png")))
        await failing.wait()
        assert await shop.engine.cancel(job.job_id)
    await assert_cancelled(shop, job)
    assert MemberReason.REFERENCE_GONE in {line.get("reason") for line in lines}
    assert [line["event"] for line in lines if line["log_level"] == "error"] == []


async def test_against_a_racing_create_exactly_one_of_them_wins(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shops(max_running=2 * AT_ONCE, beat=Beat(0.005, 0.01))
    await shop.treasury.set_limit(1, Limit(10**6, "month"), set_by=99)
    barriers: dict[str, asyncio.Barrier] = {}
    head_start: dict[str, int] = {}
    creating = shop.store.creating

    async def meet_and_create(job_id: str, body: str) -> Job:
        await barriers[job_id].wait()
        for _ in range(max(0, -head_start[job_id])):
            await asyncio.sleep(0)
        return await creating(job_id, body)

    monkeypatch.setattr(shop.store, "creating", meet_and_create)

    async def one_round(number: int) -> bool:
        job = await shop.engine.submit(a_request(), ANYWHERE)
        assert job is not None
        barriers[job.job_id], head_start[job.job_id] = asyncio.Barrier(2), number % 5 - 2
        shop.engine.start(job, answered=True, message_id=77)
        await barriers[job.job_id].wait()
        for _ in range(max(0, head_start[job.job_id])):
            await asyncio.sleep(0)
        if cancelled := await shop.engine.cancel(job.job_id):
            await assert_cancelled(shop, job)
        else:
            assert (await shop.end(job)).stage is Stage.DELIVERED
            assert (await shop.state(job), tasks_of(shop, job)) == ("settled", 1)
        return cancelled

    won: Counter[bool] = Counter()
    with structlog.testing.capture_logs() as lines:
        for first in range(0, ROUNDS, AT_ONCE):
            won += Counter(await asyncio.gather(*map(one_round, range(first, first + AT_ONCE))))
    assert won[True] > ROUNDS // 20, "the race was never won by its member"
    assert won[False] > ROUNDS // 20, "the race was never lost by its member"
    assert (await shop.ledger.usage(1)).used_credits == 4 * won[False] == shop.rivya.charged_credits
    assert ended(shop) == {"cancelled": won[True], "delivered": won[False]}
    assert [line for line in lines if line["log_level"] == "error"] == []


async def test_a_cancelled_job_is_not_walked_again_after_a_bug(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shops()
    met = asyncio.Event()

    async def breaks(*_: object, **__: object) -> None:
        met.set()
        raise RuntimeError("a bug")

    monkeypatch.setattr(shop.engine._tools.fetcher, "reference", breaks)
    job = await shop.paint(a_request(reference=a_reference(shop)))
    await met.wait()
    assert await shop.engine.cancel(job.job_id)
    await assert_cancelled(shop, job)


async def test_while_rivya_is_out_of_reach_nothing_was_asked_for(shops: Shops) -> None:
    shop = shops(outages=True, max_running=10)
    for route in ("create", "credits"):
        shop.rivya.faults.add("status", route, times=None, code=503)
    asked = [await shop.paint() for _ in range(4)]
    await until(lambda: shop.engine._tools.outage.lasts)
    waiting = await shop.paint()
    await until(lambda: Phase.OUTAGE in {line.phase for line in shop.courier.shown[waiting.job_id]})
    assert await shop.engine.cancel(waiting.job_id)
    await assert_cancelled(shop, waiting)
    shop.rivya.faults.clear()
    assert {(await shop.end(job)).stage for job in asked} == {Stage.DELIVERED}


async def test_what_discord_cannot_say_now_keeps_nobody_from_cancelling(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def away(_: Job) -> int:
        asked.set()
        raise TryLater("Discord is away", retry_after_seconds=600)

    monkeypatch.setattr(shop.courier, "find_reply", away)
    job = await shop.paint(answered=False)
    await asked.wait()
    assert await soon(shop.engine.cancel(job.job_id))
    await assert_cancelled(shop, job)
