"""The waits of runners: ended by a wake, by the bot's end, or by a cancellation, whichever come together.

And how long they are after an attempt that has failed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import TransientError
from bot.engine.shutdown import Shutdown, ShuttingDown
from bot.engine.waits import WakeableWait, backoff_seconds
from bot.rivya.rate_limit import MAX_BACKOFF_SECONDS, MAX_RETRY_AFTER_SECONDS
from tests.support.factories import make_job
from tests.support.waiting import soon

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LONG = 3600.0


async def start(
    wait: WakeableWait, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> asyncio.Task[bool]:
    """Begin to sleep for an hour."""
    task = asyncio.create_task(wait.wait(lambda: sleep(LONG)))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_wake_ends_the_wait_under_way_and_no_later_one() -> None:
    wait = WakeableWait()
    task = await start(wait)
    wait.wake()
    wait.wake()
    assert await soon(task) is True
    assert task.cancelling() == 0
    assert await wait.wait(lambda: asyncio.sleep(0)) is False


async def test_a_wake_without_a_wait_ends_the_next_one() -> None:
    wait = WakeableWait()
    wait.wake()
    assert await soon(wait.wait(lambda: asyncio.sleep(LONG))) is True


@pytest.mark.parametrize("wake_first", [True, False])
async def test_a_cancellation_beside_a_wake_is_not_lost(wake_first: bool) -> None:
    wait = WakeableWait()
    task = await start(wait)
    for end in (wait.wake, task.cancel) if wake_first else (task.cancel, wait.wake):
        end()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)


async def test_the_bots_end_beside_a_wake_is_not_lost() -> None:
    shutdown = Shutdown()
    wait = WakeableWait()
    task = await start(wait, shutdown.sleep)
    wait.wake()
    shutdown.begin()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)
    with pytest.raises(ShuttingDown):
        await wait.wait(lambda: shutdown.sleep(LONG))


async def test_a_wake_at_the_end_of_a_wait_is_seen() -> None:
    wait = WakeableWait()
    task = asyncio.create_task(wait.wait(lambda: asyncio.sleep(0)))
    await asyncio.sleep(0)
    wait.wake()
    assert await soon(task) is True


@given(
    asked=st.none() | st.floats(0.0, 1e6),
    failed_attempts=st.integers(1, 1000),
    poll_seconds=st.floats(0.001, 1000.0),
)
def test_no_attempt_is_before_what_rivya_asks_for_nor_later_than_the_longest_wait(
    asked: float | None, failed_attempts: int, poll_seconds: float
) -> None:
    error = TransientError("busy", retry_after_seconds=asked)
    seconds = backoff_seconds(make_job(), error, failed_attempts=failed_attempts, poll_seconds=poll_seconds)
    asked = 0.0 if asked is None else min(asked, MAX_RETRY_AFTER_SECONDS)
    assert asked <= seconds <= max(asked, 1.2 * MAX_BACKOFF_SECONDS)
    if not asked:
        assert seconds >= 0.8 * min(poll_seconds, MAX_BACKOFF_SECONDS)
