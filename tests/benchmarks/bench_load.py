"""Run a thousand jobs of three hundred members in one minute, with the default timings, in one process."""

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
    member_request,
    open_engine,
    open_services,
)
from tests.benchmarks.memory import MIB, PeakMemory
from tests.benchmarks.results_table import Row, milliseconds, percentile
from tests.benchmarks.seed_in_flight import CountingClient
from tests.support.factories import submit

MEMBERS = 300
JOBS = 1000
MINUTE_SECONDS = 60.0
PAINTING_SECONDS = 12.0
SIDE = 1024
WITH_REFERENCE = 10
"""Every tenth job has one."""
REFERENCE_SIDE = 600
"""In pixels; of noise, that is a PNG of 1.1 MB."""
MAX_RUNNING = 500
TARGET_SECONDS = 0.250
BARE_JOBS = 300
TARGET_TIMES = 2.5
TARGET_MIB = 160


@dataclass(frozen=True)
class LoadResult:
    """Seconds until each first answer, and time and memory of the whole run."""

    answers: list[float]
    delivered: int
    seconds: float
    cpu_seconds: float
    polls: int
    memory: str
    peak_bytes: int
    method: str


async def measure(folder: Path) -> list[Row]:
    log_setup.configure("error", "console")
    async with open_services(
        painting_seconds=PAINTING_SECONDS, picture_side=SIDE, reference_side=REFERENCE_SIDE
    ) as services:
        result = await _serve(folder, services)
        bare_seconds = await _bare(services, _result_url(folder), round(result.polls / JOBS))
    return [_answers(result), _work(result, bare_seconds), _memory(result)]


async def _serve(folder: Path, services: FakeServices) -> LoadResult:
    delivery, rng = RecordingDelivery(), random.Random(1)
    arrivals = sorted(rng.uniform(0, MINUTE_SECONDS) for _ in range(JOBS))
    async with open_engine(
        folder,
        delivery,
        services,
        max_running=MAX_RUNNING,
        first_poll_seconds=RivyaSettings.model_fields["first_poll_seconds"].default,
        poll_seconds=RivyaSettings.model_fields["poll_seconds"].default,
        client=CountingClient,
    ) as engine:
        peak = PeakMemory()
        cpu_started, started = time.process_time(), asyncio.get_running_loop().time()
        answers = await asyncio.gather(
            *(
                _submit(engine, _request(rng, services, number), started + after)
                for number, after in enumerate(arrivals)
            )
        )
        await delivery.until(lambda: len(delivery.delivered_at) == JOBS)
        return LoadResult(
            answers=answers,
            delivered=len(delivery.delivered_at),
            seconds=asyncio.get_running_loop().time() - started,
            cpu_seconds=time.process_time() - cpu_started,
            polls=CountingClient.attempts.polls - JOBS - JOBS // WITH_REFERENCE,
            memory=peak.describe(),
            peak_bytes=peak.peak_bytes,
            method=peak.method,
        )


def _request(rng: random.Random, services: FakeServices, number: int) -> Request:
    reference = "" if number % WITH_REFERENCE else services.large_reference_url
    return member_request(rng.randrange(MEMBERS), reference, QWEN_IMAGE.reference_limit_bytes)


async def _submit(engine: JobEngine, request: Request, at: float) -> float:
    """Submit a request at `at`; returns seconds from `at`, however late this began, until it is accepted."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(at - loop.time())
    job = await submit(engine, request)
    answered = loop.time() - at
    engine.start(job, answered=True, message_id=1)
    return answered


async def _bare(services: FakeServices, result_url: str, polls: int) -> float:
    """Return CPU seconds per job of the least possible work: the same calls, and one decoding per picture."""
    numbers = iter(range(BARE_JOBS))
    cpu_started = time.process_time()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {services.api_key}"}) as session:

        async def work() -> None:
            for number in numbers:
                await _run_bare_job(session, services.rivya_url, number, polls)
                async with session.get(result_url) as answer:
                    Image.open(io.BytesIO(await answer.read())).load()

        await asyncio.gather(*(work() for _ in range(CONNECTIONS_LIMIT)))
    return (time.process_time() - cpu_started) / BARE_JOBS


async def _run_bare_job(session: aiohttp.ClientSession, rivya: str, number: int, polls: int) -> None:
    """Create a task and poll it `polls` times."""
    request = member_request(number)
    body = create_body(
        MODELS[request.model],
        prompt=request.prompt,
        size=request.size,
        format=request.format,
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
    with closing(sqlite3.connect(folder / "bot.sqlite3")) as connection:
        url: str = connection.execute("SELECT result_url FROM jobs WHERE result_url IS NOT NULL").fetchone()[
            0
        ]
    return url


def _answers(result: LoadResult) -> Row:
    return Row(
        what=f"first answers in a minute of {JOBS} jobs of {MEMBERS} members",
        measured=f"{milliseconds(result.answers)}, {result.delivered / JOBS:.0%} delivered",
        target=f"p99 < {TARGET_SECONDS * 1000:.0f} ms, 100%",
        met=percentile(result.answers, 99) < TARGET_SECONDS and result.delivered == JOBS,
        note=f"In real time: {MINUTE_SECONDS:.0f} s of arrivals at random in {GUILDS} servers,"
        f" {PAINTING_SECONDS:.0f} s of painting, every {WITH_REFERENCE}th with a reference, pictures of"
        f" {SIDE} x {SIDE}; the last was delivered after {result.seconds:.0f} s. Counted from the moment of"
        " the command, even if the process was busy then.",
        reason=f"the slowest took {max(result.answers) * 1000:.0f} ms, on"
        f" {result.cpu_seconds / result.seconds:.2f} of a core",
    )


def _work(result: LoadResult, bare_seconds: float) -> Row:
    seconds = result.cpu_seconds / JOBS
    times = seconds / bare_seconds
    return Row(
        what="CPU time per job in that minute",
        measured=f"{seconds * 1000:.0f} of {bare_seconds * 1000:.0f} ms: {times:.1f} times",
        target=f"< {TARGET_TIMES} times the least",
        met=times < TARGET_TIMES,
        note="The bot's process and all its threads. The least: bare aiohttp that creates a task, polls"
        f" {round(result.polls / JOBS)} times, downloads and decodes the picture once, for {BARE_JOBS} jobs;"
        " no database, no references.",
        reason="besides the calls there are seven commits, a second decoding of each picture, and references",
    )


def _memory(result: LoadResult) -> Row:
    return Row(
        what="memory in that minute",
        measured=result.memory,
        target=f"< {TARGET_MIB} MiB in all",
        met=result.peak_bytes < TARGET_MIB * MIB,
        note=f"The peak of the bot's process; about {JOBS * PAINTING_SECONDS / MINUTE_SECONDS:.0f} jobs were"
        f" in flight at a time. {result.method}.",
        reason="pictures that are being delivered are held whole, twice while they are decoded",
    )
