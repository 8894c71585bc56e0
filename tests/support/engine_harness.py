"""An open engine on real rows, a real wire and a strict stand-in; only the courier is made by hand."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.domain.errors import TransientError
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, Job, Picture, Progress, Request
from bot.domain.limits import Limit, Receipt
from bot.domain.periods import Period
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.delivery import UndeliverableError
from bot.engine.engine import JobEngine
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
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

BEAT = Timings(0.02, 0.02, late_after_seconds=60, progress_seconds=0.05)
DEFAULT = Limit(200, Period.MONTH)


@dataclass
class FakeDelivery:
    """Remembers what it brought; can be told that Discord has no reply, is away, or is closed for good."""

    delivered: dict[str, tuple[Picture, Receipt]] = field(default_factory=dict)
    told: dict[str, Failure] = field(default_factory=dict)
    shown: dict[str, list[Progress]] = field(default_factory=lambda: defaultdict(list))
    has_reply: bool = True
    away: int = 0
    closed: bool = False
    broken: set[str] = field(default_factory=set)
    on_delivery: Callable[[], Awaitable[None]] | None = None
    busy: set[str] = field(default_factory=set)
    clashes: list[str] = field(default_factory=list)

    async def find_reply(self, job: Job) -> int | None:
        self._maybe_away()
        return 77 if self.has_reply else None

    async def show_progress(self, job: Job, progress: Progress) -> None:
        async with self._alone(job):
            if "show_progress" in self.broken:
                raise RuntimeError("a bug in the progress line")
            self.shown[job.job_id].append(progress)

    async def deliver(
        self, job: Job, picture: Picture, receipt: Receipt, *, shrunk: bool
    ) -> DeliveredMessage:
        async with self._alone(job):
            self._maybe_away()
            if self.closed:
                raise UndeliverableError
            if "deliver" in self.broken:
                self.broken.discard("deliver")
                raise RuntimeError("a bug in the courier")
            assert job.job_id not in self.delivered, "brought twice"
            self.delivered[job.job_id] = (picture, receipt)
            if self.on_delivery is not None:
                await self.on_delivery()
            return DeliveredMessage(20, 77, DeliveryMethod.REPLY)

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        async with self._alone(job):
            self._maybe_away()
            if self.closed:
                raise UndeliverableError
            assert job.job_id not in self.told, "told twice"
            self.told[job.job_id] = failure
            if self.on_delivery is not None:
                await self.on_delivery()

    def _maybe_away(self) -> None:
        if self.away:
            self.away -= 1
            raise TransientError("Discord is away")

    def _alone(self, job: Job) -> AsyncExitStack:
        if job.job_id in self.busy:
            self.clashes.append(job.job_id)
        self.busy.add(job.job_id)
        stack = AsyncExitStack()

        async def leave() -> None:
            await asyncio.sleep(0)
            self.busy.discard(job.job_id)

        stack.push_async_callback(leave)
        return stack


@dataclass
class EngineHarness:
    """An open engine and all that it works with."""

    engine: JobEngine
    store: JobStore
    ledger: Ledger
    credit_admin: CreditAdmin
    delivery: FakeDelivery
    rivya: FakeRivya
    files: str
    picture_store: PictureStore

    async def submit(self, request: Request | None = None, *, answered: bool = True) -> Job:
        """Submit and start, as the command does."""
        job = await submit(self.engine, request)
        self.engine.start(job, answered=answered, message_id=77 if answered else None)
        return job

    async def wait(self, job: Job) -> Job:
        """Wait until the job's walk has ended; how the row stands then."""
        walk = self.engine._tasks.get(job.job_id)
        if walk is not None:
            await soon(walk)
        found = await self.store.find(job.job_id)
        assert found is not None
        return found

    async def submit_and_wait(self, request: Request | None = None) -> Job:
        return await self.wait(await self.submit(request))

    async def state(self, job: Job) -> str:
        rows = await self.store._database.run(
            lambda tx: tx.execute(
                "SELECT state, note FROM reservations WHERE job_id = ?", (job.job_id,)
            ).fetchone()
        )
        return str(rows["state"])


async def stored_picture(harness: EngineHarness, job: Job) -> bytes | None:
    """What the vault has of a job's picture, found as everybody finds it."""
    piece = await HistoryStore(harness.store._database).find(job.job_id)
    assert piece is not None
    assert piece.kept_sha256 is not None
    return await harness.picture_store.read(piece.kept_sha256)


def build(
    stack: AsyncExitStack,
    database: Database,
    session: aiohttp.ClientSession,
    downloader: Downloader,
    rivya: FakeRivya,
    files: str,
    *,
    max_running: int = 5,
    timings: Timings = BEAT,
    outages: bool = False,
    time_outs: ApiTimeouts | None = None,
) -> EngineHarness:
    delivery = FakeDelivery()

    async def probe() -> int:
        return await client.credits()

    circuit_breaker = CircuitBreaker(probe, OperatorLog(), probe_seconds=0.02)
    stack.push_async_callback(circuit_breaker.close)
    metrics = Metrics()
    store, ledger = JobStore(database, DEFAULT, metrics), Ledger(database, DEFAULT)
    picture_store = PictureStore(picture_folder(database._path))
    client = RivyaClient(
        session,
        base_url=rivya.url,
        api_key=rivya.api_key,
        time_outs=time_outs,
        attempts=2,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.02,
        watch=lambda attempt: circuit_breaker.record(answered=attempt.answered) if outages else None,
    )
    engine = JobEngine(
        store=store,
        ledger=ledger,
        rivya=client,
        downloader=downloader,
        delivery=delivery,
        operator_log=OperatorLog(),
        circuit_breaker=circuit_breaker,
        metrics=metrics,
        durations=TaskDurationStore(database),
        timings=timings,
        max_running=max_running,
        scratch=database._path.with_name("scratch"),
        picture_store=picture_store,
    )
    stack.push_async_callback(engine.close)
    return EngineHarness(
        engine, store, ledger, CreditAdmin(database, DEFAULT), delivery, rivya, files, picture_store
    )


async def write_protect(harness: EngineHarness, on: bool) -> None:
    """From here on the database can be read only, as when its disk is full; or be written again."""
    # Not as a unit: what cannot be written to begins no transaction.
    connection = harness.store._database._connection
    await connection.call(lambda plain: plain.execute(f"PRAGMA query_only = {int(on)}").close())


async def logged(lines: Sequence[Mapping[str, object]], **wanted: object) -> None:
    """Wait until such a line was logged."""
    await until(lambda: any(wanted.items() <= line.items() for line in lines))


class MakeHarness(Protocol):
    """Opens an engine on the database of the test, as a restart does; the options are those of `build`."""

    def __call__(
        self,
        *,
        max_running: int = 5,
        timings: Timings = BEAT,
        outages: bool = False,
        time_outs: ApiTimeouts | None = None,
    ) -> EngineHarness: ...
