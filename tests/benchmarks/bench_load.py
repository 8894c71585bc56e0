"""Three hundred members and a thousand jobs in one minute, at the pace of earnest, in one process."""

from __future__ import annotations

import asyncio
import io
import json
import random
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from PIL import Image

from bot.config.settings import RivyaSettings
from bot.domain.image_models import MODELS, QWEN_IMAGE
from bot.domain.jobs import Request
from bot.engine.engine import JobEngine
from bot.observability import log_setup
from bot.rivya.client import CONNECTIONS_LIMIT
from bot.rivya.models import create_body
from tests.benchmarks.harness import (
    GUILDS,
    FakeServices,
    RecordingDelivery,
    open_engine,
    open_outside,
    request,
)
from tests.benchmarks.memory import MIB, Peak
from tests.benchmarks.results_table import Row, milliseconds, percentile
from tests.benchmarks.seed_in_flight import CountingClient
from tests.support.factories import submit

MEMBERS = 300
JOBS = 1000
MINUTE_SECONDS = 60.0
PAINTING_SECONDS = 12.0
SIDE = 1024
WITH_REFERENCE = 10
"""Every tenth has one."""
REFERENCE_SIDE = 600
"""Of noise that is a PNG of 1.1 MB."""
MAX_RUNNING = 500
TARGET_SECONDS = 0.250
BARE_JOBS = 300
TARGET_TIMES = 2.5
TARGET_MIB = 300


@dataclass(frozen=True)
class Crowd:
    """What a minute of it took: seconds of each first answer, and of this process's work."""

    answers: list[float]
    delivered: int
    seconds: float
    cpu_seconds: float
    polls: int
    memory: str
    most_bytes: int
    way: str


async def measure(folder: Path) -> list[Row]:
    log_setup.configure("error", "console")
    async with open_outside(
        painting_seconds=PAINTING_SECONDS, picture_side=SIDE, reference_side=REFERENCE_SIDE
    ) as outside:
        crowd = await _serve(folder, outside)
        bare_seconds = await _bare(outside, _result_url(folder), round(crowd.polls / JOBS))
    return [_answers(crowd), _work(crowd, bare_seconds), _memory(crowd)]


async def _serve(folder: Path, outside: FakeServices) -> Crowd:
    doorstep, dice = RecordingDelivery(), random.Random(1)
    arrivals = sorted(dice.uniform(0, MINUTE_SECONDS) for _ in range(JOBS))
    async with open_engine(
        folder,
        doorstep,
        outside,
        max_running=MAX_RUNNING,
        first_poll_seconds=RivyaSettings.model_fields["first_poll_seconds"].default,
        poll_seconds=RivyaSettings.model_fields["poll_seconds"].default,
        client=CountingClient,
    ) as engine:
        peak = Peak()
        worked, began = time.process_time(), asyncio.get_running_loop().time()
        answers = await asyncio.gather(
            *(
                _ask(engine, _request(dice, outside, number), began + after)
                for number, after in enumerate(arrivals)
            )
        )
        await doorstep.until(lambda: len(doorstep.landed_at) == JOBS)
        return Crowd(
            answers=answers,
            delivered=len(doorstep.landed_at),
            seconds=asyncio.get_running_loop().time() - began,
            cpu_seconds=time.process_time() - worked,
            polls=CountingClient.asked.polls - JOBS - JOBS // WITH_REFERENCE,
            memory=peak.describe(),
            most_bytes=peak.most_bytes,
            way=peak.way,
        )


def _request(dice: random.Random, outside: FakeServices, number: int) -> Request:
    reference = "" if number % WITH_REFERENCE else outside.big_reference
    return request(dice.randrange(MEMBERS), reference, QWEN_IMAGE.reference_limit_bytes)


