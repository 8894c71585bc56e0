"""Who may paint now: a bound on tasks in flight, shared fairly between guilds.

Start-time fair queueing: each guild's waiters take turns one apart, so a guild with a hundred requests and a
guild with one alternate instead of standing in one line, and a guild that is alone may use every slot but a
reserve for the others. Goyal, Vin, Cheng: Start-time Fair Queuing (SIGCOMM 1996).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
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
    granted: asyncio.Future[None] = field(compare=False)


class FairSlots:
    """At most `total` holders, and at most `total` less a fifth from one guild (never less than one)."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._guild_total = max(1, total - total // 5)
        self._line: list[_Waiter] = []
        self._waiters: dict[str, _Waiter] = {}
        self._held: dict[int, int] = {}
        self._in_use = 0
        self._arrivals = 0
        self._turn = 0
        self._last_turn: dict[int, int] = {}

    @property
    def total(self) -> int:
        """How many may be held at once."""
        return self._total

    @asynccontextmanager
    async def acquire(self, guild_id: int, key: str, *, bypass_queue: bool = False) -> AsyncIterator[None]:
        """Hold a slot; waits for a turn, unless `bypass_queue`: for work that is in flight already."""
        if bypass_queue or self._is_free(guild_id):
            self._take(guild_id)
        else:
            await self._wait(guild_id, key)
        try:
            yield
        finally:
            self._leave(guild_id)

    def position(self, key: str) -> int | None:
        """Its place in the line as it stands, the next one being 1; None if it is not waiting."""
        waiter = self._waiters.get(key)
        return None if waiter is None else bisect_left(self._line, waiter) + 1

    def _is_free(self, guild_id: int) -> bool:
        # Nobody who could use the slot may be waiting: else a newcomer would jump the line.
        return self._has_room(guild_id) and not any(self._has_room(waiter.guild_id) for waiter in self._line)

    def _has_room(self, guild_id: int) -> bool:
        return self._in_use < self._total and self._held.get(guild_id, 0) < self._guild_total

    def _take(self, guild_id: int) -> None:
        self._in_use += 1
        self._held[guild_id] = self._held.get(guild_id, 0) + 1

    def _leave(self, guild_id: int) -> None:
        self._in_use -= 1
        self._held[guild_id] -= 1
        if not self._held[guild_id]:
            del self._held[guild_id]
        self._grant()

    async def _wait(self, guild_id: int, key: str) -> None:
        turn = max(self._turn, self._last_turn.get(guild_id, 0)) + 1
        self._last_turn[guild_id] = turn
        self._arrivals += 1
        waiter = _Waiter(turn, self._arrivals, guild_id, asyncio.get_running_loop().create_future())
        insort(self._line, waiter)
        self._waiters[key] = waiter
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._leave(guild_id)  # granted and cancelled in one breath: pass it on
            else:
                self._line.remove(waiter)
                self._grant()  # whoever came meanwhile saw this one before them
            raise
        finally:
            del self._waiters[key]

    def _grant(self) -> None:
        place = 0
        while place < len(self._line) and self._in_use < self._total:
            waiter = self._line[place]
            # One that was cancelled, but has not run since, takes itself out of the line.
            if self._has_room(waiter.guild_id) and not waiter.granted.done():
                del self._line[place]
                self._take(waiter.guild_id)
                self._turn = waiter.turn
                waiter.granted.set_result(None)
            else:
                place += 1
        if not self._line:
            self._last_turn.clear()
