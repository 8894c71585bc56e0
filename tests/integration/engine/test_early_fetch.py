"""The picture of a task that has succeeded is fetched while that, and how long it took, are committed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.domain.errors import ContractViolation, OperatorError, TransientError
from bot.domain.jobs import Job, Stage
from bot.engine.polling.duration_store import TaskDurationStore
from tests.support.engine_harness import EngineHarness
from tests.support.factories import make_job
from tests.support.waiting import until


def results_fetched(harness: EngineHarness) -> int:
    return sum("/results/" in path for _, path, _ in harness.rivya.calls)


async def test_a_picture_is_fetched_once_while_its_success_is_committed(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = harness.store.succeeded

    async def commit_after_the_fetch(*values: Any, **more: Any) -> Job:
        await until(lambda: results_fetched(harness))
        assert not harness.delivery.delivered
        return await commit(*values, **more)

    monkeypatch.setattr(harness.store, "succeeded", commit_after_the_fetch)
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert len(harness.delivery.delivered) == results_fetched(harness) == 1


async def test_an_early_fetch_that_fails_is_repeated_with_the_address_of_now(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "result", 1, code=503)
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert len(harness.delivery.delivered) == 1
    assert results_fetched(harness) == 2


async def test_a_success_that_cannot_be_committed_posts_nothing_and_is_polled_again(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, refusals = harness.store.succeeded, 2

    async def commit_at_last(*values: Any, **more: Any) -> Job:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise OperatorError("database", "the disk is full")
        assert not harness.delivery.delivered
        return await commit(*values, **more)

    monkeypatch.setattr(harness.store, "succeeded", commit_at_last)
    job = await harness.submit_and_wait()
    assert (job.stage, await harness.state(job)) == (Stage.DELIVERED, "settled")
    assert len(harness.delivery.delivered) == results_fetched(harness) == 1


async def test_a_duration_that_cannot_be_recorded_delays_no_picture(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def refuse(*values: Any) -> None:
        asked.append(values)
        raise OperatorError("database", "the disk is full")

    monkeypatch.setattr(TaskDurationStore, "record", refuse)
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert len(asked) == 1


async def test_an_early_fetch_ends_with_the_bot(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def fetch(*_: object) -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async def fail(*_: object, **__: object) -> Job:
        await begun.wait()
        raise TransientError("the database is busy")

    files = harness.engine._dependencies.files
    monkeypatch.setattr(files._downloader, "result", fetch)
    monkeypatch.setattr(harness.store, "succeeded", fail)
    job = await harness.submit()
    await begun.wait()
    await harness.engine.close()
    assert cancelled.is_set()
    assert (await harness.wait(job)).stage is Stage.CREATED


async def test_a_fetch_writes_nothing_before_its_job_has_succeeded(harness: EngineHarness) -> None:
    """What is no picture is stored for the operator only once the row says that there is a result."""
    delivered = await harness.submit_and_wait()
    assert delivered.result_url is not None
    harness.rivya.faults.add("not_a_picture", "result", None)
    files = harness.engine._dependencies.files
    with pytest.raises(ContractViolation, match="bytes") as raised:
        await files.begin_fetch(make_job(), delivered.result_url)
    assert raised.value.code == "not_a_picture"
    found = await harness.store._database.run(
        lambda tx: tx.execute("SELECT count(*) FROM unreadable_results").fetchone()[0]
    )
    assert found == 0
