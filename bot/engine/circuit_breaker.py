"""While Rivya does not answer, jobs wait; one background task calls it every 30 s until it does.

No new step of a job begins. Tasks that exist already, and a create call under way, may still be charged. The
operator is told when the breaker opens; `OperatorLog` logs a repeat within 10 minutes as info only. A 429
counts as an answer; `bot.rivya.rate_limit` handles it.
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
"""How many attempts in a row without an answer of the API open the breaker."""


class CircuitBreaker:
    """One for the whole process. `probe` makes a call to Rivya that costs nothing."""

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
        """Whether Rivya is taken to be down."""
        return not self._closed.is_set()

    def record(self, *, answered: bool) -> None:
        """Record whether the API answered one attempt of a call, with whatever answer."""
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
                # In a context of its own, or its log lines would have the id of the job that opened the
                # breaker.
                self._probing = asyncio.create_task(
                    self._probe_until_closed(), name="outage probe", context=contextvars.Context()
                )

    async def wait_closed(self) -> None:
        """Wait until the breaker is closed."""
        await self._closed.wait()

    async def stop_probing(self) -> None:
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
                # If Rivya answered, even with an error, `record` has already closed the breaker.
                news = "rivya answers again" if self._closed.is_set() else "rivya still down"
                log.info(news, error=str(error))
            # Caught because without this task jobs would wait for ever.
            except Exception:
                log.exception("probe broke")
        log.warning("outage over")
