"""The real ledger on a real file, driven at random against a plain model of what an admin was promised."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot import ledger as ledger_module
from bot.books import entries
from bot.database import Database
from bot.errors import LimitReached
from bot.jobs import Failure, Job, Landing, Stage
from bot.ledger import Ledger, Limit, Transaction
from bot.store import Store
from conftest import a_job, a_request

T = TypeVar("T")
GUILDS = (1, 2)
DEFAULT = Limit(credits=20, period="month")


@dataclass
class Entry:
    """What the model remembers of one reservation."""

    guild_id: int
    at: datetime
    held: int = 0
    spent: int = 0
    closed: bool = False


def same_period(period: str, one: datetime, other: datetime) -> bool:
    """Written unlike the code on purpose: by comparing calendars, not by computing bounds."""
    if period == "total":
        return True
    if period == "day":
        return one.date() == other.date()
    if period == "week":
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    return (one.year, one.month) == (other.year, other.month)


class LedgerMachine(RuleBasedStateMachine):
    """Reserve, settle, release, change limits, let time pass, restart: the sums always agree."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.now = datetime(2026, 1, 28, 22, 30, tzinfo=UTC)
        self.traveller = time_machine.travel(self.now, tick=False)
        self.clock = self.traveller.start()
        self.jobs: dict[str, Job] = {}
        self.model: dict[str, Entry] = {}
        self.limits = dict.fromkeys(GUILDS, DEFAULT)
        self.open()

    def run_async(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def open(self) -> None:
        self.database = self.run_async(Database.open(self.folder / "bot.sqlite3"))
        self.ledger = Ledger(self.database, DEFAULT)
        self.store = Store(self.database, DEFAULT)

    def teardown(self) -> None:
        self.run_async(self.database.close())
        self.loop.close()
        self.traveller.stop()
        shutil.rmtree(self.folder)

    def used(self, guild_id: int) -> tuple[int, int]:
        period = self.limits[guild_id].period
        mine = [
            e for e in self.model.values() if e.guild_id == guild_id and same_period(period, e.at, self.now)
        ]
        return sum(e.spent for e in mine), sum(e.held for e in mine)

    @initialize()
    def begin(self) -> None:
        assert self.run_async(self.store.due()) == []

    @rule(guild_id=st.sampled_from(GUILDS), cost=st.integers(0, 9))
    def reserve(self, guild_id: int, cost: int) -> None:
        job = a_job(a_request(guild_id=guild_id))
        job = Job(**{name: getattr(job, name) for name in job.__slots__} | {"quote_credits": cost})
        room = sum(self.used(guild_id)) + cost <= self.limits[guild_id].credits
        if room:
            assert self.run_async(self.store.accept(job))
            self.jobs[job.job_id] = job
            self.model[job.job_id] = Entry(guild_id, self.now, held=cost)
            return
        with pytest.raises(LimitReached) as refused:
            self.run_async(self.store.accept(job))
        usage = refused.value.usage
        assert (usage.spent_credits, usage.held_credits) == self.used(guild_id)
        assert self.run_async(self.store.find(job.job_id)) is None

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def the_same_interaction_again(self, data: st.DataObject) -> None:
        first = self.jobs[data.draw(st.sampled_from(list(self.jobs)))]
        again = a_job(a_request(interaction_id=first.request.destination.interaction_id))
        assert self.run_async(self.store.accept(again)) is False

    @precondition(lambda self: any(not e.closed for e in self.model.values()))
    @rule(data=st.data(), reserved=st.none() | st.integers(0, 9), final=st.none() | st.integers(0, 9))
    def create_and_settle(self, data: st.DataObject, reserved: int | None, final: int | None) -> None:
        job_id = self.draw_open(data)
        entry = self.model[job_id]
        self.run_async(self.store.created(job_id, f"task_{job_id}", reserved))
        booked = entry.held if reserved is None else reserved
        self.run_async(self.store.succeeded(job_id, "https://example.org/p.png", final))
        self.close(entry, spent=booked if final is None else final)
        self.run_async(self.store.delivered(job_id, Landing(1, 2, "reply")))

    @precondition(lambda self: any(not e.closed for e in self.model.values()))
    @rule(data=st.data(), charged=st.integers(0, 9), in_doubt=st.booleans(), after_create=st.booleans())
    def fail(self, data: st.DataObject, charged: int, in_doubt: bool, after_create: bool) -> None:
        job_id = self.draw_open(data)
        if after_create:
            self.run_async(self.store.created(job_id, f"task_{job_id}", None))
        failure = Failure("rivya", "generation_failed", charged_credits=charged, in_doubt=in_doubt)
        self.run_async(self.store.failed(job_id, failure))
        entry = self.model[job_id]
        if in_doubt:
            entry.closed = True  # over, yet held: it goes on counting
        else:
            self.close(entry, spent=charged)

    @precondition(lambda self: any(not e.closed for e in self.model.values()))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = self.draw_open(data)
        self.run_async(self.store.cancelled(job_id))
        self.close(self.model[job_id], spent=0)

    @rule(
        guild_id=st.sampled_from(GUILDS),
        amount=st.integers(0, 40),
        period=st.sampled_from(["day", "week", "month", "total"]),
    )
    def change_limit(self, guild_id: int, amount: int, period: str) -> None:
        change = self.run_async(
            self.ledger.set_guild_limit(guild_id, credits=amount, period=period, set_by=99)
        )
        assert (change.before.credits, change.before.period) == (
            self.limits[guild_id].credits,
            self.limits[guild_id].period,
        )
        self.limits[guild_id] = Limit(amount, period)

    @rule(hours=st.sampled_from([1, 2, 24, 24 * 7, 24 * 31]))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.clock.move_to(self.now, tick=False)

    @rule()
    def restart(self) -> None:
        self.run_async(self.database.close())
        self.open()

    @invariant()
    def usage_agrees(self) -> None:
        for guild_id in GUILDS:
            usage = self.run_async(self.ledger.usage(guild_id))
            assert (usage.spent_credits, usage.held_credits) == self.used(guild_id)
            assert usage.resets_at is None or usage.resets_at > self.now.timestamp() * 1000

    @invariant()
    def books_agree(self) -> None:
        booked = {str(line["job_id"]): line for line in entries(self.folder / "bot.sqlite3")}
        assert booked.keys() == self.model.keys()
        for job_id, entry in self.model.items():
            line = booked[job_id]
            assert (line["state"] == "held") == (line["closed_at"] is None)
            counted = line["reserved_credits"] if line["state"] == "held" else line["final_credits"]
            assert counted == entry.held + entry.spent

    def draw_open(self, data: st.DataObject) -> str:
        # In the order in which they came: sorted, random ids would make each replay another story.
        return data.draw(st.sampled_from([j for j, e in self.model.items() if not e.closed]))

    @staticmethod
    def close(entry: Entry, *, spent: int) -> None:
        entry.held, entry.spent, entry.closed = 0, spent, True


LedgerMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedgerMachine = LedgerMachine.TestCase


async def test_two_hundred_at_once_against_room_for_ten_grant_ten(store: Store, ledger: Ledger) -> None:
    await ledger.set_guild_limit(1, credits=43, period="month", set_by=99)  # ten of 4, and 3 that buy nothing
    outcomes = await asyncio.gather(*(store.accept(a_job()) for _ in range(200)), return_exceptions=True)
    assert sum(outcome is True for outcome in outcomes) == 10
    assert sum(isinstance(outcome, LimitReached) for outcome in outcomes) == 190
    usage = await ledger.usage(1)
    assert (usage.spent_credits, usage.held_credits, usage.left_credits) == (0, 40, 3)
    assert len(await store.due()) == 10


async def test_closing_twice_changes_nothing(store: Store, ledger: Ledger) -> None:
    job = a_job()
    await store.accept(job)
    await store.created(job.job_id, "task_1", 5)
    await store.succeeded(job.job_id, None, 3)
    outcomes = await asyncio.gather(
        store.succeeded(job.job_id, None, 9),
        store.failed(job.job_id, Failure("rivya", "generation_failed")),
        store.cancelled(job.job_id),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert (await ledger.usage(1)).spent_credits == 3
    assert (await ledger.receipt(job.job_id, 1)).charged_credits == 3


async def test_the_ledger_itself_closes_a_reservation_only_once(store: Store, database: Database) -> None:
    job = a_job()
    await store.accept(job)

    def unit(tx: Transaction) -> tuple[object, ...]:
        ledger_module.settle(tx, job_id=job.job_id, final_credits=3, at=5)
        ledger_module.release(tx, job_id=job.job_id, at=6)
        ledger_module.settle(tx, job_id=job.job_id, final_credits=9, at=7)
        ledger_module.correct(tx, job_id=job.job_id, reserved_credits=8)
        ledger_module.keep_held(tx, job_id=job.job_id, note="too late")
        row = tx.execute("SELECT state, reserved_credits, final_credits, closed_at, note FROM reservations")
        return tuple(row.fetchone())

    assert await database.run(unit) == ("settled", 4, 3, 5, None)


async def test_one_guilds_spending_is_not_anothers(store: Store, ledger: Ledger) -> None:
    await store.accept(a_job(a_request(guild_id=1, user_id=5)))
    await store.accept(a_job(a_request(guild_id=1, user_id=6)))
    await store.accept(a_job(a_request(guild_id=2, user_id=5)))
    assert (await ledger.usage(1)).held_credits == 8
    assert (await ledger.usage(2)).held_credits == 4
    assert await ledger.member_used(1, 5) == 4


async def test_a_finished_job_keeps_no_interaction_token(store: Store, database: Database) -> None:
    job = a_job()
    await store.accept(job)
    await store.cancelled(job.job_id)
    found = await store.find(job.job_id)
    assert found is not None
    assert found.stage is Stage.CANCELLED
    assert found.request.destination.interaction_token == ""
