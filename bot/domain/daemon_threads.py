"""Run functions in daemon threads, so that one that hangs does not keep the process from exiting.

At its exit Python waits for the threads of a `ThreadPoolExecutor`, even after `shutdown(wait=False)`:
https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Executor.shutdown
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from itertools import count
from queue import PriorityQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DaemonThreads:
    """A fixed number of daemon threads that run functions, the urgent ones first, else in their order."""

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._numbers = count()
        self._queue: PriorityQueue[tuple[bool, int, tuple[Future[Any], Callable[[], object]] | None]] = (
            PriorityQueue()
        )
        for index in range(number):
            threading.Thread(target=self._run, name=f"{name} {index}", daemon=True).start()

    def submit(self, function: Callable[[], T], *, urgent: bool = False) -> Future[T]:
        """Run a function in one of the threads; a future that is cancelled before is left out."""
        future: Future[T] = Future()
        self._put((future, function), urgent=urgent)
        return future

    def close(self) -> None:
        """End each thread once it is idle, without waiting for it. Nothing may be submitted afterwards."""
        for _ in range(self._number):
            self._put(None, urgent=False)

    def _put(self, queued: tuple[Future[Any], Callable[[], object]] | None, *, urgent: bool) -> None:
        self._queue.put((not urgent, next(self._numbers), queued))

    def _run(self) -> None:
        while (queued := self._queue.get()[-1]) is not None:
            future, function = queued
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  # raised where the future is awaited
                    future.set_exception(error)
            del queued, future, function  # or an idle thread keeps the last result in memory
