"""A start that finds ten thousand jobs in flight."""

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
    open_beside,
    open_engine,
)
from tests.benchmarks.lag import lag
from tests.benchmarks.memory import MIB, Peak
from tests.benchmarks.results_table import Row
from tests.benchmarks.seed_in_flight import SIZE, CountingClient, launch

OLDEST_SECONDS = 240.0
FIRST = 100
LOOK_SECONDS = 0.002
TARGET_SECONDS = 5.0
TARGET_LATE_SECONDS = 0.5
TARGET_MIB = 160


@dataclass(frozen=True)
class Resumed:
    """Seconds from the beginning of the start, but for `cpu_seconds` and the longest the loop was held."""

    standing_seconds: float
    cpu_seconds: float
    first_seconds: float
    all_seconds: float
    late_seconds: float
    memory: str
    added_bytes: int
    way: str


async def measure(folder: Path) -> list[Row]:
    log_setup.configure("error", "console")  # a poll that fails is counted here, and not told
    await launch(folder, over_seconds=OLDEST_SECONDS)
    plain_seconds = _read_plainly(folder / "bot.sqlite3")
    async with open_beside("tests.benchmarks.stub_rivya") as where:
        resumed = await _resume(folder, FakeServices(**where))
    return [_standing(resumed, plain_seconds), _polled(resumed), _memory(resumed)]


async def _resume(folder: Path, outside: FakeServices) -> Resumed:
    peak = Peak()
    async with open_engine(
        folder,
        RecordingDelivery(),
        outside,
        first_poll_seconds=RivyaSettings.model_fields["first_poll_seconds"].default,
        poll_seconds=RivyaSettings.model_fields["poll_seconds"].default,
        client=CountingClient,
    ) as engine:
        async with lag() as late:
            await asyncio.sleep(0)  # the beat begins
            began, worked = time.perf_counter(), time.process_time()
            assert await engine.resume() == SIZE
            await asyncio.sleep(0)  # behind every walk in line: each has taken its first step
            ready_at, cpu_seconds = time.perf_counter(), time.process_time() - worked
            first = await _when_polled(FIRST)
            everybody = await _when_polled(SIZE)
        resumed = Resumed(
            standing_seconds=ready_at - began,
            cpu_seconds=cpu_seconds,
            first_seconds=first - began,
            all_seconds=everybody - began,
            late_seconds=max(late),
            memory=peak.describe(),
            added_bytes=peak.added_bytes,
            way=peak.way,
        )
        await engine.close(grace_seconds=0)
    return resumed


def _read_plainly(path: Path) -> float:
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as books:
        books.row_factory = sqlite3.Row
        rows = books.execute("SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY accepted_at, job_id")
        assert len(rows.fetchall()) == SIZE
    return time.perf_counter() - began


async def _when_polled(polls: int) -> float:
    """When so many polls were answered, by `time.perf_counter`."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while CountingClient.asked.polls < polls:
            await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter()


def _standing(resumed: Resumed, plain_seconds: float) -> Row:
    return Row(
        what=f"until {SIZE:,} jobs found at start walk again",
        measured=f"{resumed.standing_seconds:.2f} s",
        target=f"< {TARGET_SECONDS:.0f} s",
        met=resumed.standing_seconds < TARGET_SECONDS,
        note="Read, made into jobs, a walk begun for each, its first step taken:"
        f" {resumed.cpu_seconds:.2f} s of CPU. Plain sqlite3 takes {plain_seconds:.2f} s to read the same"
        " rows.",
        reason=f"the machine gave it {resumed.cpu_seconds / resumed.standing_seconds:.2f} of a core",
    )


def _polled(resumed: Resumed) -> Row:
    return Row(
        what="meanwhile the event loop was held for",
        measured=f"{resumed.late_seconds:.2f} s at most",
        target=f"< {TARGET_LATE_SECONDS} s",
        met=resumed.late_seconds < TARGET_LATE_SECONDS,
        note=f"Their tasks are up to {OLDEST_SECONDS:.0f} s old, so every poll is due. {FIRST} were answered"
        f" after {resumed.first_seconds:.1f} s, {SIZE:,} after {resumed.all_seconds:.1f} s;"
        f" {CountingClient.asked.failed} failed for want of a connection in time.",
        reason="all walks begin and ask in the same round of the loop, and the garbage collector goes over"
        " everything they made, again and again",
    )


def _memory(resumed: Resumed) -> Row:
    return Row(
        what=f"memory added by {SIZE:,} jobs found at start",
        measured=f"{resumed.memory}: {resumed.added_bytes / SIZE / 1024:.1f} KiB a job",
        target=f"< {TARGET_MIB} MiB",
        met=resumed.added_bytes < TARGET_MIB * MIB,
        note=f"With a poll of each under way or in line; prompts of 1000 characters. {resumed.way}.",
        reason="a poll in line holds the frames of the call and of the library that makes it",
    )
