"""The memory of a picture is given back once it is prepared, whichever thread did it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 1800
PIXEL_BYTES = SIDE * SIDE * 4
PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from bot.images.workers import WORKERS, ImageWorkers
from bot.storage.picture_store import PictureStore

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

async def prepare(workers, store, folder, numbers):
    async def one(number):
        ready = folder / f"ready{number}"
        await workers.normalise_reference(folder / "reference.png", ready, limit_bytes=10**7)
        await store.save_file(ready)
    await asyncio.gather(*map(one, numbers))

async def main(folder):
    workers, store = ImageWorkers(folder / "scratch"), PictureStore(folder / "pictures")
    await workers.thumbnail((folder / "small.png").read_bytes(), 8)
    before = resident_bytes()
    for round in range(3):
        await prepare(workers, store, folder, range(2 * WORKERS))
    print(resident_bytes() - before)
    workers.close()

asyncio.run(main(Path(sys.argv[1])))
"""

ARENAS_PROGRAM = """
import ctypes, sys, threading
from pathlib import Path
from bot.images.workers import ImageWorkers

workers = ImageWorkers(Path(sys.argv[1]) / "scratch")
barrier = threading.Barrier(65)

def keep():
    kept = [bytes(100_000) for _ in range(3)]
    barrier.wait(60)
    barrier.wait(60)

for _ in range(64):
    threading.Thread(target=keep, daemon=True).start()
barrier.wait(60)
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
target = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(target))
libc.fclose(ctypes.c_void_p(target))
barrier.wait(60)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="asks glibc")
def test_many_threads_share_a_few_arenas(tmp_path: Path) -> None:
    """https://man7.org/linux/man-pages/man3/malloc_info.3.html: one `heap` for each arena."""
    description = tmp_path / "malloc.xml"
    program = [sys.executable, "-c", ARENAS_PROGRAM, str(tmp_path), str(description)]
    subprocess.run(program, cwd=ROOT, check=True)
    assert 1 <= description.read_text().count("<heap nr=") <= 4


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
def test_prepared_references_leave_nothing_behind_in_memory(tmp_path: Path) -> None:
    noise = Image.effect_noise((SIDE, SIDE), 200)
    Image.merge("RGB", (noise, noise, noise)).save(tmp_path / "reference.png", compress_level=0)
    Image.new("RGB", (8, 8)).save(tmp_path / "small.png")
    program = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    left_bytes = int(subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert left_bytes < PIXEL_BYTES


BLOCKS_PROGRAM = """
import asyncio, io, sys
from pathlib import Path
from PIL import Image
from bot.images.workers import ImageWorkers

def png(side):
    file = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(file, "PNG")
    return file.getvalue()

async def main(folder):
    workers, square, large = ImageWorkers(folder / "scratch"), png(1024), png(3000)
    await workers.prepare_result(square, limit_bytes=10**7)
    allocated = Image.core.get_stats()["allocated_blocks"]
    for _ in range(10):
        await workers.prepare_result(square, limit_bytes=10**7)
    print(Image.core.get_stats()["allocated_blocks"] - allocated)
    await asyncio.gather(*(workers.prepare_result(large, limit_bytes=10**7) for _ in range(6)))
    print(Image.core.get_stats()["blocks_cached"] * Image.core.get_block_size())
    workers.close()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_the_pixels_of_one_picture_serve_the_next_and_no_more_than_eight_megabytes_are_kept(
    tmp_path: Path,
) -> None:
    program = [sys.executable, "-c", BLOCKS_PROGRAM, str(tmp_path)]
    ended = subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True)
    newly_allocated, kept_bytes = map(int, ended.stdout.split())
    assert newly_allocated == 0
    assert 0 < kept_bytes <= 8 << 20
