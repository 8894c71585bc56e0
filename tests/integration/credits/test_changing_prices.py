"""Prices that change and models that come and go, at any moment of any job: the books are those of Rivya.

The whole engine over a real database and the fake Rivya over HTTP, by random scripts.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.credits.ledger_export import export_ledger
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.image_models import MODELS
from bot.domain.jobs import Job, Stage
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import ModelCatalog
from bot.domain.periods import Period
from bot.images.downloads import Downloader
from bot.rivya.client import open_session
from bot.storage.database import Database
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.model_control import Status
from tests.support.engine_harness import EngineHarness, build
from tests.support.factories import make_request, submit
from tests.support.images import make_picture
from tests.support.waiting import soon

OFFERED = ("qwen-image", "z-image", "flux-2-pro", "ideogram-v3")
LIMIT_CREDITS = 40
GUILD, MEMBER = 1, 7
PICTURE = make_picture()


@dataclass(frozen=True)
class Change:
    """What happens to a model at Rivya; the bot learns of it when it reads the list, now or later."""

    model: str
    credits: int
    surcharge: int
    status: Status
    is_read: bool = False


@dataclass(frozen=True)
class Paint:
    """A request; `meanwhile` happens after it was accepted and before Rivya gets it.

    With `restart` the bot is closed while Rivya paints, and goes on with other models on offer.
    """

    model: str
    settings: tuple[tuple[str, Any], ...] = ()
    meanwhile: Change | None = None
    fails: bool = False
    restart: tuple[str, ...] = ()


Step = Change | Paint

ANY_ID = st.sampled_from(OFFERED)
CHANGES = st.builds(
    Change,
    ANY_ID,
    st.integers(1, 15),
    st.sampled_from([0, 0, 1, 9]),
    st.sampled_from(["available", "available", "coming_soon", "removed"]),
    st.booleans(),
)
SETTINGS = {
    "flux-2-pro": st.sampled_from([(), (("resolution", "2K"),)]),
    "ideogram-v3": st.sampled_from([(), (("rendering_speed", "QUALITY"),), (("seed", 7),)]),
}
PAINTS = ANY_ID.flatmap(
    lambda model: st.builds(
        Paint,
        st.just(model),
        SETTINGS.get(model, st.just(())),
        st.none() | CHANGES,
        st.sampled_from([False, False, True]),
        st.sampled_from([(), (), OFFERED, ("z-image",)]),
    )
)
SCRIPTS = st.lists(CHANGES | PAINTS | PAINTS, min_size=3, max_size=10)


@dataclass
class World:
    """A bot and a Rivya, and what the bot knows of its models."""

    folder: Path
    rivya: FakeRivya
    harness: EngineHarness
    make_harness: Any
    known: dict[str, int | None] = field(default_factory=dict)
    """The price of each model by the last list that was read; None where that has it not."""
    requests: int = 0

    async def take(self, step: Step) -> None:
        if isinstance(step, Change):
            self.rivya.model_control.change(
                step.model, credits=step.credits, surcharge=step.surcharge, status=step.status
            )
            if step.is_read:
                await self.read_list()
        else:
            await self.paint(step)

    async def read_list(self) -> None:
        self.harness.catalog.update(await self.harness.client.models())
        specs = {model_id: self.rivya.models.get(model_id) for model_id in OFFERED}
        self.known = {
            model_id: spec.base_credits if spec is not None and spec.api_status == "available" else None
            for model_id, spec in specs.items()
        }

    async def paint(self, step: Paint) -> None:
        self.requests += 1
        request = replace(
            make_request(guild_id=GUILD, user_id=MEMBER, prompt=f"a fox, {self.requests}"),
            model=step.model,
            settings=step.settings,
        )
        left = LIMIT_CREDITS - sum(booked(self.folder).values())
        price = self.known[step.model] if step.model in self.offered else None
        if price is None:
            with pytest.raises(MemberError) as refused:
                await submit(self.harness.engine, request)
            assert refused.value.reason is MemberReason.MODEL_UNAVAILABLE
            return
        if not step.settings and price > left:
            with pytest.raises(LimitExceeded) as full:
                await submit(self.harness.engine, request)
            assert full.value.usage.left_credits == max(0, left)
            return
        try:
            job = await submit(self.harness.engine, request)
        except LimitExceeded:
            if step.settings:  # they may cost more than the price of the list
                return
            raise
        assert step.settings or job.quote_credits == price
        assert job.quote_credits <= left
        assert booked(self.folder)[job.job_id] == job.quote_credits
        if step.meanwhile is not None:
            await self.take(step.meanwhile)
        if step.fails:
            self.rivya.fail_next()
        await self.finish(job, step)

    @property
    def offered(self) -> list[str]:
        return [model.model_id for model in self.harness.catalog.offered]

    async def finish(self, job: Job, step: Paint) -> None:
        """Let the job run to its end, and compare what it cost with Rivya's task."""
        exists = step.model in self.rivya.models
        takes = exists and self.rivya.models[step.model].api_status == "available"
        self.rivya.hold()
        self.harness.engine.start(job, answered=True, message_id=77)
        if takes:
            await soon(self.rivya.until(lambda: bool(self.tasks(job))))
            # What Rivya has reserved is booked at once, not only at the end.
            (task,) = self.tasks(job)
            await soon(self.until_booked(job, task.reserved_credits))
        if step.restart:
            await soon(self.harness.engine.close())
            self.harness = self.make_harness(catalog=ModelCatalog(MODELS, step.restart))
            self.known = {model_id: MODELS[model_id].cost_credits for model_id in OFFERED}
            await soon(self.harness.engine.resume())
        self.rivya.release()
        ended = await self.harness.wait(job)
        assert ended.finished_at is not None
        (task,) = self.tasks(job) if takes else [None]
        if task is None:
            self.rivya._fail_next.clear()
        expected = Stage.DELIVERED if takes and not step.fails else Stage.FAILED
        assert ended.stage is expected
        assert booked(self.folder)[job.job_id] == (0 if task is None else task.final_credits)

    async def until_booked(self, job: Job, credits: int) -> None:
        while booked(self.folder)[job.job_id] != credits:
            await asyncio.sleep(0.005)  # a commit cannot be awaited from outside

    def tasks(self, job: Job) -> list[Any]:
        return [task for task in self.rivya.tasks.values() if task.client_request_id == job.job_id]

    async def compare(self) -> None:
        """Compare the books with Rivya: in all, by model, and with what the limit says."""
        assert sum(booked(self.folder).values()) == self.rivya.charged_credits
        assert self.rivya.wallet_credits == 1000 - self.rivya.charged_credits
        charged: Counter[str] = Counter()
        for task in self.rivya.tasks.values():
            charged[task.model] += task.final_credits
        by_model: Counter[str] = Counter()
        for entry in export_ledger(self.folder / "bot.sqlite3"):
            assert entry["state"] != "held"
            job = await self.harness.store.find(str(entry["job_id"]))
            assert job is not None
            by_model[job.request.model] += int(str(entry["final_credits"]))
        assert +by_model == +charged
        usage = (await self.harness.ledger.member_limits(GUILD, MEMBER, ())).guild
        assert (usage.spent_credits, usage.held_credits) == (self.rivya.charged_credits, 0)


