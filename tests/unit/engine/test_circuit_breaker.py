"""The circuit breaker: when it opens, who waits, and how it closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from structlog.testing import capture_logs

from bot.domain.errors import ContractViolation, TransientError
from bot.engine.circuit_breaker import FAILURE_THRESHOLD, CircuitBreaker
from bot.observability.operator_log import OperatorLog
from tests.support.waiting import soon


class FakeApi:
    """A circuit breaker whose probe succeeds while `up`; records each probe."""

    def __init__(self) -> None:
        self.up = False
        self.error: Exception = TransientError("down")
        self.probes = asyncio.Queue[None]()
        self.circuit_breaker = CircuitBreaker(self.probe, OperatorLog(), probe_seconds=0.001)

    async def probe(self) -> None:
        self.circuit_breaker.record(answered=self.up)
        await self.probes.put(None)
        if not self.up:
            raise self.error

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.circuit_breaker.record(answered=False)


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    fake = FakeApi()
    yield fake
    await fake.circuit_breaker.stop_probing()


async def test_a_few_failures_do_not_open_it(api: FakeApi) -> None:
    api.fail(FAILURE_THRESHOLD - 1)
    api.circuit_breaker.record(answered=True)
    api.fail(FAILURE_THRESHOLD - 1)
    assert not api.circuit_breaker.is_open
    await soon(api.circuit_breaker.wait_closed())


async def test_an_outage_is_reported_once_and_ends_with_an_answer(api: FakeApi) -> None:
    with capture_logs() as logs:
        api.fail(FAILURE_THRESHOLD + 5)
        waiting = [asyncio.create_task(api.circuit_breaker.wait_closed()) for _ in range(20)]
        for _ in range(3):
            await api.probes.get()
        assert not any(task.done() for task in waiting)
        api.up = True
        await soon(asyncio.gather(*waiting))
    assert not api.circuit_breaker.is_open
    assert [line["log_level"] for line in logs if line.get("code") == "rivya_down"] == ["error"]


async def test_any_answer_closes_it(api: FakeApi) -> None:
    api.fail(FAILURE_THRESHOLD)
    assert api.circuit_breaker.is_open
    api.circuit_breaker.record(answered=True)
    assert not api.circuit_breaker.is_open


async def test_a_second_outage_starts_a_new_probe(api: FakeApi) -> None:
    api.fail(FAILURE_THRESHOLD)
    api.up = True
    await soon(api.circuit_breaker.wait_closed())
    api.up = False
    api.fail(FAILURE_THRESHOLD)
    assert api.circuit_breaker.is_open
    while not api.probes.empty():
        api.probes.get_nowait()
    await soon(api.probes.get())
    api.up = True
    await soon(api.circuit_breaker.wait_closed())


async def test_a_bug_in_the_probe_is_logged_and_the_probe_goes_on(api: FakeApi) -> None:
    api.error = ValueError("a bug")
    with capture_logs() as logs:
        api.fail(FAILURE_THRESHOLD)
        for _ in range(2):
            await soon(api.probes.get())
        api.up = True
        await soon(api.circuit_breaker.wait_closed())
    assert {line["event"] for line in logs if line["log_level"] == "error"} >= {"probe broke"}


async def test_an_unreadable_answer_does_not_close_it(api: FakeApi) -> None:
    api.error = ContractViolation("unreadable", "no credits in it")
    with capture_logs() as logs:
        api.fail(FAILURE_THRESHOLD)
        for _ in range(2):
            await soon(api.probes.get())
    assert {line["event"] for line in logs} == {"operator must act", "rivya still down"}


async def test_the_probe_logs_no_job_id() -> None:
    seen = asyncio.Queue[object]()

    async def probe() -> None:
        await seen.put(structlog.contextvars.get_contextvars())

    circuit_breaker = CircuitBreaker(probe, OperatorLog(), probe_seconds=0.001)
    with structlog.contextvars.bound_contextvars(job_id="the last straw"):
        for _ in range(FAILURE_THRESHOLD):
            circuit_breaker.record(answered=False)
    assert await soon(seen.get()) == {}
    await circuit_breaker.stop_probing()
