"""The rate limiter: when calls have to wait, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.errors import TransientError
from bot.rivya.rate_limit import RateLimiter
from tests.support.waiting import PATIENCE_SECONDS, soon


async def test_pauses_grow_until_a_call_succeeds() -> None:
    limiter, loop = (
        RateLimiter(first_seconds=0.1, longest_seconds=0.25, careful_seconds=0),
        asyncio.get_running_loop(),
    )
    for seconds in (0.1, 0.2, 0.25):
        started = loop.time()
        limiter.pause(None)
        limiter.pause(None)  # refused at the same time: one pause
        paused = loop.time()
        limiter.reset_backoff()  # a call from before the pause: no reset
        assert started + seconds <= limiter._resume_at <= paused + seconds
        await limiter.wait()
    limiter.reset_backoff()
    assert limiter._next_seconds == 0.1


async def test_the_longest_pause_applies_up_to_the_cap() -> None:
    limiter = RateLimiter(cap_seconds=100)
    started = asyncio.get_running_loop().time()
    limiter.pause(1000)
    limiter.pause(3)
    assert started + 100 <= limiter._resume_at <= asyncio.get_running_loop().time() + 100


async def test_after_a_pause_calls_are_throttled() -> None:
    limiter, loop = RateLimiter(careful_seconds=30, careful_per_second=10), asyncio.get_running_loop()
    limiter.pause(0.05)
    started = loop.time()
    await asyncio.gather(*(limiter.wait() for _ in range(15)))
    assert loop.time() - started >= 0.05 + 0.45  # ten at once, then five more at ten a second


async def test_without_a_pause_nothing_waits() -> None:
    limiter = RateLimiter(careful_per_second=1)
    # With the rate limit each would take a second.
    await soon(asyncio.gather(*(limiter.wait() for _ in range(2 * round(PATIENCE_SECONDS)))))


async def test_end_stops_waiting_calls() -> None:
    limiter = RateLimiter()
    limiter.pause(600)
    waiting = asyncio.create_task(limiter.wait())
    await asyncio.sleep(0)
    limiter.end()
    with pytest.raises(TransientError) as ended:
        await soon(waiting)
    assert ended.value.had_no_effect
