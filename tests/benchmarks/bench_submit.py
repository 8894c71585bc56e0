"""Measure how long a job takes to be accepted, which comes before the first answer to Discord.

Discord waits three seconds: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from bot.engine.engine import JobEngine
from tests.benchmarks.harness import FakeServices, RecordingDelivery, member_request, open_engine
from tests.benchmarks.results_table import Row, milliseconds, percentile
from tests.support.factories import submit

IN_A_ROW = 300
AT_ONCE = 200
ROUNDS = 10
TARGET_SECONDS = 0.050


async def measure(folder: Path) -> list[Row]:
    numbers = itertools.count()
    async with open_engine(folder, RecordingDelivery(), FakeServices()) as engine:
        await _submit(engine, numbers, time.perf_counter())  # the first one also runs lazy imports
        alone = [await _submit(engine, numbers, time.perf_counter()) for _ in range(IN_A_ROW)]
        together = []
        for _ in range(ROUNDS):
            arrived = time.perf_counter()
            together += await asyncio.gather(*(_submit(engine, numbers, arrived) for _ in range(AT_ONCE)))
    return [
        _row("one at a time", alone, f"{IN_A_ROW} in a row"),
        _row(f"{AT_ONCE} at once", together, f"{ROUNDS} rounds, each from the moment all {AT_ONCE} arrived"),
    ]


async def _submit(engine: JobEngine, numbers: Iterator[int], arrived: float) -> float:
    await submit(engine, member_request(next(numbers)))
    return time.perf_counter() - arrived


def _row(how_many: str, seconds: list[float], sample: str) -> Row:
    return Row(
        what=f"before the first answer to Discord, {how_many}",
        measured=milliseconds(seconds),
        target="p99 < 50 ms",
        met=percentile(seconds, 99) < TARGET_SECONDS,
        note=f"{sample}: the request is validated and committed with its reservation to a file.",
        reason=f"the slowest took {max(seconds) * 1000:.0f} ms, including a COMMIT and its fsync; the row of"
        " ledger transactions shows what plain sqlite3 reaches on this disk",
    )
