"""Fixtures of the scenarios: the stand-in of Rivya and guilds with the bot in them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import simcord
from PIL import Image

from sandbox.cdn import FakeCdn
from sandbox.fake_rivya import FakeRivya
from tests.scenarios.bot_server import BotServer, OpenServer
from tests.support.images import make_picture
from tests.support.waiting import PATIENCE_SECONDS

TEXT_DISPLAY, MEDIA_GALLERY = 10, 12


class PatientEnv(simcord.Env):
    """SimCord that waits until the bot rests, however busy the machine, or does not wait at all.

    SimCord's `settle_timeout` says two things: which of the bot's timers are near enough to be waited for,
    and how long that may take. Here it says the first only. Where a look ends unsettled, SimCord leaves every
    timer of the bot to the next look, which is why whoever waits has to look again.
    """

    waiting = True

    async def _settle_internal(
        self,
        *,
        timeout: float | None = None,
        idle: float = 0.05,
        dispatch: str | None = None,
        _deadline: float | None = None,
    ) -> None:
        if not self.waiting and _deadline is None:
            return await self.look()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await super()._settle_internal(
                        timeout=timeout, idle=idle, dispatch=dispatch, _deadline=_deadline
                    )
                except TimeoutError:
                    if _deadline is not None:  # SimCord moves its clock: that look has an end of its own
                        raise

    async def look(self) -> None:
        """Let every timer that is due go off, and come back at once."""
        with suppress(TimeoutError):
            await super()._settle_internal(timeout=0)


def paint(prompt: str, *_: object) -> bytes:
    """Quick to paint; large only for a prompt that asks for noise."""
    if "noise" not in prompt:
        return make_picture()
    kept = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(kept, "PNG")
    return kept.getvalue()


@pytest.fixture(autouse=True)
def answer_unhandled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers for a button that nobody handles does so at once: no click here may be one of those."""
    monkeypatch.setattr("bot.discord_client.client.UNHANDLED_AFTER_SECONDS", 0.0)


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
