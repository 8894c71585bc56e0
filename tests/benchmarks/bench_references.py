"""Fifty references of 10 MB at once: fetched, decoded, encoded anew and uploaded."""

from __future__ import annotations

import threading
from pathlib import Path

from bot.domain.image_models import QWEN_IMAGE
from tests.benchmarks.harness import RecordingDelivery, begin, open_engine, open_outside, request
from tests.benchmarks.memory import MIB, Peak
from tests.benchmarks.results_table import Row

AT_ONCE = 50
SIDE = 1824
"""Of noise that is a PNG of 9.98 MB, just below what the model takes."""
TARGET_MIB = 64


async def measure(folder: Path) -> list[Row]:
    doorstep = RecordingDelivery()
    async with open_outside(reference_side=SIDE) as outside, open_engine(folder, doorstep, outside) as engine:
        await begin(engine, request(0, outside.small_reference))
        await doorstep.until(lambda: len(doorstep.landed_at) == 1)
        peak = Peak()
        for number in range(AT_ONCE):
            size_bytes = QWEN_IMAGE.reference_limit_bytes
            await begin(engine, request(number, outside.big_reference, size_bytes))
        await doorstep.until(lambda: len(doorstep.landed_at) == 1 + AT_ONCE)
    return [
        Row(
            what=f"memory added by {AT_ONCE} references of 10 MB at once",
            measured=peak.describe(),
            target=f"< {TARGET_MIB} MiB",
            met=peak.added_bytes < TARGET_MIB * MIB,
            note=f"{SIDE} x {SIDE} pixels of noise as PNG, through the whole walk; the servers are another"
            f" process, and one small job ran before. {peak.way}.",
            reason=f"decoded, each takes {SIDE * SIDE * 4 / MIB:.0f} MiB, and glibc keeps that much for every"
            f" thread that ever decoded one, of the {threading.active_count()} here; with MALLOC_ARENA_MAX=1"
            " in the environment it keeps it once, and the difference shows how much of this is that",
        )
    ]
