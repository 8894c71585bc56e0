"""A process that runs one job with the real engine, and kills itself at a chosen point.

`run(OPTIONS)`, in a fork (`tests.support.forks`): opens the database, the real Rivya
client and downloader, submits one request (or resumes the jobs of the database), and runs until every job has
ended. Each public coroutine of the job store, the Rivya client, the downloader, the picture store and the
delivery has a kill point before and one after it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import aiohttp

from bot.credits.ledger import Ledger
from bot.domain.errors import TransientError
from bot.domain.image_models import MODELS
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, Job, Picture, Reference
from bot.domain.limits import Limit, Receipt
from bot.domain.model_catalog import ModelCatalog
from bot.domain.periods import Period
from bot.domain.pictures import PostedPicture
from bot.domain.progress import Progress
from bot.engine.circuit_breaker import CircuitBreaker
from bot.engine.delivery import UndeliverableError
from bot.engine.engine import JobEngine
from bot.engine.job_files import JobFiles
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.timings import Timings
from bot.images.downloads import Downloader
from bot.images.workers import ImageWorkers
from bot.jobs.requests.submission import Accepted
from bot.jobs.store import JobStore
from bot.observability.metrics import Metrics
from bot.observability.operator_log import OperatorLog
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from tests.support.factories import NO_CONTEXT, make_request

T = TypeVar("T")


class KillPoints:
    """Writes down each kill point that is passed, and kills the process at the chosen one.

    `die_at` is a number, from 0, or a name: its first occurrence, or with `#3` behind it the third.
    """

    def __init__(self, trace: Path, die_at: str | None) -> None:
        self._trace = trace.open("a", buffering=1)
        self._die_at = die_at
        self._passed = 0
        self._times: Counter[str] = Counter()

    def reach(self, name: str) -> None:
        self._trace.write(name + "\n")
        self._times[name] += 1
        if self._die_at in {name, f"{name}#{self._times[name]}", str(self._passed)}:
            os.kill(os.getpid(), signal.SIGKILL)
        self._passed += 1


class KillPointProxy:
    """Forwards to an object; each of its public coroutines has a kill point before and one after."""

    def __init__(self, inner: object, label: str, points: KillPoints) -> None:
        self._inner = inner
        self._label = label
        self._points = points

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def with_points(*args: object, **kwargs: object) -> object:
            self._points.reach(f"{self._label}.{name} before")
            result = await method(*args, **kwargs)
            stage = f" {result.stage}" if isinstance(result, Job) else ""
            self._points.reach(f"{self._label}.{name} after{stage}")
            return result

        return with_points


class HttpDelivery:
    """Delivers to a channel that the test's process keeps, so that it outlives this one."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def defer(self, job: Job) -> int:
        async with self._session.post(self._reply(job)) as answer:
            return int((await answer.json())["message_id"])

    async def find_reply(self, job: Job) -> int | None:
        try:
            async with self._session.get(self._reply(job)) as answer:
                return None if answer.status == 404 else int((await answer.json())["message_id"])
        except aiohttp.ClientError as error:
            raise TransientError("the channel is out of reach") from error

    async def show_progress(self, job: Job, progress: Progress) -> None:
        async with self._session.patch(self._reply(job), json={"line": progress.phase}) as answer:
            assert answer.status == 200

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], receipt: Receipt, *, shrunk: bool, lost: int
    ) -> DeliveredMessage:
        headers = {
            "x-charged": str(receipt.charged_credits),
            "x-shrunk": str(int(shrunk)),
            "x-lost": str(lost),
            "x-place": str(1 if job.place is None else job.place.number),
            "x-sizes": " ".join(str(len(picture.data)) for picture in pictures),
        }
        data = b"".join(picture.data for picture in pictures)
        async with self._session.put(self._reply(job), data=data, headers=headers) as answer:
            if answer.status == 410:
                raise UndeliverableError
            message_id = int((await answer.json())["message_id"])
            more = tuple(PostedPicture(f"{self._url}/{number}") for number in range(2, len(pictures) + 1))
            return DeliveredMessage(1, message_id, DeliveryMethod.REPLY, more=more)

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        async with self._session.patch(self._reply(job), json={"line": failure.code}) as answer:
            await answer.read()

    def _reply(self, job: Job) -> str:
        return f"{self._url}/replies/{job.request.destination.interaction_id}"


