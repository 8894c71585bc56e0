"""The bot while only a part of Discord answers, over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import discord
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import run
from bot.config.settings import DatabaseSettings, DiscordSettings, RivyaSettings, Settings
from cogs.ui import responses
from tests.support.loopback import serving
from tests.support.waiting import soon

ME = {"id": "1", "username": "kuas", "discriminator": "0", "avatar": None, "bot": True}
APPLICATION = {
    "id": "1",
    "name": "kuas",
    "icon": None,
    "description": "",
    "bot_public": True,
    "bot_require_code_grant": False,
    "verify_key": "",
    "owner": ME,
}


class FakeDiscord:
    """A fake Discord that takes commands and slow first responses, and never answers at one path."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.silent_path = "nowhere"
        self.first_responses = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith(self.silent_path):
            self.reached.set()
            await asyncio.Event().wait()
        if request.path.endswith("/callback"):
            await asyncio.sleep(1.2)  # the bot waits 1 s for the answer, and 1 s more before it asks
            self.first_responses += 1
        known = {"/users/@me": ME, "/oauth2/applications/@me": APPLICATION}
        body = json.dumps(known.get(request.path, [])).encode()
        # Without a charset: with one discord.py would not parse the answer as JSON.
        return web.Response(body=body, headers={"Content-Type": "application/json"})


@pytest.fixture
async def fake_discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeDiscord]:
    fake = FakeDiscord()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    # Like Discord, it handles what it has read even if the client has closed the connection.
    async with serving(app, shutdown_timeout=0.1, handler_cancellation=False) as url:
        monkeypatch.setattr("discord.http.Route.BASE", url)
        yield fake


@pytest.mark.parametrize("silent_path", ["/users/@me", "/commands", "/gateway/bot"])
async def test_sigterm_during_the_start_ends_the_bot_without_an_error(
    fake_discord: FakeDiscord, database_path: Path, silent_path: str
) -> None:
    fake_discord.silent_path = silent_path
    settings = Settings(
        discord=DiscordSettings(token=SecretStr("no-token")),
        rivya=RivyaSettings(api_key=SecretStr("rvya_sk_none"), base_url="http://127.0.0.1:9"),
        database=DatabaseSettings(path=database_path),
    )
    running = asyncio.create_task(run(settings))
    await soon(fake_discord.reached.wait())
    os.kill(os.getpid(), signal.SIGTERM)
    await soon(running)


async def test_a_slow_first_response_is_sent_once_and_its_outcome_is_unclear(
    fake_discord: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "DEFER_SECONDS", 1.0)  # enough time to send it
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login("no-token")
        data = {"id": "5", "application_id": "1", "type": 2, "token": "t", "version": 1}
        interaction = discord.Interaction(
            data=cast("Any", {**data, "attachment_size_limit": 1, "user": ME}), state=client._connection
        )
        acknowledgement = await responses.defer(interaction, private=False)
    assert acknowledgement == responses.DeferResult(responses.DeferOutcome.UNCLEAR)
    assert fake_discord.first_responses == 1
