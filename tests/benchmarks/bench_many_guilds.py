"""Compare a start in 2500 servers with that of a bare client of discord.py in the same servers.

The two take turns, each in a process of its own, and the medians are compared. The bot's file has 100,000
jobs.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from bot.domain.clock import DAY_MS, now_ms
from bot.storage.database import Database
from tests.benchmarks.guild_start import StartResult
from tests.benchmarks.harness import open_process
from tests.benchmarks.memory import MIB
from tests.benchmarks.results_table import Ratio, Row, ratio_row
from tests.benchmarks.seed_reservations import fill

GUILDS = 2500
CHANNELS = 10
ROLES = 5
JOBS = 100_000
STARTS = 3
MOST_MEMORY = 1.1
MOST_CPU = 2.5


async def measure(folder: Path) -> list[Row]:
    database = await Database.open(folder / "bot.sqlite3")
    end = now_ms()
    await database.run(lambda tx: fill(tx, JOBS, end - 90 * DAY_MS, end))
    await database.close()
    starts: dict[str, list[StartResult]] = {"kuas": [], "bare": []}
    async with open_process(
        "tests.benchmarks.stub_gateway", guilds=GUILDS, channels=CHANNELS, roles=ROLES
    ) as discord:
        for _ in range(STARTS):
            for bot, results in starts.items():
                results.append(await _start(bot, folder, discord))
    return [_memory(**starts), _cpu(**starts)]


async def _start(bot: str, folder: Path, discord: dict[str, Any]) -> StartResult:
    async with open_process(
        "tests.benchmarks.guild_start", bot=bot, folder=str(folder), began=time.time(), **discord
    ) as output:
        start = StartResult(**output)
    assert start.guilds == GUILDS
    return start


def _memory(kuas: list[StartResult], bare: list[StartResult]) -> Row:
    ours, plain = (statistics.median(start.added_bytes for start in starts) for starts in (kuas, bare))
    in_all, plain_in_all = (
        statistics.median(start.peak_bytes for start in starts) / MIB for starts in (kuas, bare)
    )
    return ratio_row(
        f"memory added by {GUILDS} servers at start",
        Ratio(ours / plain, at_most=MOST_MEMORY),
        f"{ours / MIB:.1f} and {plain / MIB:.1f} MiB",
        f"{CHANNELS} channels and {ROLES} roles each, through discord.py's own login, gateway and"
        " decompression, from a fake Discord in another process. Bare: discord.Client with the same intent."
        f" In all, ours then takes {in_all:.0f} MiB and bare {plain_in_all:.0f}. {kuas[0].method}.",
        "ours also reads its translations, adds its commands and records every server in the database",
    )


def _cpu(kuas: list[StartResult], bare: list[StartResult]) -> Row:
    ours, plain = (statistics.median(start.cpu_seconds for start in starts) for starts in (kuas, bare))
    wall, plain_wall = (statistics.median(start.seconds for start in starts) for starts in (kuas, bare))
    return ratio_row(
        f"a start with {JOBS:,} jobs, until {GUILDS} servers are known",
        Ratio(ours / plain, at_most=MOST_CPU),
        f"{ours:.2f} and {plain:.2f} s",
        "The processor's time from the start of the process, imports counted, beside that of the bare client."
        f" On the clock {wall:.1f} and {plain_wall:.1f} s; in both, discord.py waits 2 s for further servers"
        " after the last.",
        "ours also imports itself, checks its settings, opens the database and syncs its commands",
    )
