"""The event loop that the bot runs on: that of uvloop where it is installed, else that of asyncio.

uvloop, the extra `speed`, has the interface of asyncio's loop and is written in C on libuv:
https://uvloop.readthedocs.io/. The other commands stay with asyncio's, for which nothing has to be loaded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)


def open_runner() -> asyncio.Runner:
    """Return a runner for the bot, and log which loop it is going to run."""
    return asyncio.Runner(loop_factory=_loop_factory())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415  # an extra, which nothing but a run loads
    except ModuleNotFoundError:
        log.info("event loop", loop="asyncio")
    except ImportError as error:  # it is there, but made for another C library, say
        log.warning("uvloop cannot be loaded, so the event loop is that of asyncio", error=str(error))
    else:
        log.info("event loop", loop="uvloop", version=uvloop.__version__)  # type: ignore[attr-defined]
        return uvloop.new_event_loop
    return asyncio.new_event_loop
