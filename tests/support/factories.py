"""Requests and jobs to start a test from."""

from __future__ import annotations

import itertools
import uuid

from bot.domain.clock import now_ms
from bot.domain.jobs import Destination, Job, Reference, Request, RequestContext, Stage

NO_CONTEXT = RequestContext()
"""A member without roles, in a channel that nobody has a rule about."""
_interactions = itertools.count(10**17)


def make_request(
    *,
    guild_id: int = 1,
    user_id: int = 7,
    prompt: str = "a red fox",
    reference: Reference | None = None,
    interaction_id: int | None = None,
) -> Request:
    """A plain request, with an interaction of its own."""
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
        reference=reference,
    )


def make_job(request: Request | None = None, *, accepted_at: int | None = None) -> Job:
    """A job as `JobEngine.submit` makes it."""
    return Job(
        job_id=str(uuid.uuid4()),
        request=request or make_request(),
        stage=Stage.ACCEPTED,
        quote_credits=4,
        accepted_at=accepted_at or now_ms(),
    )
