"""Builds reports and their files, in threads beside the event loop."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.credits.reports import chart, csv_export, queries
from bot.credits.reports.models import Grouping
from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.clock import now_ms
from bot.domain.daemon_threads import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Callable
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


class ReportBuilder:
    """Builds reports from the database file, `MAX_CONCURRENT` at a time.

    `draw` draws a chart, or returns None if this host cannot.
    """

    def __init__(
        self,
        path: Path,
        default: Limit,
        draw: Callable[[Report, ChartLabels], bytes | None] = chart.draw,
    ) -> None:
        self._path = path
        self._default = default
        self._draw = draw
        # Threads of their own, so that a report that takes long delays neither other work nor the exit.
        self._threads = DaemonThreads(MAX_CONCURRENT, "report")

    def close(self) -> None:
        """End the threads without waiting for them. Nothing may be built afterwards."""
        self._threads.close()

    async def build(
        self,
        guild_id: int,
        *,
        period: Period,
        periods_ago: int,
        grouping: Grouping = Grouping.MEMBER,
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
            grouping=grouping,
        )
        limit_bytes = min(upload_limit_bytes, UPLOAD_LIMIT_BYTES)
        build = partial(copy_context().run, self._build, count, label, limit_bytes)
        return await asyncio.wrap_future(self._threads.submit(build))

    def _build(
        self,
        count: Callable[[Snapshot], Report],
        label: Callable[[Report], ChartLabels],
        limit_bytes: int,
    ) -> ReportFiles:
        with queries.open_snapshot(self._path) as snapshot:
            report = count(snapshot)
            name = (
                f"report-{report.period}-{datetime.fromtimestamp(report.start / 1000, report.zone):%Y-%m-%d}"
            )
            sheet = csv_export.write(snapshot, report, name, limit_bytes) if report.reservations else None
        drawn = self._draw(report, label(report)) if report.credits else None
        return ReportFiles(report, name, sheet, drawn)