async def _ask(engine: JobEngine, asked: Request, at: float) -> float:
    """Seconds from when the command came, whether or not we were free then, to when it can be answered."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(at - loop.time())
    job = await submit(engine, asked)
    answered = loop.time() - at
    engine.start(job, answered=True, message_id=1)
    return answered


async def _bare(outside: FakeServices, result_url: str, polls: int) -> float:
    """CPU seconds a job of the least that can be done: the same calls, and each picture decoded once."""
    numbers = iter(range(BARE_JOBS))
    worked = time.process_time()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {outside.api_key}"}) as session:

        async def work() -> None:
            for number in numbers:
                await _one(session, outside.rivya, number, polls)
                async with session.get(result_url) as answer:
                    Image.open(io.BytesIO(await answer.read())).load()

        await asyncio.gather(*(work() for _ in range(CONNECTIONS_LIMIT)))
    return (time.process_time() - worked) / BARE_JOBS


async def _one(session: aiohttp.ClientSession, rivya: str, number: int, polls: int) -> None:
    """Create a task and ask for it so many times."""
    asked = request(number)
    body = create_body(
        MODELS[asked.model],
        prompt=asked.prompt,
        size=asked.size,
        format=asked.format,
        reference=None,
        client_request_id=f"bare-{number}",
    )
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"bare-{number}"}
    async with session.post(f"{rivya}/api/v1/generations", data=body, headers=headers) as answer:
        task_id = json.loads(await answer.read())["id"]
    for _ in range(polls):
        async with session.get(f"{rivya}/api/v1/generations/{task_id}") as answer:
            json.loads(await answer.read())


def _result_url(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "bot.sqlite3")) as books:
        url: str = books.execute("SELECT result_url FROM jobs WHERE result_url IS NOT NULL").fetchone()[0]
    return url


def _answers(crowd: Crowd) -> Row:
    return Row(
        what=f"first answers in a minute of {JOBS} jobs of {MEMBERS} members",
        measured=f"{milliseconds(crowd.answers)}, {crowd.delivered / JOBS:.0%} delivered",
        target=f"p99 < {TARGET_SECONDS * 1000:.0f} ms, 100%",
        met=percentile(crowd.answers, 99) < TARGET_SECONDS and crowd.delivered == JOBS,
        note=f"In real time: {MINUTE_SECONDS:.0f} s of arrivals at random in {GUILDS} servers,"
        f" {PAINTING_SECONDS:.0f} s of painting, every {WITH_REFERENCE}th with a reference, pictures of"
        f" {SIDE} x {SIDE}; the last was delivered after {crowd.seconds:.0f} s. Counted from the moment a"
        " command came, whether or not we were free.",
        reason=f"the slowest took {max(crowd.answers) * 1000:.0f} ms, on"
        f" {crowd.cpu_seconds / crowd.seconds:.2f} of a core",
    )


def _work(crowd: Crowd, bare_seconds: float) -> Row:
    seconds = crowd.cpu_seconds / JOBS
    times = seconds / bare_seconds
    return Row(
        what="CPU a job in that minute",
        measured=f"{seconds * 1000:.0f} of {bare_seconds * 1000:.0f} ms: {times:.1f} times",
        target=f"< {TARGET_TIMES} times the least",
        met=times < TARGET_TIMES,
        note="The bot's process and all its threads. The least: bare aiohttp that creates, polls"
        f" {round(crowd.polls / JOBS)} times, fetches the picture and decodes it once, for {BARE_JOBS} jobs;"
        " no database, no references.",
        reason="beside the calls there are seven commits, a second pass over the picture and the references",
    )


def _memory(crowd: Crowd) -> Row:
    return Row(
        what="memory in that minute",
        measured=crowd.memory,
        target=f"< {TARGET_MIB} MiB in all",
        met=crowd.most_bytes < TARGET_MIB * MIB,
        note=f"The bot's process, at its most; about {JOBS * PAINTING_SECONDS / MINUTE_SECONDS:.0f} jobs were"
        f" in flight at a time. {crowd.way}.",
        reason="pictures on their way are held whole, each twice over while it is decoded",
    )
