"""Run with the program of commit 1460402 on the path: accepts and settles jobs in its own database.

`python earlier_ledger.py FILE`, in that program's folder. Each line of the input is `accept` or `settle`,
`one` or `together`, and a number of jobs; the answer is the seconds that they took, and those of the
processor. This file imports nothing of this version.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

sys.path[:] = [str(Path.cwd()), *sys.path[1:]]  # not the folder of this file

from bot.app import ease_collection  # type: ignore[attr-defined]  # noqa: E402  # see above
from bot.database import Database  # type: ignore[import-not-found]  # noqa: E402
from bot.store import Store  # type: ignore[import-not-found]  # noqa: E402
from tests.bench.house import PLENTY, request  # type: ignore[import-not-found]  # noqa: E402
from tests.conftest import ANYWHERE, a_job  # type: ignore[attr-defined]  # noqa: E402

RESULT_URL = "https://cdn.rivya.ai/picture.png"


async def main() -> None:
    ease_collection()
    database = await Database.open(Path(sys.argv[1]))
    store = Store(database, PLENTY)
    while line := await asyncio.to_thread(sys.stdin.readline):
        action, how, number = line.split()
        jobs = [a_job(request(each)) for each in range(int(number))]
        if action == "accept":
            works = [store.accept(job, ANYWHERE) for job in jobs]
        else:
            for job in jobs:
                await store.accept(job, ANYWHERE)
                await store.created(job.job_id, job.job_id, job.quote_credits)
            works = [store.succeeded(job.job_id, RESULT_URL, job.quote_credits) for job in jobs]
        wall, cpu = time.perf_counter(), time.process_time()
        if how == "together":
            await asyncio.gather(*works)
        else:
            for work in works:
                await work
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
    await database.close()


asyncio.run(main())
