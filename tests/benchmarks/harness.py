"""The bot as `app.py` builds it, but for Discord: the courier is the one stand-in."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.credits.ledger import Ledger
from bot.domain.jobs import Failure, Job, Landing, Picture, Progress, Receipt, Reference, Request
from bot.domain.limits import Limit
from bot.engine.circuit_breaker import Outage
from bot.engine.engine import Engine
from bot.engine.polling.duration_store import Durations
from bot.engine.timings import Beat
from bot.images.downloads import Fetcher
from bot.jobs.store import Store
from bot.observability.metrics import Metrics
from bot.observability.operator_log import Notices
from bot.rivya.client import Rivya, open_session
from bot.storage.database import Database
from bot.storage.picture_store import Vault, vault_beside
from tests.conftest import ANYWHERE, a_request

PATIENCE_SECONDS = 100
PROMPT_CHARACTERS = 1000
GUILDS = 10
PLENTY = Limit(10**12, "month")


class Doorstep:
    """Where pictures are brought: notes when each came, and which jobs were told their place in the line."""

    def __init__(self) -> None:
        self.landed_at: dict[str, float] = {}
        """Seconds of the wall clock, by job."""
        self.in_line: set[str] = set()
        self._failures: list[Failure] = []
        self._news = asyncio.Condition()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it; breaks if any job fails, since then it was not the bot's path that was measured."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: self._failures or condition())
        if self._failures:
            raise RuntimeError(f"a job failed: {self._failures[0]}")

    async def find_reply(self, job: Job) -> int | None:
        raise RuntimeError(f"every job was answered, so nobody should ask: {job.job_id}")

    async def show_progress(self, job: Job, progress: Progress) -> None:
        if progress.position is not None:
            self.in_line.add(job.job_id)
            await self._tell()

    async def deliver(self, job: Job, picture: Picture, receipt: Receipt, *, shrunk: bool) -> Landing:
        self.landed_at[job.job_id] = time.time()
        await self._tell()
        return Landing(job.request.destination.channel_id, 1, "reply")

    async def tell_failure(self, job: Job, failure: Failure) -> None:
        self._failures.append(failure)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@dataclass(frozen=True)
class Outside:
    """The other process: where Rivya's stand-in listens, and where Discord's CDN serves references."""

    rivya: str = "http://127.0.0.1:9"
    api_key: str = "rvya_sk_nobody"
    small_reference: str = ""
    big_reference: str = ""


@asynccontextmanager
async def open_outside(**told: object) -> AsyncIterator[Outside]:
    """Rivya and the CDN in a process of their own, so that neither their memory nor their work is counted."""
    async with open_beside("tests.benchmarks.fake_services", **told) as where:
        yield Outside(**where)


@asynccontextmanager
async def open_beside(module: str, **told: object) -> AsyncIterator[dict[str, str]]:
    """A module of ours as a process, which says where it listens and serves until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, json.dumps(told)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            listening = await process.stdout.readline()
        where: dict[str, str] = json.loads(listening)
        yield where
    finally:
        assert process.stdin is not None
        process.stdin.close()  # it ends with its standard input, so it cannot outlive this process
        await process.wait()


@asynccontextmanager
async def open_engine(
    folder: Path,
    doorstep: Doorstep,
    outside: Outside,
    *,
    max_running: int = 50,
    poll_seconds: float = 0.05,
    first_poll_seconds: float | None = None,
    client: type[Rivya] = Rivya,
) -> AsyncIterator[Engine]:
    """A real database, the real client of Rivya, the real fetcher."""
    async with AsyncExitStack() as stack:
        database = await Database.open(folder / "bot.sqlite3")
        stack.push_async_callback(database.close)
        session = await stack.enter_async_context(open_session())
        rivya = client(session, base_url=outside.rivya, api_key=outside.api_key)
        outage = Outage(rivya.credits, Notices())
        engine = Engine(
            store=Store(database, PLENTY),
            ledger=Ledger(database, PLENTY),
            rivya=rivya,
            fetcher=await stack.enter_async_context(Fetcher(allow_loopback=True)),
            courier=doorstep,
            notices=Notices(),
            outage=outage,
            metrics=Metrics(),
            durations=Durations(database),
            beat=Beat(poll_seconds if first_poll_seconds is None else first_poll_seconds, poll_seconds),
            max_running=max_running,
            scratch=folder / "scratch",
            vault=Vault(vault_beside(folder / "bot.sqlite3")),
        )
        stack.push_async_callback(engine.close)
        yield engine


def request(number: int, reference_url: str = "", size_bytes: int = 1000) -> Request:
    """One of many members' requests, in one of several guilds, with a prompt of its own."""
    reference = Reference(reference_url, "fox.png", "image/png", size_bytes) if reference_url else None
    asked = a_request(guild_id=1 + number % GUILDS, user_id=number, reference=reference)
    return replace(asked, prompt=f"a red fox, {number} ".ljust(PROMPT_CHARACTERS, "."))


async def begin(engine: Engine, asked: Request) -> Job:
    """What the command does, with an answer that Discord took at once."""
    job = await engine.submit(asked, ANYWHERE)
    assert job is not None
    engine.start(job, answered=True, message_id=1)
    return job
