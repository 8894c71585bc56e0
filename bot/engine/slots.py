"""A semaphore for tasks in flight that is fair between guilds.

Start-time fair queueing (Goyal, Vin, Cheng: Start-time Fair Queuing, SIGCOMM 1996): the waiters of one guild
have consecutive virtual start times, so that a guild with a hundred requests and a guild with one alternate.
A guild that is alone may use four fifths of the slots; the rest is kept for others. The pictures of one
request never use all slots, unless there is only one.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(order=True, slots=True)
class _Waiter:
    turn: int
    order: int
    guild_id: int = field(compare=False)
    request_id: int = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class FairSlots:
    """At most `total` holders: at most four fifths of one guild, all but one of one request, at least one."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._guild_total = max(1, total - total // 5)
        self._request_total = max(1, total - 1)
        self._queue: list[_Waiter] = []
        self._waiters: dict[str, _Waiter] = {}
        self._held: Counter[int] = Counter()
        """By guild."""
        self._held_by_request: Counter[int] = Counter()
        self._in_use = 0
        self._arrivals = 0
        self._turn = 0
        self._last_turn: dict[int, int] = {}

    @property
    def total(self) -> int:
        """How many slots there are."""
        return self._total

    @asynccontextmanager
    async def acquire(
        self, guild_id: int, request_id: int, key: str, *, bypass_queue: bool = False
    ) -> AsyncIterator[None]:
        """Hold a slot, after waiting for it. `bypass_queue` does not wait: the task is in flight already."""
        if bypass_queue or self._is_free(guild_id, request_id):
            self._take(guild_id, request_id)
        else:
            await self._wait(guild_id, request_id, key)
        try:
            yield
        finally:
            self._leave(guild_id, request_id)

    def position(self, key: str) -> int | None:
        """Return the place in the queue now, from 1; None if it is not waiting."""
        waiter = self._waiters.get(key)
        return None if waiter is None else bisect_left(self._queue, waiter) + 1

    def _is_free(self, guild_id: int, request_id: int) -> bool:
        # A newcomer must not overtake a waiter that could use the slot.
        return self._has_room(guild_id, request_id) and not any(
            self._has_room(waiter.guild_id, waiter.request_id) for waiter in self._queue
        )

    def _has_room(self, guild_id: int, request_id: int) -> bool:
        return (
            self._in_use < self._total
            and self._held[guild_id] < self._guild_total
            and self._held_by_request[request_id] < self._request_total
        )

    def _take(self, guild_id: int, request_id: int) -> None:
        self._in_use += 1
        self._held[guild_id] += 1
        self._held_by_request[request_id] += 1

    def _leave(self, guild_id: int, request_id: int) -> None:
        self._in_use -= 1
        for held, key in ((self._held, guild_id), (self._held_by_request, request_id)):
            held[key] -= 1
            if not held[key]:
                del held[key]
        self._grant()

    async def _wait(self, guild_id: int, request_id: int, key: str) -> None:
        turn = max(self._turn, self._last_turn.get(guild_id, 0)) + 1
        self._last_turn[guild_id] = turn
        self._arrivals += 1
        granted = asyncio.get_running_loop().create_future()
        waiter = _Waiter(turn, self._arrivals, guild_id, request_id, granted)
        insort(self._queue, waiter)
        self._waiters[key] = waiter
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._leave(guild_id, request_id)  # granted and cancelled before it ran: pass the slot on
            else:
                self._queue.remove(waiter)
                self._grant()  # those behind it may have room now
            raise
        finally:
            del self._waiters[key]

    def _grant(self) -> None:
        place = 0
        while place < len(self._queue) and self._in_use < self._total:
            waiter = self._queue[place]
            # A waiter that is cancelled, but has not run since, leaves the queue itself.
            if self._has_room(waiter.guild_id, waiter.request_id) and not waiter.granted.done():
                del self._queue[place]
                self._take(waiter.guild_id, waiter.request_id)
                self._turn = waiter.turn
                waiter.granted.set_result(None)
            else:
                place += 1
        if not self._queue:
            self._last_turn.clear()
