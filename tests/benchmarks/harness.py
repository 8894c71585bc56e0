"""The engine as `app.py` builds it, with a delivery that only records, and the servers it needs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.credits.ledger import Ledger
from bot.domain.image_models import MODELS, QWEN_IMAGE
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, Job, Picture, Reference, Request
from bot.domain.limits import Limit, Receipt
from bot.domain.model_catalog import ModelCatalog
from bot.domain.periods import Period
from bot.domain.progress import Progress
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.engine import JobEngine
from bot.engine.job_files import JobFiles
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
from bot.images.workers import ImageWorkers
from bot.jobs.store import JobStore
from bot.observability.metrics import Metrics
from bot.observability.operator_log import OperatorLog
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from tests.benchmarks.child_process import run_python
from tests.support.factories import make_request, submit

PATIENCE_SECONDS = 600
"""How long something that hangs is waited for; a busy machine takes minutes."""
PROMPT_CHARACTERS = 1000
GUILDS = 10
UNLIMITED = Limit(10**12, Period.MONTH)


class RecordingDelivery:
    """Records when each picture is delivered, and which jobs were shown their place in the queue."""

    def __init__(self) -> None:
        self.delivered_at: dict[str, float] = {}
        """Epoch seconds by job id."""
        self.queued: set[str] = set()
        self._failures: list[Failure] = []
        self._changed = asyncio.Condition()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` is true.

        Raises:
            RuntimeError: a job failed, so the benchmark measures something else.
        """
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self._failures or condition())
        if self._failures:
            raise RuntimeError(f"a job failed: {self._failures[0]}")

    async def find_reply(self, job: Job) -> int | None:
        raise RuntimeError(f"looked for the reply of a job that has one: {job.job_id}")

    async def show_progress(self, job: Job, progress: Progress) -> None:
        if progress.position is not None:
            self.queued.add(job.job_id)
            await self._notify()

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], receipt: Receipt, *, shrunk: bool, lost: int
    ) -> DeliveredMessage:
        self.delivered_at[job.job_id] = time.time()
        await self._notify()
        return DeliveredMessage(job.request.destination.channel_id, 1, DeliveryMethod.REPLY)

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        self._failures.append(failure)
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@dataclass(frozen=True)
class FakeServices:
    """URLs of the other process: the fake Rivya, and references on a fake CDN."""

    rivya_url: str = "http://127.0.0.1:9"
    api_key: str = "rvya_sk_nobody"
    small_reference_url: str = ""
    large_reference_url: str = ""


@asynccontextmanager
async def open_services(**options: object) -> AsyncIterator[FakeServices]:
    """Start the fake Rivya and the fake CDN in another process, whose memory and CPU time do not count."""
    async with open_process("tests.benchmarks.fake_services", **options) as addresses:
        yield FakeServices(**addresses)


@asynccontextmanager
async def open_process(module: str, **options: object) -> AsyncIterator[dict[str, Any]]:
    """Run a module as a process until the block ends; yields the JSON of its first line of output."""
    async with run_python("-m", module, json.dumps(options)) as (_, stdout):
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await stdout.readline()
        output: dict[str, Any] = json.loads(line)
        yield output


@asynccontextmanager
async def open_engine(
    folder: Path,
    delivery: RecordingDelivery,
    services: FakeServices,
    *,
    max_running: int = 50,
    poll_seconds: float = 0.05,
    first_poll_seconds: float | None = None,
    client: type[RivyaClient] = RivyaClient,
    models: Sequence[str] = (QWEN_IMAGE.model_id,),
) -> AsyncIterator[JobEngine]:
    """Open an engine with a real database, client of Rivya and downloader."""
    async with AsyncExitStack() as stack:
        database = await Database.open(folder / "bot.sqlite3")
        stack.push_async_callback(database.close)
        session = await stack.enter_async_context(open_session())
        rivya = client(session, base_url=services.rivya_url, api_key=services.api_key)
        circuit_breaker = CircuitBreaker(rivya.credits, OperatorLog())
        store, picture_store = JobStore(database, UNLIMITED), PictureStore(picture_folder(database._path))
        downloader = await stack.enter_async_context(Downloader(allow_loopback=True))
        image_workers = stack.enter_context(closing(ImageWorkers(folder / "scratch")))
        catalog = ModelCatalog(MODELS, models)
        engine = JobEngine(
            catalog=catalog,
            store=store,
            ledger=Ledger(database, UNLIMITED),
            rivya=rivya,
            files=JobFiles(store, rivya, downloader, image_workers, picture_store, catalog),
            delivery=delivery,
            operator_log=OperatorLog(),
            circuit_breaker=circuit_breaker,
            metrics=Metrics(),
            durations=TaskDurationStore(database),
            timings=Timings(poll_seconds if first_poll_seconds is None else first_poll_seconds, poll_seconds),
            max_running=max_running,
        )
        stack.push_async_callback(engine.close)
        yield engine


def member_request(number: int, reference_url: str = "", size_bytes: int = 1000) -> Request:
    """Return the request of member `number`, in one of `GUILDS` guilds, with a prompt of its own."""
    reference = Reference(reference_url, "fox.png", "image/png", size_bytes) if reference_url else None
    request = make_request(guild_id=1 + number % GUILDS, user_id=number, reference=reference)
    return replace(request, prompt=f"a red fox, {number} ".ljust(PROMPT_CHARACTERS, "."))


async def start_job(engine: JobEngine, request: Request) -> Job:
    """Submit and start a job, as the command does after Discord has accepted its answer."""
    job = await submit(engine, request)
    engine.start(job, answered=True, message_id=1)
    return job
