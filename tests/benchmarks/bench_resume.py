"""Measure a start that resumes ten thousand jobs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.config.settings import RivyaSettings
from bot.observability import log_setup
from tests.benchmarks.harness import (
    PATIENCE_SECONDS,
    FakeServices,
    RecordingDelivery,
    open_engine,
    open_process,
)
from tests.benchmarks.lag import measure_held, measure_lag
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.results_table import Ratio, Row, memory_row, ratio_row
from tests.benchmarks.seed_in_flight import JOBS, CountingClient, seed_jobs

OLDEST_SECONDS = 240.0
FIRST = 100
CHECK_SECONDS = 0.002
TARGET_TIMES = 10.0
TARGET_HELD_SECONDS = 0.050
TARGET_MIB = 160


@dataclass(frozen=True)
class Resumed:
    """Seconds since the start until all jobs run and until polls are answered; CPU time, lag, memory."""

    ready_seconds: float
    cpu_seconds: float
    first_seconds: float
    all_seconds: float
    lag_seconds: float
    held_seconds: float
    memory: str
    added_bytes: int
    method: str


async def measure(folder: Path) -> list[Row]:
    log_setup.configure("error", "console")  # failed polls are counted instead
    await seed_jobs(folder, over_seconds=OLDEST_SECONDS)
    bare_seconds = await _start_bare(folder / "bot.sqlite3")
    async with open_process("tests.benchmarks.stub_rivya") as addresses:
        resumed = await _resume(folder, FakeServices(**addresses))
    return [_ready(resumed, bare_seconds), _polled(resumed), _memory(resumed)]


async def _resume(folder: Path, services: FakeServices) -> Resumed:
    peak = PeakMemory()
    async with open_engine(
        folder,
        RecordingDelivery(),
        services,
        first_poll_seconds=RivyaSettings.model_fields["first_poll_seconds"].default,
        poll_seconds=RivyaSettings.model_fields["poll_seconds"].default,
        client=CountingClient,
    ) as engine:
        async with measure_lag() as lags, measure_held() as held:
            await asyncio.sleep(0)  # the measuring of the lag begins
            started, cpu_started = time.perf_counter(), time.process_time()
            assert await engine.resume() == JOBS
            await asyncio.sleep(0)  # after this, the task of every job has run once
            ready_at, cpu_seconds = time.perf_counter(), time.process_time() - cpu_started
            first = await _wait_for_polls(FIRST)
            last = await _wait_for_polls(JOBS)
        resumed = Resumed(
            ready_seconds=ready_at - started,
            cpu_seconds=cpu_seconds,
            first_seconds=first - started,
            all_seconds=last - started,
            lag_seconds=max(lags, default=0.0),
            held_seconds=max(held, default=0.0),
            memory=peak.describe(),
            added_bytes=peak.added_bytes,
            method=peak.method,
        )
        await engine.close(grace_seconds=0)
    return resumed


async def _start_bare(path: Path) -> float:
    """Return the processor's seconds to read the rows and to start two tasks for each, which sleep."""
    started = time.process_time()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY accepted_at, job_id")
        tasks = [asyncio.create_task(asyncio.sleep(PATIENCE_SECONDS)) for _ in rows for _ in range(2)]
    await asyncio.sleep(0)
    took = time.process_time() - started
    assert len(tasks) == 2 * JOBS
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return took


async def _wait_for_polls(polls: int) -> float:
    """Wait until so many polls were answered; returns the time by `time.perf_counter`."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while CountingClient.attempts.polls < polls:
            await asyncio.sleep(CHECK_SECONDS)
    return time.perf_counter()


def _ready(resumed: Resumed, bare_seconds: float) -> Row:
    return ratio_row(
        f"until {JOBS:,} jobs run again after a start",
        Ratio(resumed.cpu_seconds / bare_seconds, at_most=TARGET_TIMES),
        f"{resumed.cpu_seconds:.2f} and {bare_seconds:.2f} s",
        "Beside plain sqlite3 that reads the same rows, and two bare tasks for each that sleep, in the"
        " processor's time: they are read, and a task is started for each and has run once. By the clock it"
        f" took {resumed.ready_seconds:.2f} s.",
        "a row has many columns, of which a job is made, and each job has two asyncio tasks",
    )


def _polled(resumed: Resumed) -> Row:
    return Row(
        what="the event loop is held meanwhile",
        measured=f"{resumed.held_seconds * 1000:.0f} ms at most",
        target=f"< {TARGET_HELD_SECONDS * 1000:.0f} ms",
        met=resumed.held_seconds < TARGET_HELD_SECONDS,
        note="The processor time of its thread in one turn, which other programs do not change; by the clock"
        f" a sleep was late by {resumed.lag_seconds * 1000:.0f} ms at most. Their tasks are up to"
        f" {OLDEST_SECONDS:.0f} s old, so every poll is due. {FIRST} were answered after"
        f" {resumed.first_seconds:.1f} s, {JOBS:,} after {resumed.all_seconds:.1f} s;"
        f" {CountingClient.attempts.failed} failed because they got no connection in time.",
        value=resumed.held_seconds * 1000,
        reason="a batch of jobs starts and polls in the same turn of the event loop, and the garbage"
        " collector visits the objects of those that poll",
    )


def _memory(resumed: Resumed) -> Row:
    return memory_row(
        f"memory added by {JOBS:,} resumed jobs",
        resumed.added_bytes,
        TARGET_MIB,
        f"{resumed.memory}: {resumed.added_bytes / JOBS / 1024:.1f} KiB a job",
        f"With a poll of each running or queued; prompts of 1000 characters. {resumed.method}.",
        "a queued poll holds the frames of the call and of aiohttp",
    )
