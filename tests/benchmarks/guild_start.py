"""One start on a Discord of our own, in a process for itself: what it takes until every server is known.

`python -m tests.benchmarks.guild_start '{"who": "kuas", "http": ..., "socket": ..., "folder": ...}'`
says it in one line of JSON. `who` is `kuas`, the whole bot as `app.py` builds it, or `bare`, discord.py's own
client.
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

from tests.benchmarks.memory import Peak

PATIENCE_SECONDS = 100
TOKEN = "no-token-is-needed-here"


@dataclass(frozen=True)
class Start:
    """What one start took, the process from then on, and at how many servers it ended."""

    seconds: float
    cpu_seconds: float
    added_bytes: int
    most_bytes: int
    way: str
    guilds: int


async def connect(*, who: str, http: str, socket: str, folder: str) -> None:
    Route.BASE = http
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(socket)
    async with _kuas(Path(folder)) if who == "kuas" else _bare() as client:
        peak = Peak()
        began, worked = time.perf_counter(), time.process_time()
        await client.login(TOKEN)
        serving = asyncio.create_task(client.connect())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.wait_until_ready()
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
        await asyncio.sleep(1)  # what a start sets off ends, too
        start = Start(seconds, cpu_seconds, peak.added_bytes, peak.most_bytes, peak.way, len(client.guilds))
        print(json.dumps(asdict(start)), flush=True)
        await client.close()
        await serving


@asynccontextmanager
async def _kuas(folder: Path) -> AsyncIterator[discord.Client]:
    # Not above: the bare client's process must have nothing of ours in its memory.
    app_module, logs, said = map(
        importlib.import_module, ("bot.app", "bot.observability.log_setup", "bot.config.settings")
    )
    logs.configure("error", "console")
    settings = said.Settings(
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
