"""Run a program beside the one that measures."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def run_python(
    *arguments: str, folder: Path | None = None, stderr: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """Run Python with these arguments until the block ends; yields its standard input and output.

    Args:
        arguments: such as `-m`, a module, and what it is told.
        folder: in which it runs; None for that of this process.
        stderr: as of `subprocess`; None for that of this process.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        process.stdin.close()  # ends the process, which thus cannot outlive this one either
        await process.wait()
