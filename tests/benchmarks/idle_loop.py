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

from tests.benchmarks.child_process import run_python
from tests.benchmarks.lag import measure_lag


@asynccontextmanager
async def idle_loop_beside() -> AsyncIterator[list[float]]:
    """Yield a list that gets, at the end of the block, the greatest lag of an idle loop beside this one."""
    greatest: list[float] = []
    async with run_python("-m", "tests.benchmarks.idle_loop") as (stdin, stdout):
        await stdout.readline()
        yield greatest
        stdin.close()
        greatest.append(json.loads(await stdout.read()))


async def _main() -> None:
    async with measure_lag() as lags:
        await asyncio.sleep(0.1)
        print("running", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(max(lags)))


if __name__ == "__main__":
    asyncio.run(_main())
