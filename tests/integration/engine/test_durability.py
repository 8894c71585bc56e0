"""`kill -9` before and after every commit and every outside call of a job with a reference.

The list of points is not written down here: a run that is left alive records every one it passes, so a new
stage, store method or outside call is killed at too. Whatever happens, a restart on the same file ends with
one task at Rivya, one close of the reservation and one picture in the channel, or, where the member was never
answered, with nothing spent at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.credits.ledger_export import export_ledger
from bot.domain.jobs import Stage
from bot.storage.picture_store import picture_folder
from sandbox.fake_rivya import FakeRivya
from tests.support.images import make_picture
from tests.support.paths import ROOT
from tests.support.waiting import soon

CHILD = "tests.integration.engine.crash_worker"
POLLS_ENOUGH = 3
"""A run that dies at its fourth poll tells nothing that the third did not."""
AT_ONCE = 3
"""Processes alive at a time: two cores, and each waits for its task now and then."""


@dataclass
class FakeChannel:
    """A channel that outlives the bot: replies by interaction, and what was posted in them."""

    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    url: str = ""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/replies/{interaction}", self._reply)
        app.router.add_get("/fox.png", self._reference)

    async def _reply(self, request: web.Request) -> web.Response:
        interaction = request.match_info["interaction"]
        if request.method == "POST":
            self.replies[interaction] = {"message_id": len(self.replies) + 1, "lines": [], "pictures": []}
        reply = self.replies.get(interaction)
        if reply is None:
            return web.json_response({}, status=404)
        if request.method == "PATCH":
            reply["lines"].append((await request.json())["line"])
        if request.method == "PUT":
            # An edit replaces the attachment of the one message, as Discord's does.
            reply["pictures"] = [await request.read()]
        return web.json_response({"message_id": reply["message_id"]})

    async def _reference(self, _: web.Request) -> web.Response:
        return web.Response(body=make_picture(), content_type="image/png")


@pytest.fixture
async def channel() -> AsyncIterator[FakeChannel]:
    fake_channel = FakeChannel()
    app = web.Application()
    fake_channel.add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake_channel.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake_channel
    await runner.cleanup()


@dataclass
class Case:
    """One database file, one interaction, and the processes that walk it."""

    folder: Path
    channel: FakeChannel
    rivya: FakeRivya
    interaction_id: int
    private: bool = False

    @property
    def database(self) -> Path:
        return self.folder / "bot.sqlite3"

    @property
    def trace(self) -> list[str]:
        return (self.folder / "trace").read_text().splitlines()

    async def spawn(self, *, resume: bool, die_at: int | str | None = None) -> asyncio.subprocess.Process:
        self.folder.mkdir(exist_ok=True)
        arguments = {
            "database": str(self.database),
            "trace": str(self.folder / ("trace-of-resume" if resume else "trace")),
            "channel": self.channel.url,
            "rivya": self.rivya.url,
            "api_key": self.rivya.api_key,
            "interaction_id": str(self.interaction_id),
        }
        if not resume:
            arguments["reference"] = f"{self.channel.url}/fox.png"
            if self.private:
                arguments["private"] = "1"
        if die_at is not None:
            arguments["die_at"] = str(die_at)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            CHILD,
            json.dumps(arguments),
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def walk(self, *, resume: bool, die_at: int | str | None = None) -> int:
        process = await self.spawn(resume=resume, die_at=die_at)
        try:
            said, _ = await soon(process.communicate())
        except TimeoutError:
            process.kill()
            said, _ = await process.communicate()
            raise AssertionError(f"{self.folder} still walking: {said.decode()}") from None
        if process.returncode not in {0, -signal.SIGKILL}:
            raise AssertionError(said.decode())
        return process.returncode

    def faults(self) -> list[str]:
        """What is wrong with how it ended; nothing, if every promise was kept."""
        reply = self.channel.replies.get(str(self.interaction_id))
        lines = list(export_ledger(self.database)) if self.database.exists() else []
        tasks = [t for t in self.rivya.tasks.values() if lines and t.client_request_id == lines[0]["job_id"]]
        if reply is None:
            wrong = [f"{len(tasks)} tasks for a member who was never answered"] if tasks else []
            return wrong + [f"still {line['state']}" for line in lines if line["state"] != "released"]
        wrong = []
        if len(tasks) != 1:
            wrong.append(f"{len(tasks)} tasks")
        if [(line["state"], line["final_credits"]) for line in lines] != [("settled", 4)]:
            wrong.append(f"books: {lines}")
        if len(reply["pictures"]) != 1:
            wrong.append(f"{len(reply['pictures'])} pictures")
        return [*wrong, *self._kept_wrong(reply["pictures"])]

    def _kept_wrong(self, shown: list[bytes]) -> list[str]:
        """What is kept: the reference as it was sent, and of a private job the picture that was shown."""
        with closing(sqlite3.connect(self.database)) as connection:
            (sent,) = connection.execute("SELECT reference_sha256 FROM jobs").fetchone()
            fake_channel = [name for (name,) in connection.execute("SELECT sha256 FROM kept_pictures")]
        folder = picture_folder(self.database)
        wrong = []
        if fake_channel != ([hashlib.sha256(data).hexdigest() for data in shown] if self.private else []):
            wrong.append(f"kept: {fake_channel}")
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".part"}
        if set(files) != {sent, *fake_channel}:
            wrong.append(f"in the vault: {sorted(files)}, and not {sent} and {fake_channel}")
        torn = [name for name, data in files.items() if hashlib.sha256(data).hexdigest() != name]
        return wrong + [f"torn: {name}" for name in torn]


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.05) as fake_rivya:
        yield fake_rivya


async def a_clean_run(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya, *, private: bool = False
) -> list[str]:
    case = Case(tmp_path / "clean", channel, rivya, interaction_id=1, private=private)
    assert await case.walk(resume=False) == 0
    assert case.faults() == []
    return case.trace


async def test_killed_anywhere_a_job_ends_with_one_task_one_close_one_picture(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    points = await a_clean_run(tmp_path, channel, rivya)
    seen = {point.rpartition(" ")[2] for point in points if point.startswith("store.")}
    assert {"picture_store.save_file before", "picture_store.save_file after"} <= set(points)
    apart = {Stage.FAILED, Stage.CANCELLED, Stage.UNDELIVERABLE}
    assert set(Stage) - apart <= seen, "a stage that the clean run does not pass is a stage nobody kills at"
    room = asyncio.Semaphore(AT_ONCE)

    outlived: list[str] = []

    async def kill_at(number: int, point: str) -> list[str]:
        async with room:
            case = Case(tmp_path / f"killed-{number}", channel, rivya, interaction_id=100 + number)
            if await case.walk(resume=False, die_at=point) != -signal.SIGKILL:
                outlived.append(point)  # this run polled less often than the clean one, and had ended before
                return []
            if case.database.exists():
                await case.walk(resume=True)
            return [f"killed at {number} ({case.trace[-1]}): {wrong}" for wrong in case.faults()]

    # By name and not by number: how often a run polls depends on how busy the machine is.
    named = [f"{point}#{points[: number + 1].count(point)}" for number, point in enumerate(points)]
    chosen = [point for point in named if int(point.rpartition("#")[2]) <= POLLS_ENOUGH]
    walks = await asyncio.gather(*map(kill_at, range(len(chosen)), chosen))
    wrong = [fault for faults in walks for fault in faults]
    assert not wrong, "\n".join(wrong)
    assert {point for point in outlived if point.endswith("#1")} == set(), f"never killed at {outlived}"
    assert rivya.charged_credits == 4 * len(rivya.tasks)


async def test_killed_anywhere_after_it_was_painted_a_private_job_keeps_its_picture(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    points = await a_clean_run(tmp_path, channel, rivya, private=True)
    calls = {point.partition(" ")[0] for point in points}
    assert {"picture_store.save_file", "picture_store.save", "store.record_kept_picture"} <= calls
    later = points.index("store.succeeded before")
    assert later < points.index("picture_store.save before") < points.index("delivery.deliver before"), (
        "what only its member sees is kept before they see it"
    )
    room = asyncio.Semaphore(AT_ONCE)

    async def kill_at(point: str) -> list[str]:
        async with room:
            number = points.index(point)
            case = Case(tmp_path / f"killed-{number}", channel, rivya, 100 + number, private=True)
            assert await case.walk(resume=False, die_at=point) == -signal.SIGKILL
            await case.walk(resume=True)
            return [f"killed at {case.trace[-1]}: {wrong}" for wrong in case.faults()]

    after = list(dict.fromkeys(points[later:]))
    wrong = [fault for faults in await asyncio.gather(*map(kill_at, after)) for fault in faults]
    assert not wrong, "\n".join(wrong)
    assert len(after) >= 10


async def test_killed_again_while_resuming_it_still_ends_once(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    points = await a_clean_run(tmp_path, channel, rivya)
    first = points.index("rivya.create after")
    case = Case(tmp_path / "twice", channel, rivya, interaction_id=50)
    assert await case.walk(resume=False, die_at=first) == -signal.SIGKILL
    for die_at in (3, 1, 5):
        await case.walk(resume=True, die_at=die_at)
    await case.walk(resume=True)
    assert case.faults() == []


async def test_sigterm_parks_a_painting_job_and_the_next_start_finishes_it(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    rivya.hold()
    case = Case(tmp_path / "parked", channel, rivya, interaction_id=60)
    process = await case.spawn(resume=False)
    await rivya.created(1)
    process.send_signal(signal.SIGTERM)
    said, _ = await soon(process.communicate())
    assert process.returncode == 0, said.decode()
    assert [line["state"] for line in export_ledger(case.database)] == ["held"]
    rivya.release()
    await case.walk(resume=True)
    assert case.faults() == []
