"""Measure the memory of a thousand jobs that wait for one slot."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.harness import (
    PROMPT_CHARACTERS,
    RecordingDelivery,
    member_request,
    open_engine,
    open_services,
    start_job,
)
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.results_table import Row, memory_row

WAITING = 1000
TARGET_MIB = 32
FOR_EVER_SECONDS = 3600.0


async def measure(folder: Path) -> list[Row]:
    delivery = RecordingDelivery()
    async with (
        open_services(painting_seconds=FOR_EVER_SECONDS) as services,
        open_engine(folder, delivery, services, max_running=1) as engine,
    ):
        await start_job(engine, member_request(0))
        await start_job(engine, member_request(1))
        await delivery.until(lambda: len(delivery.queued) == 1)
        peak = PeakMemory()
        for number in range(WAITING):
            await start_job(engine, member_request(number))
        await delivery.until(lambda: len(delivery.queued) == 1 + WAITING)
    return [
        memory_row(
            f"memory added by {WAITING} waiting jobs",
            peak.added_bytes,
            TARGET_MIB,
            peak.describe(),
            "Submitted, started, and shown their place in the queue behind a job that does not end;"
            f" prompts of {PROMPT_CHARACTERS} characters. {peak.method}.",
            f"each takes {peak.added_bytes / WAITING / 1024:.1f} KiB: its job and two asyncio tasks",
        )
    ]
