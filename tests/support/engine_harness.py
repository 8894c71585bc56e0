"""Open an engine with a real database and a fake Rivya over HTTP; only the delivery to Discord is a fake."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.domain.errors import TransientError
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, Job, Picture, Request
from bot.domain.limits import Limit, Receipt
from bot.domain.model_catalog import ModelCatalog, default_catalog
from bot.domain.periods import Period
from bot.domain.pictures import PostedPicture
from bot.domain.progress import Progress
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.delivery import UndeliverableError
from bot.engine.engine import JobEngine
from bot.engine.job_files import JobFiles
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
from bot.images.workers import ImageWorkers
from bot.jobs.history import HistoryStore
from bot.jobs.store import JobStore
from bot.observability.metrics import Metrics
from bot.observability.operator_log import OperatorLog
from bot.rivya.calls import ApiTimeouts
from bot.rivya.client import RivyaClient
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from sandbox.fake_rivya import FakeRivya
from tests.support.factories import submit
from tests.support.waiting import soon, until

TIMINGS = Timings(0.02, 0.02, late_after_seconds=60, progress_seconds=0.05)
DEFAULT_LIMIT = Limit(200, Period.MONTH)


@dataclass
class FakeDelivery:
    """Records what it delivers, by job id, and fails on demand.

    Attributes:
        delivered, failures, progress: what was delivered; of several pictures the first.
        pictures: all pictures that were delivered, and how many were said to be lost.
        has_reply: whether the reply of an interaction exists.
        transient_errors: how many of the next calls fail with a TransientError.
        undeliverable: whether every delivery is impossible.
        broken: names of methods that raise a RuntimeError, as from a bug.
        on_delivery: called during each delivery.
        overlaps: jobs for which two calls ran at the same time.
    """

    delivered: dict[str, tuple[Picture, Receipt]] = field(default_factory=dict)
    pictures: dict[str, tuple[tuple[Picture, ...], int]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    progress: dict[str, list[Progress]] = field(default_factory=lambda: defaultdict(list))
    has_reply: bool = True
    transient_errors: int = 0
    undeliverable: bool = False
    broken: set[str] = field(default_factory=set)
    on_delivery: Callable[[], Awaitable[None]] | None = None
    overlaps: list[str] = field(default_factory=list)
    _running: set[str] = field(default_factory=set)

    async def find_reply(self, job: Job) -> int | None:
        self._raise_transient_error()
        return 77 if self.has_reply else None

    async def show_progress(self, job: Job, progress: Progress) -> None:
        async with self._exclusive(job):
            if "show_progress" in self.broken:
                raise RuntimeError("a bug in show_progress")
            self.progress[job.job_id].append(progress)

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], receipt: Receipt, *, shrunk: bool, lost: int
    ) -> DeliveredMessage:
        async with self._exclusive(job):
            self._raise_transient_error()
            if self.undeliverable:
                raise UndeliverableError
            if "deliver" in self.broken:
                self.broken.discard("deliver")
                raise RuntimeError("a bug in deliver")
            assert job.job_id not in self.delivered, "delivered twice"
            self.delivered[job.job_id] = (pictures[0], receipt)
            self.pictures[job.job_id] = (tuple(pictures), lost)
            if self.on_delivery is not None:
                await self.on_delivery()
            more = tuple(PostedPicture(f"https://cdn/{number}") for number in range(2, len(pictures) + 1))
            return DeliveredMessage(20, 77, DeliveryMethod.REPLY, more=more)

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        async with self._exclusive(job):
            self._raise_transient_error()
            if self.undeliverable:
                raise UndeliverableError
            assert job.job_id not in self.failures, "delivered twice"
            self.failures[job.job_id] = failure
            if self.on_delivery is not None:
                await self.on_delivery()

    def _raise_transient_error(self) -> None:
        if self.transient_errors:
            self.transient_errors -= 1
            raise TransientError("Discord is out of reach")

    @asynccontextmanager
    async def _exclusive(self, job: Job) -> AsyncIterator[None]:
        if job.job_id in self._running:
            self.overlaps.append(job.job_id)
        self._running.add(job.job_id)
        try:
            yield
        finally:
            await asyncio.sleep(0)
            self._running.discard(job.job_id)


@dataclass
class EngineHarness:
    """An open engine with what it uses; `files` is the base URL of a server with references."""

    engine: JobEngine
    store: JobStore
    ledger: Ledger
    credit_admin: CreditAdmin
    delivery: FakeDelivery
    rivya: FakeRivya
    files: str
    picture_store: PictureStore
    client: RivyaClient
    catalog: ModelCatalog

    async def submit(self, request: Request | None = None, *, answered: bool = True) -> Job:
        """Submit and start a job, as the command does."""
        job = await submit(self.engine, request)
        self.engine.start(job, answered=answered, message_id=77 if answered else None)
        return job

    async def wait(self, job: Job) -> Job:
        """Wait until the engine is done with the job; returns its row then."""
        task = self.engine._tasks.get(job.job_id)
        if task is not None:
            await soon(task)
        found = await self.store.find(job.job_id)
        assert found is not None
        return found

    async def submit_and_wait(self, request: Request | None = None) -> Job:
        return await self.wait(await self.submit(request))

    async def state(self, job: Job) -> str:
        """Return the state of the job's reservation."""
        row = await self.store._database.run(
            lambda tx: tx.execute("SELECT state FROM reservations WHERE job_id = ?", (job.job_id,)).fetchone()
        )
        return str(row["state"])


