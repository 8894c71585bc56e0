"""When calls have to wait, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.errors import TransientError
from bot.rivya.rate_limit import RateLimiter
from tests.support.waiting import PATIENCE_SECONDS, soon


async def test_pauses_grow_until_a_call_went_well() -> None:
    pace, loop = (
        RateLimiter(first_seconds=0.1, longest_seconds=0.25, careful_seconds=0),
        asyncio.get_running_loop(),
    )
    for seconds in (0.1, 0.2, 0.25):
        began = loop.time()
        pace.pause(None)
        pace.pause(None)  # refused together: one pause
        paused = loop.time()
        pace.reset_backoff()  # sent before the pause: proves nothing
        assert began + seconds <= pace._resume_at <= paused + seconds
        await pace.wait()
    pace.reset_backoff()
    assert pace._next_seconds == 0.1


async def test_the_longest_pause_wins_up_to_the_cap() -> None:
    pace = RateLimiter(cap_seconds=100)
    began = asyncio.get_running_loop().time()
    pace.pause(1000)
    pace.pause(3)
    assert began + 100 <= pace._resume_at <= asyncio.get_running_loop().time() + 100


async def test_after_a_pause_calls_trickle() -> None:
    pace, loop = RateLimiter(careful_seconds=30, careful_per_second=10), asyncio.get_running_loop()
    pace.pause(0.05)
    began = loop.time()
    await asyncio.gather(*(pace.wait() for _ in range(15)))
    assert loop.time() - began >= 0.05 + 0.45  # ten at once, then five more at ten a second


async def test_without_a_pause_nothing_waits() -> None:
    pace = RateLimiter(careful_per_second=1)
    # With the limiter on, it would be a second for each.
    await soon(asyncio.gather(*(pace.wait() for _ in range(2 * round(PATIENCE_SECONDS)))))


async def test_nobody_waits_for_a_pause_once_the_bot_closes() -> None:
    pace = RateLimiter()
    pace.pause(600)
    waiting = asyncio.create_task(pace.wait())
    await asyncio.sleep(0)
    pace.end()
    with pytest.raises(TransientError) as ended:
        await soon(waiting)
    assert ended.value.had_no_effect
