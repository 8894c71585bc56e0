"""Makes a whole report: counts it, writes its sheet, draws its chart, all beside the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.credits.reports import csv_export, queries
from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.credits.reports.csv_export import CsvExport
    from bot.credits.reports.models import ChartLabels, Report
    from bot.credits.reports.queries import Snapshot
    from bot.domain.limits import Limit

AT_ONCE: Final = 2
"""A report of a million pictures takes seconds of a core and dozens of megabytes."""


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """A report and the files that come with it."""

    report: Report
    name: str
    """Of the files, without their endings."""
    sheet: CsvExport | None
    """None if there is nothing to write down."""
    chart: bytes | None
    """A PNG; None if there is nothing to draw, or nothing to draw with."""
    draws: bool
    """Whether this host can draw."""


class ReportBuilder:
    """Makes reports from the database file. `draw` is None where nothing can draw; `load` readies it."""

    def __init__(
        self,
        path: Path,
        default: Limit,
        draw: Callable[[Report, ChartLabels], bytes] | None,
        load: Callable[[], object] = lambda: None,
    ) -> None:
        self._path = path
        self._default = default
        self._draw = draw
        self._load = load
        self._places = asyncio.Semaphore(AT_ONCE)
        # A single one, since matplotlib is not made for more: https://matplotlib.org/stable/users/faq.html
        self._drawing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chart")

    async def build(
        self,
        guild_id: int,
        *,
        period: str,
        periods_ago: int,
        upload_limit_bytes: int,
        label: Callable[[Report], ChartLabels],
    ) -> ReportFiles:
        """The report of the period `periods_ago` periods before this one, with files that an upload may have.

        `letter` finds the words for its chart, in a thread that has the context of the caller.

        Raises:
            OperatorError: `database`; the file cannot be read.
        """
        count = partial(
            queries.build_report,
            guild_id=guild_id,
            period=period,
            periods_ago=periods_ago,
            default=self._default,
            at=now_ms(),
        )
        async with self._places:
            return await asyncio.to_thread(
                self._build, count, label, min(upload_limit_bytes, UPLOAD_LIMIT_BYTES)
            )

    def _build(
        self,
        count: Callable[[Snapshot], Report],
        label: Callable[[Report], ChartLabels],
        limit_bytes: int,
    ) -> ReportFiles:
        """Load the library, half a second's work, while SQLite counts; draw while the sheet is written."""
        if self._draw is not None:
            self._drawing.submit(self._load)
        with queries.open_snapshot(self._path) as moment:
            report = count(moment)
            name = f"report-{report.period}-{_day(report)}"
            draw = self._draw if report.credits else None
            drawing = None if draw is None else self._drawing.submit(draw, report, label(report))
            sheet = csv_export.write(moment, report, name, limit_bytes) if report.reservations else None
        chart = None if drawing is None else drawing.result()
        return ReportFiles(report, name, sheet, chart, draws=self._draw is not None)


def _day(report: Report) -> str:
    return f"{datetime.fromtimestamp(report.start / 1000, report.zone):%Y-%m-%d}"