async def main(options: dict[str, str]) -> None:
    """Run until every job has ended, or until SIGTERM."""
    limit, catalog = (
        Limit(200, Period.MONTH),
        ModelCatalog(MODELS, ("qwen-image", "nano-banana", "seedream-4-0")),
    )
    async with AsyncExitStack() as stack:
        database = await Database.open(Path(options["database"]))
        stack.push_async_callback(database.close)
        rivya_session = await stack.enter_async_context(open_session())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        plain_downloader = await stack.enter_async_context(Downloader(allow_loopback=True))
        image_workers = stack.enter_context(closing(ImageWorkers(Path(options["database"] + ".scratch"))))
        points = KillPoints(Path(options["trace"]), options.get("die_at"))
        delivery = HttpDelivery(session, options["channel"])
        plain_rivya = RivyaClient(rivya_session, base_url=options["rivya"], api_key=options["api_key"])
        circuit_breaker = CircuitBreaker(plain_rivya.credits, OperatorLog())
        store = with_kill_points(JobStore(database, limit), "store", points)
        rivya = with_kill_points(plain_rivya, "rivya", points)
        downloader = with_kill_points(plain_downloader, "downloader", points)
        picture_store = with_kill_points(
            PictureStore(picture_folder(database._path)), "picture_store", points
        )
        engine = JobEngine(
            catalog=catalog,
            store=store,
            ledger=Ledger(database, limit),
            rivya=rivya,
            files=JobFiles(store, rivya, downloader, image_workers, picture_store, catalog),
            delivery=with_kill_points(delivery, "delivery", points),
            operator_log=OperatorLog(),
            circuit_breaker=circuit_breaker,
            metrics=Metrics(),
            durations=TaskDurationStore(database),
            timings=Timings(0.02, float(options["poll_seconds"])),
            max_running=5,
        )
        stack.push_async_callback(engine.close)
        closed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: closed.set_result(None))
        if "references" in options:
            await submit(engine, with_kill_points(delivery, "discord", points), options)
        else:
            await engine.resume()
        if tasks := list(engine._tasks.values()):
            ended = asyncio.ensure_future(asyncio.wait(tasks))
            await asyncio.wait([closed, ended], return_when=asyncio.FIRST_COMPLETED)


def with_kill_points(inner: T, label: str, points: KillPoints) -> T:
    """Return a proxy of `inner` with kill points."""
    return cast("T", KillPointProxy(inner, label, points))


async def submit(engine: JobEngine, discord: HttpDelivery, options: dict[str, str]) -> None:
    """Submit and start a job as the command does: submit, reply, record the reply, start."""
    urls = options["references"].split()
    request = make_request(
        interaction_id=int(options["interaction_id"]),
        references=tuple(Reference(url, "fox.png", "image/png", 1000) for url in urls),
    )
    pictures = int(options["pictures"])
    settings = (("max_images", pictures),) if pictures > 1 else ()
    request = replace(request, model=options["model"], settings=settings, pictures=int(options["group"]))
    destination = replace(request.destination, private="private" in options)
    result = await engine.submit(replace(request, destination=destination), NO_CONTEXT)
    assert isinstance(result, Accepted)
    message_id = await discord.defer(result.job)
    for job in result.jobs:
        engine.start(job, answered=True, message_id=message_id)


def run(options: dict[str, str]) -> None:
    signal.alarm(600)  # whatever becomes of the test, this process does not outlive it for long
    asyncio.run(main(options))
