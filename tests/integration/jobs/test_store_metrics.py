"""The counters of jobs and credits follow what the store has committed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.image_models import MODELS
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, FailureCause
from bot.domain.limits import Limit
from bot.jobs.store import JobStore
from bot.observability.metrics import Metrics
from bot.storage.database import Database
from tests.support.factories import accept, make_job, make_request
from tests.support.jobs import create_task


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def counted_store(database: Database, default_limit: Limit, metrics: Metrics) -> JobStore:
    return JobStore(database, default_limit, metrics)


def charged_credits(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("kuas_credits_charged_total")


def ended_jobs(metrics: Metrics, outcome: str) -> float | None:
    return metrics.registry.get_sample_value("kuas_jobs_total", {"outcome": outcome})


async def test_a_success_without_a_price_counts_the_reserved_credits(
    counted_store: JobStore, metrics: Metrics
) -> None:
    job = await create_task(counted_store, reserved_credits=5)
    await counted_store.succeeded(job.job_id, "https://cdn/fox.png", None)
    assert charged_credits(metrics) == 5
    assert ended_jobs(metrics, "delivered") is None
    await counted_store.delivered(job.job_id, DeliveredMessage(20, 77, DeliveryMethod.REPLY))
    assert ended_jobs(metrics, "delivered") == 1
    assert charged_credits(metrics) == 5


async def test_a_failure_counts_its_charge_at_once_and_the_job_once_its_member_was_told(
    counted_store: JobStore, metrics: Metrics
) -> None:
    job = await create_task(counted_store)
    await counted_store.failed(job.job_id, Failure(FailureCause.RIVYA, "provider_failed", charged_credits=2))
    assert (charged_credits(metrics), ended_jobs(metrics, "failed")) == (2, None)
    await counted_store.failure_notified(job.job_id)
    assert ended_jobs(metrics, "failed") == 1


async def test_credits_in_doubt_are_not_counted(counted_store: JobStore, metrics: Metrics) -> None:
    job = await create_task(counted_store)
    await counted_store.failed(
        job.job_id, Failure(FailureCause.OPERATOR, "unclear", charged_credits=4, in_doubt=True)
    )
    assert charged_credits(metrics) == 0


async def test_a_job_cancelled_before_the_task_exists_is_counted_once(
    counted_store: JobStore, metrics: Metrics
) -> None:
    first, second = await accept(counted_store, make_job()), await accept(counted_store, make_job())
    assert first is not None
    assert second is not None
    await counted_store.cancelled(first.job_id)
    assert ended_jobs(metrics, "cancelled") == 1
    assert await counted_store.cancelled_in_time(second.job_id) is not None
    assert ended_jobs(metrics, "cancelled") == 2
    assert await counted_store.cancelled_in_time(second.job_id) is None
    assert (ended_jobs(metrics, "cancelled"), charged_credits(metrics)) == (2, 0)


async def test_an_acknowledgement_after_the_end_is_not_counted_again(
    counted_store: JobStore, metrics: Metrics
) -> None:
    job = await accept(counted_store, make_job())
    assert job is not None
    assert await counted_store.cancelled_in_time(job.job_id) is not None
    await counted_store.acknowledged(job.job_id, 77)
    assert ended_jobs(metrics, "cancelled") == 1


async def test_jobs_credits_and_durations_are_also_counted_by_model(
    database: Database, default_limit: Limit
) -> None:
    metrics = Metrics([MODELS["qwen-image"], MODELS["z-image"]])
    store = JobStore(database, default_limit, metrics)
    for model in ("z-image", "removed-1", "removed-2"):
        request = replace(make_request(), model="z-image")
        job = await create_task(store, request)
        await database.run(
            lambda tx, model=model, job_id=job.job_id: (  # type: ignore[misc]
                tx.execute("UPDATE jobs SET model = ? WHERE job_id = ?", (model, job_id)).rowcount
            )
        )
        metrics.record_task(await store.succeeded(job.job_id, "https://cdn/fox.png", 3))
        await store.delivered(job.job_id, DeliveredMessage(20, 77, DeliveryMethod.REPLY))
    found = metrics.registry.get_sample_value
    for label, count in (("z-image", 1), ("other", 2)):
        outcome = {"model": label, "outcome": "delivered"}
        assert found("kuas_model_jobs_total", outcome) == count
        assert found("kuas_model_credits_charged_total", {"model": label}) == 3 * count
        assert found("kuas_model_painting_seconds_count", {"model": label}) == count
    assert ended_jobs(metrics, "delivered") == 3
    assert charged_credits(metrics) == 9
    assert found("kuas_painting_seconds_count", {"reference": "no"}) == 3


async def test_credits_of_zero_make_no_series(counted_store: JobStore, metrics: Metrics) -> None:
    job = await accept(counted_store, make_job())
    assert job is not None
    await counted_store.acknowledged(job.job_id, 77)
    assert (
        metrics.registry.get_sample_value("kuas_model_credits_charged_total", {"model": "qwen-image"}) is None
    )
