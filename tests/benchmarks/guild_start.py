"""Measure one start against `stub_gateway`, in a process of its own, until every server is known.

`python -m tests.benchmarks.guild_start '{"bot": "kuas", "http": ..., "socket": ..., "folder": ...}'`
prints the fields of `StartResult` in one line of JSON. `bot` is `kuas`, the whole bot as `app.py` builds it,
or `bare`, a client of discord.py alone.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.benchmarks.memory import PeakMemory

PATIENCE_SECONDS = 100
TOKEN = "no-token-is-needed-here"


@dataclass(frozen=True)
class StartResult:
    """Time and memory of one start, and the number of servers known at its end."""

    seconds: float
    """From the start of the process until every server is known."""
    cpu_seconds: float
    """Of the processor, in the same time."""
    added_bytes: int
    peak_bytes: int
    method: str
    guilds: int


async def connect(*, bot: str, http: str, socket: str, folder: str, began: float) -> None:
    """Start and stop once; `began` is when the process was started, in epoch seconds."""
    Route.BASE = http
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(socket)
    async with _kuas(Path(folder)) if bot == "kuas" else _bare() as client:
        peak = PeakMemory()
        await client.login(TOKEN)
        serving = asyncio.create_task(client.connect())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.wait_until_ready()
        seconds, cpu_seconds = time.time() - began, time.process_time()
        await asyncio.sleep(1)  # lets background work of the start end
        start = StartResult(
            seconds, cpu_seconds, peak.added_bytes, peak.peak_bytes, peak.method, len(client.guilds)
        )
        print(json.dumps(asdict(start)), flush=True)
        await client.close()
        await serving


@asynccontextmanager
async def _kuas(folder: Path) -> AsyncIterator[discord.Client]:
    # Imported here, so that the process of the bare client does not load the bot.
    app_module, log_setup, settings_module = map(
        importlib.import_module, ("bot.app", "bot.observability.log_setup", "bot.config.settings")
    )
    log_setup.configure("error", "console")
    settings = settings_module.Settings(
        discord={"token": TOKEN},
        rivya={"api_key": "rvya_sk_nobody", "base_url": "http://127.0.0.1:9"},
        database={"path": folder / "bot.sqlite3"},
    )
    async with app_module.open_app(settings) as app:
        yield app.client


@asynccontextmanager
async def _bare() -> AsyncIterator[discord.Client]:
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        yield client


if __name__ == "__main__":
    asyncio.run(connect(**json.loads(sys.argv[1])))
