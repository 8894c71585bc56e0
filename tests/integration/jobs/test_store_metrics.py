"""The counters of jobs and credits follow what the store has committed."""

from __future__ import annotations

import pytest

from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, FailureCause, Job
from bot.domain.limits import Limit
from bot.jobs.store import JobStore
from bot.observability.metrics import Metrics
from bot.storage.database import Database
from tests.support.factories import accept, make_job


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def counted_store(database: Database, default_limit: Limit, metrics: Metrics) -> JobStore:
    return JobStore(database, default_limit, metrics)


def charged(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("kuas_credits_charged_total")


def ended(metrics: Metrics, outcome: str) -> float | None:
    return metrics.registry.get_sample_value("kuas_jobs_total", {"outcome": outcome})


async def created(store: JobStore, reserved_credits: int) -> Job:
    job = await accept(store, make_job())
    assert job is not None
    await store.creating(job.job_id, "{}")
    return await store.created(job.job_id, f"task of {job.job_id}", reserved_credits)


async def test_a_success_without_a_price_counts_what_was_reserved(
    counted_store: JobStore, metrics: Metrics
) -> None:
    job = await created(counted_store, 5)
    await counted_store.succeeded(job.job_id, "https://cdn/fox.png", None)
    assert charged(metrics) == 5
    assert ended(metrics, "delivered") is None
    await counted_store.delivered(job.job_id, DeliveredMessage(20, 77, DeliveryMethod.REPLY))
    assert ended(metrics, "delivered") == 1
    assert charged(metrics) == 5


async def test_a_failure_counts_what_was_charged_and_ends_when_its_member_knows(
    counted_store: JobStore, metrics: Metrics
) -> None:
    job = await created(counted_store, 4)
    await counted_store.failed(job.job_id, Failure(FailureCause.RIVYA, "provider_failed", charged_credits=2))
    assert (charged(metrics), ended(metrics, "failed")) == (2, None)
    await counted_store.failure_notified(job.job_id)
    assert ended(metrics, "failed") == 1


async def test_credits_in_doubt_are_not_counted(counted_store: JobStore, metrics: Metrics) -> None:
    job = await created(counted_store, 4)
    await counted_store.failed(
        job.job_id, Failure(FailureCause.OPERATOR, "unclear", charged_credits=4, in_doubt=True)
    )
    assert charged(metrics) == 0


async def test_a_job_cancelled_before_our_first_answer_is_counted(
    counted_store: JobStore, metrics: Metrics
) -> None:
    first, second = await accept(counted_store, make_job()), await accept(counted_store, make_job())
    assert first is not None
    assert second is not None
    await counted_store.cancelled(first.job_id)
    assert ended(metrics, "cancelled") == 1
    assert await counted_store.cancelled_in_time(second.job_id) is not None
    assert ended(metrics, "cancelled") == 2
    assert await counted_store.cancelled_in_time(second.job_id) is None
    assert (ended(metrics, "cancelled"), charged(metrics)) == (2, 0)


async def test_an_acknowledgement_that_comes_after_the_end_is_not_another_end(
    counted_store: JobStore, metrics: Metrics
) -> None:
    job = await accept(counted_store, make_job())
    assert job is not None
    assert await counted_store.cancelled_in_time(job.job_id) is not None
    await counted_store.acknowledged(job.job_id, 77)
    assert ended(metrics, "cancelled") == 1
