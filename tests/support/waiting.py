"""How tests wait: until something is seen, and never for a while.

A busy machine takes many times as long as a quiet one for the same, so no test says how long something may
take. What never comes ends at one bound for all; it is far above what a busy machine takes, and below
pytest's own `timeout`, so that the test that hangs is the one that says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")

PATIENCE_SECONDS = 300.0


async def soon(awaitable: Awaitable[_T]) -> _T:
    """What comes of it; a TimeoutError only if it hangs."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await awaitable


async def until(seen: Callable[[], object]) -> None:
    """Wait until that can be seen; for what is no event that could be awaited."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen():
            await asyncio.sleep(0.005)
