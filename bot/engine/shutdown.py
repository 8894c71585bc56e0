"""Where walks wait, and how the waiting ends early when the bot closes.

Owns the interruptible waits. Never imports anything of ours.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Parked(Exception):
    """The bot is closing: the job stays where its row says, for the next start."""


class Rests:
    """Every wait that is safe to cut, since nothing is under way in it."""

    def __init__(self) -> None:
        self.over = False
        """True from the moment the bot closes."""
        self._resting: set[asyncio.Task[object]] = set()

    def check(self) -> None:
        """Go on only while the bot is open.

        Raises:
            Parked: it is closing.
        """
        if self.over:
            raise Parked

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """What is awaited inside is cut by a cancellation when the bot closes.

        Raises:
            Parked: it is closing already.
        """
        self.check()
        task = asyncio.current_task()
        assert task is not None  # this is only ever awaited in
        self._resting.add(task)
        try:
            yield
        finally:
            self._resting.discard(task)

    async def rest(self, seconds: float) -> None:
        """Sleep, but not past the closing of the bot.

        Raises:
            Parked: it is closing already.
        """
        with self.interruptible():
            await asyncio.sleep(seconds)

    def end(self) -> None:
        """Wake every rest by cancelling its task, and allow no new ones."""
        self.over = True
        for task in tuple(self._resting):
            task.cancel()
