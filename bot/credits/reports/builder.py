"""Builds reports and their files, in threads beside the event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.credits.reports import csv_export, queries
from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.clock import now_ms
from bot.domain.daemon_threads import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from bot.credits.reports.csv_export import CsvExport
    from bot.credits.reports.models import ChartLabels, Report
    from bot.credits.reports.queries import Snapshot
    from bot.domain.limits import Limit
    from bot.domain.periods import Period

MAX_CONCURRENT: Final = 2
"""Reports at once: one of a million pictures takes seconds of a core and dozens of megabytes."""


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """A report and its files."""

    report: Report
    name: str
    """The name of the files, without an extension."""
    sheet: CsvExport | None
    """None if the report has no reservations."""
    chart: bytes | None
    """A PNG; None if no credits were spent, or if this host cannot draw."""
    draws: bool
    """Whether this host can draw."""


class ReportBuilder:
    """Builds reports from the database file.

    `draw` draws a chart and is None if this host cannot draw; `preload` loads the library for it.
    """

    def __init__(
        self,
        path: Path,
        default: Limit,
        draw: Callable[[Report, ChartLabels], bytes] | None,
        preload: Callable[[], object] = lambda: None,
    ) -> None:
        self._path = path
        self._default = default
        self._draw = draw
        self._preload = preload
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        # One thread, since matplotlib is not thread-safe: https://matplotlib.org/stable/users/faq.html
        self._drawing = DaemonThreads(1, "chart")

    def close(self) -> None:
        """End the thread that draws, without waiting for it. Nothing may be built afterwards."""
        self._drawing.close()

    async def build(
        self,
        guild_id: int,
        *,
        period: Period,
        periods_ago: int,
        upload_limit_bytes: int,
        label: Callable[[Report], ChartLabels],
    ) -> ReportFiles:
        """Build the report of the period `periods_ago` before the current one, with files that fit an upload.

        `label` returns the texts of the chart; it is called in a thread, with the context of the caller.

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
        async with self._slots:
            return await self._build(count, label, min(upload_limit_bytes, UPLOAD_LIMIT_BYTES))

    async def _build(
        self,
        count: Callable[[Snapshot], Report],
        label: Callable[[Report], ChartLabels],
        limit_bytes: int,
    ) -> ReportFiles:
        if self._draw is not None:
            self._drawing.submit(self._preload)  # takes half a second, while SQLite counts
        report_files, drawing = await asyncio.to_thread(self._count, count, label, limit_bytes)
        if drawing is None:
            return report_files
        chart = await asyncio.wrap_future(drawing)
        return replace(report_files, chart=chart)

    def _count(
        self,
        count: Callable[[Snapshot], Report],
        label: Callable[[Report], ChartLabels],
        limit_bytes: int,
    ) -> tuple[ReportFiles, Future[bytes] | None]:
        """Count the report, start drawing its chart, and write its CSV file meanwhile."""
        with queries.open_snapshot(self._path) as snapshot:
            report = count(snapshot)
            drawing = None
            if self._draw is not None and report.credits:
                drawing = self._drawing.submit(partial(self._draw, report, label(report)))
            name = (
                f"report-{report.period}-{datetime.fromtimestamp(report.start / 1000, report.zone):%Y-%m-%d}"
            )
            sheet = csv_export.write(snapshot, report, name, limit_bytes) if report.reservations else None
        return ReportFiles(report, name, sheet, chart=None, draws=self._draw is not None), drawing
