"""Jobs on their way, brought there by the store alone, without an engine."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.domain.image_models import MODELS
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, FailureCause
from bot.domain.model_catalog import ModelCatalog
from bot.jobs.groups import GroupStore
from bot.jobs.requests.submission import Accepted
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

if TYPE_CHECKING:
    from bot.domain.jobs import Job, Request
    from bot.jobs.store import JobStore
    from bot.storage.database import Database

DELIVERED_MESSAGE = DeliveredMessage(20, 78, DeliveryMethod.REPLY, "https://cdn/fox.png")


async def create_task(
    store: JobStore, request: Request | None = None, *, reserved_credits: int | None = 4
) -> Job:
    """Accept a request and record a task of Rivya for it."""
    job = make_job(request)
    assert await accept(store, job)
    return await store.created(job.job_id, f"task-{job.job_id}", reserved_credits)


async def deliver(store: JobStore, request: Request | None = None, *, credits: int = 4) -> Job:
    """Accept a request, charge it and record its message."""
    job = await create_task(store, request)
    await store.succeeded(job.job_id, None, credits)
    return await store.delivered(job.job_id, DELIVERED_MESSAGE)


async def accept_group(
    store: JobStore, request: Request | None = None, *, pictures: int = 4, models: tuple[str, ...] = ()
) -> tuple[Job, ...]:
    """Accept a request for several pictures, or one that compares models."""
    result = await store.submit(
        replace(request or make_request(), pictures=1 if models else pictures, models=models),
        NO_CONTEXT,
        job_id=str(uuid.uuid4()),
        catalog=ModelCatalog(MODELS, models or ("qwen-image",)),
        at=now_ms(),
        confirmed=True,
    )
    assert isinstance(result, Accepted)
    return result.jobs


async def deliver_group(
    store: JobStore, database: Database, jobs: tuple[Job, ...], *, failed: tuple[int, ...] = ()
) -> tuple[Job, ...]:
    """End the jobs of a group: charge and deliver each in one message, or fail it by its number."""
    message = replace(DELIVERED_MESSAGE, url=None)
    ended = []
    for number, job in enumerate(jobs, start=1):
        await store.created(job.job_id, f"task-{job.job_id}", job.quote_credits)
        if number in failed:
            await store.failed(job.job_id, Failure(FailureCause.RIVYA, "generation_failed"))
            ended.append(await store.failure_notified(job.job_id))
            continue
        await store.succeeded(job.job_id, None, job.quote_credits)
        place = replace(message, url=f"https://cdn/{job.job_id}.png", attachment_id=100 + number)
        await GroupStore(database).posted(
            job.request.destination.interaction_id, message, {job.job_id: place}
        )
        ended.append(await store.delivered(job.job_id, place))
    return tuple(ended)
