"""Compare transactions of the ledger with those of commit 1460402, and with its statements on plain sqlite3.

They take turns, and the medians of their rounds are compared. How long a round waits for a processor that
others use says nothing about the program, so its time is that of the processor. Beside plain sqlite3 the wait
for the disk is added: the shortest that it had, since the COMMITs are the same. Beside the program of that
commit the files are in memory, where there is such a folder: what the kernel does for a COMMIT is the same
for both, and is on a disk most of what one transaction takes of the processor.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import subprocess
import tarfile
import tempfile
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
from tests.benchmarks.child_process import run_python
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
CASES: Final = (("accept", False), ("accept", True), ("settle", False), ("settle", True))
"""Actions, one by one or `CHUNK` at once."""
MEMORY: Final = Path("/dev/shm")
"""Files of Linux in memory: https://man7.org/linux/man-pages/man7/shm_overview.7.html"""
TIMES_EARLIER: Final = 2.0
"""What ours must reach of the transactions a second of the earlier program."""
OF_PLAIN: Final = {False: 0.9, True: 0.8}
"""What it must reach of those of plain sqlite3, one by one, and `CHUNK` at once."""

Run = Callable[[str, bool], Awaitable[Seconds]]
"""Runs `CHUNK` transactions of an action, at once or not, and returns how long they took."""


async def measure(folder: Path) -> list[Row]:
    rows = []
    async with AsyncExitStack() as stack:
        plain = stack.enter_context(yardstick.open_plain(folder / "plain.sqlite3"))
        ours = await stack.enter_async_context(_open_ours(folder))
        for action, together in CASES:
            cpu, disk = await _take_turns(
                {"plain": partial(_run_plain, plain), "ours": ours}, action, together=together
            )
            rows.append(_beside_plain(action, cpu, disk, together=together))
    if WITH_EARLIER:
        rows += await _measure_earlier(folder)
    return rows


async def _measure_earlier(folder: Path) -> list[Row]:
    if (source := _earlier_source(folder / "earlier")) is None:
        print(f"commit {yardstick.COMMIT} is not in this repository's history, and is not compared with")
        return []
    rows = []
    async with AsyncExitStack() as stack:
        fast = MEMORY if MEMORY.is_dir() else folder
        files = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kuas-bench-", dir=fast)))
        plain = stack.enter_context(yardstick.open_plain(files / "plain.sqlite3"))
        sides: dict[str, Run] = {
            "earlier": await stack.enter_async_context(_open_earlier(source, files / "earlier.sqlite3")),
            "plain": partial(_run_plain, plain),
            "ours": await stack.enter_async_context(_open_ours(files)),
        }
        for action, together in CASES:
            cpu, _ = await _take_turns(sides, action, together=together)
            rows.append(_beside_earlier(action, cpu, together=together))
    return rows


@asynccontextmanager
async def _open_ours(folder: Path) -> AsyncIterator[Run]:
    database = await Database.open(folder / "bot.sqlite3")
    try:
        await prepare(database)
        yield partial(_run_ours, JobStore(database, UNLIMITED))
    finally:
        await database.close()


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
    created = await asyncio.gather(
        *(store.created(job.job_id, job.job_id, job.quote_credits) for job in jobs)
    )
    url = yardstick.RESULT_URL
    # As `JobRunner` does it.
    settles = [partial(store.succeeded, job.job_id, url, job.quote_credits, known=job) for job in created]
    return await _timed(settles, together=together)


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
    async with run_python(str(script), str(database), folder=source) as (stdin, stdout):

        async def run(action: str, together: bool) -> Seconds:
            stdin.write(f"{action} {'together' if together else 'one'} {CHUNK}\n".encode())
            return Seconds(*map(float, (await stdout.readline()).split()))

        yield run


def _jobs() -> list[Job]:
    return [make_job(member_request(number)) for number in range(CHUNK)]


def _beside_plain(action: str, cpu: dict[str, float], disk: float, *, together: bool) -> Row:
    ours, plain = cpu["ours"] + disk, cpu["plain"] + disk
    return ratio_row(
        f"{_what(action, together)}, beside plain sqlite3",
        Ratio(plain / ours, at_least=OF_PLAIN[together]),
        f"{ours * 1e6:.0f} and {plain * 1e6:.0f} us, {disk * 1e6:.0f} of them for the disk",
        f"The statements of commit {yardstick.COMMIT} with our pragmas, and values made before;"
        f" {'one COMMIT for all in both' if together else 'a COMMIT each'}.",
        "ours also has the way to the database thread and back, and makes values and a job of the row",
        margin=MARGIN,
    )


def _beside_earlier(action: str, cpu: dict[str, float], *, together: bool) -> Row:
    ours, earlier, plain = (cpu[name] * 1e6 for name in ("ours", "earlier", "plain"))
    return ratio_row(
        f"{_what(action, together)}, beside commit {yardstick.COMMIT}",
        Ratio(earlier / ours, at_least=TIMES_EARLIER),
        f"{ours:.0f} and {earlier:.0f} us",
        "That program, in a process of its own, with the files of both in memory; both return a whole job."
        f" Its statements alone, on plain sqlite3, would give {earlier / plain:.2f} ({plain:.0f} us).",
        "both insert and update the same rows, and go to a thread and back for each COMMIT",
        margin=MARGIN,
    )


def _what(action: str, together: bool) -> str:
    return f"{action}, {f'{CHUNK} at once' if together else 'one by one'}"
