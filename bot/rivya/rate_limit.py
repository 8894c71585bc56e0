"""Throttle calls to Rivya after it has asked to slow down.

Rivya's limits are not documented, only that there are some and that a client should back off
(https://rivya.ai/docs/api-errors-and-limits). So calls are not limited in advance: a 429 pauses every call of
the process, and for a minute after the pause only a few calls a second start, so that the waiting ones do not
all arrive at the same time.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiolimiter import AsyncLimiter

from bot.domain.errors import TransientError

MAX_BACKOFF_SECONDS: Final = 60.0
"""The longest wait between two attempts of anything, unless the other side asks for more."""
MAX_RETRY_AFTER_SECONDS: Final = 900.0
"""The longest wait that the other side can ask for."""
MAX_SLEEP_SECONDS: Final = 0.5
"""How often a waiting call checks whether the bot is closing."""


class RateLimiter:
    """Decides when a call of a client may start; one for each client, on one event loop.

    A pause of unknown length takes `first_seconds`, doubling up to `longest_seconds` until a call succeeds.
    A pause of known length is kept, up to `cap_seconds`. For `careful_seconds` after a pause at most
    `careful_per_second` calls a second start.
    """

    def __init__(
        self,
        *,
        first_seconds: float = 5.0,
        longest_seconds: float = MAX_BACKOFF_SECONDS,
        cap_seconds: float = MAX_RETRY_AFTER_SECONDS,
        careful_seconds: float = 60.0,
        careful_per_second: int = 5,
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._cap_seconds = cap_seconds
        self._careful_seconds = careful_seconds
        self._interval_seconds = 1 / careful_per_second
        self._limiter = AsyncLimiter(careful_per_second, 1)
        self._next_seconds = first_seconds
        self._resume_at = 0.0
        self._careful_until = 0.0
        self._ended = False

    async def wait(self) -> None:
        """Return when a call may start: immediately, unless there was a pause within `careful_seconds`.

        It awaits only `asyncio.sleep`, so that tests can simulate time: hence `has_capacity`, after which
        `acquire` returns immediately.

        Raises:
            TransientError: `end` was called, and a pause is not over.
        """
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if now < self._resume_at:
                if self._ended:
                    raise TransientError("Rivya asked for a pause, and the bot is closing", answered=True)
                await asyncio.sleep(min(MAX_SLEEP_SECONDS, self._resume_at - now))
            elif now < self._careful_until and not self._limiter.has_capacity():
                await asyncio.sleep(self._interval_seconds)
            else:
                break
        if now < self._careful_until:
            await self._limiter.acquire()

    def pause(self, seconds: float | None) -> None:
        """Make every call wait `seconds`; with None, for a time that doubles with each pause.

        The longest of several pauses counts. Calls that are under way together are refused together, so None
        changes nothing during a pause.
        """
        now = asyncio.get_running_loop().time()
        if seconds is None:
            if now < self._resume_at:
                return
            seconds = self._next_seconds
            self._next_seconds = min(self._longest_seconds, 2 * seconds)
        self._resume_at = max(self._resume_at, now + min(seconds, self._cap_seconds))
        self._careful_until = max(self._careful_until, self._resume_at + self._careful_seconds)

    def end(self) -> None:
        """Let `wait` raise instead of waiting for a pause: the bot is closing."""
        self._ended = True

    def reset_backoff(self) -> None:
        """Let the next pause take `first_seconds` again: a call succeeded. During a pause, do nothing."""
        if asyncio.get_running_loop().time() >= self._resume_at:
            self._next_seconds = self._first_seconds
