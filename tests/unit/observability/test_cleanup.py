"""CleanupStack: what failed first is raised, whatever closing raises."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import OperatorError
from bot.observability.cleanup import CleanupStack


async def fail_to_close() -> None:
    raise AttributeError("_AutoShardedClient__queue")


async def test_an_error_while_closing_is_logged_and_does_not_hide_the_first() -> None:
    closed: list[str] = []

    async def fail() -> None:
        async with CleanupStack() as stack:
            stack.callback(closed.append, "first opened")
            stack.push_async_callback(fail_to_close)
            stack.push_async_callback(fail_to_close)
            raise OperatorError("monitor", "the cause")

    with capture_logs() as lines, pytest.raises(OperatorError, match="the cause"):
        await fail()
    assert closed == ["first opened"]
    assert [line["event"] for line in lines] == ["closing failed"]


async def test_a_cancellation_is_not_hidden_either() -> None:
    async def wait() -> None:
        async with CleanupStack() as stack:
            stack.push_async_callback(fail_to_close)
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with capture_logs(), pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_while_closing_is_raised_if_it_is_the_only_one() -> None:
    with capture_logs() as lines, pytest.raises(AttributeError):
        async with CleanupStack() as stack:
            stack.push_async_callback(fail_to_close)
    assert lines == []
