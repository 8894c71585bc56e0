"""`/report` of a hundred thousand and of a million reservations: counted, written down and drawn."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing, suppress
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
from tests.benchmarks.harness import PLENTY
from tests.benchmarks.results_table import Row
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

SIZES = (100_000, 1_000_000)
TARGETS = {100_000: 2.0, 1_000_000: 10.0}
"""Seconds; a million is a file that no upload takes whole."""
BEAT_SECONDS = 0.005
MEMBERS = 300

# Spread over the month so far; a few members ask for most of it.
_FILL = """
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
_RESERVE = """
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
            report_builder = ReportBuilder(path, PLENTY, chart.draw, chart.preload)
            first = await _timed(report_builder, database)
            again = await _timed(report_builder, database)
            plain_seconds = _plain(path)
        finally:
            await database.close()
        rows.append(_row(amount, first, again, plain_seconds))
    return rows


class _Answer:
    """One answer, how long it took, and how late the loop and the writer were meanwhile; seconds."""

    def __init__(self) -> None:
        self.report_files: ReportFiles | None = None
        self.seconds = self.loop_late = self.writer_late = 0.0

    async def timings(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            self.loop_late = max(self.loop_late, time.perf_counter() - before - BEAT_SECONDS)

    async def write(self, store: JobStore) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            before = time.perf_counter()
            assert await accept(store, make_job(make_request(guild_id=2)), NO_CONTEXT)
            self.writer_late = max(self.writer_late, time.perf_counter() - before)


async def _timed(report_builder: ReportBuilder, database: Database) -> _Answer:
    answer = _Answer()
    beside = [
        asyncio.create_task(answer.timings()),
        asyncio.create_task(answer.write(JobStore(database, PLENTY))),
    ]
    await asyncio.sleep(0.1)
    before = time.perf_counter()
    answer.report_files = await report_builder.build(
        1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=UPLOAD_LIMIT_BYTES, label=chart_labels
    )
    answer.seconds = time.perf_counter() - before
    for task in beside:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return answer


async def _fill(database: Database, amount: int) -> None:
    end = now_ms()
    start, _ = periods.period_bounds(Period.MONTH, end)
    values = {"amount": amount, "members": MEMBERS, "prompt": "a red fox " * 20, "start": start, "end": end}
    await database.run(lambda tx: tx.execute(_FILL, values).rowcount)
    await database.run(lambda tx: tx.execute(_RESERVE).rowcount)


def _plain(path: Path) -> float:
    """Seconds that plain sqlite3 takes to read what a report is made of."""
    with closing(sqlite3.connect(path)) as connection:
        before = time.perf_counter()
        rows = connection.execute("SELECT r.*, j.stage FROM reservations r JOIN jobs j USING (job_id)")
        assert sum(1 for _ in rows)
        return time.perf_counter() - before


def _row(amount: int, first: _Answer, again: _Answer, plain_seconds: float) -> Row:
    assert first.report_files is not None
    assert first.report_files.report.reservations == amount
    sheet = first.report_files.sheet
    assert sheet is not None
    small = amount == SIZES[0]
    return Row(
        what=f"/report of {amount:,} reservations",
        measured=f"{first.seconds:.2f} s, again {again.seconds:.2f} s",
        target=f"< {TARGETS[amount]:.0f} s",
        met=max(first.seconds, again.seconds) < TARGETS[amount],
        note=f"Plain sqlite3 reads the same rows in {plain_seconds:.2f} s. "
        f"Counted, {sheet.rows:,} of them in a file of {len(sheet.data) / 2**20:.1f} MiB, drawn;"
        f"{' the first one loads the library, too.' if small else ''} Meanwhile the event loop was at most"
        f" {max(first.loop_late, again.loop_late) * 1000:.0f} ms late, and a request beside it was booked in"
        f" {max(first.writer_late, again.writer_late) * 1000:.0f} ms at most.",
        reason=f"the first also waits for the drawing library: {again.seconds:.2f} s are without that."
        " Reading rows, writing them as text and drawing all need the processor, so a busy one doubles them",
    )
