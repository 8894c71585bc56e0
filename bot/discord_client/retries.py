"""Repeat a step of the start for as long as Discord is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import stamina
import structlog

from bot.domain.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS: Final = 300.0
LONGEST_RETRY_AFTER_SECONDS: Final = 3600.0
"""If Discord, or Cloudflare before it, asks for a longer pause, this is waited."""


async def until_reached(
    step: Callable[[], Awaitable[None]], failed: Callable[[TransientError], object]
) -> None:
    """Await `step` until it raises no `TransientError`, after waits that double; its other errors pass.

    `failed` is called with each `TransientError`. A wait is as long as Discord asks for, if it does.
    """
    async for attempt in stamina.retry_context(
        on=_seconds_or_true,
        attempts=None,
        timeout=None,
        wait_initial=FIRST_WAIT_SECONDS,
        wait_max=LONGEST_WAIT_SECONDS,
        wait_jitter=FIRST_WAIT_SECONDS,
    ):
        with attempt:
            try:
                await step()
            except TransientError as error:
                failed(error)
                seconds = _asked_seconds(error) or attempt.next_wait
                log.warning("not connected to Discord yet", error=str(error), again_in_seconds=round(seconds))
                raise


def _seconds_or_true(error: Exception) -> bool | float:
    """Return how long to wait; True for the usual wait, False for no other attempt."""
    return isinstance(error, TransientError) and (_asked_seconds(error) or True)


def _asked_seconds(error: TransientError) -> float | None:
    """Return the pause that the answer asks for, if that is longer than the usual first wait."""
    asked = min(error.retry_after_seconds or 0.0, LONGEST_RETRY_AFTER_SECONDS)
    return asked if asked > FIRST_WAIT_SECONDS else None
