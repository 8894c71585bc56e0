"""Ten thousand jobs in flight, polled as often as in earnest, beside as many loops of bare aiohttp."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.config.settings import RivyaSettings
from bot.observability import log_setup
from bot.rivya.client import CONNECTIONS_LIMIT
from tests.benchmarks.harness import FakeServices, RecordingDelivery, open_beside, open_engine
from tests.benchmarks.lag import lag
from tests.benchmarks.memory import MIB, Peak
from tests.benchmarks.results_table import Row, milliseconds, percentile
from tests.benchmarks.seed_in_flight import SIZE, Asked, CountingClient, launch

POLL_SECONDS: float = RivyaSettings.model_fields["poll_seconds"].default
WANTED_A_SECOND = SIZE / (1.1 * POLL_SECONDS)
"""What so many walks want, with the rests as long as they are: a tenth more than the beat."""
OPENING_SECONDS = 3.0
"""For the start: no first poll is due before it is over, so they come as evenly as the tasks were made."""
WATCHED_SECONDS = 2.2 * POLL_SECONDS
"""Two polls of each."""
BARE_SECONDS = 6.0
TARGET_SHARE = 0.5
TARGET_LAG_SECONDS = 0.100
TARGET_MIB = 160


@dataclass(frozen=True)
class Asking:
    """Polls in so many seconds of the clock, and of this process's own work."""

    polls: int
    failed: int
    seconds: float
    cpu_seconds: float

    @property
    def a_second(self) -> float:
        return self.polls / self.seconds

    @property
    def a_cpu_second(self) -> float:
        return self.polls / self.cpu_seconds


async def measure(folder: Path) -> list[Row]:
    log_setup.configure("error", "console")  # a poll that fails is counted here, and not told
    await launch(folder, over_seconds=POLL_SECONDS)
    async with open_beside("tests.benchmarks.stub_rivya") as where:
        outside = FakeServices(**where)
        peak = Peak()
        async with open_engine(
            folder,
            RecordingDelivery(),
            outside,
            first_poll_seconds=POLL_SECONDS + OPENING_SECONDS,
            poll_seconds=POLL_SECONDS,
            client=CountingClient,
        ) as engine:
            assert await engine.resume() == SIZE
            await asyncio.sleep(OPENING_SECONDS / 2)
            async with lag() as late:
                ours = await _watched(CountingClient.asked, WATCHED_SECONDS)
            memory, added_bytes = peak.describe(), peak.added_bytes
            await engine.close(grace_seconds=0)
        bare = await _bare(outside)
    return [_polls(ours, bare), _lag(late, ours), _memory(memory, added_bytes, peak.way)]


async def _watched(asked: Asked, seconds: float) -> Asking:
    polls, failed = asked.polls, asked.failed
    began, worked = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return Asking(
        asked.polls - polls,
        asked.failed - failed,
        time.perf_counter() - began,
        time.process_time() - worked,
    )


async def _bare(outside: FakeServices) -> Asking:
    """As many loops that sleep as long, ask, and parse what comes; nothing else."""
    asked = Asked()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_LIMIT)
    headers = {"Authorization": f"Bearer {outside.api_key}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        url = f"{outside.rivya}/api/v1/generations/task_"
        loops = [asyncio.create_task(_ask(session, f"{url}{place}", place, asked)) for place in range(SIZE)]
        asking = await _watched(asked, BARE_SECONDS)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
    return asking


async def _ask(session: aiohttp.ClientSession, url: str, place: int, asked: Asked) -> None:
    await asyncio.sleep(place / SIZE * POLL_SECONDS)
    while True:
        async with session.get(url) as answer:
            json.loads(await answer.read())
        asked.polls += 1
        await asyncio.sleep(POLL_SECONDS * random.uniform(1.0, 1.2))


def _polls(ours: Asking, bare: Asking) -> Row:
    share = ours.a_cpu_second / bare.a_cpu_second
    return Row(
        what=f"polls in a second of CPU, {SIZE:,} jobs in flight",
        measured=f"{ours.a_cpu_second:.0f} of {bare.a_cpu_second:.0f}: {share:.2f}",
        target="> half of aiohttp's",
        met=share > TARGET_SHARE,
        note="Whole walks that rest, poll, read the answer and speak, beside as many loops that sleep"
        f" as long, ask and parse; {CONNECTIONS_LIMIT} connections each, to a process that answers at once. A"
        f" beat of {POLL_SECONDS:.0f} s wants {WANTED_A_SECOND:.0f} a second: ours did {ours.a_second:.0f},"
        f" bare aiohttp {bare.a_second:.0f}.",
        reason=f"ours takes {1e6 / ours.a_cpu_second - 1e6 / bare.a_cpu_second:.0f} us more for each: the"
        " machinery for repeats, time-outs, the reading of the answer, the rest, the garbage collector",
    )


def _lag(late: list[float], ours: Asking) -> Row:
    return Row(
        what=f"event loop late meanwhile, {ours.failed} polls failed",
        measured=f"{milliseconds(late)}, max {max(late) * 1000:.0f} ms",
        target=f"p99 < {TARGET_LAG_SECONDS * 1000:.0f} ms, none failed",
        met=percentile(late, 99) < TARGET_LAG_SECONDS and not ours.failed,
        note=f"Over {ours.seconds:.0f} s; who sleeps 5 ms is woken so much later. It bounds what a command"
        " waits for beside the polls. A poll fails if it gets no connection within its time-out.",
        reason=f"the machine gave this process {ours.cpu_seconds / ours.seconds:.2f} of a core",
    )


def _memory(memory: str, added_bytes: int, way: str) -> Row:
    return Row(
        what=f"memory added by {SIZE:,} jobs in flight",
        measured=f"{memory}: {added_bytes / SIZE / 1024:.1f} KiB a job",
        target=f"< {TARGET_MIB} MiB",
        met=added_bytes < TARGET_MIB * MIB,
        note=f"Resumed from their rows, resting and polling; prompts of 1000 characters. {way}.",
        reason="each holds its job with the body sent, two asyncio tasks and the frames they stand in; a poll"
        " that waits for a connection holds twice as much",
    )
