"""Measure how long requests take to be accepted, which comes before the first answer to Discord.

Discord waits three seconds: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from pathlib import Path
from typing import Final

from tests.benchmarks import yardstick
from tests.benchmarks.harness import FakeServices, RecordingDelivery, member_request, open_engine
from tests.benchmarks.results_table import Ratio, Row, milliseconds, ratio_row
from tests.benchmarks.yardstick import Seconds, Stopwatch
from tests.support.factories import make_job, submit

AT_ONCE = 200
ROUNDS = 12
MARGIN = 1.0
QUICK: Final = {"ROUNDS": 5, "MARGIN": 1.5}
MOST_TIMES: Final = 2.0


async def measure(folder: Path) -> list[Row]:
    numbers = itertools.count()
    ours: list[Seconds] = []
    plain: list[Seconds] = []
    with yardstick.open_plain(folder / "plain.sqlite3") as connection:
        async with open_engine(folder, RecordingDelivery(), FakeServices()) as engine:
            for each in range(1 + ROUNDS):
                requests = [member_request(next(numbers)) for _ in range(AT_ONCE)]
                transactions = yardstick.accepts([make_job(request) for request in requests])
                stopwatch = Stopwatch()
                await asyncio.gather(*(submit(engine, request) for request in requests))
                took = stopwatch.read()
                if each:  # the first round also runs lazy imports
                    ours.append(took)
                    plain.append(yardstick.run(connection, transactions, together=True))
    disk = max(0.0, min(took.wall - took.cpu for took in plain))
    slowest = disk + statistics.median(took.cpu for took in ours)
    all_plain = disk + statistics.median(took.cpu for took in plain)
    return [
        ratio_row(
            f"the slowest of {AT_ONCE} first answers at once",
            Ratio(slowest / all_plain, at_most=MOST_TIMES),
            f"{slowest * 1000:.1f} and {all_plain * 1000:.1f} ms",
            f"From the moment all {AT_ONCE} have arrived until the last is committed with its reservation;"
            f" beside the statements of commit {yardstick.COMMIT} for as many on plain sqlite3, in one"
            " COMMIT. The processor's time, and the shortest wait for the disk. On the clock the slowest took"
            f" {milliseconds([took.wall for took in ours])}.",
            "each is also validated and scheduled as a task of its own",
            margin=MARGIN,
        )
    ]
