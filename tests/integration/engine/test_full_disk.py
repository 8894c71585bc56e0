"""A disk that fills in the middle of a job: nothing is lost, the job waits, and goes on by itself."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from PIL import Image

from bot.domain.jobs import Reference, Stage
from sandbox.fake_rivya import FakeRivya
from tests.support.engine_harness import EngineHarness, MakeHarness, stored_picture
from tests.support.factories import make_request
from tests.support.loopback import serving_files
from tests.support.small_disk import SmallDisk
from tests.support.waiting import until

ROOM_FOR_ROWS = 400_000
"""Bytes that the rows of a job fit into, and no picture of this module."""
ATTEMPTS = 3


def make_noise(side: int = 800) -> bytes:
    """Return a PNG that no compression makes small."""
    data = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(1).randbytes(3 * side * side)).save(data, "PNG")
    return data.getvalue()


BIG_PICTURE = make_noise()

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def database_path(disk: SmallDisk) -> Path:
    return disk.folder / "bot.sqlite3"


@pytest.fixture
async def files() -> AsyncIterator[str]:
    async with serving_files({"fox.png": BIG_PICTURE}) as url:
        yield url


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.02, painter=lambda *_: BIG_PICTURE) as fake_rivya:
        yield fake_rivya


@pytest.fixture
def lines() -> Iterator[Lines]:
    with structlog.testing.capture_logs() as captured:
        yield captured


async def wait_for_attempts(lines: Lines) -> None:
    """Wait until a step has failed several times in a row."""
    await until(lambda: any(line.get("setbacks", 0) >= ATTEMPTS for line in lines))


def errors_for_the_operator(lines: Lines) -> list[object]:
    """Return the codes that the operator was told as an error, not as a repetition."""
    return [
        line["code"]
        for line in lines
        if line["event"] == "operator must act" and line["log_level"] == "error"
    ]


async def test_a_reference_waits_for_room(harness: EngineHarness, disk: SmallDisk, lines: Lines) -> None:
    disk.fill(ROOM_FOR_ROWS)
    reference = Reference(f"{harness.files}/fox.png", "fox.png", "image/png", len(BIG_PICTURE))
    job = await harness.submit(make_request(reference=reference))
    await wait_for_attempts(lines)
    found = await harness.store.find(job.job_id)
    assert found is not None
    assert (found.stage, await harness.state(job)) == (Stage.ACCEPTED, "held")
    assert errors_for_the_operator(lines) == ["disk"]
    assert not list(harness.picture_store.path("x").parent.glob("*.part"))
    disk.make_room()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert (len(harness.rivya.uploads), len(harness.rivya.tasks)) == (1, 1)
    assert await harness.state(job) == "settled"
    assert not harness.delivery.failures


async def test_a_finished_task_waits_for_room_in_the_database(
    harness: EngineHarness, disk: SmallDisk, lines: Lines
) -> None:
    harness.rivya.hold()
    job = await harness.submit()
    await harness.rivya.created(1)
    await until(lambda: any(task.polls for task in harness.rivya.tasks.values()))
    disk.fill()
    harness.rivya.release()
    await wait_for_attempts(lines)
    found = await harness.store.find(job.job_id)
    assert found is not None
    assert (found.stage, await harness.state(job)) == (Stage.CREATED, "held")
    assert errors_for_the_operator(lines) == ["database"]
    disk.make_room()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert (len(harness.rivya.tasks), await harness.state(job)) == (1, "settled")


async def test_a_private_picture_is_delivered_at_once_and_waits_for_room_to_be_stored(
    harness: EngineHarness, disk: SmallDisk, lines: Lines
) -> None:
    disk.fill(ROOM_FOR_ROWS)
    request = make_request()
    job = await harness.submit(replace(request, destination=replace(request.destination, private=True)))
    await wait_for_attempts(lines)
    found = await harness.store.find(job.job_id)
    assert found is not None
    assert (found.stage, list(harness.delivery.delivered)) == (Stage.SUCCEEDED, [job.job_id])
    assert errors_for_the_operator(lines) == ["disk"]
    disk.make_room()
    assert (await harness.wait(job)).stage is Stage.DELIVERED
    assert await stored_picture(harness, job) == BIG_PICTURE


async def test_an_undeliverable_picture_waits_for_room(
    harness: EngineHarness, disk: SmallDisk, lines: Lines
) -> None:
    disk.fill(ROOM_FOR_ROWS)
    harness.delivery.undeliverable = True
    job = await harness.submit()
    await wait_for_attempts(lines)
    folder = harness.picture_store.path("x").parent
    assert list(folder.iterdir()) == []
    disk.make_room()
    assert (await harness.wait(job)).stage is Stage.UNDELIVERABLE
    assert await stored_picture(harness, job) == BIG_PICTURE
    assert [path.name for path in folder.iterdir()] == [hashlib.sha256(BIG_PICTURE).hexdigest()]


async def test_a_restart_on_a_full_disk_goes_on_with_the_job(
    make_harness: MakeHarness, disk: SmallDisk, lines: Lines
) -> None:
    first = make_harness()
    first.rivya.hold()
    job = await first.submit()
    await first.rivya.created(1)
    disk.fill()
    first.rivya.release()
    await wait_for_attempts(lines)
    await first.engine.close()
    lines.clear()
    second = make_harness()
    await second.engine.resume()
    await wait_for_attempts(lines)
    disk.make_room()
    assert (await second.wait(job)).stage is Stage.DELIVERED
    assert [*first.delivery.delivered, *second.delivery.delivered] == [job.job_id]
    assert (len(first.rivya.tasks), await second.state(job)) == (1, "settled")
