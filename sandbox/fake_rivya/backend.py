"""State of the fake Rivya: the wallet, the uploads, and the tasks with their timing.

Pages: https://rivya.ai/docs/api-generation-status, https://rivya.ai/docs/task-lifecycle and
https://rivya.ai/docs/failed-tasks-and-refunds.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sandbox.fake_rivya.errors import ApiError
from sandbox.fake_rivya.manner import manner_of
from sandbox.fake_rivya.models import Task, Upload
from sandbox.painter import paint

if TYPE_CHECKING:
    from sandbox.fake_rivya.model_catalog import ModelSpec
    from sandbox.fake_rivya.models import UploadForm
    from sandbox.fake_rivya.request_validation import CreateRequest, ReferenceItem
    from sandbox.painter import Manner

Painter = Callable[[str, str, str, "bytes | None", "Manner"], bytes]
"""Takes prompt, size, output format, reference and manner; returns the picture file. Called in a thread."""

_MOST_PICTURES = 10
"""Of one task."""
_QUEUED_SHARE = 0.2
"""Share of a task's duration during which it is `queued`."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """The use of an Idempotency-Key; `task_id` is None while the first request with it is in flight."""

    digest: bytes
    task_id: str | None


class Backend:
    """Tasks, uploads and the wallet, without the network; tests can read all of it and wait for changes.

    Attributes:
        tasks: by id, in the order of their creation.
        uploads: by id.
        gives_duration_tokens: whether an upload returns a token that the create call has to send back.
        wallet_credits: the balance; may be set.
        wallet_mode: the effect of too few credits: a 402 ("error"), or a task that fails ("failed_task").
        creates_without_key: number of create calls without an Idempotency-Key.
        peak_concurrent: the largest number of tasks that were unfinished at the same time.
        surcharges: credits that a task costs beyond what the list of models says, by model.
    """

    def __init__(
        self,
        *,
        wallet_credits: int,
        painting_seconds: Callable[[], float],
        seed: int,
        painter: Painter = paint,
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self.uploads: dict[str, Upload] = {}
        self.gives_duration_tokens = False
        self.wallet_credits = wallet_credits
        self.wallet_mode: Literal["error", "failed_task"] = "error"
        self.creates_without_key = 0
        self.peak_concurrent = 0
        self.surcharges: dict[str, int] = {}
        self._painting_seconds = painting_seconds
        self._painter = painter
        self._random = random.Random(seed)
        self._claims: dict[str, _Claim] = {}
        self._asked: Counter[tuple[str, ...]] = Counter()
        self._fail_next: list[str] = []
        self._endless_next = 0
        self._endless_over = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._released = asyncio.Event()
        self._released.set()
        self._changed = asyncio.Condition()

    @property
    def charged_credits(self) -> int:
        """Credits taken from the wallet and not refunded, with those reserved for unfinished tasks."""
        return sum(
            task.final_credits if task.has_ended else task.reserved_credits for task in self.tasks.values()
        )

    @property
    def keys_in_flight(self) -> frozenset[str]:
        """Idempotency-Keys whose first request is still in flight."""
        return frozenset(key for key, claim in self._claims.items() if claim.task_id is None)

    def hold(self) -> None:
        """Keep tasks `processing` until `release`."""
        self._released.clear()

    def release(self) -> None:
        """Let tasks end again, held ones immediately."""
        self._released.set()

    def fail_next(self, code: str = "generation_failed") -> None:
        """Make the next task end `failed` with `code`; a task whose prompt fails anyway does not count."""
        self._fail_next.append(code)

    def endless_next(self, count: int = 1) -> None:
        """Make the next `count` tasks stay `processing` until `end_endless`."""
        self._endless_next += count
        self._endless_over.clear()

    def end_endless(self) -> None:
        """Let the endless tasks end."""
        self._endless_over.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` is true; it is evaluated after every change of a task and every call."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def created(self, count: int) -> None:
        """Wait until `count` tasks exist."""
        await self.until(lambda: len(self.tasks) >= count)

    async def ended(self, task_id: str) -> None:
        """Wait until the task's status is final."""
        await self.until(lambda: self.tasks[task_id].has_ended)

    async def announce(self) -> None:
        """Make every waiting `until` evaluate its condition."""
        async with self._changed:
            self._changed.notify_all()

    def new_id(self, prefix: str) -> str:
        """Return a random id; the same seed gives the same ids."""
        return f"{prefix}_{self._random.getrandbits(64):016x}"

    def claim(self, key: str | None, body: bytes) -> Task | None:
        """Reserve the key for this body, or return the task that was already created with it.

        Raises:
            ApiError: idempotency_conflict; the key was used with another body, or its first request is in
                flight.
        """
        if key is None:
            self.creates_without_key += 1
            return None
        digest = hashlib.sha256(body).digest()
        earlier = self._claims.get(key)
        if earlier is None:
            self._claims[key] = _Claim(digest, None)
            return None
        if earlier.digest != digest:
            raise ApiError("idempotency_conflict", "This Idempotency-Key was used with a different body.")
        if earlier.task_id is None:
            raise ApiError(
                "idempotency_conflict", "The first request with this Idempotency-Key is in flight."
            )
        return self.tasks[earlier.task_id]

    def unclaim(self, key: str | None) -> None:
        """Free the key if its request created no task, so that a corrected request can use it."""
        if key is not None and self._claims[key].task_id is None:
            del self._claims[key]

    def create(self, request: CreateRequest, key: str | None) -> Task:
        """Create the task and reserve its credits.

        Raises:
            ApiError: validation_failed for an unknown reference, or insufficient_credits.
        """
        uploads = [self._upload_of(item, request.model) for item in request.references]
        model_id = request.model.model_id
        cost = request.model.cost(request.params) + self.surcharges.get(model_id, 0)
        short = self.wallet_credits < cost
        if short and self.wallet_mode == "error":
            raise ApiError("insufficient_credits", f"This takes {cost} credits.")
        now = time.time()
        task = Task(
            id=self.new_id(f"task_{model_id.replace('-', '_')}"),
            model=model_id,
            key=key,
            client_request_id=request.client_request_id,
            prompt=request.prompt,
            size=request.size,
            output_format=request.output_format,
            reference_ids=tuple(upload.id for upload in uploads),
            params=request.params,
            reserved_credits=0 if short else cost,
            created_at=now,
            updated_at=now,
        )
        self.wallet_credits -= task.reserved_credits
        if "seed" not in request.params:
            asked = (task.model, task.prompt, task.size)
            task.repeats = self._asked[asked]
            self._asked[asked] += 1
        self.tasks[task.id] = task
        if key is not None:
            self._claims[key] = _Claim(self._claims[key].digest, task.id)
        if short:
            self._end(task, "insufficient_credits")
        else:
            self._start(task)
        return task

    async def picture(self, task: Task, number: int = 0) -> bytes:
        """Return a picture file of a succeeded task."""
        if number not in task.pictures:
            reference = self.uploads[task.reference_id].data if task.reference_id else None
            manner = manner_of(task.model, task.params, _MOST_PICTURES * task.repeats + number)
            painting = asyncio.to_thread(
                self._painter, task.prompt, task.size, task.output_format, reference, manner
            )
            task.pictures[number] = asyncio.create_task(painting)
        return await asyncio.shield(task.pictures[number])

    def store_upload(self, form: UploadForm, base_url: str) -> Upload:
        """Store an uploaded file under a URL below `base_url`."""
        upload_id = self.new_id("file")
        upload = Upload(
            **asdict(form),
            id=upload_id,
            url=f"{base_url}/uploads/{upload_id}.{form.mime_type.removeprefix('image/')}",
            created_at=time.time(),
            duration_token=self.new_id("duration") if self.gives_duration_tokens else None,
        )
        self.uploads[upload_id] = upload
        return upload

    async def stop_tasks(self) -> None:
        """Cancel the running tasks and wait for the painter's threads."""
        for run in self._running:
            run.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        pictures = [picture for task in self.tasks.values() for picture in task.pictures.values()]
        await asyncio.gather(*pictures, return_exceptions=True)

    def _upload_of(self, item: ReferenceItem, model: ModelSpec) -> Upload:
        upload = next((each for each in self.uploads.values() if each.url == item.url), None)
        if upload is None:
            raise ApiError("validation_failed", "The url of a reference is not that of an uploaded file.")
        if item.mime_type not in {None, upload.mime_type}:
            raise ApiError("validation_failed", "The mimeType of a reference is wrong.")
        if item.duration_token != upload.duration_token:
            raise ApiError("validation_failed", "A reference needs the durationToken of its upload.")
        if len(upload.data) > model.reference_limit_bytes:
            raise ApiError("validation_failed", "A reference is larger than this model takes.")
        return upload

    def _start(self, task: Task) -> None:
        error_code = None
        if re.search(r"\bforbidden\b", task.prompt, re.IGNORECASE):
            error_code = "generation_failed"
        elif self._fail_next:
            error_code = self._fail_next.pop(0)
        if self._endless_next:
            self._endless_next -= 1
            task.endless = True
        run = asyncio.create_task(self._run_task(task, self._painting_seconds(), error_code))
        self._running.add(run)
        run.add_done_callback(self._running.discard)
        self.peak_concurrent = max(self.peak_concurrent, len(self._running))

    async def _run_task(self, task: Task, seconds: float, error_code: str | None) -> None:
        await asyncio.sleep(seconds * _QUEUED_SHARE)
        task.status = "processing"
        task.updated_at = time.time()
        await self.announce()
        await asyncio.sleep(seconds * (1 - _QUEUED_SHARE))
        await self._released.wait()
        if task.endless:
            await self._endless_over.wait()
        self._end(task, error_code)
        await self.announce()

    def _end(self, task: Task, error_code: str | None) -> None:
        task.error_code = error_code
        task.status = "succeeded" if error_code is None else "failed"
        task.updated_at = time.time()
        if error_code is None:
            made = task.picture_count - len(task.refused)
            task.final_credits = math.ceil(task.reserved_credits * made / task.asked_count)
        self.wallet_credits += task.reserved_credits - task.final_credits


def realistic_seconds(seed: int) -> Callable[[], float]:
    """Return random durations as image models have them: log-normal, with a median of 12 seconds."""
    generator = random.Random(seed)
    return lambda: generator.lognormvariate(math.log(12), 0.35)
