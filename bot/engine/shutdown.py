"""Waits of runners that a shutdown may end early."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ShuttingDown(Exception):
    """The bot is closing: the job stays where its row says, for the next start."""


class Shutdown:
    """Every wait that is safe to cut, since nothing is under way in it."""

    def __init__(self) -> None:
        self.requested = False
        """True from the moment the bot closes."""
        self._interruptible: set[asyncio.Task[object]] = set()

    def raise_if_requested(self) -> None:
        """Go on only while the bot is open.

        Raises:
            ShuttingDown: it is closing.
        """
        if self.requested:
            raise ShuttingDown

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """What is awaited inside is cut by a cancellation when the bot closes.

        Raises:
            ShuttingDown: it is closing already.
        """
        self.raise_if_requested()
        task = asyncio.current_task()
        assert task is not None  # this is only ever awaited in
        self._interruptible.add(task)
        try:
            yield
        finally:
            self._interruptible.discard(task)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not past the closing of the bot.

        Raises:
            ShuttingDown: it is closing already.
        """
        with self.interruptible():
            await asyncio.sleep(seconds)

    def begin(self) -> None:
        """Wake every rest by cancelling its task, and allow no new ones."""
        self.requested = True
        for task in tuple(self._interruptible):
            task.cancel()
