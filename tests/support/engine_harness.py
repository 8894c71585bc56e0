"""An open engine on real rows, a real wire and a strict stand-in; only the courier is made by hand."""

from __future__ import annotations

import asyncio
import io
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from PIL import Image

from bot.credits.admin import Treasury
from bot.credits.ledger import Ledger
from bot.domain.errors import TryLater
from bot.domain.jobs import Failure, Job, Landing, Picture, Progress, Receipt, Request
from bot.domain.limits import Limit
from bot.engine.circuit_breaker import Outage
from bot.engine.delivery import Undeliverable
from bot.engine.engine import Engine
from bot.engine.polling.duration_store import Durations
from bot.engine.timings import Beat
from bot.images.downloads import Fetcher
from bot.jobs.history import Gallery
from bot.jobs.store import Store
from bot.observability.metrics import Metrics
from bot.observability.operator_log import Notices
from bot.rivya.calls import TimeOuts
from bot.rivya.client import Rivya
from bot.storage.database import Database
from bot.storage.picture_store import Vault, vault_beside
from sandbox.fake_rivya import StandIn
from tests.support.factories import ANYWHERE, a_request
from tests.support.waiting import soon, until

BEAT = Beat(0.02, 0.02, late_after_seconds=60, progress_seconds=0.05)
DEFAULT = Limit(200, "month")


@dataclass
class HandmadeCourier:
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

    async def deliver(self, job: Job, picture: Picture, receipt: Receipt, *, shrunk: bool) -> Landing:
        async with self._alone(job):
            self._maybe_away()
            if self.closed:
                raise Undeliverable
            if "deliver" in self.broken:
                self.broken.discard("deliver")
                raise RuntimeError("a bug in the courier")
            assert job.job_id not in self.delivered, "brought twice"
            self.delivered[job.job_id] = (picture, receipt)
            if self.on_delivery is not None:
                await self.on_delivery()
            return Landing(20, 77, "reply")

    async def tell_failure(self, job: Job, failure: Failure) -> None:
        async with self._alone(job):
            self._maybe_away()
            if self.closed:
                raise Undeliverable
            assert job.job_id not in self.told, "told twice"
            self.told[job.job_id] = failure
            if self.on_delivery is not None:
                await self.on_delivery()

    def _maybe_away(self) -> None:
        if self.away:
            self.away -= 1
            raise TryLater("Discord is away")

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
class Shop:
    """An open engine and all that it works with."""

    engine: Engine
    store: Store
    ledger: Ledger
    treasury: Treasury
    courier: HandmadeCourier
    rivya: StandIn
    files: str
    vault: Vault

    async def paint(self, request: Request | None = None, *, answered: bool = True) -> Job:
        """Submit and start, as the command does."""
        job = await self.engine.submit(request or a_request(), ANYWHERE)
        assert job is not None
        self.engine.start(job, answered=answered, message_id=77 if answered else None)
        return job

    async def end(self, job: Job) -> Job:
        """Wait until the job's walk has ended; how the row stands then."""
        walk = self.engine._walks.get(job.job_id)
        if walk is not None:
            await soon(walk)
        found = await self.store.find(job.job_id)
        assert found is not None
        return found

    async def paint_to_the_end(self, request: Request | None = None) -> Job:
        return await self.end(await self.paint(request))

    async def state(self, job: Job) -> str:
        rows = await self.store._database.run(
            lambda tx: tx.execute(
                "SELECT state, note FROM reservations WHERE job_id = ?", (job.job_id,)
            ).fetchone()
        )
        return str(rows["state"])


async def kept(shop: Shop, job: Job) -> bytes | None:
    """What the vault has of a job's picture, found as everybody finds it."""
    piece = await Gallery(shop.store._database).find(job.job_id)
    assert piece is not None
    assert piece.kept_sha256 is not None
    return await shop.vault.read(piece.kept_sha256)


def a_png(side: int = 64) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (side, side), "orange").save(kept, "PNG")
    return kept.getvalue()


def build(
    stack: AsyncExitStack,
    database: Database,
    session: object,
    fetcher: Fetcher,
    rivya: StandIn,
    files: str,
    *,
    max_running: int = 5,
    beat: Beat = BEAT,
    outages: bool = False,
    time_outs: TimeOuts | None = None,
) -> Shop:
    courier = HandmadeCourier()

    async def probe() -> int:
        return await client.credits()

    outage = Outage(probe, Notices(), probe_seconds=0.02)
    stack.push_async_callback(outage.close)
    store, ledger = Store(database, DEFAULT), Ledger(database, DEFAULT)
    vault = Vault(vault_beside(database._path))
    client = Rivya(
        session,
        base_url=rivya.url,
        api_key=rivya.api_key,
        time_outs=time_outs,
        attempts=2,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.02,
        watch=lambda attempt: outage.heard(answered=attempt.answered) if outages else None,
    )
    engine = Engine(
        store=store,
        ledger=ledger,
        rivya=client,
        fetcher=fetcher,
        courier=courier,
        notices=Notices(),
        outage=outage,
        metrics=Metrics(),
        durations=Durations(database),
        beat=beat,
        max_running=max_running,
        scratch=database._path.with_name("scratch"),
        vault=vault,
    )
    stack.push_async_callback(engine.close)
    return Shop(engine, store, ledger, Treasury(database, DEFAULT), courier, rivya, files, vault)


async def write_protect(shop: Shop, on: bool) -> None:
    """From here on the database can be read only, as when its disk is full; or be written again."""
    # Not as a unit: what cannot be written to begins no transaction.
    connection = shop.store._database._connection
    await connection.hop(lambda plain: plain.execute(f"PRAGMA query_only = {int(on)}").close())


async def logged(lines: list[dict[str, object]], **wanted: object) -> None:
    """Wait until such a line was logged."""
    await until(lambda: any(wanted.items() <= line.items() for line in lines))
