"""Ten thousand jobs in flight at Rivya, as a process that was killed would leave them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from bot.credits.ledger import Transaction
from bot.domain.clock import now_ms
from bot.domain.image_models import MODELS
from bot.domain.jobs import Job
from bot.jobs.store import JobStore
from bot.rivya.calls import Attempt
from bot.rivya.client import RivyaClient
from bot.rivya.models import create_body
from bot.storage.database import BATCH, Database
from tests.benchmarks.harness import PLENTY, request
from tests.support.factories import NO_CONTEXT, accept, make_job

SIZE = 10_000

# The rest of the way at once: what is measured begins behind it.
_CREATED = """
    UPDATE jobs SET stage = 'created', acknowledged_at = :at, message_id = interaction_id,
        create_body = :body, task_id = 'task_' || job_id, task_created_at = :at
    WHERE job_id = :job_id
"""


@dataclass
class Asked:
    """Attempts at calls, by how they went."""

    polls: int = 0
    failed: int = 0

    def note(self, attempt: Attempt) -> None:
        if attempt.error is None:
            self.polls += 1
        else:
            self.failed += 1


class CountingClient(RivyaClient):
    """The real client; counts its attempts, all of which are polls in a fleet."""

    asked = Asked()

    def __init__(self, session: aiohttp.ClientSession, *, base_url: str, api_key: str) -> None:
        super().__init__(session, base_url=base_url, api_key=api_key, watch=self.asked.note)


async def launch(folder: Path, *, over_seconds: float) -> None:
    """Write them into the database, their tasks created one after another in the seconds before now."""
    database = await Database.open(folder / "bot.sqlite3")
    store = JobStore(database, PLENTY)
    jobs = [make_job(request(number)) for number in range(SIZE)]
    try:
        for first in range(0, SIZE, BATCH):
            batch = jobs[first : first + BATCH]
            assert all(await asyncio.gather(*(accept(store, job, NO_CONTEXT) for job in batch)))
        await database.run(partial(_create, jobs, now_ms(), over_seconds))
    finally:
        await database.close()


def _create(jobs: list[Job], now: int, over_seconds: float, tx: Transaction) -> None:
    step_ms = over_seconds * 1000 / SIZE
    for place, job in enumerate(jobs):
        at = now - int((SIZE - place) * step_ms)
        tx.execute(_CREATED, {"job_id": job.job_id, "at": at, "body": _body(job)})


def _body(job: Job) -> str:
    asked = job.request
    return create_body(
        MODELS[asked.model],
        prompt=asked.prompt,
        size=asked.size,
        format=asked.format,
        reference=None,
        client_request_id=job.job_id,
    )
