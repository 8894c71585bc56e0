"""Slots for running jobs are shared fairly among guilds."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from bot.engine.slots import FairSlots
from tests.support.waiting import PATIENCE_SECONDS


class SlotUsers:
    """Holders and waiters of one `FairSlots`; `entered` has the order in which slots were acquired."""

    def __init__(self, total: int) -> None:
        self.slots = FairSlots(total)
        self.entered: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def request(
        self, key: str, guild_id: int, *, request_id: int | None = None, bypass_queue: bool = False
    ) -> None:
        self._leave[key] = asyncio.Event()
        request_id = len(self._tasks) if request_id is None else request_id
        self._tasks[key] = asyncio.create_task(self._hold(key, guild_id, request_id, bypass_queue))
        await asyncio.sleep(0)

    async def release(self, key: str) -> None:
        self._leave[key].set()
        await self._tasks[key]
        await asyncio.sleep(0)

    async def cancel(self, key: str) -> None:
        self._tasks[key].cancel()
        await asyncio.gather(self._tasks[key], return_exceptions=True)
        await asyncio.sleep(0)

    async def _hold(self, key: str, guild_id: int, request_id: int, bypass_queue: bool) -> None:
        async with self.slots.acquire(guild_id, request_id, key, bypass_queue=bypass_queue):
            self.entered.append(key)
            await self._leave[key].wait()


async def test_a_free_slot_is_acquired_at_once() -> None:
    users = SlotUsers(2)
    await users.request("a", 1)
    assert users.entered == ["a"]
    assert users.slots.position("a") is None


async def test_many_jobs_of_one_guild_do_not_block_another() -> None:
    users = SlotUsers(1)
    for number in range(4):
        await users.request(f"crowd-{number}", 1)
    await users.request("guest", 2)
    assert [users.slots.position(key) for key in ("crowd-1", "guest", "crowd-2", "crowd-3")] == [1, 2, 3, 4]
    await users.release("crowd-0")
    await users.release("crowd-1")
    assert users.entered[-1] == "guest"


async def test_one_guild_cannot_hold_every_slot() -> None:
    users = SlotUsers(5)
    for number in range(6):
        await users.request(f"crowd-{number}", 1)
    assert len(users.entered) == 4
    await users.request("guest", 2)
    assert users.entered[-1] == "guest"


@pytest.mark.parametrize(("total", "at_once"), [(1, 1), (2, 1), (4, 3)])
async def test_one_request_cannot_hold_every_slot(total: int, at_once: int) -> None:
    users = SlotUsers(total)
    for number in range(4):
        await users.request(f"picture-{number}", 1, request_id=7)
    assert len(users.entered) == at_once
    await users.request("other", 1, request_id=8)
    assert ("other" in users.entered) is (total > 1)
    for number in range(4):
        await users.release(f"picture-{number}")
    assert users.entered[-1] in {"picture-3", "other"}
    assert len(users.entered) == 5


async def test_a_resumed_job_bypasses_the_queue() -> None:
    users = SlotUsers(1)
    await users.request("a", 1)
    await users.request("resumed", 1, bypass_queue=True)
    await users.request("b", 1)
    await users.release("a")
    assert users.entered == ["a", "resumed"]
    await users.release("resumed")
    assert users.entered == ["a", "resumed", "b"]


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    users = SlotUsers(1)
    for key in ("a", "b", "c"):
        await users.request(key, 1)
    await users.cancel("b")
    assert (users.slots.position("b"), users.slots.position("c")) == (None, 1)
    await users.release("a")
    assert users.entered == ["a", "c"]


async def test_a_slot_granted_to_a_waiter_cancelled_at_that_time_is_passed_on() -> None:
    users = SlotUsers(1)
    for key in ("a", "b", "c"):
        await users.request(key, 1)
    users._leave["a"].set()
    await asyncio.sleep(0)  # "a" releases its slot to "b", which has not run yet
    users._tasks["b"].cancel()
    await asyncio.gather(users._tasks["a"], users._tasks["b"], return_exceptions=True)
    await asyncio.sleep(0)
    assert users.entered[-1] == "c"


@pytest.mark.parametrize("total", [1, 2, 7, 50])
async def test_never_more_than_the_total_hold_a_slot(total: int) -> None:
    slots, inside, most = FairSlots(total), 0, 0

    async def visit(number: int) -> None:
        nonlocal inside, most
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(slots.acquire(number % 3, number, str(number)))
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit(number) for number in range(300)))
    assert most == total
    assert inside == 0
    assert slots._in_use == 0


async def test_a_holder_and_all_waiters_can_be_cancelled_at_once() -> None:
    slots = FairSlots(1)
    entered = asyncio.Event()

    async def hold(key: str) -> None:
        async with slots.acquire(1, ord(key), key):
            entered.set()
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hold(key)) for key in "abc"]
    await entered.wait()
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3
    async with asyncio.timeout(PATIENCE_SECONDS), slots.acquire(1, 4, "d"):
        assert slots.position("d") is None
