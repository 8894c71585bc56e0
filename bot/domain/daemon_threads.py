"""Run functions in daemon threads, so that one that hangs does not keep the process from exiting.

At its exit Python waits for the threads of a `ThreadPoolExecutor`, even after `shutdown(wait=False)`:
https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Executor.shutdown
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DaemonThreads:
    """A fixed number of daemon threads that run functions in the order of their submission."""

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], object]] | None] = SimpleQueue()
        for index in range(number):
            threading.Thread(target=self._run, name=f"{name} {index}", daemon=True).start()

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run a function in one of the threads; a future that is cancelled before is left out."""
        future: Future[T] = Future()
        self._queue.put((future, function))
        return future

    def close(self) -> None:
        """End each thread once it is idle, without waiting for it. Nothing may be submitted afterwards."""
        for _ in range(self._number):
            self._queue.put(None)

    def _run(self) -> None:
        while (queued := self._queue.get()) is not None:
            future, function = queued
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  # raised where the future is awaited
                    future.set_exception(error)
            del queued, future, function  # or an idle thread keeps the last result in memory