def booked(folder: Path) -> dict[str, int]:
    """What each job costs by the ledger, held or settled."""
    return {
        str(entry["job_id"]): int(
            str(entry["reserved_credits" if entry["state"] == "held" else "final_credits"] or 0)
        )
        for entry in export_ledger(folder / "bot.sqlite3")
    }


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        rivya = await stack.enter_async_context(
            FakeRivya(painting_seconds=0, painter=lambda *_: PICTURE, wallet_credits=1000)
        )
        database = await Database.open(folder / "bot.sqlite3")
        stack.push_async_callback(database.close)
        session: aiohttp.ClientSession = await stack.enter_async_context(open_session())
        downloader = await stack.enter_async_context(Downloader(allow_loopback=True))
        make = partial(build, stack, database, session, downloader, rivya, "")
        harness = make(catalog=ModelCatalog(MODELS, OFFERED))
        limit = Limit(LIMIT_CREDITS, Period.TOTAL, scope=LimitScope.GUILD)
        await harness.credit_admin.set_limit(GUILD, limit, set_by=99)
        world = World(folder, rivya, harness, make)
        world.known = {model_id: MODELS[model_id].cost_credits for model_id in OFFERED}
        yield world


async def live(script: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as name:
        async with open_world(Path(name)) as world:
            for step in script:
                await world.take(step)
                await world.compare()


DEAR = Change("z-image", 15, 9, "available")
KNOWN_TO_BE_DEAR = replace(DEAR, surcharge=0, is_read=True)


@settings(max_examples=15, deadline=None)
@given(SCRIPTS)
@example([Paint("z-image", meanwhile=DEAR), Paint("z-image"), KNOWN_TO_BE_DEAR, Paint("z-image")])
@example([KNOWN_TO_BE_DEAR, Paint("z-image"), Paint("z-image"), Paint("z-image"), Paint("flux-2-pro")])
@example([Paint("z-image", meanwhile=Change("z-image", 1, 0, "removed"), restart=("flux-2-pro",))])
@example([Paint("flux-2-pro", meanwhile=Change("flux-2-pro", 15, 0, "available"), restart=("z-image",))] * 3)
def test_whatever_happens_to_prices_and_models_the_books_are_those_of_rivya(script: list[Step]) -> None:
    asyncio.run(live(script))
