"""Fixtures of the scenarios: the fake Rivya, and guilds with the bot in them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cogs.delivery import edit_budget
from sandbox.cdn import FakeCdn
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.support.images import make_picture

EDIT_PACE = 0.05
"""By how much the edits of groups are faster than Discord takes them."""


def paint(prompt: str, *_: object) -> bytes:
    """Return a small picture; a large one if the prompt contains "noise"."""
    if "noise" not in prompt:
        return make_picture()
    file = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(autouse=True)
def quick_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for seconds between two edits of a group."""
    for name in ("MESSAGE_SECONDS", "GATHER_SECONDS", "PROGRESS_SECONDS", "CHANNEL_SECONDS"):
        monkeypatch.setattr(edit_budget, name, getattr(edit_budget, name) * EDIT_PACE)


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.05, painter=paint) as fake_rivya:
        yield fake_rivya


@pytest.fixture
async def open_server(database_path: Path, rivya: FakeRivya) -> AsyncIterator[OpenServer]:
    async with AsyncExitStack() as stack:
        cdn = await stack.enter_async_context(FakeCdn())

        async def build(**options: Any) -> BotServer:
            server = BotServer(database_path, rivya, cdn, stack, options)
            await server.open()
            return server

        yield build


@pytest.fixture
async def server(open_server: OpenServer) -> BotServer:
    return await open_server()
