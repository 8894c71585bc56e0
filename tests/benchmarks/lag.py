"""Measure the lag of the event loop, and how long it is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

INTERVAL_SECONDS = 0.005


@asynccontextmanager
async def measure_lag() -> AsyncIterator[list[float]]:
    """Yield a list that gets, until the end of the block, the seconds by which each short sleep was late."""
    lags: list[float] = []
    task = asyncio.create_task(_record(lags))
    try:
        yield lags
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def measure_held() -> AsyncIterator[list[float]]:
    """Yield a list that gets, until the end of the block, how long the loop held its thread at a time.

    In seconds of the thread's processor time, which other programs and threads do not add to.
    """
    held: list[float] = []
    task = asyncio.create_task(_record_held(held))
    try:
        yield held
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _record_held(held: list[float]) -> None:
    while True:
        before = time.thread_time()
        await asyncio.sleep(0.001)
        held.append(time.thread_time() - before)


async def _record(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(INTERVAL_SECONDS)
        lags.append(max(0.0, time.perf_counter() - before - INTERVAL_SECONDS))
