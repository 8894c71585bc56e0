"""End the event loop while the drawing of a report hangs; the argument is the path of the database."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from bot.credits.reports.builder import ReportBuilder
from bot.credits.reports.models import ChartLabels, Report
from bot.domain.limits import Limit
from bot.domain.periods import Period
from cogs.credits.chart_labels import chart_labels


async def main(path: Path) -> None:
    drawing, loop = asyncio.Event(), asyncio.get_running_loop()

    def draw(_: Report, __: ChartLabels) -> bytes:
        loop.call_soon_threadsafe(drawing.set)
        threading.Event().wait()
        raise AssertionError("nobody sets the event")

    report_builder = ReportBuilder(path, Limit(200, Period.MONTH), draw)
    build = report_builder.build(
        1, period=Period.TOTAL, periods_ago=0, upload_limit_bytes=10**6, label=chart_labels
    )
    building = asyncio.create_task(build)
    await drawing.wait()
    assert not building.done()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
