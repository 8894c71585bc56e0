"""`kill -9` before and after every commit and every outside call of a job with one reference, and with three.

The kill points are not listed here: a run that is not killed records every one that it passes, so a new
stage, store method or outside call is covered, too. Wherever a job is killed, a restart on the same file ends
with one task at Rivya, one settled reservation and one picture in the channel, or, if the member was never
answered, with nothing spent.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from bot.credits.ledger_export import export_ledger
from bot.domain.image_models import MODELS, ImageModel
from bot.domain.jobs import Stage
from bot.storage.picture_store import picture_folder
from sandbox.fake_rivya import FakeRivya
from tests.integration.engine import crash_worker
from tests.support.forks import Fork
from tests.support.images import make_picture
from tests.support.loopback import serving

MAX_POLLS = 3
"""The fourth poll is like the third."""
LATE_ATTEMPTS = 8
"""Downloads that fail; the job is late after the sixth."""
WIDTH = 30
"""Of a reference, in pixels, to which its number is added."""
PARALLEL = 3
"""Processes at a time."""


@dataclass
class FakeChannel:
    """A channel that outlives the bot's process: replies by interaction, with what was posted in them."""

    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    url: str = ""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/replies/{interaction}", self._reply)
        app.router.add_get("/fox-{number}.png", self._reference)

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
            data = io.BytesIO(await request.read())
            pictures = [data.read(int(size)) for size in request.headers["x-sizes"].split()]
            # Those of the other jobs of a group stay in the message.
            places = reply.setdefault("places", {})
            places[int(request.headers["x-place"])] = pictures
            reply["pictures"] = [picture for place in sorted(places) for picture in places[place]]
        return web.json_response({"message_id": reply["message_id"]})

    async def _reference(self, request: web.Request) -> web.Response:
        picture = make_picture(size=(WIDTH + int(request.match_info["number"]), 20))
        return web.Response(body=picture, content_type="image/png")


@pytest.fixture
async def channel() -> AsyncIterator[FakeChannel]:
    fake_channel = FakeChannel()
    app = web.Application(client_max_size=2**25)
    fake_channel.add_routes(app)
    async with serving(app) as fake_channel.url:
        yield fake_channel