async def stored_picture(harness: EngineHarness, job: Job) -> bytes | None:
    """Return the stored picture of a job, found by its history item; asserts that it has one."""
    item = await HistoryStore(harness.store._database).find(job.job_id)
    assert item is not None
    assert item.kept_sha256 is not None
    return await harness.picture_store.read(item.kept_sha256)


def build(
    stack: AsyncExitStack,
    database: Database,
    session: aiohttp.ClientSession,
    downloader: Downloader,
    rivya: FakeRivya,
    files: str,
    *,
    max_running: int = 5,
    timings: Timings = TIMINGS,
    with_circuit_breaker: bool = False,
    time_outs: ApiTimeouts | None = None,
    catalog: ModelCatalog | None = None,
) -> EngineHarness:
    delivery, catalog = FakeDelivery(), catalog or default_catalog()

    async def probe() -> int:
        return await client.credits()

    circuit_breaker = CircuitBreaker(probe, OperatorLog(), probe_seconds=0.02)
    stack.push_async_callback(circuit_breaker.stop_probing)
    metrics = Metrics()
    store, ledger = JobStore(database, DEFAULT_LIMIT, metrics), Ledger(database, DEFAULT_LIMIT)
    picture_store = PictureStore(picture_folder(database._path))
    image_workers = stack.enter_context(closing(ImageWorkers(database._path.with_name("scratch"))))
    client = RivyaClient(
        session,
        base_url=rivya.url,
        api_key=rivya.api_key,
        time_outs=time_outs,
        attempts=2,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.02,
        watch=lambda attempt: (
            circuit_breaker.record(answered=attempt.answered) if with_circuit_breaker else None
        ),
    )
    engine = JobEngine(
        catalog=catalog,
        store=store,
        ledger=ledger,
        rivya=client,
        files=JobFiles(store, client, downloader, image_workers, picture_store, catalog),
        delivery=delivery,
        operator_log=OperatorLog(),
        circuit_breaker=circuit_breaker,
        metrics=metrics,
        durations=TaskDurationStore(database),
        timings=timings,
        max_running=max_running,
    )
    stack.push_async_callback(engine.close)
    return EngineHarness(
        engine,
        store,
        ledger,
        CreditAdmin(database, DEFAULT_LIMIT, catalog),
        delivery,
        rivya,
        files,
        picture_store,
        client,
        catalog,
    )


async def write_protect(harness: EngineHarness, on: bool) -> None:
    """Make the database read-only, as if its disk were full, or writable again."""
    # Not by `run`, which could not begin its transaction on a read-only database.
    connection = harness.store._database._connection
    await connection.call(lambda plain: plain.execute(f"PRAGMA query_only = {int(on)}").close())


async def wait_logged(lines: Sequence[Mapping[str, object]], **wanted: object) -> None:
    """Wait until a line with these fields was logged."""
    await until(lambda: any(wanted.items() <= line.items() for line in lines))


class MakeHarness(Protocol):
    """Open an engine on the database of the test, as a restart does; the options are those of `build`."""

    def __call__(
        self,
        *,
        max_running: int = 5,
        timings: Timings = TIMINGS,
        with_circuit_breaker: bool = False,
        time_outs: ApiTimeouts | None = None,
        catalog: ModelCatalog | None = None,
    ) -> EngineHarness: ...
