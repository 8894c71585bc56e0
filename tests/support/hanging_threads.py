"""Threads that decode a picture and wait until a test ends the wait."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot.images.processing import Normalised
from bot.images.workers import WORKERS, ImageWorkers
from tests.support.waiting import soon

LIMIT_BYTES = 10_000_000


async def open_writer(pipe: Path) -> int:
    """Return the writing end of a named pipe once somebody reads."""
    return await soon(asyncio.to_thread(os.open, pipe, os.O_WRONLY))


async def hang_threads(
    image_workers: ImageWorkers, folder: Path
) -> tuple[list[asyncio.Task[Normalised]], list[int]]:
    """Let every thread read a pipe; return these tasks, which fail, and what to close so that they do.

    Each has a pipe of its own: a thread that opened a shared one after its writer closed would wait for ever.
    """
    pipes = [folder / f"pipe{number}" for number in range(WORKERS)]
    for pipe in pipes:
        os.mkfifo(pipe)
    hanging = [
        asyncio.create_task(
            image_workers.normalise_reference(pipe, folder / "target", limit_bytes=LIMIT_BYTES)
        )
        for pipe in pipes
    ]
    return hanging, [await open_writer(pipe) for pipe in pipes]
