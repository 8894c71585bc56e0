"""How fast we may go: as fast as we like, until Rivya asks us to slow down.

Its limits are not documented, only that there are some and that one should back off
(https://rivya.ai/docs/api-errors-and-limits). So nothing is limited beforehand; a 429 pauses every call of
the process, and for a minute afterwards calls trickle, so that those who waited do not all arrive at once.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiolimiter import AsyncLimiter

from bot.domain.errors import TransientError

MAX_SLEEP_SECONDS: Final = 0.5
"""After how long a wait looks whether the bot is closing."""


class RateLimiter:
    """One for each client, on one event loop.

    A pause without a length is `first_seconds`, twice that for each further one in a row, `longest_seconds`
    at most; a pause that was asked for is kept, up to `cap_seconds`. For `careful_seconds` after a pause,
    calls start in bursts of `careful_per_second` at most, and as many a second.
    """

    def __init__(
        self,
        *,
        first_seconds: float = 5.0,
        longest_seconds: float = 60.0,
        cap_seconds: float = 900.0,
        careful_seconds: float = 60.0,
        careful_per_second: int = 5,
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._cap_seconds = cap_seconds
        self._careful_seconds = careful_seconds
        self._beat_seconds = 1 / careful_per_second
        self._limiter = AsyncLimiter(careful_per_second, 1)
        self._next_seconds = first_seconds
        self._resume_at = 0.0
        self._careful_until = 0.0
        self._ended = False

    async def wait(self) -> None:
        """Return when a call may start: at once, unless there was a pause in the last minute.

        Sleeps and nothing else, for whoever simulates time: hence `has_capacity` and not the limiter's own
        queue, whose `acquire` below never has to wait.

        Raises:
            TransientError: `end` was called, and there is a pause to wait for.
        """
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if now < self._resume_at:
                if self._ended:
                    raise TransientError(
                        "Rivya asked for a pause, and nobody waits for it any more", answered=True
                    )
                await asyncio.sleep(min(MAX_SLEEP_SECONDS, self._resume_at - now))
            elif now < self._careful_until and not self._limiter.has_capacity():
                await asyncio.sleep(self._beat_seconds)
            else:
                break
        if now < self._careful_until:
            await self._limiter.acquire()

    def pause(self, seconds: float | None) -> None:
        """Let every call wait this many seconds, or, if Rivya did not say how long, longer each time.

        Of several pauses at once the longest wins. Calls that were under way together are refused together,
        so a pause without a length adds nothing to one that is on.
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
        """Wait for no pause any more: the bot is closing."""
        self._ended = True

    def reset_backoff(self) -> None:
        """A call was answered: the next pause starts small again, unless one is still on."""
        if asyncio.get_running_loop().time() >= self._resume_at:
            self._next_seconds = self._first_seconds
