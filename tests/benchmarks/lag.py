"""How late the event loop wakes whoever sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

BEAT_SECONDS = 0.005


@asynccontextmanager
async def lag() -> AsyncIterator[list[float]]:
    """The seconds by which each beat was late, until the end of the block."""
    late: list[float] = []
    beating = asyncio.create_task(_beat(late))
    try:
        yield late
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(late: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(BEAT_SECONDS)
        late.append(max(0.0, time.perf_counter() - before - BEAT_SECONDS))
