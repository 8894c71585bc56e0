"""Compare transactions of the ledger with those of commit 1460402, and with its statements on plain sqlite3.

The three take turns, and the medians of their rounds are compared. How long a round waits for a processor
that others use says nothing about the program, so its time is that of the processor, and the wait for the
disk: the shortest that plain sqlite3 had, since the COMMITs are the same.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import subprocess
import sys
import tarfile
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
from tests.benchmarks.results_table import Ratio, Row, ratio_row
from tests.benchmarks.yardstick import Seconds, Stopwatch
from tests.support.factories import accept, make_job
from tests.support.paths import ROOT

CHUNK = 50
ROUNDS = 20
MARGIN = 1.0
WITH_EARLIER = True
"""Whether the earlier program takes part, whose process a busy machine may favour or not."""
QUICK: Final = {"ROUNDS": 6, "MARGIN": 3.0, "WITH_EARLIER": False}
ACTIONS: Final = ("accept", "settle")
TIMES_EARLIER: Final = 2.0
"""What ours must reach of the transactions a second of the earlier program."""
OF_PLAIN: Final = {False: 0.9, True: 0.8}
"""What it must reach of those of plain sqlite3, one by one, and `CHUNK` at once."""

Run = Callable[[str, bool], Awaitable[Seconds]]
"""Runs `CHUNK` transactions of an action, at once or not, and returns how long they took."""


async def measure(folder: Path) -> list[Row]:
    async with AsyncExitStack() as stack:
        sides: dict[str, Run] = {}
        if WITH_EARLIER and (source := _earlier_source(folder / "earlier")) is not None:
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
                cpu, disk = await _take_turns(sides, action, together=together)
                rows += _rows(action, cpu, disk, together=together)
    return rows


async def prepare(database: Database) -> None:
    """Store what the bot stores at its start, which every request then reads."""
    await apply_default_ceiling(database, UNLIMITED, UNLIMITED, 0)
    await AdmissionStore(database).set_policy(AdmissionPolicy(AdmissionMode.OPEN))


async def _take_turns(
    sides: dict[str, Run], action: str, *, together: bool
) -> tuple[dict[str, float], float]:
    """Return the processor's seconds for a transaction by side, and those of the wait for the disk."""
    rounds: dict[str, list[Seconds]] = {name: [] for name in sides}
    for each in range(1 + ROUNDS):
        for name, run in sides.items():
            took = await run(action, together)
            if each:  # the first round prepares the statements
                rounds[name].append(took)
    disk = max(0.0, min(took.wall - took.cpu for took in rounds["plain"]))
    cpu = {name: statistics.median(each.cpu for each in took) for name, took in rounds.items()}
    return {name: seconds / CHUNK for name, seconds in cpu.items()}, disk / CHUNK


async def _run_ours(store: JobStore, action: str, together: bool) -> Seconds:
    jobs = _jobs()
    if action == "accept":
        return await _timed([partial(accept, store, job) for job in jobs], together=together)
    await asyncio.gather(*(accept(store, job) for job in jobs))
    await asyncio.gather(*(store.created(job.job_id, job.job_id, job.quote_credits) for job in jobs))
    url, credits = yardstick.RESULT_URL, jobs[0].quote_credits
    return await _timed(
        [partial(store.succeeded, job.job_id, url, credits) for job in jobs], together=together
    )


async def _timed(calls: Sequence[Callable[[], Awaitable[object]]], *, together: bool) -> Seconds:
    stopwatch = Stopwatch()
    if together:
        results = list(await asyncio.gather(*(call() for call in calls)))
    else:
        results = [await call() for call in calls]
    took = stopwatch.read()
    assert all(results)
    return took


async def _run_plain(connection: yardstick.Connection, action: str, together: bool) -> Seconds:
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

    async def run(action: str, together: bool) -> Seconds:
        stdin.write(f"{action} {'together' if together else 'one'} {CHUNK}\n".encode())
        return Seconds(*map(float, (await stdout.readline()).split()))

    try:
        yield run
    finally:
        stdin.close()  # ends the process
        await process.wait()


def _jobs() -> list[Job]:
    return [make_job(member_request(number)) for number in range(CHUNK)]


def _rows(action: str, cpu: dict[str, float], disk: float, *, together: bool) -> list[Row]:
    what = f"{action}, {f'{CHUNK} at once' if together else 'one by one'}"
    ours, plain = cpu["ours"] + disk, cpu["plain"] + disk
    rows = [
        ratio_row(
            f"{what}, beside plain sqlite3",
            Ratio(plain / ours, at_least=OF_PLAIN[together]),
            f"{ours * 1e6:.0f} and {plain * 1e6:.0f} us, {disk * 1e6:.0f} of them for the disk",
            f"The statements of commit {yardstick.COMMIT} with our pragmas, and values made before;"
            f" {'one COMMIT for all in both' if together else 'a COMMIT each'}.",
            "ours also has the way to the database thread and back, and makes values and a job of the row",
            margin=MARGIN,
        )
    ]
    if not WITH_EARLIER:
        return rows
    if "earlier" not in cpu:
        print(f"commit {yardstick.COMMIT} is not in this repository's history, and is not compared with")
        return rows
    row = ratio_row(
        f"{what}, beside commit {yardstick.COMMIT}",
        Ratio(cpu["earlier"] / cpu["ours"], at_least=TIMES_EARLIER),
        f"{cpu['ours'] * 1e6:.0f} and {cpu['earlier'] * 1e6:.0f} us",
        "That program, in a process of its own; without the wait for the disk, which is that of the same"
        " COMMITs.",
        "both insert and update the same rows, and return a whole job",
        margin=MARGIN,
    )
    return [*rows, row]
