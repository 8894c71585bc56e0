"""Work that runs periodically, and sooner when it is triggered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import OperatorError, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.observability.operator_log import OperatorLog

log = structlog.get_logger(__name__)

GRACE_SECONDS: Final = 5.0


class PeriodicTask:
    """Runs `work` every `every_seconds`, never twice at once. Errors are logged, and do not stop later runs.

    `grace_seconds` is how long `close` waits for the current run before it cancels it.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        every_seconds: float,
        operator_log: OperatorLog,
        *,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._name = name
        self._grace_seconds = grace_seconds
        self._work = work
        self._every_seconds = every_seconds
        self._operator_log = operator_log
        self._due = False
        self._closed = False
        self._scheduler: asyncio.Task[None] | None = None
        self._current_run: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run now and then every `every_seconds`; a second start does nothing."""
        if self._scheduler is None and not self._closed:
            self._scheduler = asyncio.create_task(self._schedule(), name=f"{self._name} beat")

    def trigger(self) -> None:
        """Begin a run after this call, whether or not `start` was called; does nothing once it is closed."""
        if self._closed:
            return
        self._due = True
        if self._current_run is None or self._current_run.done():
            self._current_run = asyncio.create_task(self._run(), name=self._name)

    async def close(self) -> None:
        """Wait for the current run up to `grace_seconds`, then cancel it; safe to call twice."""
        self._closed = True
        self._due = False
        if self._scheduler is not None:
            self._scheduler.cancel()
            await asyncio.wait([self._scheduler])
        if self._current_run is not None:
            _, late = await asyncio.wait([self._current_run], timeout=self._grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _schedule(self) -> None:
        while True:
            self.trigger()
            await asyncio.sleep(self._every_seconds)

    async def _run(self) -> None:
        while self._due:
            self._due = False
            try:
                await self._work()
            except OperatorError as error:
                self._operator_log.report(error, at=self._name)
            except TransientError as error:
                log.info("round postponed", at=self._name, error=str(error))
            except Exception:
                log.exception("round broke", at=self._name)
