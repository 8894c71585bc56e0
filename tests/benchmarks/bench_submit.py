"""The work of ours that stands between a command and our first answer to Discord.

Discord gives three seconds: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from bot.engine.engine import JobEngine
from tests.benchmarks.harness import FakeServices, RecordingDelivery, open_engine, request
from tests.benchmarks.results_table import Row, milliseconds, percentile
from tests.support.factories import submit

IN_A_ROW = 300
AT_ONCE = 200
ROUNDS = 10
TARGET_SECONDS = 0.050


async def measure(folder: Path) -> list[Row]:
    numbers = itertools.count()
    async with open_engine(folder, RecordingDelivery(), FakeServices()) as engine:
        await _submit(engine, numbers, time.perf_counter())  # the first one also loads what is loaded late
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
    await submit(engine, request(next(numbers)))
    return time.perf_counter() - arrived


def _row(how_many: str, seconds: list[float], taken: str) -> Row:
    return Row(
        what=f"before the first answer to Discord, {how_many}",
        measured=milliseconds(seconds),
        target="p99 < 50 ms",
        met=percentile(seconds, 99) < TARGET_SECONDS,
        note=f"{taken}: the request is built, checked, and committed with its reservation to a real file.",
        reason=f"the slowest took {max(seconds) * 1000:.0f} ms, which holds a COMMIT and its fsync; the line"
        " about ledger transactions says what this disk gives plain sqlite3",
    )
