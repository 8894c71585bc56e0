"""Finished pictures that come in another way than documented, from the fake Rivya to the delivery."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from bot.domain.errors import ContractViolation
from bot.domain.jobs import FailureCause, Stage
from bot.domain.model_catalog import default_catalog
from bot.engine.job_files import MAX_UNVERIFIED, JobFiles
from bot.images.data_urls import decode_data_url
from bot.images.downloads import Downloader
from bot.images.workers import ImageWorkers
from bot.jobs.store import JobStore
from bot.rivya.client import RivyaClient, open_session
from bot.rivya.models import Task, TaskStatus
from bot.storage.picture_store import PictureStore
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.faults import FaultName
from sandbox.fake_rivya.results import AddressForm, ResultFormat
from tests.support.engine_harness import EngineHarness
from tests.support.factories import make_job
from tests.support.hanging_threads import hang_threads
from tests.support.images import make_picture
from tests.support.waiting import soon, until

LIMIT = 10_000_000


@pytest.fixture
def image_workers(tmp_path: Path) -> Iterator[ImageWorkers]:
    with closing(ImageWorkers(tmp_path / "scratch")) as workers:
        yield workers


async def assert_delivered(harness: EngineHarness) -> bytes:
    """Submit a job, assert that its picture is delivered and paid once, and return the picture."""
    job = await harness.submit_and_wait()
    assert job.stage is Stage.DELIVERED
    assert await harness.state(job) == "settled"
    assert harness.rivya.charged_credits == 4
    return harness.delivery.delivered[job.job_id][0].data


@pytest.mark.parametrize(
    ("kind", "animated"),
    [
        ("jpeg", False),
        *((kind, animated) for kind in ("png", "webp", "gif", "avif") for animated in (False, True)),
    ],
)
async def test_a_result_of_another_format_is_delivered_as_it_came(
    harness: EngineHarness, kind: ResultFormat, animated: bool
) -> None:
    harness.rivya.result_format, harness.rivya.result_animated = kind, animated
    with Image.open(io.BytesIO(await assert_delivered(harness))) as image:
        assert str(image.format).lower() == kind
        assert getattr(image, "is_animated", False) is animated
    picture, _ = next(iter(harness.delivery.delivered.values()))
    assert picture.format == kind


@pytest.mark.parametrize("declared", [True, False])
async def test_a_gzipped_result_is_delivered(harness: EngineHarness, declared: bool) -> None:
    fault = harness.rivya.faults.add("gzip", "result", None, declared=declared)
    assert await assert_delivered(harness) == make_picture()
    assert fault.hits == 1


@pytest.mark.parametrize("form", ["relative", "scheme_relative"])
async def test_a_result_at_a_relative_address_is_delivered(harness: EngineHarness, form: AddressForm) -> None:
    harness.rivya.result_address = form
    assert await assert_delivered(harness) == make_picture()


@pytest.mark.parametrize("word", ["completed", "success", "DONE"])
async def test_the_end_word_of_another_api_ends_a_task(harness: EngineHarness, word: str) -> None:
    # The same word while there is no result yet.
    harness.rivya.status_words = {"succeeded": word, "processing": word}
    assert await assert_delivered(harness) == make_picture()


@pytest.mark.parametrize("word", ["cancelled", "expired", "error", "rejected", "timeout"])
async def test_the_failure_word_of_another_api_ends_a_task_and_releases_its_credits(
    harness: EngineHarness, word: str
) -> None:
    harness.rivya.status_words = {"failed": word}
    harness.rivya.fail_next("generation_failed")
    job = await harness.submit_and_wait()
    assert (job.stage, await harness.state(job)) == (Stage.FAILED, "released")
    assert harness.delivery.failures[job.job_id].cause is FailureCause.RIVYA


@pytest.mark.parametrize(
    ("fault", "code"),
    [("captive_portal", 200), ("half_gzip", 200), ("gzip_bomb", 200), ("status", 403), ("status", 404)],
)
async def test_a_result_that_is_out_of_reach_for_a_while_is_delivered(
    harness: EngineHarness, fault: FaultName, code: int
) -> None:
    added = harness.rivya.faults.add(fault, "result", 3, code=code, body="html")
    assert await assert_delivered(harness) == make_picture()
    assert added.hits == 3


async def test_a_captive_portal_before_the_api_only_delays(harness: EngineHarness) -> None:
    harness.rivya.faults.add("captive_portal", "create", 3)
    harness.rivya.faults.add("captive_portal", "status", 3)
    assert await assert_delivered(harness) == make_picture()


async def test_an_endless_task_is_polled_until_it_ends(harness: EngineHarness) -> None:
    harness.rivya.endless_next()
    job = await harness.submit()
    await harness.rivya.created(1)
    (task,) = harness.rivya.tasks.values()
    other = await harness.submit_and_wait()
    assert other.stage is Stage.DELIVERED
    await until(lambda: task.polls > 3)
    assert task.status == "processing"
    harness.rivya.end_endless()
    assert (await harness.wait(job)).stage is Stage.DELIVERED


async def finished(client: RivyaClient, rivya: FakeRivya) -> Task:
    """Create a task and return its status once it has ended."""
    body = '{"model":"qwen-image","prompt":"a fox","params":{}}'
    created = await client.create(body, idempotency_key="job-1")
    await rivya.ended(created.task_id)
    # Repeated under its key, the create call answers with the ended task, whose address is no data: URL.
    repeated = await client.create(body, idempotency_key="job-1")
    assert not any(url.startswith("data:") for url in repeated.result_urls)
    return await client.get_task(created.task_id)


async def test_a_picture_in_the_status_answer_is_decoded(
    rivya: FakeRivya, image_workers: ImageWorkers
) -> None:
    rivya.result_address, rivya.result_format = "data", "avif"
    async with open_session() as session:
        task = await finished(RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key), rivya)
    assert task.status is TaskStatus.SUCCEEDED
    (url,) = task.result_urls
    data = decode_data_url(url, limit_bytes=LIMIT)
    picture, shrunk = await image_workers.prepare_result(data, limit_bytes=LIMIT)
    assert (picture.format, shrunk) == ("avif", False)


async def test_a_redirect_to_a_data_url_is_refused_and_a_second_layer_of_gzip_stays(
    rivya: FakeRivya, image_workers: ImageWorkers
) -> None:
    async with open_session() as session, Downloader(allow_loopback=True) as downloader:
        task = await finished(RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key), rivya)
        (url,) = task.result_urls
        rivya.faults.add("redirect", "result", url="data:image/png;base64,AAAA")
        with pytest.raises(ContractViolation) as caught:
            await downloader.result(url)
        assert caught.value.code == "result_url"
        rivya.faults.add("gzip", "result", layers=2)
        data = await downloader.result(url)
    assert gzip.decompress(data) == make_picture()
    with pytest.raises(ContractViolation) as caught:
        await image_workers.prepare_result(data, limit_bytes=LIMIT)
    assert caught.value.code == "not_a_picture"


async def test_results_wait_to_be_downloaded_while_others_wait_to_be_verified(
    rivya: FakeRivya, image_workers: ImageWorkers, store: JobStore, tmp_path: Path
) -> None:
    """Each is in memory from then on."""
    async with open_session() as session, Downloader(allow_loopback=True) as downloader:
        client = RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key)
        files = JobFiles(
            store, client, downloader, image_workers, PictureStore(tmp_path / "pictures"), default_catalog()
        )
        task = await finished(client, rivya)
        (url,) = task.result_urls
        job = make_job()
        path = urlsplit(url).path

        def downloaded() -> int:
            return sum(call[:2] == ("GET", path) for call in rivya.calls)

        hanging, writers = await hang_threads(image_workers, tmp_path)
        fetching = [asyncio.create_task(files.fetch_result(job, url)) for _ in range(MAX_UNVERIFIED + 4)]
        await until(lambda: downloaded() >= MAX_UNVERIFIED)
        for _ in range(2):  # one could be downloaded meanwhile
            await downloader.result(url)
        assert downloaded() == MAX_UNVERIFIED + 2
        for writer in writers:
            os.close(writer)
        fetched = await soon(asyncio.gather(*fetching))
        await soon(asyncio.gather(*hanging, return_exceptions=True))
    assert {picture.data for picture, _ in fetched} == {make_picture()}
