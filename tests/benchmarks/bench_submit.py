"""Measure how long requests take to be accepted, which comes before the first answer to Discord.

Discord waits three seconds: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.domain.image_models import MODELS
from bot.domain.jobs import RequestOptions
from bot.engine.engine import JobEngine
from bot.jobs.requests.submission import Accepted
from tests.benchmarks import yardstick
from tests.benchmarks.harness import FakeServices, RecordingDelivery, member_request, open_engine
from tests.benchmarks.results_table import Ratio, Row, milliseconds, ratio_row
from tests.benchmarks.yardstick import Seconds, Stopwatch
from tests.support.factories import NO_CONTEXT, make_job, submit

AT_ONCE = 200
ROUNDS = 12
MARGIN = 1.0
QUICK: Final = {"ROUNDS": 5, "MARGIN": 1.5}
MOST_TIMES: Final = 2.0
MOST_TIMES_WITH_ALL: Final = 1.05
PAIRS: Final = 5


async def measure(folder: Path) -> list[Row]:
    return [*await _beside_plain(folder), *await _beside_all_models(folder)]


async def _beside_plain(folder: Path) -> list[Row]:
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


async def _beside_all_models(folder: Path) -> list[Row]:
    """Compare an engine that offers one model with one that offers all, in turns."""
    ratios, numbers = [], itertools.count()
    for each in ("one", "all"):
        (folder / each).mkdir()
    async with (
        open_engine(folder / "one", RecordingDelivery(), FakeServices()) as one,
        open_engine(folder / "all", RecordingDelivery(), FakeServices(), models=tuple(MODELS)) as every,
    ):
        for engine in (one, every):  # these rounds also run lazy imports
            await _submit_at_once(engine, numbers)
        for pair in range(PAIRS):
            order = (one, every) if pair % 2 else (every, one)
            took = {engine: await _submit_at_once(engine, numbers) for engine in order}
            ratios.append(took[one].cpu / took[every].cpu)
    return [
        ratio_row(
            f"{AT_ONCE} first answers with one model on offer, beside all {len(MODELS)}",
            Ratio(statistics.median(ratios), at_most=MOST_TIMES_WITH_ALL),
            f"median of {PAIRS} pairs in turns, {min(ratios):.2f} to {max(ratios):.2f}",
            "Commands as members send them, from their options to the commit with the reservation, at once."
            " The processor's time.",
            "who offers one model pays for those that are not offered",
            margin=MARGIN,
        )
    ]


async def _submit_at_once(engine: JobEngine, numbers: Iterator[int]) -> Seconds:
    """Submit what members typed, and return how long it took until all were committed."""
    requests = [member_request(next(numbers)) for _ in range(AT_ONCE)]
    options = [RequestOptions(each.destination, each.prompt, each.model, settings="") for each in requests]
    stopwatch = Stopwatch()
    results = await asyncio.gather(*(engine.submit(each, NO_CONTEXT) for each in options))
    took = stopwatch.read()
    if not all(isinstance(result, Accepted) for result in results):
        raise RuntimeError("a request was not accepted")
    return took
