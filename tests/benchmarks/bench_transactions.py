"""Ledger transactions beside the same statements on plain sqlite3, in turns, on the same disk."""

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
from tests.benchmarks.harness import PLENTY, request
from tests.benchmarks.results_table import Row
from tests.support.factories import NO_CONTEXT, accept, make_job

CHUNK = 50
ROUNDS = 12
Values = Sequence[Any] | Mapping[str, Any]
Script = list[tuple[str, Values]]
"""The statements of one transaction, with their values."""


class Listening(sqlite3.Connection):
    """Notes what it is told to execute."""

    heard: Script

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        self.heard.append((statement, values))
        return super().execute(statement, values)


class Inline:
    """A database without a thread or a queue: shows which statements a unit is made of."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, factory=Listening)
        self.connection.row_factory = sqlite3.Row
        self.connection.heard = []
        migrate(self.connection)

    async def run(self, unit: Callable[[sqlite3.Connection], object]) -> object:
        self.connection.heard = []
        return unit(self.connection)


async def measure(folder: Path) -> list[Row]:
    plain = _plain(folder / "plain.sqlite3")
    database = await Database.open(folder / "bot.sqlite3")
    store, inline = JobStore(database, PLENTY), Inline()
    took = dict.fromkeys(("row", "plain row", "crowd", "plain crowd"), 0.0)
    try:
        for _ in range(ROUNDS):
            jobs, scripts = await _chunk(inline)
            took["row"] += await _timed(_one_by_one(store, jobs))
            took["plain row"] += _commit_each(plain, scripts)
            jobs, scripts = await _chunk(inline)
            took["crowd"] += await _timed(_at_once(store, jobs))
            took["plain crowd"] += _commit_once(plain, scripts)
    finally:
        await database.close()
        plain.close()
        inline.connection.close()
    rate = {name: ROUNDS * CHUNK / seconds for name, seconds in took.items()}
    same = "Beside it: the same statements with the same pragmas on plain sqlite3, in turns"
    return [
        _row("one after another", rate["row"], rate["plain row"], f"{same}, a COMMIT each."),
        _row(
            f"{CHUNK} at once",
            rate["crowd"],
            rate["plain crowd"],
            f"{same}, and like ours with one COMMIT for all {CHUNK}: units that wait together share one. With"
            f" a COMMIT each, plain sqlite3 does {rate['plain row']:.0f} a second, so ours is"
            f" {rate['crowd'] / rate['plain row']:.1f} of that.",
        ),
    ]


async def _chunk(inline: Inline) -> tuple[list[Job], list[Script]]:
    jobs = [make_job(request(number)) for number in range(2 * CHUNK)]
    scripts = []
    for job in jobs[CHUNK:]:
        assert await accept(JobStore(cast("Database", inline), PLENTY), job)
        scripts.append(inline.connection.heard)
    return jobs[:CHUNK], scripts


async def _timed(work: Awaitable[None]) -> float:
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


async def _one_by_one(store: JobStore, jobs: Sequence[Job]) -> None:
    for job in jobs:
        assert await accept(store, job, NO_CONTEXT)


async def _at_once(store: JobStore, jobs: Sequence[Job]) -> None:
    assert all(await asyncio.gather(*(accept(store, job, NO_CONTEXT) for job in jobs)))


def _plain(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    migrate(connection)
    return connection


def _commit_each(connection: sqlite3.Connection, scripts: Sequence[Script]) -> float:
    return sum(_commit_once(connection, [script]) for script in scripts)


def _commit_once(connection: sqlite3.Connection, scripts: Sequence[Script]) -> float:
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for script in scripts:
        for statement, values in script:
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
        reason=f"ours takes {1e6 / ours - 1e6 / plain:.0f} us more for each: the hop to the database's thread"
        " and back, the savepoint, and making the statements' values",
    )
