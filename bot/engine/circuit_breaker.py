"""Rivya is down: jobs wait where they are instead of trying, one notice says so, one probe looks for the end.

Nothing is charged meanwhile, since nothing is asked for. A 429 is no outage: that is the pace's concern.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import KuasError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

FAILURE_THRESHOLD: Final = 8
"""Attempts in a row without an answer of the API: two calls of one job, or one each of several."""


class CircuitBreaker:
    """One for the whole process. `probe` asks Rivya anything that costs nothing."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        operator_log: OperatorLog,
        *,
        probe_seconds: float = 30.0,
    ) -> None:
        self._probe = probe
        self._operator_log = operator_log
        self._probe_seconds = probe_seconds
        self._failures = 0
        self._closed = asyncio.Event()
        self._closed.set()
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether Rivya is known to be down."""
        return not self._closed.is_set()

    def record(self, *, answered: bool) -> None:
        """Take note of one attempt of a call: whether the API itself answered it, whatever it said."""
        if answered:
            self._failures = 0
            self._closed.set()
            return
        self._failures += 1
        if self._failures >= FAILURE_THRESHOLD and not self.is_open:
            self._closed.clear()
            self._operator_log.report(
                OperatorError("rivya_down", "Rivya does not answer: jobs wait until it does")
            )
            if self._probing is None or self._probing.done():
                # In a context of its own, or its lines would name the job that happened to be the last straw.
                self._probing = asyncio.create_task(
                    self._probe_until_closed(), name="outage probe", context=contextvars.Context()
                )

    async def wait_closed(self) -> None:
        """Return when there is no outage, at once if there is none."""
        await self._closed.wait()

    async def close(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _probe_until_closed(self) -> None:
        while self.is_open:
            await asyncio.sleep(self._probe_seconds)
            try:
                await self._probe()
            except KuasError as error:
                # The client tells `record` of every attempt: any answer of the API has ended this already.
                news = "rivya answers again" if self._closed.is_set() else "rivya still down"
                log.info(news, error=str(error))
            except Exception:
                log.exception("probe broke")  # one that ended would leave every job waiting for ever
        log.warning("outage over")
