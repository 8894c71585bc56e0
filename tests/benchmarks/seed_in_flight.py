"""Fill a database with ten thousand jobs that are in flight at Rivya, as after a killed process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

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
from tests.benchmarks.harness import UNLIMITED, member_request
from tests.support.factories import accept, make_job

JOBS = 10_000

# Moves a job from `accepted` to `created` in one statement.
_CREATED = """
    UPDATE jobs SET stage = 'created', acknowledged_at = :at, message_id = interaction_id,
        create_body = :body, task_id = 'task_' || job_id, task_created_at = :at
    WHERE job_id = :job_id
"""


@dataclass
class AttemptCounts:
    """Counts of answered and of failed calls."""

    polls: int = 0
    failed: int = 0

    def add(self, attempt: Attempt) -> None:
        if attempt.error is None:
            self.polls += 1
        else:
            self.failed += 1


class CountingClient(RivyaClient):
    """The real client, which counts its attempts."""

    attempts: ClassVar = AttemptCounts()

    def __init__(self, session: aiohttp.ClientSession, *, base_url: str, api_key: str) -> None:
        super().__init__(session, base_url=base_url, api_key=api_key, watch=self.attempts.add)


async def seed_jobs(folder: Path, *, over_seconds: float) -> None:
    """Insert the jobs, with tasks that were created evenly over the last `over_seconds`."""
    database = await Database.open(folder / "bot.sqlite3")
    store = JobStore(database, UNLIMITED)
    jobs = [make_job(member_request(number)) for number in range(JOBS)]
    try:
        for first in range(0, JOBS, BATCH):
            batch = jobs[first : first + BATCH]
            assert all(await asyncio.gather(*(accept(store, job) for job in batch)))
        await database.run(partial(_create, jobs, now_ms(), over_seconds))
    finally:
        await database.close()


def _create(jobs: list[Job], now: int, over_seconds: float, tx: Transaction) -> None:
    step_ms = over_seconds * 1000 / JOBS
    for index, job in enumerate(jobs):
        created_at = now - int((JOBS - index) * step_ms)
        tx.execute(_CREATED, {"job_id": job.job_id, "at": created_at, "body": _body(job)})


def _body(job: Job) -> str:
    request = job.request
    return create_body(
        MODELS[request.model],
        prompt=request.prompt,
        size=request.size,
        format=request.format,
        references=(),
        client_request_id=job.job_id,
    )
