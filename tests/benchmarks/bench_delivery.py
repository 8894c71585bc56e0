"""Measure the time from a task's success to the delivery of its picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import aiohttp

from bot.rivya.client import RivyaClient
from bot.rivya.models import Task, TaskStatus
from tests.benchmarks.harness import (
    FakeServices,
    RecordingDelivery,
    member_request,
    open_engine,
    open_services,
    start_job,
)
from tests.benchmarks.results_table import Row, milliseconds, percentile

PICTURES = 30
SIDE = 1024
POLL_SECONDS = 0.05
PAINTING_SECONDS = 0.12
TARGET_SECONDS = 0.150


@dataclass(frozen=True)
class SuccessfulPoll:
    """The poll that found a task succeeded; times are epoch seconds, which both processes share."""

    task_id: str
    sent_at: float
    answered_at: float


class RecordingClient(RivyaClient):
    """The real client, which records each poll that finds a task succeeded."""

    polls: ClassVar[list[SuccessfulPoll]] = []

    async def get_task(self, task_id: str) -> Task:
        sent_at = time.time()
        task = await super().get_task(task_id)
        if task.status is TaskStatus.SUCCEEDED:
            self.polls.append(SuccessfulPoll(task_id, sent_at, time.time()))
        return task


async def measure(folder: Path) -> list[Row]:
    delivery = RecordingDelivery()
    since_success, since_answer = [], []
    async with (
        open_services(painting_seconds=PAINTING_SECONDS, picture_side=SIDE) as services,
        open_engine(folder, delivery, services, poll_seconds=POLL_SECONDS, client=RecordingClient) as engine,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {services.api_key}"}) as session,
    ):
        for number in range(1 + PICTURES):
            job = await start_job(engine, member_request(number))
            await delivery.until(lambda: len(delivery.delivered_at) == number + 1)  # noqa: B023  # awaited in this iteration
            delivered_at, poll = delivery.delivered_at[job.job_id], RecordingClient.polls[-1]
            # The wait from the success to the next poll depends on the poll interval and is left out.
            since_success.append(
                delivered_at - max(await _succeeded_at(session, services, poll), poll.sent_at)
            )
            since_answer.append(delivered_at - poll.answered_at)
    note = f"{PICTURES} pictures of {SIDE} x {SIDE} as PNG, one at a time, polled every {POLL_SECONDS} s"
    return [
        # Without the first picture, which also loads the codecs.
        _row(
            "from a task's success to the delivery of its picture",
            since_success[1:],
            f"{note}; without the wait for the next poll.",
        ),
        _row("from the response that says so to the delivery", since_answer[1:], f"{note}."),
    ]


async def _succeeded_at(
    session: aiohttp.ClientSession, services: FakeServices, poll: SuccessfulPoll
) -> float:
    async with session.get(f"{services.rivya_url}/api/v1/generations/{poll.task_id}") as answer:
        return datetime.fromisoformat((await answer.json())["updated_at"]).timestamp()


def _row(what: str, seconds: list[float], note: str) -> Row:
    return Row(
        what=what,
        measured=milliseconds(seconds),
        target="p99 < 150 ms",
        met=percentile(seconds, 99) < TARGET_SECONDS,
        note=note,
        reason="it consists of a COMMIT, the download, two passes of the decoder that check every byte, and"
        " the receipt; decoding the picture takes most of it",
    )
