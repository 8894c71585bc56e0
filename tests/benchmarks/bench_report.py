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
from tests.benchmarks.results_table import Ratio, Row, memory_row, ratio_row
from tests.benchmarks.seed_reservations import fill

SMALL, LARGE = 100_000, 1_000_000
PROCESSES, ROUNDS = 3, 3
TARGET_FIRST, TARGET_LATER, TARGET_LARGE = 4.0, 2.5, 1.2
"""Times the plain read."""
TARGET_LAG_SECONDS = 0.05
"""More than the idle loop."""
TARGET_MIB = 64
JOB_ID = """
    lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-'
          || hex(randomblob(2)) || '-' || hex(randomblob(6)))
"""
"""As random as those of the bot."""
USER_ID = "100000000000000000 + (number * number) % 1009 % 300"
"""Of 300 members a few have most of the jobs."""
PROMPT = "a red fox " * 20


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
    """Spread reservations over the month so far."""
    end = now_ms()
    start, _ = periods.period_bounds(Period.MONTH, end)
    database = await Database.open(path)
    try:
        await database.run(
            lambda tx: fill(tx, amount, start, end, job_id=JOB_ID, user_id=USER_ID, prompt=PROMPT)
        )
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
        ratio_row(
            f"first /report of a process, {SMALL:,} reservations",
            Ratio(median(firsts), at_most=TARGET_FIRST),
            f"{example.report_seconds[0]:.2f} and {example.plain_seconds[0]:.2f} s",
            f"Beside plain sqlite3. Median of {len(processes)} processes, imports counted; the seconds are of"
            f" the first. Totals, a chart of {example.chart_bytes / 1024:.0f} KiB, and a CSV file with"
            f" {example.rows:,} rows in {example.file_bytes / MIB:.1f} MiB.",
            "it also loads Pillow's text, writes and packs the CSV file and draws",
        ),
        ratio_row(
            f"later /report, {SMALL:,} reservations",
            Ratio(median(later), at_most=TARGET_LATER),
            f"{example.report_seconds[-1]:.2f} and {example.plain_seconds[-1]:.2f} s",
            f"Beside plain sqlite3. Median of {len(later)}, from {min(later):.2f} to {max(later):.2f}, each"
            f" beside the reads just before and after it. Two at once took"
            f" {example.two_at_once_seconds:.2f} s.",
            "it also writes and packs the CSV file and draws",
        ),
    ]


def _ratios(times: ReportTimes) -> list[float]:
    plain = times.plain_seconds
    return [
        seconds / median((plain[number], plain[number + 1]))
        for number, seconds in enumerate(times.report_seconds)
    ]


def _large_row(times: ReportTimes) -> Row:
    return ratio_row(
        f"/report of {LARGE:,} reservations",
        Ratio(median(_ratios(times)), at_most=TARGET_LARGE),
        f"{times.report_seconds[-1]:.2f} and {times.plain_seconds[-1]:.2f} s",
        f"Beside plain sqlite3. Median of {len(times.report_seconds)}; the seconds are those of the last. The"
        f" CSV file would be larger than any upload: it has {times.rows:,} rows in"
        f" {times.file_bytes / MIB:.1f} MiB.",
        "it adds up every reservation, and writes and packs as much CSV as an upload may have",
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
        value=more * 1000,
    )


def _memory_row(times: ReportTimes) -> Row:
    return memory_row(
        f"memory added by reports of {LARGE:,} reservations",
        times.added_bytes,
        TARGET_MIB,
        f"{times.added_bytes / MIB:.1f} MiB",
        f"The peak of {len(times.report_seconds)} one by one and two at once, each with its CSV file of"
        f" {times.file_bytes / MIB:.1f} MiB and its chart. {times.method}.",
        "each report has its file in memory, as that is sent from there",
    )
