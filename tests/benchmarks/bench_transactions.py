"""Compare ledger transactions with the same statements on plain sqlite3, alternating, on the same disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from bot.domain.jobs import Job
from bot.jobs.store import JobStore
from bot.storage.database import _PRAGMAS, Database
from bot.storage.schema import migrate
from tests.benchmarks.harness import UNLIMITED, member_request
from tests.benchmarks.results_table import Row
from tests.support.factories import accept, make_job

CHUNK = 50
ROUNDS = 12
Values = Sequence[Any] | Mapping[str, Any]
Transaction = list[tuple[str, Values]]
"""Statements with their values."""


class RecordingConnection(sqlite3.Connection):
    """Records the statements that it executes."""

    statements: Transaction

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        self.statements.append((statement, values))
        return super().execute(statement, values)


class InlineDatabase:
    """An in-memory database without a thread, to record the statements of a transaction."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, factory=RecordingConnection)
        self.connection.row_factory = sqlite3.Row
        self.connection.statements = []
        migrate(self.connection)

    async def run(self, unit: Callable[[sqlite3.Connection], object]) -> object:
        self.connection.statements = []
        return unit(self.connection)


async def measure(folder: Path) -> list[Row]:
    plain = _open_sqlite3(folder / "plain.sqlite3")
    database = await Database.open(folder / "bot.sqlite3")
    store, inline = JobStore(database, UNLIMITED), InlineDatabase()
    totals = dict.fromkeys(("single", "plain single", "together", "plain together"), 0.0)
    try:
        for _ in range(ROUNDS):
            jobs, transactions = await _chunk(inline)
            totals["single"] += await _timed(_accept_one_by_one(store, jobs))
            totals["plain single"] += _commit_each(plain, transactions)
            jobs, transactions = await _chunk(inline)
            totals["together"] += await _timed(_accept_together(store, jobs))
            totals["plain together"] += _commit_once(plain, transactions)
    finally:
        await database.close()
        plain.close()
        inline.connection.close()
    rate = {name: ROUNDS * CHUNK / seconds for name, seconds in totals.items()}
    same = "Compared with the same statements and pragmas on plain sqlite3, alternating"
    return [
        _row("one after another", rate["single"], rate["plain single"], f"{same}, a COMMIT each."),
        _row(
            f"{CHUNK} at once",
            rate["together"],
            rate["plain together"],
            f"{same}, with one COMMIT for all {CHUNK} in both: transactions that wait share one. With"
            f" a COMMIT each, plain sqlite3 does {rate['plain single']:.0f} a second, so ours is"
            f" {rate['together'] / rate['plain single']:.1f} of that.",
        ),
    ]


async def _chunk(inline: InlineDatabase) -> tuple[list[Job], list[Transaction]]:
    jobs = [make_job(member_request(number)) for number in range(2 * CHUNK)]
    transactions = []
    for job in jobs[CHUNK:]:
        assert await accept(JobStore(cast("Database", inline), UNLIMITED), job)
        transactions.append(inline.connection.statements)
    return jobs[:CHUNK], transactions


async def _timed(work: Awaitable[None]) -> float:
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


async def _accept_one_by_one(store: JobStore, jobs: Sequence[Job]) -> None:
    for job in jobs:
        assert await accept(store, job)


async def _accept_together(store: JobStore, jobs: Sequence[Job]) -> None:
    assert all(await asyncio.gather(*(accept(store, job) for job in jobs)))


def _open_sqlite3(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    migrate(connection)
    return connection


def _commit_each(connection: sqlite3.Connection, transactions: Sequence[Transaction]) -> float:
    return sum(_commit_once(connection, [transaction]) for transaction in transactions)


def _commit_once(connection: sqlite3.Connection, transactions: Sequence[Transaction]) -> float:
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for transaction in transactions:
        for statement, values in transaction:
            connection.execute(statement, values).fetchone()
    connection.execute("COMMIT")
    return time.perf_counter() - start


def _row(how: str, ours: float, plain: float, note: str) -> Row:
    return Row(
        what=f"ledger transactions a second, {how}",
        measured=f"{ours:.0f} of {plain:.0f}: {ours / plain:.2f}",
        target="> half of sqlite3's",
        met=ours > plain / 2,
        note=note,
        reason=f"ours takes {1e6 / ours - 1e6 / plain:.0f} us more for each: the hop to the database thread"
        " and back, the savepoint, and making the values of the statements",
    )
