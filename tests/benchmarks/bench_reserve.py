"""Compare an accept beside no other reservations of the period with one beside a million."""

from __future__ import annotations

import asyncio
import statistics
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.credits.admin import CreditAdmin
from bot.domain import periods
from bot.domain.clock import now_ms
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.benchmarks.bench_transactions import prepare
from tests.benchmarks.harness import UNLIMITED, member_request
from tests.benchmarks.results_table import Ratio, Row, ratio_row
from tests.benchmarks.seed_reservations import fill
from tests.benchmarks.yardstick import Stopwatch
from tests.support.factories import accept, make_job

AMOUNT = 1_000_000
CHUNK = 50
ROUNDS = 20
MARGIN = 1.0
QUICK: Final = {"AMOUNT": 50_000, "ROUNDS": 6, "MARGIN": 1.5}
MOST_TIMES: Final = 1.5


async def measure(folder: Path) -> list[Row]:
    seconds: dict[int, list[float]] = {0: [], AMOUNT: []}
    async with AsyncExitStack() as stack:
        stores = {}
        for amount in seconds:
            database = await Database.open(folder / f"{amount}.sqlite3")
            stack.push_async_callback(database.close)
            stores[amount] = await _fill(database, amount)
        for each in range(1 + ROUNDS):
            for amount, store in stores.items():
                took = await _accept(store)
                if each:
                    seconds[amount].append(took)
    none, many = (statistics.median(took) / CHUNK for took in seconds.values())
    return [
        ratio_row(
            f"an accept beside {AMOUNT:,} reservations of the period",
            Ratio(many / none, at_most=MOST_TIMES),
            f"{many * 1e6:.0f} and {none * 1e6:.0f} us",
            "Beside none, in turns, of the processor's time. All are of one server in this period, with a"
            " limit on the server, a ceiling, and a limit on each member.",
            "indexes of a million rows are deeper, and more of their pages are read and changed",
            margin=MARGIN,
        )
    ]


async def _fill(database: Database, amount: int) -> JobStore:
    await prepare(database)
    end = now_ms()
    start, _ = periods.period_bounds(Period.MONTH, end)
    await database.run(lambda tx: fill(tx, amount, start, end))
    for scope in (LimitScope.GUILD, LimitScope.EVERYONE):
        limit = Limit(MAX_CREDITS, Period.MONTH, scope=scope)
        await CreditAdmin(database, UNLIMITED, default_catalog()).set_limit(1, limit, set_by=1)
    return JobStore(database, UNLIMITED)


async def _accept(store: JobStore) -> float:
    """Return the processor's seconds of `CHUNK` accepts at once, of members of the server."""
    requests = [member_request(number) for number in range(CHUNK)]
    jobs = [make_job(replace(each, destination=replace(each.destination, guild_id=1))) for each in requests]
    stopwatch = Stopwatch()
    assert all(await asyncio.gather(*(accept(store, job) for job in jobs)))
    return stopwatch.read().cpu
