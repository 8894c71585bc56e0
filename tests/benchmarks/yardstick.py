"""The yardstick for transactions: the statements of commit 1460402 on plain sqlite3, with ready values."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bot.domain.clock import DAY_MS
from bot.domain.ids import ALL_GUILDS
from bot.domain.jobs import Job
from bot.domain.periods import Period, period_bounds
from bot.jobs.rows import job_columns
from bot.storage.database import _PRAGMAS
from bot.storage.schema import migrations

COMMIT: Final = "1460402"
MIGRATIONS: Final = 5
"""How many there were at that commit."""
QUARTER_MS: Final = DAY_MS // 96

RESULT_URL: Final = "https://cdn.rivya.ai/picture.png"
REFERENCE: Final = (
    *("reference_url", "reference_filename", "reference_type", "reference_bytes", "reference_sha256"),
)
"""Columns that have their own table by now."""
Connection = sqlite3.Connection


class Seconds(NamedTuple):
    """How long something took."""

    wall: float
    cpu: float
    """Of the processor, in all threads of the process."""


class Stopwatch:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Seconds:
        return Seconds(time.perf_counter() - self._wall, time.process_time() - self._cpu)


Transaction = list[tuple[str, tuple[object, ...]]]
"""Statements with their values."""


def _load() -> dict[str, list[tuple[str, list[str]]]]:
    """Return the statements by the name of their transaction, with the names of their values."""
    text = Path(__file__).with_suffix(".sql").read_text("utf-8")
    found = {}
    for name, body in re.findall(
        r"^-- (accept|settle)\n(.*?)(?=^-- |\Z)", text, flags=re.DOTALL | re.MULTILINE
    ):
        statements = filter(None, (" ".join(each.split()) for each in body.split(";")))
        found[name] = [(re.sub(r":\w+", "?", each), re.findall(r":(\w+)", each)) for each in statements]
    return found


STATEMENTS: Final = _load()


@contextmanager
def open_plain(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database of that commit's schema with the pragmas of ours."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        for file in migrations()[:MIGRATIONS]:
            connection.executescript(file.read_text("utf-8"))
        yield connection
    finally:
        connection.close()


def accepts(jobs: Sequence[Job]) -> list[Transaction]:
    """Return the transactions that accept these jobs, with their values."""
    return [_transaction("accept", job) for job in jobs]


def settles(jobs: Sequence[Job]) -> list[Transaction]:
    """Return the transactions that settle these jobs, with their values; see `create`."""
    return [_transaction("settle", job) for job in jobs]


def create(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Let the accepted jobs have a task, so that they can be settled."""
    connection.executemany(
        "UPDATE jobs SET stage = 'created', task_id = job_id, task_created_at = accepted_at WHERE job_id = ?",
        [(job.job_id,) for job in jobs],
    )


def run(connection: sqlite3.Connection, transactions: Sequence[Transaction], *, together: bool) -> Seconds:
    """Run transactions with a COMMIT each, or with one for all if `together`; return how long it took."""
    batches = [transactions] if together else [[each] for each in transactions]
    stopwatch = Stopwatch()
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        for transaction in batch:
            for statement, values in transaction:
                connection.execute(statement, values).fetchone()
        connection.execute("COMMIT")
    return stopwatch.read()


def _transaction(name: str, job: Job) -> Transaction:
    values = _values(job)
    return [(text, tuple(values[each] for each in names)) for text, names in STATEMENTS[name]]


def _values(job: Job) -> dict[str, object]:
    at = job.accepted_at
    start, end = period_bounds(Period.MONTH, at)
    assert end is not None
    return {
        **job_columns(job),
        **dict.fromkeys(REFERENCE),
        "all": ALL_GUILDS,
        "at": at,
        "closed_at": at,
        "cost": job.quote_credits,
        "quarter": at // QUARTER_MS,
        "day": at // DAY_MS,
        "first_day_1": start // DAY_MS,
        "first_quarter_1": start // QUARTER_MS,
        "until_quarter_1": start // QUARTER_MS,
        "first_day_2": end // DAY_MS,
        "first_quarter_2": end // QUARTER_MS,
        "until_quarter_2": end // QUARTER_MS,
        "result_url": RESULT_URL,
    }
