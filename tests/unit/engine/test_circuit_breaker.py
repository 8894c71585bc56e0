"""When Rivya counts as down, who waits, and how the end is noticed."""

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


class Api:
    """Answers, or does not; counts how often it was asked."""

    def __init__(self) -> None:
        self.up = False
        self.trouble: Exception = TransientError("down")
        self.asked = asyncio.Queue[None]()
        self.circuit_breaker = CircuitBreaker(self.probe, OperatorLog(), probe_seconds=0.001)

    async def probe(self) -> None:
        self.circuit_breaker.record(answered=self.up)
        await self.asked.put(None)
        if not self.up:
            raise self.trouble

    def fails(self, times: int) -> None:
        for _ in range(times):
            self.circuit_breaker.record(answered=False)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api()
    yield made
    await made.circuit_breaker.close()


async def test_a_few_failures_are_no_outage(api: Api) -> None:
    api.fails(FAILURE_THRESHOLD - 1)
    api.circuit_breaker.record(answered=True)
    api.fails(FAILURE_THRESHOLD - 1)
    assert not api.circuit_breaker.is_open
    await soon(api.circuit_breaker.wait_closed())


async def test_an_outage_is_told_once_and_ends_with_an_answer(api: Api) -> None:
    with capture_logs() as logs:
        api.fails(FAILURE_THRESHOLD + 5)
        waiting = [asyncio.create_task(api.circuit_breaker.wait_closed()) for _ in range(20)]
        for _ in range(3):
            await api.asked.get()
        assert not any(task.done() for task in waiting)
        api.up = True
        await soon(asyncio.gather(*waiting))
    assert not api.circuit_breaker.is_open
    assert [line["log_level"] for line in logs if line.get("code") == "rivya_down"] == ["error"]


async def test_an_answer_to_anybody_ends_it(api: Api) -> None:
    api.fails(FAILURE_THRESHOLD)
    assert api.circuit_breaker.is_open
    api.circuit_breaker.record(answered=True)
    assert not api.circuit_breaker.is_open


async def test_a_second_outage_has_a_probe_of_its_own(api: Api) -> None:
    api.fails(FAILURE_THRESHOLD)
    api.up = True
    await soon(api.circuit_breaker.wait_closed())
    api.up = False
    api.fails(FAILURE_THRESHOLD)
    assert api.circuit_breaker.is_open
    while not api.asked.empty():
        api.asked.get_nowait()
    await soon(api.asked.get())
    api.up = True
    await soon(api.circuit_breaker.wait_closed())


async def test_a_probe_that_breaks_is_logged_and_goes_on(api: Api) -> None:
    api.trouble = ValueError("a bug")
    with capture_logs() as logs:
        api.fails(FAILURE_THRESHOLD)
        for _ in range(2):
            await soon(api.asked.get())
        api.up = True
        await soon(api.circuit_breaker.wait_closed())
    assert {line["event"] for line in logs if line["log_level"] == "error"} >= {"probe broke"}


async def test_an_answer_that_nobody_can_read_is_not_told_as_the_end(api: Api) -> None:
    api.trouble = ContractViolation("unreadable", "no credits in it")
    with capture_logs() as logs:
        api.fails(FAILURE_THRESHOLD)
        for _ in range(2):
            await soon(api.asked.get())
    assert {line["event"] for line in logs} == {"operator must act", "rivya still down"}


async def test_the_probe_names_no_job() -> None:
    seen = asyncio.Queue[object]()

    async def probe() -> None:
        await seen.put(structlog.contextvars.get_contextvars())

    circuit_breaker = CircuitBreaker(probe, OperatorLog(), probe_seconds=0.001)
    with structlog.contextvars.bound_contextvars(job_id="the last straw"):
        for _ in range(FAILURE_THRESHOLD):
            circuit_breaker.record(answered=False)
    assert await soon(seen.get()) == {}
    await circuit_breaker.close()
