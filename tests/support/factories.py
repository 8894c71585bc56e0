"""Make, submit and accept requests and jobs."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.domain.image_models import MODELS
from bot.domain.jobs import Destination, Job, Reference, Request, RequestContext, Stage
from bot.domain.model_catalog import ModelCatalog
from bot.jobs.requests.submission import Accepted

if TYPE_CHECKING:
    from bot.engine.engine import JobEngine
    from bot.jobs.store import JobStore

NO_CONTEXT = RequestContext()
"""A member without roles, in a channel without rules."""
_interactions = itertools.count(10**17)


def make_request(
    *,
    guild_id: int = 1,
    user_id: int = 7,
    prompt: str = "a red fox",
    reference: Reference | None = None,
    references: tuple[Reference, ...] = (),
    interaction_id: int | None = None,
) -> Request:
    """Return a request with an interaction id of its own."""
    return Request(
        destination=Destination(
            guild_id=guild_id,
            channel_id=20,
            user_id=user_id,
            application_id=30,
            interaction_id=interaction_id or next(_interactions),
            interaction_token="interaction-token",
            upload_limit_bytes=10 * 1024 * 1024,
            locale="en-US",
        ),
        prompt=prompt,
        model="qwen-image",
        size="square",
        format="png",
        references=references if reference is None else (reference, *references),
    )


def make_job(request: Request | None = None, *, accepted_at: int | None = None) -> Job:
    """Return a job in the state in which `JobStore.submit` inserts it."""
    return Job(
        job_id=str(uuid.uuid4()),
        request=request or make_request(),
        stage=Stage.ACCEPTED,
        quote_credits=4,
        accepted_at=accepted_at or now_ms(),
    )


async def accept(
    store: JobStore, job: Job, context: RequestContext = NO_CONTEXT, *, draft_id: int | None = None
) -> Job | None:
    """Submit the request of a job under its id; None if its interaction was submitted before."""
    model = MODELS[job.request.model]
    if model.cost_credits != job.quote_credits:
        model = replace(model, cost_credits=job.quote_credits)
    result = await store.submit(
        job.request,
        context,
        job_id=job.job_id,
        catalog=ModelCatalog({model.model_id: model}, (model.model_id,)),
        at=job.accepted_at,
        draft_id=draft_id,
        confirmed=True,
    )
    return result.job if isinstance(result, Accepted) else None


async def submit(engine: JobEngine, request: Request | None = None) -> Job:
    """Submit a request; asserts that it is accepted."""
    result = await engine.submit(request or make_request(), NO_CONTEXT)
    assert isinstance(result, Accepted)
    return result.job
