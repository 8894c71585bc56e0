"""Jobs on their way, brought there by the store alone, without an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.jobs import DeliveredMessage, DeliveryMethod
from tests.support.factories import accept, make_job

if TYPE_CHECKING:
    from bot.domain.jobs import Job, Request
    from bot.jobs.store import JobStore

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
