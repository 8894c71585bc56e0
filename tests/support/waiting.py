"""Wait in tests for an awaitable or a condition, and never for a fixed time.

A busy machine can be many times slower than a quiet one, so no test sets a time limit of its own. All waits
have one limit, which is far above what a busy machine needs, and below pytest's own `timeout`, so that a test
that hangs fails with its own name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")

PATIENCE_SECONDS = 300.0


async def soon(awaitable: Awaitable[_T]) -> _T:
    """Return its result; raises TimeoutError if it hangs."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await awaitable


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true, for what is no event that could be awaited."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)
