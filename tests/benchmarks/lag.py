"""Measure the lag of the event loop."""

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


async def _record(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(INTERVAL_SECONDS)
        lags.append(max(0.0, time.perf_counter() - before - INTERVAL_SECONDS))
