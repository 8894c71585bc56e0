"""An event loop that does nothing, in a process of its own: what the machine alone makes a loop late.

`python -m tests.benchmarks.idle_loop` prints a line when it runs, and its greatest lag in seconds when its
standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.benchmarks.lag import measure_lag


@asynccontextmanager
async def idle_loop_beside() -> AsyncIterator[list[float]]:
    """Yield a list that gets, at the end of the block, the greatest lag of an idle loop beside this one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.benchmarks.idle_loop"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    greatest: list[float] = []
    try:
        yield greatest
    finally:
        process.stdin.close()  # ends the process, which thus cannot outlive this one either
        greatest.append(json.loads(await process.stdout.read()))
        await process.wait()


async def _main() -> None:
    async with measure_lag() as lags:
        await asyncio.sleep(0.1)
        print("running", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(max(lags)))


if __name__ == "__main__":
    asyncio.run(_main())
