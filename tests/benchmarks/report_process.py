"""Build reports in a fresh process, in turns with plain sqlite3 reading the same rows.

`python -m tests.benchmarks.report_process '{"path": ..., "rounds": 3}'` prints the fields of `ReportTimes` in
one line of JSON. The database must not be open elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bot import app
from bot.credits.reports.builder import ReportBuilder, ReportFiles
from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.periods import Period
from bot.images.memory import release_freed_memory
from bot.jobs.store import JobStore
from bot.storage.database import Database
from cogs.credits.chart_labels import chart_labels
from tests.benchmarks.harness import UNLIMITED
from tests.benchmarks.idle_loop import idle_loop_beside
from tests.benchmarks.lag import measure_lag
from tests.benchmarks.memory import PeakMemory
from tests.support.factories import accept, make_job, make_request

WRITE_PAUSE_SECONDS = 0.005


@dataclass(frozen=True)
class ReportTimes:
    """Durations in seconds, in turns: plain, report, plain, report..., plain; then two reports at once."""

    plain_seconds: list[float]
    report_seconds: list[float]
    """The first includes the imports for it."""
    two_at_once_seconds: float
    reservations: int
    rows: int
    file_bytes: int
    chart_bytes: int
    added_bytes: int
    """The peak of the memory during the reports, above that before the first."""
    method: str
    loop_lag: float
    """The greatest during two reports at once beside requests."""
    idle_lag: float
    """The greatest of a loop in another process at the same time, which does nothing."""
    write_seconds: float
    """The slowest request meanwhile, to its commit."""


async def measure(path: Path, rounds: int) -> ReportTimes:
    report_builder = ReportBuilder(path, UNLIMITED)
    plain, reports = [_seconds(lambda: read_plainly(path))], list[float]()
    peak = PeakMemory()
    for _ in range(rounds):
        before = time.perf_counter()
        await build(report_builder)
        reports.append(time.perf_counter() - before)
        plain.append(_seconds(lambda: read_plainly(path)))
    before = time.perf_counter()
    files, _ = await asyncio.gather(build(report_builder), build(report_builder))
    two_at_once = time.perf_counter() - before
    added_bytes = peak.added_bytes
    loop_lag, idle_lag, write_seconds = await _measure_lag(report_builder, path)
    assert files.sheet is not None
    assert files.chart is not None
    return ReportTimes(
        plain_seconds=plain,
        report_seconds=reports,
        two_at_once_seconds=two_at_once,
        reservations=files.report.reservations,
        rows=files.sheet.rows,
        file_bytes=len(files.sheet.data),
        chart_bytes=len(files.chart),
        added_bytes=added_bytes,
        method=peak.method,
        loop_lag=loop_lag,
        idle_lag=idle_lag,
        write_seconds=write_seconds,
    )


async def build(report_builder: ReportBuilder) -> ReportFiles:
    return await report_builder.build(
        1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=UPLOAD_LIMIT_BYTES, label=chart_labels
    )


def read_plainly(path: Path) -> None:
    """Read the rows of a report with sqlite3 alone."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT r.*, j.stage FROM reservations r JOIN jobs j USING (job_id)")
        assert sum(1 for _ in rows)


def _seconds(function: Callable[[], None]) -> float:
    before = time.perf_counter()
    function()
    return time.perf_counter() - before


async def _measure_lag(report_builder: ReportBuilder, path: Path) -> tuple[float, float, float]:
    """Return the lags of this loop and an idle one, and the slowest request, during two reports at once."""
    database = await Database.open(path)
    write_seconds: list[float] = []
    try:
        async with idle_loop_beside() as idle, measure_lag() as lags:
            writer = asyncio.create_task(_write(JobStore(database, UNLIMITED), write_seconds))
            await asyncio.gather(build(report_builder), build(report_builder))
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
    finally:
        await database.close()
    return max(lags), idle[0], max(write_seconds, default=0.0)


async def _write(store: JobStore, seconds: list[float]) -> None:
    while True:
        await asyncio.sleep(WRITE_PAUSE_SECONDS)
        before = time.perf_counter()
        request = make_request(guild_id=2, interaction_id=time.time_ns())  # of earlier processes, too
        assert await accept(store, make_job(request))
        seconds.append(time.perf_counter() - before)


if __name__ == "__main__":
    app.tune_gc()
    release_freed_memory()  # as `ImageWorkers` does in the bot
    options = json.loads(sys.argv[1])
    print(json.dumps(asdict(asyncio.run(measure(Path(options["path"]), options["rounds"])))))
