"""Compare transactions of the ledger with those of commit 1460402, and with its statements on plain sqlite3.

The three take turns, so that whatever else the machine does slows them alike. Compared is the median of what
the rounds took.
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tarfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from bot.credits.guild_ceilings import apply_default_ceiling
from bot.domain.admission import AdmissionMode, AdmissionPolicy
from bot.domain.jobs import Job
from bot.guilds.admission import AdmissionStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.benchmarks import yardstick
from tests.benchmarks.harness import UNLIMITED, member_request
from tests.benchmarks.results_table import Row
from tests.support.factories import accept, make_job
from tests.support.paths import ROOT

CHUNK = 50
ROUNDS = 20
ACTIONS: Final = ("accept", "settle")
TIMES_EARLIER: Final = 2.0
"""What ours must reach of the transactions a second of the earlier program."""
OF_PLAIN: Final = {False: 0.9, True: 0.8}
"""What it must reach of those of plain sqlite3, one by one, and `CHUNK` at once."""

Run = Callable[[str, bool], Awaitable[float]]
"""Runs `CHUNK` transactions of an action, at once or not, and returns the seconds that they took."""


async def measure(folder: Path) -> list[Row]:
    async with AsyncExitStack() as stack:
        sides: dict[str, Run] = {}
        if (source := _earlier_source(folder / "earlier")) is not None:
            sides["earlier"] = await stack.enter_async_context(
                _open_earlier(source, folder / "earlier.sqlite3")
            )
        plain = stack.enter_context(yardstick.open_plain(folder / "plain.sqlite3"))
        sides["plain"] = partial(_run_plain, plain)
        database = await Database.open(folder / "bot.sqlite3")
        stack.push_async_callback(database.close)
        await prepare(database)
        sides["ours"] = partial(_run_ours, JobStore(database, UNLIMITED))
        rows = []
        for action in ACTIONS:
            for together in (False, True):
                seconds = await _take_turns(sides, action, together=together)
                rows += _rows(action, seconds, together=together)
    return rows


async def prepare(database: Database) -> None:
    """Store what the bot stores at its start, which every request then reads."""
    await apply_default_ceiling(database, UNLIMITED, UNLIMITED, 0)
    await AdmissionStore(database).set_policy(AdmissionPolicy(AdmissionMode.OPEN))


async def _take_turns(sides: dict[str, Run], action: str, *, together: bool) -> dict[str, float]:
    """Return the median of what the rounds took, by side."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for each in range(1 + ROUNDS):
        for name, run in sides.items():
            took = await run(action, together)
            if each:  # the first round prepares the statements
                seconds[name].append(took)
    return {name: min(took) for name, took in seconds.items()}


async def _run_ours(store: JobStore, action: str, together: bool) -> float:
    jobs = _jobs()
    if action == "accept":
        return await _timed([partial(accept, store, job) for job in jobs], together=together)
    await asyncio.gather(*(accept(store, job) for job in jobs))
    await asyncio.gather(*(store.created(job.job_id, job.job_id, job.quote_credits) for job in jobs))
    url, credits = yardstick.RESULT_URL, jobs[0].quote_credits
    return await _timed(
        [partial(store.succeeded, job.job_id, url, credits) for job in jobs], together=together
    )


async def _timed(calls: Sequence[Callable[[], Awaitable[object]]], *, together: bool) -> float:
    start = time.perf_counter()
    if together:
        results = list(await asyncio.gather(*(call() for call in calls)))
    else:
        results = [await call() for call in calls]
    took = time.perf_counter() - start
    assert all(results)
    return took


async def _run_plain(connection: yardstick.Connection, action: str, together: bool) -> float:
    jobs = _jobs()
    accepts, settles = yardstick.accepts(jobs), yardstick.settles(jobs)
    if action == "accept":
        return yardstick.run(connection, accepts, together=together)
    yardstick.run(connection, accepts, together=True)
    yardstick.create(connection, jobs)
    return yardstick.run(connection, settles, together=together)


def _earlier_source(folder: Path) -> Path | None:
    """Write the program of the yardstick's commit to `folder`; None where the history does not have it."""
    command = ["git", "archive", yardstick.COMMIT]
    try:
        archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


@asynccontextmanager
async def _open_earlier(source: Path, database: Path) -> AsyncIterator[Run]:
    """Run the earlier program as a process until the block ends."""
    script = Path(__file__).with_name("earlier_ledger.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(script), str(database)),
        cwd=source,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def run(action: str, together: bool) -> float:
        stdin.write(f"{action} {'together' if together else 'one'} {CHUNK}\n".encode())
        return float(await stdout.readline())

    try:
        yield run
    finally:
        stdin.close()  # ends the process
        await process.wait()


def _jobs() -> list[Job]:
    return [make_job(member_request(number)) for number in range(CHUNK)]


def _rows(action: str, seconds: dict[str, float], *, together: bool) -> list[Row]:
    how = f"{CHUNK} at once" if together else "one by one"
    rate = {name: CHUNK / took for name, took in seconds.items()}
    of_plain = rate["ours"] / rate["plain"]
    rows = [
        Row(
            what=f"{action}, {how}, beside plain sqlite3",
            measured=f"{rate['ours']:.0f} of {rate['plain']:.0f} a second: {of_plain:.2f}",
            target=f">= {OF_PLAIN[together]}",
            met=of_plain >= OF_PLAIN[together],
            note=f"The statements of commit {yardstick.COMMIT} with our pragmas, and values made before;"
            f" {'one COMMIT for all in both' if together else 'a COMMIT each'}.",
            reason="ours has the way to the database thread and back, and makes the values of its statements",
        )
    ]
    if "earlier" not in rate:
        return rows
    times = rate["ours"] / rate["earlier"]
    row = Row(
        what=f"{action}, {how}, beside commit {yardstick.COMMIT}",
        measured=f"{rate['ours']:.0f} of {rate['earlier']:.0f} a second: {times:.2f}",
        target=f">= {TIMES_EARLIER}",
        met=times >= TIMES_EARLIER,
        note="That program, in a process of its own.",
        reason="on a disk, most of the time is the COMMIT's",
    )
    return [*rows, row]
