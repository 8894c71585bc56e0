"""The waits of runners: ended by a wake, by the bot's end, or by a cancellation, whichever come together."""

from __future__ import annotations

import asyncio

import pytest

from bot.engine.shutdown import Shutdown, ShuttingDown, Sleeper
from tests.support.waiting import soon

LONG = 3600.0


async def start(sleeper: Sleeper) -> asyncio.Task[bool]:
    """Begin to sleep for an hour."""
    task = asyncio.create_task(sleeper.sleep(LONG))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_wake_ends_the_wait_under_way_and_no_later_one() -> None:
    sleeper = Sleeper(Shutdown())
    task = await start(sleeper)
    sleeper.wake()
    sleeper.wake()
    assert await soon(task) is True
    assert task.cancelling() == 0
    assert await sleeper.sleep(0) is False


async def test_a_wake_without_a_wait_ends_the_next_one() -> None:
    sleeper = Sleeper(Shutdown())
    sleeper.wake()
    assert await soon(sleeper.sleep(LONG)) is True


@pytest.mark.parametrize("wake_first", [True, False])
async def test_a_cancellation_beside_a_wake_is_not_lost(wake_first: bool) -> None:
    sleeper = Sleeper(Shutdown())
    task = await start(sleeper)
    for end in (sleeper.wake, task.cancel) if wake_first else (task.cancel, sleeper.wake):
        end()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)


async def test_the_bots_end_beside_a_wake_is_not_lost() -> None:
    shutdown = Shutdown()
    sleeper = Sleeper(shutdown)
    task = await start(sleeper)
    sleeper.wake()
    shutdown.begin()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)
    with pytest.raises(ShuttingDown):
        await sleeper.sleep(LONG)


async def test_a_wake_at_the_end_of_a_wait_is_seen() -> None:
    sleeper = Sleeper(Shutdown())
    task = asyncio.create_task(sleeper.sleep(0))
    await asyncio.sleep(0)
    sleeper.wake()
    assert await soon(task) is True
