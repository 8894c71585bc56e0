"""Measure the lag of the event loop, and how long it is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

INTERVAL_SECONDS = 0.005


def measure_lag() -> AbstractAsyncContextManager[list[float]]:
    """Yield a list that gets, until the end of the block, the seconds by which each short sleep was late."""
    return _recording(_lag)


def measure_held() -> AbstractAsyncContextManager[list[float]]:
    """Yield a list that gets, until the end of the block, how long the loop held its thread at a time.

    In seconds of the thread's processor time, which other programs and threads do not add to.
    """
    return _recording(_held)


@asynccontextmanager
async def _recording(measure: Callable[[], Awaitable[float]]) -> AsyncIterator[list[float]]:
    """Measure again and again until the end of the block."""
    measured: list[float] = []

    async def record() -> None:
        while True:
            measured.append(await measure())

    task = asyncio.create_task(record())
    try:
        yield measured
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _lag() -> float:
    before = time.perf_counter()
    await asyncio.sleep(INTERVAL_SECONDS)
    return max(0.0, time.perf_counter() - before - INTERVAL_SECONDS)


async def _held() -> float:
    before = time.thread_time()
    await asyncio.sleep(0.001)
    return time.thread_time() - before
