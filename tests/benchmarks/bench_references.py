"""Process fifty references of 10 MB at once: download, decode, encode and upload.

As on a machine with many processors, the event loop has many threads, and many have used memory before.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.domain.image_models import QWEN_IMAGE
from bot.images.workers import WORKERS
from tests.benchmarks.harness import RecordingDelivery, member_request, open_engine, open_services, start_job
from tests.benchmarks.memory import MIB, PeakMemory
from tests.benchmarks.results_table import Row, memory_row

AT_ONCE = 50
SIDE = 1824
"""In pixels; of noise, that is a PNG of 9.98 MB, just below the model's limit."""
TARGET_MIB = 64
THREADS = 32
"""As many as the event loop has from 28 processors on."""


async def measure(folder: Path) -> list[Row]:
    delivery = RecordingDelivery()
    async with (
        open_services(reference_side=SIDE) as services,
        open_engine(folder, delivery, services) as engine,
    ):
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        _use_memory_in_threads()
        await start_job(engine, member_request(0, services.small_reference_url))
        await delivery.until(lambda: len(delivery.delivered_at) == 1)
        peak = PeakMemory()
        for number in range(AT_ONCE):
            size_bytes = QWEN_IMAGE.reference_limit_bytes
            await start_job(engine, member_request(number, services.large_reference_url, size_bytes))
        await delivery.until(lambda: len(delivery.delivered_at) == 1 + AT_ONCE)
    return [
        memory_row(
            f"memory added by {AT_ONCE} references of 10 MB at once",
            peak.added_bytes,
            TARGET_MIB,
            peak.describe(),
            f"{SIDE} x {SIDE} pixels of noise as PNG, each in a whole job; the servers are another process."
            f" {THREADS} threads that used memory and one small job ran before. {peak.method}.",
            f"decoded, each takes {SIDE * SIDE * 4 / MIB:.0f} MiB beside the 10 MB of its file, in"
            f" {WORKERS} threads; a C library other than glibc may keep that much for each",
        )
    ]


def _use_memory_in_threads() -> None:
    """Let many threads allocate and free blocks of the size that a C library keeps, all at the same time."""
    barrier = threading.Barrier(THREADS)

    def use() -> None:
        blocks = [bytes(500_000) for _ in range(4)]
        barrier.wait()
        del blocks

    threads = [threading.Thread(target=use) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
