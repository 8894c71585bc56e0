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
from typing import Any

from bot.credits.ledger import Ledger
from bot.domain.jobs import (
    DeliveredMessage,
    DeliveryMethod,
    Failure,
    Job,
    Picture,
    Progress,
    Reference,
    Request,
)
from bot.domain.limits import Limit, Receipt
from bot.domain.periods import Period
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.engine import JobEngine
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
from bot.jobs.store import JobStore
from bot.observability.metrics import Metrics
from bot.observability.operator_log import OperatorLog
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from tests.support.factories import make_request, submit

PATIENCE_SECONDS = 100
PROMPT_CHARACTERS = 1000
GUILDS = 10
PLENTY = Limit(10**12, Period.MONTH)


class RecordingDelivery:
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

    async def deliver(
        self, job: Job, picture: Picture, receipt: Receipt, *, shrunk: bool
    ) -> DeliveredMessage:
        self.landed_at[job.job_id] = time.time()
        await self._tell()
        return DeliveredMessage(job.request.destination.channel_id, 1, DeliveryMethod.REPLY)

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        self._failures.append(failure)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@dataclass(frozen=True)
class FakeServices:
    """The other process: where Rivya's stand-in listens, and where Discord's CDN serves references."""

    rivya: str = "http://127.0.0.1:9"
    api_key: str = "rvya_sk_nobody"
    small_reference: str = ""
    big_reference: str = ""


@asynccontextmanager
async def open_outside(**told: object) -> AsyncIterator[FakeServices]:
    """Rivya and the CDN in a process of their own, so that neither their memory nor their work is counted."""
    async with open_beside("tests.benchmarks.fake_services", **told) as where:
        yield FakeServices(**where)


@asynccontextmanager
async def open_beside(module: str, **told: object) -> AsyncIterator[dict[str, Any]]:
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
    doorstep: RecordingDelivery,
    outside: FakeServices,
    *,
    max_running: int = 50,
    poll_seconds: float = 0.05,
    first_poll_seconds: float | None = None,
    client: type[RivyaClient] = RivyaClient,
) -> AsyncIterator[JobEngine]:
    """A real database, the real client of Rivya, the real fetcher."""
    async with AsyncExitStack() as stack:
        database = await Database.open(folder / "bot.sqlite3")
        stack.push_async_callback(database.close)
        session = await stack.enter_async_context(open_session())
        rivya = client(session, base_url=outside.rivya, api_key=outside.api_key)
        circuit_breaker = CircuitBreaker(rivya.credits, OperatorLog())
        engine = JobEngine(
            store=JobStore(database, PLENTY),
            ledger=Ledger(database, PLENTY),
            rivya=rivya,
            downloader=await stack.enter_async_context(Downloader(allow_loopback=True)),
            delivery=doorstep,
            operator_log=OperatorLog(),
            circuit_breaker=circuit_breaker,
            metrics=Metrics(),
            durations=TaskDurationStore(database),
            timings=Timings(poll_seconds if first_poll_seconds is None else first_poll_seconds, poll_seconds),
            max_running=max_running,
            scratch=folder / "scratch",
            picture_store=PictureStore(picture_folder(folder / "bot.sqlite3")),
        )
        stack.push_async_callback(engine.close)
        yield engine


def request(number: int, reference_url: str = "", size_bytes: int = 1000) -> Request:
    """One of many members' requests, in one of several guilds, with a prompt of its own."""
    reference = Reference(reference_url, "fox.png", "image/png", size_bytes) if reference_url else None
    asked = make_request(guild_id=1 + number % GUILDS, user_id=number, reference=reference)
    return replace(asked, prompt=f"a red fox, {number} ".ljust(PROMPT_CHARACTERS, "."))


async def begin(engine: JobEngine, asked: Request) -> Job:
    """What the command does, with an answer that Discord took at once."""
    job = await submit(engine, asked)
    engine.start(job, answered=True, message_id=1)
    return job