@dataclass
class Case:
    """One database file, one interaction, and the processes that run its job."""

    folder: Path
    channel: FakeChannel
    rivya: FakeRivya
    interaction_id: int
    private: bool = False
    references: int = 1
    pictures: int = 1
    """How many the task returns."""
    group: int = 1
    """For how many pictures the request is, each a job of its own."""
    poll_seconds: float = 0.05
    """Also the first wait after a failure."""

    @property
    def model(self) -> ImageModel:
        if self.pictures > 1:
            return MODELS["seedream-4-0"]
        return MODELS["qwen-image" if self.references == 1 else "nano-banana"]

    @property
    def database(self) -> Path:
        return self.folder / "bot.sqlite3"

    @property
    def trace(self) -> list[str]:
        return (self.folder / "trace").read_text().splitlines()

    def spawn(self, *, resume: bool, die_at: int | str | None = None) -> Fork:
        self.folder.mkdir(exist_ok=True)
        arguments = {
            "database": str(self.database),
            "trace": str(self.folder / ("trace-of-resume" if resume else "trace")),
            "channel": self.channel.url,
            "rivya": self.rivya.url,
            "api_key": self.rivya.api_key,
            "interaction_id": str(self.interaction_id),
            "poll_seconds": str(self.poll_seconds),
        }
        if not resume:
            numbers = range(1, self.references + 1)
            arguments["references"] = " ".join(f"{self.channel.url}/fox-{number}.png" for number in numbers)
            arguments["model"] = self.model.model_id
            arguments["pictures"] = str(self.pictures)
            arguments["group"] = str(self.group)
            if self.private:
                arguments["private"] = "1"
        if die_at is not None:
            arguments["die_at"] = str(die_at)
        return Fork(crash_worker.run, arguments)

    async def run(self, *, resume: bool, die_at: int | str | None = None) -> int:
        code, output = await self.spawn(resume=resume, die_at=die_at).end()
        if code not in {0, -signal.SIGKILL}:
            raise AssertionError(output)
        return code

    def problems(self) -> list[str]:
        """List what is wrong with the outcome; nothing if every guarantee was kept."""
        reply = self.channel.replies.get(str(self.interaction_id))
        lines = list(export_ledger(self.database)) if self.database.exists() else []
        job_ids = {line["job_id"] for line in lines}
        tasks = [task for task in self.rivya.tasks.values() if task.client_request_id in job_ids]
        if reply is None:
            wrong = [f"{len(tasks)} tasks for a member who was never answered"] if tasks else []
            return wrong + [f"still {line['state']}" for line in lines if line["state"] != "released"]
        wrong = []
        if {task.client_request_id for task in tasks} != job_ids or len(tasks) != self.group:
            wrong.append(f"{len(tasks)} tasks")
        if [(line["state"], line["final_credits"]) for line in lines] != [
            ("settled", self.model.cost_credits * self.pictures)
        ] * self.group:
            wrong.append(f"ledger: {lines}")
        expected = self.pictures * self.group
        if len(set(reply["pictures"])) != expected or len(reply["pictures"]) != expected:
            wrong.append(f"{len(reply['pictures'])} pictures")
        sent = [self.rivya.uploads[upload_id].data for task in tasks for upload_id in task.reference_ids]
        if widths_of(sent) != [WIDTH + number for number in range(1, self.references + 1)] * self.group:
            wrong.append(f"references as wide as {widths_of(sent)}")
        return [*wrong, *self._file_problems(reply["pictures"])]

    def uploads(self) -> int:
        """Return how many uploads the job has made."""
        lines = list(export_ledger(self.database)) if self.database.exists() else []
        job_ids = {line["job_id"] for line in lines}
        return sum(upload.client_request_id in job_ids for upload in self.rivya.uploads.values())

    def _file_problems(self, shown: list[bytes]) -> list[str]:
        """List what is wrong with the stored reference and, of a private job, the stored picture."""
        with closing(sqlite3.connect(self.database)) as connection:
            sent = [name for (name,) in connection.execute("SELECT sha256 FROM job_references")]
            fake_channel = [name for (name,) in connection.execute("SELECT sha256 FROM kept_pictures")]
            more = connection.execute(
                "SELECT landed_url, sha256 FROM more_pictures ORDER BY number"
            ).fetchall()
            fake_channel += [name for _, name in more if name is not None]
        folder = picture_folder(self.database)
        wrong = []
        if len([url for url, _ in more if url is not None]) != self.pictures - 1:
            wrong.append(f"posted beside the first: {more}")
        if fake_channel != ([hashlib.sha256(data).hexdigest() for data in shown] if self.private else []):
            wrong.append(f"kept: {fake_channel}")
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".part"}
        # What was downloaded instead of a picture stays until the hourly maintenance.
        files = {name: data for name, data in files.items() if not data.startswith(b"<")}
        if set(files) != {*sent, *fake_channel}:
            wrong.append(f"in the vault: {sorted(files)}, and not {sent} and {fake_channel}")
        torn = [name for name, data in files.items() if hashlib.sha256(data).hexdigest() != name]
        return wrong + [f"torn: {name}" for name in torn]


def widths_of(pictures: list[bytes]) -> list[int]:
    return [Image.open(io.BytesIO(data)).width for data in pictures]


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.05) as fake_rivya:
        yield fake_rivya


async def clean_run(tmp_path: Path, channel: FakeChannel, rivya: FakeRivya, **options: Any) -> list[str]:
    case = Case(tmp_path / "clean", channel, rivya, interaction_id=1, **options)
    assert await case.run(resume=False) == 0
    assert case.problems() == []
    return case.trace


