"""Build `/report` of a hundred thousand and of a million reservations: totals, CSV file and chart.

Everything is compared with plain sqlite3 reading the same rows in turns, and with an idle loop beside it.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bot.domain import periods
from bot.domain.clock import now_ms
from bot.domain.periods import Period
from bot.storage.database import Database
from tests.benchmarks.harness import open_process
from tests.benchmarks.memory import MIB
from tests.benchmarks.report_process import ReportTimes
from tests.benchmarks.results_table import Row

SMALL, LARGE = 100_000, 1_000_000
PROCESSES, ROUNDS = 3, 3
TARGET_FIRST, TARGET_LATER, TARGET_LARGE = 4.0, 2.5, 1.2
"""Times the plain read."""
TARGET_LAG_SECONDS = 0.05
"""More than the idle loop."""
TARGET_MIB = 64
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
_INSERT_TOTALS = """
    INSERT INTO tallies
    SELECT guild.id, spans.name, r.created_at / spans.width, sum(r.counted_credits), sum(r.guild_credits)
    FROM reservations r
    JOIN (SELECT 'day' AS name, 86400000 AS width UNION SELECT 'quarter', 900000) AS spans
    JOIN (SELECT 0 AS id UNION SELECT 1) AS guild
    GROUP BY 1, 2, 3
"""


async def measure(folder: Path) -> list[Row]:
    path = folder / "reports.sqlite3"
    await _fill(path, SMALL)
    small = [await _measure_process(path, ROUNDS) for _ in range(PROCESSES)]
    path = folder / "more_reports.sqlite3"
    await _fill(path, LARGE)
    large = await _measure_process(path, ROUNDS)
    assert {times.reservations for times in small} == {SMALL}
    assert large.reservations == LARGE
    return [*_small_rows(small), _large_row(large), _lag_row([*small, large]), _memory_row(large)]


async def _fill(path: Path, amount: int) -> None:
    end = now_ms()
    start, _ = periods.period_bounds(Period.MONTH, end)
    values = {"amount": amount, "members": MEMBERS, "prompt": "a red fox " * 20, "start": start, "end": end}
    database = await Database.open(path)
    try:
        for statement in (_INSERT_JOBS, _INSERT_RESERVATIONS, _INSERT_TOTALS):
            await database.run(lambda tx, statement=statement: tx.execute(statement, values).rowcount)  # type: ignore[misc]
    finally:
        await database.close()


async def _measure_process(path: Path, rounds: int) -> ReportTimes:
    async with open_process("tests.benchmarks.report_process", path=str(path), rounds=rounds) as output:
        return ReportTimes(**output)


def _small_rows(processes: list[ReportTimes]) -> list[Row]:
    """Compare with the reads just before and after each report; of several processes the median counts."""
    firsts = [times.report_seconds[0] / median(times.plain_seconds[:2]) for times in processes]
    later = [ratio for times in processes for ratio in _ratios(times)[1:]]
    example = processes[0]
    return [
        Row(
            what=f"first /report of a process, {SMALL:,} reservations",
            measured=f"{median(firsts):.2f} times plain sqlite3",
            target=f"<= {TARGET_FIRST} times",
            met=median(firsts) <= TARGET_FIRST,
            note=f"Median of {len(processes)} processes, imports counted; the first took"
            f" {example.report_seconds[0]:.2f} s, the read {example.plain_seconds[0]:.2f} s. Totals, a"
            f" chart of {example.chart_bytes / 1024:.0f} KiB, and a CSV file with {example.rows:,} rows in"
            f" {example.file_bytes / MIB:.1f} MiB.",
            reason="it also loads Pillow's text, writes and packs the CSV file and draws",
        ),
        Row(
            what=f"later /report, {SMALL:,} reservations",
            measured=f"{median(later):.2f} times plain sqlite3",
            target=f"<= {TARGET_LATER} times",
            met=median(later) <= TARGET_LATER,
            note=f"Median of {len(later)}, from {min(later):.2f} to {max(later):.2f}, each beside the"
            f" reads just before and after it. Two at once took {example.two_at_once_seconds:.2f} s, one"
            f" {example.report_seconds[-1]:.2f} s.",
            reason="it also writes and packs the CSV file and draws",
        ),
    ]


def _ratios(times: ReportTimes) -> list[float]:
    plain = times.plain_seconds
    return [
        seconds / median((plain[number], plain[number + 1]))
        for number, seconds in enumerate(times.report_seconds)
    ]


def _large_row(times: ReportTimes) -> Row:
    ratio = median(_ratios(times))
    return Row(
        what=f"/report of {LARGE:,} reservations",
        measured=f"{ratio:.2f} times plain sqlite3",
        target=f"<= {TARGET_LARGE} times",
        met=ratio <= TARGET_LARGE,
        note=f"Median of {len(times.report_seconds)}; the last took {times.report_seconds[-1]:.2f} s, the"
        f" read {times.plain_seconds[-1]:.2f} s. The CSV file would be larger than any upload: it has"
        f" {times.rows:,} rows in {times.file_bytes / MIB:.1f} MiB.",
        reason="it adds up every reservation, and writes and packs as much CSV as an upload may have",
    )


def _lag_row(processes: list[ReportTimes]) -> Row:
    more = median(times.loop_lag - times.idle_lag for times in processes)
    worst = max(processes, key=lambda times: times.loop_lag - times.idle_lag)
    return Row(
        what="event loop beside two reports and requests",
        measured=f"at most {more * 1000:.0f} ms later than idle",
        target=f"<= {TARGET_LAG_SECONDS * 1000:.0f} ms",
        met=more <= TARGET_LAG_SECONDS,
        note=f"Median of {len(processes)} processes of the greatest lag, less that of an idle loop in another"
        f" process at the same time; at worst {worst.loop_lag * 1000:.0f} ms of {worst.idle_lag * 1000:.0f}."
        f" A request beside the reports was booked in"
        f" {max(times.write_seconds for times in processes) * 1000:.0f} ms at most.",
        reason="the threads of the reports and the loop share the interpreter and the processors",
    )


def _memory_row(times: ReportTimes) -> Row:
    return Row(
        what=f"memory added by reports of {LARGE:,} reservations",
        measured=f"{times.added_bytes / MIB:.1f} MiB",
        target=f"< {TARGET_MIB} MiB",
        met=times.added_bytes < TARGET_MIB * MIB,
        note=f"The peak of {len(times.report_seconds)} one by one and two at once, each with its CSV file of"
        f" {times.file_bytes / MIB:.1f} MiB and its chart. {times.method}.",
        reason="each report has its file in memory, as that is sent from there",
    )
