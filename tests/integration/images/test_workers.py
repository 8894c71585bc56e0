"""Pictures are decoded in threads, HEIC in a child process; neither may keep the bot from exiting."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path

import pytest

from bot.domain.errors import ContractViolation
from bot.images import decoder_process
from bot.images.workers import WORKERS, ImageWorkers
from tests.support.hanging_threads import LIMIT_BYTES, hang_threads, open_writer
from tests.support.images import make_picture
from tests.support.paths import ROOT
from tests.support.picture_files.heic import needs_heic
from tests.support.waiting import PATIENCE_SECONDS, soon

HANGING_PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from bot.images.workers import ImageWorkers

async def main(folder):
    workers = ImageWorkers(folder / "scratch")
    work = workers.normalise_reference(folder / "pipe", folder / "target", limit_bytes=10**6)
    decoding = asyncio.create_task(work)
    writer = await asyncio.to_thread(os.open, folder / "pipe", os.O_WRONLY)  # returns once the thread reads
    decoding.cancel()
    workers.close()
    print("closed")

asyncio.run(main(Path(sys.argv[1])))
"""
"""The writer stays open, so that the thread waits for data until the process has ended."""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Make a named pipe: a reader of it waits until its writer closes it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_a_decode_that_hangs_does_not_delay_the_exit(pipe: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGING_PROGRAM, str(pipe.parent)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "closed\n", "")


async def test_a_picture_whose_caller_was_cancelled_is_not_decoded(tmp_path: Path) -> None:
    workers = ImageWorkers(tmp_path / "scratch")
    hanging, writers = await hang_threads(workers, tmp_path)
    source, cancelled_target = tmp_path / "source", tmp_path / "cancelled_target"
    source.write_bytes(make_picture())
    queued = asyncio.create_task(
        workers.normalise_reference(source, cancelled_target, limit_bytes=LIMIT_BYTES)
    )
    await asyncio.sleep(0)  # `queued` is in the queue from here on
    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await queued
    for writer in writers:
        os.close(writer)
    await soon(asyncio.gather(*hanging, return_exceptions=True))
    for _ in range(WORKERS):  # the threads still work
        with pytest.raises(ContractViolation):
            await soon(workers.prepare_result(b"", limit_bytes=LIMIT_BYTES))
    assert not cancelled_target.exists()
    workers.close()


@needs_heic
async def test_the_child_that_reads_heic_ends_with_its_parent(pipe: Path) -> None:
    command = [
        sys.executable,
        "-I",
        decoder_process.__file__,
        str(pipe),
        str(pipe.parent / "target"),
        "10",
        "10",
        "HEIF",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            writer = await open_writer(pipe)
            assert child.poll() is None
            assert child.stdin is not None
            child.stdin.close()
            assert child.wait(PATIENCE_SECONDS) == 1
            os.close(writer)
        finally:
            child.kill()


async def test_a_result_goes_before_references_that_came_earlier(tmp_path: Path) -> None:
    """One that waits is in memory, and a member waits for it."""
    workers = ImageWorkers(tmp_path / "scratch")
    hanging, writers = await hang_threads(workers, tmp_path)
    order: list[str] = []

    async def record(name: str, work: Awaitable[object]) -> None:
        await work
        order.append(name)

    source = tmp_path / "source"
    source.write_bytes(make_picture())
    references = [
        workers.normalise_reference(source, tmp_path / f"target{number}", limit_bytes=LIMIT_BYTES)
        for number in range(2)
    ]
    queued = [asyncio.create_task(record("reference", reference)) for reference in references]
    await asyncio.sleep(0)  # both are in the queue now
    result = workers.prepare_result(source.read_bytes(), limit_bytes=LIMIT_BYTES)
    queued.append(asyncio.create_task(record("result", result)))
    await asyncio.sleep(0)
    os.close(writers.pop())  # one thread goes on, the other one hangs
    await soon(asyncio.gather(*queued))
    assert order == ["result", "reference", "reference"]
    os.close(writers.pop())
    await soon(asyncio.gather(*hanging, return_exceptions=True))
    workers.close()
