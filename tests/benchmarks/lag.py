"""Measure again and again: the lag of the event loop, how long it is held, and anything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeVar

T = TypeVar("T")

INTERVAL_SECONDS = 0.005


def measure_lag() -> AbstractAsyncContextManager[list[float]]:
    """Yield a list that gets, until the end of the block, the seconds by which each short sleep was late."""
    return recording(_lag)


def measure_held() -> AbstractAsyncContextManager[list[float]]:
    """Yield a list that gets, until the end of the block, how long the loop held its thread at a time.

    In seconds of the thread's processor time, which other programs and threads do not add to.
    """
    return recording(_held)


@asynccontextmanager
async def recording(measure: Callable[[], Awaitable[T]]) -> AsyncIterator[list[T]]:
    """Yield a list that gets what is measured, again and again until the end of the block."""
    measured: list[T] = []

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
