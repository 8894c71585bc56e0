"""From a task's success to its picture being handed to the courier."""

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
    begin,
    open_engine,
    open_outside,
    request,
)
from tests.benchmarks.results_table import Row, milliseconds, percentile

PICTURES = 30
SIDE = 1024
POLL_SECONDS = 0.05
PAINTING_SECONDS = 0.12
TARGET_SECONDS = 0.150


@dataclass(frozen=True)
class Sighting:
    """The poll that saw a success. Times are seconds of the wall clock, which both processes share."""

    task_id: str
    sent_at: float
    answered_at: float


class CountingClient(RivyaClient):
    """The real client; notes each poll that sees a success."""

    sightings: ClassVar[list[Sighting]] = []

    async def get_task(self, task_id: str) -> Task:
        sent_at = time.time()
        task = await super().get_task(task_id)
        if task.status is TaskStatus.SUCCEEDED:
            self.sightings.append(Sighting(task_id, sent_at, time.time()))
        return task


async def measure(folder: Path) -> list[Row]:
    doorstep = RecordingDelivery()
    since_success, since_answer = [], []
    async with (
        open_outside(painting_seconds=PAINTING_SECONDS, picture_side=SIDE) as outside,
        open_engine(folder, doorstep, outside, poll_seconds=POLL_SECONDS, client=CountingClient) as engine,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {outside.api_key}"}) as session,
    ):
        for number in range(1 + PICTURES):
            job = await begin(engine, request(number))
            await doorstep.until(lambda: len(doorstep.landed_at) == number + 1)  # noqa: B023  # awaited at once
            landed_at, seen = doorstep.landed_at[job.job_id], CountingClient.sightings[-1]
            # What lies between the success and the next poll is the poll interval's, and not ours.
            since_success.append(landed_at - max(await _succeeded_at(session, outside, seen), seen.sent_at))
            since_answer.append(landed_at - seen.answered_at)
    note = f"{PICTURES} pictures of {SIDE} x {SIDE} as PNG, one at a time, polled every {POLL_SECONDS} s"
    return [
        # Without the first one, which also loads the codecs.
        _row(
            "from a task's success to its picture posted",
            since_success[1:],
            f"{note}; without the wait for the next poll.",
        ),
        _row("from the answer that says so to its picture posted", since_answer[1:], f"{note}."),
    ]


async def _succeeded_at(session: aiohttp.ClientSession, outside: FakeServices, seen: Sighting) -> float:
    async with session.get(f"{outside.rivya}/api/v1/generations/{seen.task_id}") as answer:
        return datetime.fromisoformat((await answer.json())["updated_at"]).timestamp()


def _row(what: str, seconds: list[float], note: str) -> Row:
    return Row(
        what=what,
        measured=milliseconds(seconds),
        target="p99 < 150 ms",
        met=percentile(seconds, 99) < TARGET_SECONDS,
        note=note,
        reason="the path is a COMMIT, the download, two passes of the decoder that check every byte, and the"
        " receipt; the picture's decoding is most of it",
    )
