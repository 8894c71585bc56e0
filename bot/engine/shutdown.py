"""Waits of job runners that a shutdown interrupts."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ShuttingDown(Exception):
    """The bot is closing; the next start goes on with the job from its row."""


class Shutdown:
    """Interrupt the waits in which no outside call and no commit is under way."""

    def __init__(self) -> None:
        self.requested = False
        """Whether the bot is closing."""
        self._interruptible: set[asyncio.Task[object]] = set()

    def raise_if_requested(self) -> None:
        """Raise if the bot is closing.

        Raises:
            ShuttingDown: it is.
        """
        if self.requested:
            raise ShuttingDown

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Cancel the current task if the bot closes while the block runs.

        Raises:
            ShuttingDown: it is closing already.
        """
        self.raise_if_requested()
        task = asyncio.current_task()
        assert task is not None  # only coroutines use this
        self._interruptible.add(task)
        try:
            yield
        finally:
            self._interruptible.discard(task)

    async def sleep(self, seconds: float) -> None:
        """Sleep; the task is cancelled if the bot closes meanwhile.

        Raises:
            ShuttingDown: it is closing already.
        """
        with self.interruptible():
            await asyncio.sleep(seconds)

    def begin(self) -> None:
        """Cancel every task that waits, and let none begin to wait."""
        self.requested = True
        for task in tuple(self._interruptible):
            task.cancel()
