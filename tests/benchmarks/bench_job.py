"""Measure the processor's time that a job takes beside the least that can run it, from command to picture.

Three programs answer the same command with the same calls to the same Rivya and Discord: the whole bot, a bot
of discord.py that keeps no books, and bare aiohttp. They poll as often, post messages of the same size with
the same picture, and take turns. The other two decode each picture once; the bot inflates a plain PNG to
check it (`bot/images/plain_png.py`), and decodes any other picture. In ms a job, on two cores:

    ==========================================  ====  ==========  =======
    part                                        Kuas  discord.py  aiohttp
    ==========================================  ====  ==========  =======
    the check of the picture, in threads        10.6        13.5     13.5
    event loop: calls, messages, the command     6.9         3.7      3.2
    the database's thread: six COMMITs           1.4           0        0
    ==========================================  ====  ==========  =======

Where a picture has to be decoded, it is about 1.3 times the bot of discord.py.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmarks.counted_rivya import CountedRivya
from tests.benchmarks.fake_services import painting
from tests.benchmarks.job_programs import open_program
from tests.benchmarks.results_table import Ratio, Row, ratio_row

SIDE = 1024
POLLS = 3
"""As many as a task of 12 s gets with the default settings."""
POLL_SECONDS = 0.3
JOBS = 40
AT_ONCE = 20
ROUNDS = 5
MARGIN = 1.0
QUICK: Final = {"JOBS": 20, "AT_ONCE": 10, "ROUNDS": 2, "POLL_SECONDS": 0.1, "MARGIN": 1.3}
OURS: Final = "kuas"
MOST_TIMES: Final = {"discord.py": 1.15, "aiohttp": 1.5}
NAMES: Final = {"discord.py": "a bare bot of discord.py", "aiohttp": "bare aiohttp"}


async def measure(folder: Path) -> list[Row]:
    rivya = CountedRivya(painting(SIDE), polls=POLLS)
    seconds: dict[str, list[float]] = {kind: [] for kind in (OURS, *MOST_TIMES)}
    calls: dict[str, dict[str, int]] = {}
    async with rivya.serving(), AsyncExitStack() as stack:
        programs = [
            await stack.enter_async_context(open_program(kind, folder, rivya, poll_seconds=POLL_SECONDS))
            for kind in seconds
        ]
        for number in range(1 + ROUNDS):
            for program in programs:
                rivya.calls.clear()
                program.discord.rest.calls.clear()
                took = await program.measure(JOBS, at_once=AT_ONCE)
                calls[program.kind] = {**rivya.calls, "discord": len(program.discord.rest.calls)}
                if number:  # the first round also imports and connects
                    seconds[program.kind].append(took)
    for kind in MOST_TIMES:  # else they are no yardstick
        assert calls[kind] == calls[OURS], calls
    return [_row(kind, seconds) for kind in MOST_TIMES]


def _row(kind: str, seconds: dict[str, list[float]]) -> Row:
    times = median(ours / bare for ours, bare in zip(seconds[OURS], seconds[kind], strict=True))
    ours, bare = (median(seconds[each]) * 1000 for each in (OURS, kind))
    return ratio_row(
        f"processor's time of a job beside {NAMES[kind]}",
        Ratio(times, at_most=MOST_TIMES[kind]),
        f"{ours:.1f} and {bare:.1f} ms",
        f"Median of {ROUNDS} rounds of {JOBS} jobs in turns, {AT_ONCE} at once, all threads: a command, a"
        f" task, {POLLS} polls, a picture of {SIDE} x {SIDE}, and three calls of Discord.",
        f"{ours - bare:.1f} ms more are for the COMMITs, the checks of every answer and message, retries,"
        " limits of time, progress, metrics and the log",
        margin=MARGIN,
    )
