"""Build `/report` of a hundred thousand and of a million reservations: totals, CSV file and chart."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.credits.reports import chart
from bot.credits.reports.builder import ReportBuilder, ReportFiles
from bot.domain import periods
from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.clock import now_ms
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.database import Database
from cogs.credits.chart_labels import chart_labels
from tests.benchmarks.harness import UNLIMITED
from tests.benchmarks.lag import measure_lag
from tests.benchmarks.results_table import Row
from tests.support.factories import accept, make_job, make_request

SIZES = (100_000, 1_000_000)
TARGETS = {100_000: 2.0, 1_000_000: 10.0}
"""In seconds; the CSV file of a million is larger than any upload and is cut."""
INTERVAL_SECONDS = 0.005
MEMBERS = 300

# Spread over the month so far; a few members have most of the jobs.
_INSERT_JOBS = """
    WITH RECURSIVE numbers (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :amount
    )
    INSERT INTO jobs (
        job_id, interaction_id, interaction_token, application_id, guild_id, channel_id, user_id,
        upload_limit_bytes, locale, private, spoiler, prompt, model, size, format, stage, quote_credits,
        accepted_at, task_id, finished_at
    )
    SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-'
                 || hex(randomblob(2)) || '-' || hex(randomblob(6))),
           number, '', 1, 1, 1, 100000000000000000 + (number * number) % 1009 % :members,
           10000000, 'en-US', 0, 0, :prompt, 'qwen-image', 'square', 'png', 'delivered', 4,
           :start + (:end - :start) * number / (:amount + 1), 'task-' || number, :end
    FROM numbers
"""
_INSERT_RESERVATIONS = """
    INSERT INTO reservations (
        job_id, guild_id, user_id, state, reserved_credits, final_credits, counted_credits, guild_credits,
        member_credits, created_at, closed_at
    )
    SELECT job_id, 1, user_id, 'settled', 4, 4, 4, 4, 4, accepted_at, accepted_at + 9000 FROM jobs
"""


async def measure(folder: Path) -> list[Row]:
    rows = []
    for amount in SIZES:
        path = folder / f"{amount}.sqlite3"
        database = await Database.open(path)
        try:
            await _fill(database, amount)
            report_builder = ReportBuilder(path, UNLIMITED, chart.draw, chart.preload)
            first = await _measure_report(report_builder, database)
            again = await _measure_report(report_builder, database)
            plain_seconds = _plain(path)
        finally:
            await database.close()
        rows.append(_row(amount, first, again, plain_seconds))
    return rows


@dataclass(frozen=True)
class _Measurement:
    """One report with its duration, and the longest delays that it caused, in seconds."""

    report_files: ReportFiles
    seconds: float
    loop_lag: float
    write_seconds: float


async def _write(store: JobStore, seconds: list[float]) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        before = time.perf_counter()
        assert await accept(store, make_job(make_request(guild_id=2)))
        seconds.append(time.perf_counter() - before)


async def _measure_report(report_builder: ReportBuilder, database: Database) -> _Measurement:
    write_seconds: list[float] = []
    async with measure_lag() as lags:
        writer = asyncio.create_task(_write(JobStore(database, UNLIMITED), write_seconds))
        await asyncio.sleep(0.1)
        before = time.perf_counter()
        report_files = await report_builder.build(
            1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=UPLOAD_LIMIT_BYTES, label=chart_labels
        )
        seconds = time.perf_counter() - before
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
    return _Measurement(report_files, seconds, max(lags), max(write_seconds))


async def _fill(database: Database, amount: int) -> None:
    end = now_ms()
    start, _ = periods.period_bounds(Period.MONTH, end)
    values = {"amount": amount, "members": MEMBERS, "prompt": "a red fox " * 20, "start": start, "end": end}
    await database.run(lambda tx: tx.execute(_INSERT_JOBS, values).rowcount)
    await database.run(lambda tx: tx.execute(_INSERT_RESERVATIONS).rowcount)


def _plain(path: Path) -> float:
    """Return the seconds that plain sqlite3 takes to read the rows of a report."""
    with closing(sqlite3.connect(path)) as connection:
        before = time.perf_counter()
        rows = connection.execute("SELECT r.*, j.stage FROM reservations r JOIN jobs j USING (job_id)")
        assert sum(1 for _ in rows)
        return time.perf_counter() - before


def _row(amount: int, first: _Measurement, again: _Measurement, plain_seconds: float) -> Row:
    assert first.report_files.report.reservations == amount
    sheet = first.report_files.sheet
    assert sheet is not None
    small = amount == SIZES[0]
    return Row(
        what=f"/report of {amount:,} reservations",
        measured=f"{first.seconds:.2f} s, again {again.seconds:.2f} s",
        target=f"< {TARGETS[amount]:.0f} s",
        met=max(first.seconds, again.seconds) < TARGETS[amount],
        note=f"Plain sqlite3 reads the same rows in {plain_seconds:.2f} s. Totals, chart, and a CSV file with"
        f" {sheet.rows:,} of them in {len(sheet.data) / 2**20:.1f} MiB."
        f"{' The first report also loads matplotlib.' if small else ''} Meanwhile the event loop was at most"
        f" {max(first.loop_lag, again.loop_lag) * 1000:.0f} ms late, and a request beside it was booked in"
        f" {max(first.write_seconds, again.write_seconds) * 1000:.0f} ms at most.",
        reason=f"the first also loads matplotlib: {again.seconds:.2f} s are without that. Reading rows,"
        " writing CSV and drawing are CPU-bound, so other load slows them down",
    )
