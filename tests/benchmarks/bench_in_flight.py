"""Poll ten thousand jobs at the default interval, compared with as many loops of bare aiohttp."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from bot.config.settings import RivyaSettings
from bot.observability import log_setup
from bot.rivya.client import CONNECTIONS_LIMIT
from tests.benchmarks.harness import FakeServices, RecordingDelivery, open_engine, open_process
from tests.benchmarks.lag import measure_lag
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.results_table import Ratio, Row, memory_row, milliseconds, percentile, ratio_row
from tests.benchmarks.seed_in_flight import JOBS, AttemptCounts, CountingClient, seed_jobs

POLL_SECONDS: float = RivyaSettings.model_fields["poll_seconds"].default
EXPECTED_POLLS_PER_SECOND = JOBS / (1.1 * POLL_SECONDS)
"""The interval is 1.0 to 1.2 times `poll_seconds`, at random."""
START_SECONDS = 3.0
"""Added to the first poll, so that polls are spread as evenly as the creation of the tasks."""
MEASURED_SECONDS = 2.2 * POLL_SECONDS
"""Two polls of each job."""
BARE_SECONDS = 6.0
TARGET_SHARE = 0.5
TARGET_LAG_TIMES = 2.0
TARGET_MIB = 160


@dataclass(frozen=True)
class PollRate:
    """Polls in some seconds of real time and of CPU time of this process."""

    polls: int
    failed: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.polls / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.polls / self.cpu_seconds


async def measure(folder: Path) -> list[Row]:
    log_setup.configure("error", "console")  # failed polls are counted instead
    await seed_jobs(folder, over_seconds=POLL_SECONDS)
    async with open_process("tests.benchmarks.stub_rivya") as addresses:
        services = FakeServices(**addresses)
        peak = PeakMemory()
        async with open_engine(
            folder,
            RecordingDelivery(),
            services,
            first_poll_seconds=POLL_SECONDS + START_SECONDS,
            poll_seconds=POLL_SECONDS,
            client=CountingClient,
        ) as engine:
            assert await engine.resume() == JOBS
            await asyncio.sleep(START_SECONDS / 2)
            async with measure_lag() as lags:
                ours = await _measure_polls(CountingClient.attempts, MEASURED_SECONDS)
            memory, added_bytes = peak.describe(), peak.added_bytes
            await engine.close(grace_seconds=0)
        async with measure_lag() as bare_lags:
            bare = await _bare(services)
    return [_polls(ours, bare), _lag(lags, bare_lags, ours), _memory(memory, added_bytes, peak.method)]


async def _measure_polls(attempts: AttemptCounts, seconds: float) -> PollRate:
    polls, failed = attempts.polls, attempts.failed
    started, cpu_started = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return PollRate(
        attempts.polls - polls,
        attempts.failed - failed,
        time.perf_counter() - started,
        time.process_time() - cpu_started,
    )


async def _bare(services: FakeServices) -> PollRate:
    """Run as many loops that only sleep as long, poll, and parse the response."""
    attempts = AttemptCounts()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_LIMIT)
    headers = {"Authorization": f"Bearer {services.api_key}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        url = f"{services.rivya_url}/api/v1/generations/task_"
        loops = [
            asyncio.create_task(_ask(session, f"{url}{index}", index, attempts)) for index in range(JOBS)
        ]
        rate = await _measure_polls(attempts, BARE_SECONDS)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
    return rate


async def _ask(session: aiohttp.ClientSession, url: str, index: int, attempts: AttemptCounts) -> None:
    await asyncio.sleep(index / JOBS * POLL_SECONDS)
    while True:
        async with session.get(url) as answer:
            json.loads(await answer.read())
        attempts.polls += 1
        await asyncio.sleep(POLL_SECONDS * random.uniform(1.0, 1.2))


def _polls(ours: PollRate, bare: PollRate) -> Row:
    share = ours.per_cpu_second / bare.per_cpu_second
    return ratio_row(
        f"polls in a second of CPU, {JOBS:,} jobs in flight",
        Ratio(share, at_least=TARGET_SHARE),
        f"{ours.per_cpu_second:.0f} and {bare.per_cpu_second:.0f}",
        "Beside bare aiohttp. Whole jobs that sleep, poll, validate the response and report progress, and as"
        f" many loops that sleep as long, poll and parse; {CONNECTIONS_LIMIT} connections each, to one"
        f" process. An interval of {POLL_SECONDS:.0f} s needs {EXPECTED_POLLS_PER_SECOND:.0f} polls a second:"
        f" ours did {ours.per_second:.0f}, bare aiohttp {bare.per_second:.0f}.",
        f"ours takes {1e6 / ours.per_cpu_second - 1e6 / bare.per_cpu_second:.0f} us more for each:"
        " retries, time-outs, validation of the response, scheduling, garbage collection",
    )


def _lag(lags: list[float], bare_lags: list[float], ours: PollRate) -> Row:
    times = percentile(lags, 99) / percentile(bare_lags, 99)
    row = ratio_row(
        "lag of the event loop meanwhile",
        Ratio(times, at_most=TARGET_LAG_TIMES),
        f"{milliseconds(lags)} and {milliseconds(bare_lags)}, {ours.failed} polls failed",
        f"Beside those loops of bare aiohttp, p99 over {ours.seconds:.0f} s, and no poll may fail; the delay"
        " of a sleep of 5 ms. Commands wait as long while jobs are polled. A poll fails if it gets no"
        " connection within its time-out.",
        f"the machine gave this process {ours.cpu_seconds / ours.seconds:.2f} of a core",
    )
    return replace(row, met=row.met and not ours.failed)


def _memory(memory: str, added_bytes: int, method: str) -> Row:
    return memory_row(
        f"memory added by {JOBS:,} jobs in flight",
        added_bytes,
        TARGET_MIB,
        f"{memory}: {added_bytes / JOBS / 1024:.1f} KiB a job",
        f"Resumed from their rows, sleeping and polling; prompts of 1000 characters. {method}.",
        "each holds its job with the request body and two asyncio tasks with their frames; a poll that"
        " waits for a connection holds twice as much",
    )
