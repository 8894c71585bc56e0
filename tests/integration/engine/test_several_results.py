"""A task that returns several pictures: all are fetched, in their order, and delivered together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.image_models import MODELS
from bot.domain.jobs import Job, Request, Stage
from bot.domain.model_catalog import ModelCatalog
from bot.engine import result_fetcher
from bot.engine.failure_policy import MAX_RESULT_ATTEMPTS
from bot.engine.result_fetcher import MAX_REFUSED_ATTEMPTS
from bot.jobs.history import HistoryStore
from bot.storage.database import Database
from sandbox.fake_rivya import FakeRivya
from tests.support.engine_harness import EngineHarness, MakeHarness, stored_picture
from tests.support.factories import make_request
from tests.support.images import make_picture
from tests.support.sql import rows
from tests.support.waiting import until

CATALOG = ModelCatalog(MODELS, ("seedream-4-0",))
COST = MODELS["seedream-4-0"].cost_credits


def picture(number: int) -> bytes:
    """Return the picture that the fake paints as the one of this number."""
    return make_picture(size=(40 + number, 30))


def paint(*values: Any) -> bytes:
    return picture(int(values[-1].seed.rpartition("/")[2] or 0) + 1)


@pytest.fixture
def harness(make_harness: MakeHarness, rivya: FakeRivya) -> EngineHarness:
    rivya._painter = paint
    return make_harness(catalog=CATALOG)


def request_for(pictures: int, *, prompt: str = "a fox", private: bool = False) -> Request:
    request = make_request(prompt=prompt)
    return replace(
        request,
        model="seedream-4-0",
        settings=(("max_images", pictures),),
        destination=replace(request.destination, private=private),
    )


def shown(harness: EngineHarness, job: Job) -> list[bytes]:
    return [each.data for each in harness.delivery.pictures[job.job_id][0]]


def downloads(harness: EngineHarness) -> int:
    return sum("/results/" in path for _, path, _ in harness.rivya.calls)


async def test_all_pictures_of_a_task_are_delivered_together_in_their_order(
    harness: EngineHarness, database: Database
) -> None:
    job = await harness.submit_and_wait(request_for(3))
    assert (job.stage, await harness.state(job)) == (Stage.DELIVERED, "settled")
    assert shown(harness, job) == [picture(1), picture(2), picture(3)]
    assert downloads(harness) == 3
    assert harness.rivya.charged_credits == 3 * COST
    assert job.picture_count == 3
    assert [url is not None for url in job.result_urls] == [True] * 3
    assert await rows(database, "SELECT number, landed_url, sha256 FROM more_pictures ORDER BY number") == [
        (2, "https://cdn/2", None),
        (3, "https://cdn/3", None),
    ]
    assert job.delivered_message is not None
    assert [each.url for each in job.delivered_message.more] == ["https://cdn/2", "https://cdn/3"]


@pytest.mark.parametrize(
    ("prompt", "numbers", "charged"),
    [("a fox", [1, 2, 3, 4], 4), ("fewer foxes", [1, 2, 3], 3), ("a missing fox", [1, 3, 4], 3)],
)
async def test_fewer_than_asked_and_entries_with_an_error_are_settled_at_what_was_charged(
    harness: EngineHarness, prompt: str, numbers: list[int], charged: int
) -> None:
    job = await harness.submit_and_wait(request_for(4, prompt=prompt))
    assert job.stage is Stage.DELIVERED
    assert shown(harness, job) == [picture(number) for number in numbers]
    assert harness.delivery.pictures[job.job_id][1] == 0
    receipt = await harness.ledger.receipt(job.job_id, 1)
    assert receipt.charged_credits == harness.rivya.charged_credits == charged * COST


@pytest.mark.parametrize("fault", ["status", "not_a_picture"])
@pytest.mark.parametrize("gone", [1, 2])
async def test_one_that_cannot_be_had_is_left_out_with_a_word(
    harness: EngineHarness, database: Database, fault: Any, gone: int
) -> None:
    path = f".{gone - 1}.png" if gone > 1 else "0.png"
    if gone == 1:  # its file has the name of the task
        harness.rivya.hold()
    job = await harness.submit(request_for(3))
    await harness.rivya.created(1)
    if gone == 1:
        path = f"/{next(iter(harness.rivya.tasks))}.png"
    added = harness.rivya.faults.add(fault, "result", None, code=404, path=path)
    harness.rivya.release()
    job = await harness.wait(job)
    assert (job.stage, await harness.state(job)) == (Stage.DELIVERED, "settled")
    assert shown(harness, job) == [picture(number) for number in (1, 2, 3) if number != gone]
    assert harness.delivery.pictures[job.job_id][1] == 1
    assert added.hits == MAX_REFUSED_ATTEMPTS
    assert downloads(harness) == 2 + MAX_REFUSED_ATTEMPTS  # the others are fetched once
    assert job.picture_count == 2
    unreadable = await rows(database, "SELECT count(*) FROM unreadable_results")
    assert unreadable == [(int(fault == "not_a_picture"),)]


async def test_if_none_can_be_had_the_job_is_late_and_brings_all_when_they_are_there(
    harness: EngineHarness,
) -> None:
    harness.rivya.faults.add("status", "result", None, code=404)
    job = await harness.submit(request_for(2))
    await until(lambda: downloads(harness) >= 12)
    found = await harness.store.find(job.job_id)
    assert found is not None
    assert found.stage is Stage.SUCCEEDED
    harness.rivya.faults.clear()
    await harness.engine.wake(job.job_id)
    job = await harness.wait(job)
    assert job.stage is Stage.DELIVERED
    assert shown(harness, job) == [picture(1), picture(2)]


async def test_a_host_that_fails_once_delays_and_repeats_only_what_failed(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "result", 1, code=503, path=".1.png")
    job = await harness.submit_and_wait(request_for(3))
    assert shown(harness, job) == [picture(1), picture(2), picture(3)]
    assert harness.delivery.pictures[job.job_id][1] == 0
    assert downloads(harness) == 4


async def test_one_whose_host_never_answers_is_left_out_before_the_job_is_late(
    harness: EngineHarness, database: Database
) -> None:
    added = harness.rivya.faults.add("status", "result", None, code=503, path=".1.png")
    job = await harness.submit_and_wait(request_for(3))
    assert job.stage is Stage.DELIVERED
    assert shown(harness, job) == [picture(1), picture(3)]
    assert harness.delivery.pictures[job.job_id][1] == 1
    assert added.hits == MAX_RESULT_ATTEMPTS


async def test_pictures_that_are_here_do_not_wait_for_a_rivya_that_is_down(harness: EngineHarness) -> None:
    harness.rivya.faults.add("status", "result", 2, code=404, path=".1.png")
    job = await harness.submit(request_for(3))
    await until(lambda: downloads(harness) == 3)
    down = harness.rivya.faults.add("status", "status", None, code=503)
    job = await harness.wait(job)
    # The addresses of the row are tried while Rivya cannot be asked for those of now.
    assert job.stage is Stage.DELIVERED
    assert shown(harness, job) == [picture(1), picture(2), picture(3)]
    assert harness.delivery.pictures[job.job_id][1] == 0
    assert downloads(harness) == 5
    assert down.hits


async def test_pictures_in_the_answer_itself_are_delivered_too(
    harness: EngineHarness, database: Database
) -> None:
    harness.rivya.result_address = "data"
    job = await harness.submit_and_wait(request_for(3))
    assert job.stage is Stage.DELIVERED
    assert shown(harness, job) == [picture(1), picture(2), picture(3)]
    assert job.result_urls == (None, None, None)
    assert downloads(harness) == 0


async def test_together_they_are_made_to_fit_into_one_message(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = make_picture(size=(120, 90), compress_level=0)
    harness.rivya._painter = lambda *values: large if values[-1].seed.endswith("/1") else paint(*values)
    limit = 20_000
    assert len(large) > limit
    monkeypatch.setattr(result_fetcher, "REQUEST_LIMIT_BYTES", limit)
    job = await harness.submit_and_wait(request_for(3))
    pictures = harness.delivery.pictures[job.job_id][0]
    assert [each.data for each in pictures[::2]] == [picture(1), picture(3)]
    assert pictures[1].format == "jpeg"
    assert sum(len(each.data) for each in pictures) <= limit


@pytest.mark.parametrize("private", [True, False])
async def test_all_are_stored_that_are_private_or_cannot_be_posted(
    harness: EngineHarness, database: Database, private: bool
) -> None:
    harness.delivery.undeliverable = not private
    job = await harness.submit_and_wait(request_for(3, private=private))
    assert job.stage is (Stage.DELIVERED if private else Stage.UNDELIVERABLE)
    assert await stored_picture(harness, job) == picture(1)
    assert [each.format for each in job.more_pictures] == ["png", "png"]
    stored = [await harness.picture_store.read(each.sha256 or "") for each in job.more_pictures]
    assert stored == [picture(2), picture(3)]
    await HistoryStore(database).mark_deleted(job.job_id, deleted_by=7)
    assert await rows(database, "SELECT count(sha256), count(landed_url) FROM more_pictures") == [(0, 0)]


async def test_after_a_restart_all_are_fetched_and_delivered_once(
    harness: EngineHarness, make_harness: MakeHarness
) -> None:
    harness.delivery.broken = {"deliver"}
    harness.delivery.transient_errors = 10**6
    job = await harness.submit(request_for(3))
    await until(lambda: downloads(harness) == 3)
    await harness.engine.close()
    again = make_harness(catalog=CATALOG)
    await again.engine.resume()
    job = await again.wait(job)
    assert job.stage is Stage.DELIVERED
    assert shown(again, job) == [picture(1), picture(2), picture(3)]
    assert len(again.rivya.tasks) == 1
