"""Fixtures of the engine tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from bot.images.downloads import Downloader
from bot.rivya.client import open_session
from bot.storage.database import Database
from sandbox.fake_rivya import FakeRivya
from tests.support.engine_harness import EngineHarness, MakeHarness, build
from tests.support.images import make_picture
from tests.support.loopback import serving_files


@pytest.fixture
async def files() -> AsyncIterator[str]:
    """Serve references; yields the base URL."""
    contents = {
        "fox.png": make_picture(),
        "notes.png": b"just some notes",
        "half.png": make_picture(size=(300, 300))[:200],
    }
    async with serving_files(contents) as url:
        yield url


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.02, painter=lambda *_: make_picture()) as fake_rivya:
        yield fake_rivya


@pytest.fixture
async def make_harness(database: Database, rivya: FakeRivya, files: str) -> AsyncIterator[MakeHarness]:
    """Open engines on the same database, one after another, as restarts do."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session())
        downloader = await stack.enter_async_context(Downloader(allow_loopback=True))
        yield partial(build, stack, database, session, downloader, rivya, files)


@pytest.fixture
def harness(make_harness: MakeHarness) -> EngineHarness:
    return make_harness()
