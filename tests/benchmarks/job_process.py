"""Run jobs in a process of its own, and say how much of the processor's time it has used.

`python -m tests.benchmarks.job_process '{"kind": "kuas", ...}'` prints `{}` when it is ready for jobs, then
answers each line `cpu` of its standard input with the seconds so far. `kind` is one of

* `kuas`: the whole bot, as `app.py` builds it, with its default settings but the times of polls;
* `discord.py`: a bot of discord.py without a database that answers the same command with the same calls;
* `aiohttp`: the same calls without discord.py; its jobs come as lines of JSON, since it has no gateway.

All run on the event loop of the program: uvloop's where that is installed. The other two decode each picture
once before they post it, unless `decode` is false.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import discord
import discord.gateway
import yarl
from discord import app_commands, ui
from PIL import Image

from bot import event_loop
from bot.observability import log_setup

LINE_BYTES = 1024 * 1024
BUTTON_ROWS = (("Again", "Edit", "Use as reference"), ("Vary", "Details", "Delete"))


@dataclass(frozen=True)
class Work:
    """Where and how the jobs are run."""

    kind: str
    folder: str
    discord_api: str
    gateway: str
    token: str
    application_id: int
    rivya_url: str
    api_key: str
    poll_seconds: float
    decode: bool

    def api(self, path: str) -> str:
        return f"{self.rivya_url}/api/v1{path}"


Handle = Callable[[dict[str, Any]], None]


async def serve(work: Work) -> None:
    discord.http.Route.BASE = work.discord_api
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(work.gateway)
    opened = {"kuas": _kuas, "discord.py": _bare_bot, "aiohttp": _bare_aiohttp}[work.kind]
    async with opened(work) as handle:
        reader = asyncio.StreamReader(limit=LINE_BYTES)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        print("{}", flush=True)
        while line := await reader.readline():
            if line == b"cpu\n":
                print(time.process_time(), flush=True)
            else:
                handle(json.loads(line))


@asynccontextmanager
async def _kuas(work: Work) -> AsyncIterator[Handle]:
    # Imported here, so that the others do not load the bot.
    app_module, settings_module = map(importlib.import_module, ("bot.app", "bot.config.settings"))
    settings = settings_module.Settings(
        discord={"token": work.token},
        rivya={
            "api_key": work.api_key,
            "base_url": work.rivya_url,
            "first_poll_seconds": work.poll_seconds,
            "poll_seconds": work.poll_seconds,
        },
        database={"path": Path(work.folder) / "bot.sqlite3"},
        network={"allow_loopback": True},
        limits={"guild_credits": 1_000_000},
    )
    log_setup.configure(settings.log.level, settings.log.format)
    app_module.tune_gc()
    async with app_module.open_app(settings) as app:
        serving = asyncio.create_task(app.client.start(work.token))
        await app.client.wait_until_ready()
        yield lambda _: None
        await app.engine.close()
        await app.client.close()
        await serving


@asynccontextmanager
async def _bare_bot(work: Work) -> AsyncIterator[Handle]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {work.api_key}"}) as session,
        discord.Client(intents=discord.Intents(guilds=True)) as client,
    ):
        tree = app_commands.CommandTree(client)

        @tree.command(name="imagine", description="Make a picture.")
        async def imagine(interaction: discord.Interaction, prompt: str) -> None:
            await interaction.response.defer(thinking=True)
            task_id = await _create(session, work, prompt)
            await interaction.edit_original_response(view=_view(f"> {prompt}", "Painting."))
            picture = await _fetch(session, work, task_id)
            filename = f"{task_id}.png"
            await interaction.edit_original_response(
                view=_picture_view(prompt, filename, task_id),
                attachments=[discord.File(io.BytesIO(picture), filename)],
            )

        await client.login(work.token)
        await tree.sync()
        serving = asyncio.create_task(client.connect())
        await client.wait_until_ready()
        yield lambda _: None
        await client.close()
        await serving


def _view(*parts: str | ui.Item[ui.LayoutView]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    for part in parts:
        view.add_item(ui.TextDisplay(part) if isinstance(part, str) else part)
    return view


def _picture_view(prompt: str, filename: str, task_id: str) -> ui.LayoutView:
    rows: list[ui.ActionRow[ui.LayoutView]] = [
        ui.ActionRow(*(ui.Button(label=label, custom_id=f"{label}:{task_id}") for label in labels))
        for labels in BUTTON_ROWS
    ]
    return _view(
        f"> {prompt}",
        ui.MediaGallery(discord.MediaGalleryItem(f"attachment://{filename}", description=prompt)),
        "-# 4 credits",
        *rows,
    )


@asynccontextmanager
async def _bare_aiohttp(work: Work) -> AsyncIterator[Handle]:
    tasks: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession() as session:

        def handle(interaction: dict[str, Any]) -> None:
            task = asyncio.create_task(_run_bare_job(session, work, interaction))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        yield handle


async def _run_bare_job(session: aiohttp.ClientSession, work: Work, interaction: dict[str, Any]) -> None:
    prompt: str = interaction["prompt"]
    callback = f"{work.discord_api}/interactions/{interaction['id']}/{interaction['token']}/callback"
    reply = f"{work.discord_api}/webhooks/{work.application_id}/{interaction['token']}/messages/@original"
    async with session.post(f"{callback}?with_response=1", json={"type": 5}) as answer:
        await answer.json()
    key = {"Authorization": f"Bearer {work.api_key}"}
    task_id = await _create(session, work, prompt, **key)
    parts = [{"type": 10, "content": f"> {prompt}"}, {"type": 10, "content": "Painting."}]
    async with session.patch(reply, json={"components": parts, "flags": 1 << 15}) as answer:
        await answer.json()
    picture = await _fetch(session, work, task_id, **key)
    await post_picture(session, reply, prompt, f"{task_id}.png", picture)


async def post_picture(
    session: aiohttp.ClientSession, reply: str, prompt: str, filename: str, picture: bytes
) -> None:
    """Edit a reply as discord.py does, with a picture and its buttons."""
    item = {"media": {"url": f"attachment://{filename}"}, "description": prompt}
    rows = [
        [{"type": 2, "style": 2, "label": each, "custom_id": f"{each}:{filename}"} for each in labels]
        for labels in BUTTON_ROWS
    ]
    parts = [
        {"type": 10, "content": f"> {prompt}"},
        {"type": 12, "items": [item]},
        {"type": 10, "content": "-# 4 credits"},
        *({"type": 1, "components": buttons} for buttons in rows),
    ]
    attachments = [{"id": 0, "filename": filename}]
    form = aiohttp.FormData(quote_fields=False)
    form.add_field(
        "payload_json", json.dumps({"components": parts, "flags": 1 << 15, "attachments": attachments})
    )
    form.add_field("files[0]", picture, filename=filename, content_type="application/octet-stream")
    async with session.patch(reply, data=form) as answer:
        await answer.json()


async def _create(session: aiohttp.ClientSession, work: Work, prompt: str, **headers: str) -> str:
    body = json.dumps({"model": "qwen-image", "prompt": prompt, "params": {"image_size": "square_hd"}})
    sent = {**headers, "Content-Type": "application/json", "Idempotency-Key": prompt[:20]}
    async with session.post(work.api("/generations"), data=body, headers=sent) as answer:
        task_id: str = json.loads(await answer.read())["id"]
    return task_id


async def _fetch(session: aiohttp.ClientSession, work: Work, task_id: str, **headers: str) -> bytes:
    """Poll a task to its end, download its picture and decode it."""
    while True:
        await asyncio.sleep(work.poll_seconds)
        async with session.get(work.api(f"/generations/{task_id}"), headers=headers) as answer:
            task = json.loads(await answer.read())
        if task["status"] == "succeeded":
            break
    async with session.get(task["result"]["url"]) as answer:
        picture = await answer.read()
    if work.decode:
        await asyncio.to_thread(_decode, picture)
    return picture


def _decode(picture: bytes) -> None:
    Image.open(io.BytesIO(picture)).load()


if __name__ == "__main__":
    log_setup.configure("error", "console")  # else structlog writes to standard output
    with event_loop.open_runner() as runner:
        runner.run(serve(Work(**json.loads(sys.argv[1]))))
