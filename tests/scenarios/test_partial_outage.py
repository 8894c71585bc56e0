"""What the bot does while only a part of Discord answers, on a real socket."""

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


class HalfDiscord:
    """Says who the bot is and takes commands and first answers, but is silent at one path, or slow."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.silent_at = "nowhere"
        self.first_answers = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith(self.silent_at):
            self.reached.set()
            await asyncio.Event().wait()
        if request.path.endswith("/callback"):
            await asyncio.sleep(1.2)  # the bot waits for 1, and then for another before it asks
            self.first_answers += 1
        known = {"/users/@me": ME, "/oauth2/applications/@me": APPLICATION}
        body = json.dumps(known.get(request.path, [])).encode()
        # Exactly this type: with a charset behind it, discord.py takes the answer for plain text.
        return web.Response(body=body, headers={"Content-Type": "application/json"})


@pytest.fixture
async def half_discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HalfDiscord]:
    half = HalfDiscord()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", half.answer)
    # Like Discord, it acts on what it has read, whether or not somebody still listens.
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setattr("discord.http.Route.BASE", f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield half
    await runner.cleanup()


@pytest.mark.parametrize("silent_at", ["/users/@me", "/commands", "/gateway/bot"])
async def test_a_bot_told_to_end_while_it_starts_ends_without_complaint(
    half_discord: HalfDiscord, database_path: Path, silent_at: str
) -> None:
    half_discord.silent_at = silent_at
    settings = Settings(
        discord=DiscordSettings(token=SecretStr("no-token")),
        rivya=RivyaSettings(api_key=SecretStr("rvya_sk_none"), base_url="http://127.0.0.1:9"),
        database=DatabaseSettings(path=database_path),
    )
    running = asyncio.create_task(run(settings))
    await soon(half_discord.reached.wait())
    os.kill(os.getpid(), signal.SIGTERM)
    await soon(running)


async def test_discord_is_not_asked_for_a_slow_first_answer_before_it_can_have_taken_it(
    half_discord: HalfDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "DEFER_SECONDS", 1.0)  # time enough to send it
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login("no-token")
        data = {"id": "5", "application_id": "1", "type": 2, "token": "t", "version": 1}
        interaction = discord.Interaction(
            data=cast("Any", {**data, "attachment_size_limit": 1, "user": ME}), state=client._connection
        )
        acknowledgement = await responses.defer(interaction, private=False)
    assert acknowledgement == responses.DeferResult(responses.DeferOutcome.UNCLEAR)
    assert half_discord.first_answers == 1
