"""A thousand jobs in line for one slot."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.harness import (
    PROMPT_CHARACTERS,
    RecordingDelivery,
    begin,
    open_engine,
    open_outside,
    request,
)
from tests.benchmarks.memory import MIB, Peak
from tests.benchmarks.results_table import Row

WAITING = 1000
TARGET_MIB = 32
FOR_EVER_SECONDS = 3600.0


async def measure(folder: Path) -> list[Row]:
    doorstep = RecordingDelivery()
    async with (
        open_outside(painting_seconds=FOR_EVER_SECONDS) as outside,
        open_engine(folder, doorstep, outside, max_running=1) as engine,
    ):
        await begin(engine, request(0))
        await begin(engine, request(1))
        await doorstep.until(lambda: len(doorstep.in_line) == 1)
        peak = Peak()
        for number in range(WAITING):
            await begin(engine, request(number))
        await doorstep.until(lambda: len(doorstep.in_line) == 1 + WAITING)
    return [
        Row(
            what=f"memory added by {WAITING} waiting jobs",
            measured=peak.describe(),
            target=f"< {TARGET_MIB} MiB",
            met=peak.added_bytes < TARGET_MIB * MIB,
            note="Submitted, started, told their place in line behind a painting that does not end; prompts"
            f" of {PROMPT_CHARACTERS} characters. {peak.way}.",
            reason=f"each takes {peak.added_bytes / WAITING / 1024:.1f} KiB: its job and two asyncio tasks",
        )
    ]
