"""Measure the time from the answer that a task has succeeded to its picture in Discord.

The whole bot takes turns with bare aiohttp, which then fetches the same picture and posts it, and neither
checks nor commits anything.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.counted_rivya import CountedRivya
from tests.benchmarks.fake_services import painting
from tests.benchmarks.job_programs import open_program
from tests.benchmarks.results_table import Ratio, Row, milliseconds, percentile, ratio_row

PICTURES = 60
SIDE = 1024
POLLS = 2
POLL_SECONDS = 0.1
FIRST = 3
"""Pictures that are not counted: they also import and connect."""
MOST_TIMES: Final = 2.0
OURS, BARE = "kuas", "aiohttp"


async def measure(folder: Path) -> list[Row]:
    rivya = CountedRivya(painting(SIDE), polls=POLLS)
    seconds: dict[str, list[float]] = {OURS: [], BARE: []}
    async with rivya.serving(), AsyncExitStack() as stack:
        programs = [
            await stack.enter_async_context(
                open_program(kind, folder, rivya, poll_seconds=POLL_SECONDS, decode=False)
            )
            for kind in seconds
        ]
        for number in range(FIRST + PICTURES):
            for program in programs:
                took = await program.deliver()
                if number >= FIRST:
                    seconds[program.kind].append(took)
    ours, bare = (percentile(seconds[kind], 99) for kind in (OURS, BARE))
    return [
        ratio_row(
            "from the answer that says so to the picture in Discord",
            Ratio(ours / bare, at_most=MOST_TIMES),
            f"{milliseconds(seconds[OURS])} and {milliseconds(seconds[BARE])}",
            "Beside bare aiohttp that fetches and posts the same bytes, in turns, p99 of"
            f" {PICTURES} pictures of {SIDE} x {SIDE} as PNG, one at a time.",
            "every byte of the picture is checked before it is posted, and the success is committed",
        )
    ]