async def test_the_pictures_of_one_task_come_once_each_wherever_the_job_is_killed(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    points = await clean_run(tmp_path, channel, rivya, pictures=3, private=True)
    assert points.count("store.record_kept_picture before") == points.count("downloader.result before") == 3
    semaphore = asyncio.Semaphore(PARALLEL)

    async def kill_at(number: int, point: str) -> list[str]:
        async with semaphore:
            case = Case(tmp_path / f"killed-{number}", channel, rivya, 400 + number, private=True, pictures=3)
            assert await case.run(resume=False, die_at=point) == -signal.SIGKILL
            await case.run(resume=True)
            return [f"killed at {point}: {wrong}" for wrong in case.problems()]

    later = range(points.index("store.succeeded before"), len(points))
    named = {number: f"{points[number]}#{points[: number + 1].count(points[number])}" for number in later}
    wrong = [each for found in await asyncio.gather(*map(kill_at, named, named.values())) for each in found]
    assert not wrong, "\n".join(wrong)


async def test_each_job_of_a_group_ends_once_wherever_the_process_is_killed(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    group = 4
    points = await clean_run(tmp_path, channel, rivya, group=group)
    assert points.count("store.delivered before") == points.count("rivya.create before") == group
    semaphore = asyncio.Semaphore(PARALLEL)

    async def kill_at(number: int, point: str) -> list[str]:
        async with semaphore:
            case = Case(tmp_path / f"killed-{number}", channel, rivya, 600 + number, group=group)
            if await case.run(resume=False, die_at=point) != -signal.SIGKILL:
                return []  # it polled less often than the clean run
            if case.database.exists():
                await case.run(resume=True)
            return [f"killed at {point}: {wrong}" for wrong in case.problems()]

    # Each commit and call once, in turn that of the first job and that of the last one.
    chosen = [
        f"{point}#{min(group, points.count(point)) if number % 2 else 1}"
        for number, point in enumerate(dict.fromkeys(points))
    ]
    results = await asyncio.gather(*map(kill_at, range(len(chosen)), chosen))
    wrong = [problem for problems in results for problem in problems]
    assert not wrong, "\n".join(wrong)
    assert rivya.charged_credits == MODELS["qwen-image"].cost_credits * len(rivya.tasks)


@pytest.mark.parametrize("references", [1, 3])
async def test_a_job_killed_anywhere_ends_with_one_task_one_charge_and_one_picture(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya, references: int
) -> None:
    points = await clean_run(tmp_path, channel, rivya, references=references)
    assert points.count("store.uploaded before") == references
    seen = {point.rpartition(" ")[2] for point in points if point.startswith("store.")}
    assert {"picture_store.save_file before", "picture_store.save_file after"} <= set(points)
    other_ends = {Stage.FAILED, Stage.CANCELLED, Stage.UNDELIVERABLE}
    assert set(Stage) - other_ends <= seen, "the clean run must pass every stage, so that each is killed at"
    semaphore = asyncio.Semaphore(PARALLEL)

    survived: list[str] = []

    async def kill_at(number: int, point: str) -> list[str]:
        async with semaphore:
            case = Case(tmp_path / f"killed-{number}", channel, rivya, 100 + number, references=references)
            if await case.run(resume=False, die_at=point) != -signal.SIGKILL:
                survived.append(point)  # it polled less often than the clean run and ended before this point
                return []
            if case.database.exists():
                await case.run(resume=True)
            wrong = case.problems()
            # What was at Rivya, but is in no row yet, is uploaded a second time, and nothing else.
            unknown = point.partition("#")[0] in {"rivya.upload after", "store.uploaded before"}
            if str(case.interaction_id) in channel.replies and case.uploads() != references + unknown:
                wrong.append(f"{case.uploads()} uploads")
            return [f"killed at {number} ({case.trace[-1]}): {each}" for each in wrong]

    # By name and not by number: how often a run polls depends on how busy the machine is.
    named = [f"{point}#{points[: number + 1].count(point)}" for number, point in enumerate(points)]
    chosen = [point for point in named if int(point.rpartition("#")[2]) <= MAX_POLLS]
    results = await asyncio.gather(*map(kill_at, range(len(chosen)), chosen))
    wrong = [problem for problems in results for problem in problems]
    assert not wrong, "\n".join(wrong)
    assert {point for point in survived if point.endswith("#1")} == set(), f"never killed at {survived}"
    cost_credits = Case(tmp_path, channel, rivya, 0, references=references).model.cost_credits
    assert rivya.charged_credits == cost_credits * len(rivya.tasks)


async def test_a_private_job_killed_after_its_task_succeeded_keeps_its_picture(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    points = await clean_run(tmp_path, channel, rivya, private=True)
    calls = {point.partition(" ")[0] for point in points}
    assert {"picture_store.save_file", "picture_store.save", "store.record_kept_picture"} <= calls
    later = points.index("store.succeeded before")
    assert later < points.index("picture_store.save before") < points.index("delivery.deliver before"), (
        "a private picture must be stored before it is delivered"
    )
    semaphore = asyncio.Semaphore(PARALLEL)

    async def kill_at(point: str) -> list[str]:
        async with semaphore:
            number = points.index(point)
            case = Case(tmp_path / f"killed-{number}", channel, rivya, 100 + number, private=True)
            assert await case.run(resume=False, die_at=point) == -signal.SIGKILL
            await case.run(resume=True)
            return [f"killed at {case.trace[-1]}: {wrong}" for wrong in case.problems()]

    after = list(dict.fromkeys(points[later:]))
    wrong = [problem for problems in await asyncio.gather(*map(kill_at, after)) for problem in problems]
    assert not wrong, "\n".join(wrong)
    assert len(after) >= 10


async def test_a_late_picture_survives_a_kill_at_each_of_its_commits(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    def fail_downloads() -> None:
        rivya.faults.clear()
        rivya.faults.add("not_a_picture", "result", times=LATE_ATTEMPTS)

    fail_downloads()
    points = await clean_run(tmp_path, channel, rivya, poll_seconds=0.005)
    names = ("store.late", "store.record_unreadable_result", "store.result_downloaded", "delivery.deliver")
    chosen = sorted({f"{point}#1" for point in points if point.split()[0] in names})
    assert {point.split()[0] for point in chosen} == set(names)
    for number, point in enumerate(chosen):
        fail_downloads()
        case = Case(tmp_path / f"killed-{number}", channel, rivya, 200 + number, poll_seconds=0.005)
        assert await case.run(resume=False, die_at=point) == -signal.SIGKILL
        assert await case.run(resume=True) == 0
        assert case.problems() == [], point


async def test_a_job_killed_again_while_it_is_resumed_still_ends_once(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    points = await clean_run(tmp_path, channel, rivya)
    first = points.index("rivya.create after")
    case = Case(tmp_path / "twice", channel, rivya, interaction_id=50)
    assert await case.run(resume=False, die_at=first) == -signal.SIGKILL
    for die_at in (3, 1, 5):
        await case.run(resume=True, die_at=die_at)
    await case.run(resume=True)
    assert case.problems() == []


async def test_a_job_interrupted_by_sigterm_is_finished_by_the_next_start(
    tmp_path: Path, channel: FakeChannel, rivya: FakeRivya
) -> None:
    rivya.hold()
    case = Case(tmp_path / "interrupted", channel, rivya, interaction_id=60)
    process = case.spawn(resume=False)
    await rivya.created(1)
    process.terminate()
    code, output = await process.end()
    assert code == 0, output
    assert [line["state"] for line in export_ledger(case.database)] == ["held"]
    rivya.release()
    await case.run(resume=True)
    assert case.problems() == []
