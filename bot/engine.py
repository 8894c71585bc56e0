"""Takes requests in, starts a walk for each job, resumes them after a restart, parks them at the end.

Owns the running walks. Never imports anything of ours but catalog, clock, delivery, easel, errors, fetch,
images, jobs, ledger, notices, rests, rivya.client, slots, store, walk.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

import structlog

from bot import images
from bot.catalog import MODELS
from bot.clock import now_ms
from bot.easel import Easel
from bot.errors import MemberError, MemberReason
from bot.jobs import Job, Stage
from bot.rests import Parked, Rests
from bot.slots import Slots
from bot.walk import Tools, Walk

if TYPE_CHECKING:
    from bot.catalog import Model
    from bot.delivery import Courier
    from bot.fetch import Fetcher
    from bot.jobs import Request
    from bot.ledger import Ledger
    from bot.notices import Notices
    from bot.rivya.client import Rivya
    from bot.store import Store
    from bot.walk import Beat

log = structlog.get_logger(__name__)

GRACE_SECONDS: Final = 20.0
"""How long a step under way may take to end when the bot closes."""


class Engine:
    """Walks every job through its stages. `max_running` bounds the tasks in flight over all guilds."""

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        rivya: Rivya,
        fetcher: Fetcher,
        courier: Courier,
        notices: Notices,
        beat: Beat,
        max_running: int,
    ) -> None:
        self._store = store
        self._tools = Tools(
            store=store,
            ledger=ledger,
            rivya=rivya,
            fetcher=fetcher,
            courier=courier,
            slots=Slots(max_running),
            beat=beat,
            easel=Easel(),
            rests=Rests(),
            notices=notices,
        )
        self._walks: dict[str, asyncio.Task[None]] = {}

    @property
    def closing(self) -> bool:
        """True once the bot takes no new requests."""
        return self._tools.rests.over

    async def submit(self, request: Request, *, missing_permissions: tuple[str, ...] = ()) -> Job | None:
        """Check a request, then commit the job and its reservation; nothing is sent anywhere.

        Returns None if this interaction was taken before: Discord may deliver an event twice.

        Raises:
            MemberError: refused, with the reason; a `LimitReached` if the guild has no room.
            OperatorError: `database`.
        """
        if self.closing:
            raise MemberError(MemberReason.CLOSING)
        if missing_permissions:
            raise MemberError(MemberReason.CHANNEL_UNUSABLE, missing=missing_permissions)
        model = MODELS[request.model]
        _check(request, model)
        job = Job(
            job_id=str(uuid.uuid4()),
            request=request,
            stage=Stage.ACCEPTED,
            quote_credits=model.cost_credits,
            accepted_at=now_ms(),
        )
        if not await self._store.accept(job):
            log.info("interaction delivered twice", interaction_id=request.destination.interaction_id)
            return None
        return job

    async def abandon(self, job: Job) -> None:
        """Our first answer came too late: the member was told so, and nothing was spent."""
        await self._store.cancelled(job.job_id)
        log.info("cancelled", job_id=job.job_id, why="the interaction was gone before our first answer")

    def start(self, job: Job, *, answered: bool = False, message_id: int | None = None) -> None:
        """Walk the job in a task of its own; while the bot closes, the row just waits for the next start.

        `answered` says that Discord took our first answer, and `message_id` which message that is, if it
        said so. Unanswered, the walk asks Discord before anything is spent.
        """
        if self.closing or job.job_id in self._walks:
            return
        walk = Walk(job, self._tools, answered=answered, message_id=message_id)
        task = asyncio.create_task(self._run(walk), name=f"job {job.job_id}")
        self._walks[job.job_id] = task
        task.add_done_callback(lambda _: self._walks.pop(job.job_id, None))

    async def resume(self) -> int:
        """Start every job that is not finished, the oldest first; returns how many."""
        jobs = await self._store.due()
        for job in jobs:
            self.start(job)
        if jobs:
            log.info("resumed", jobs=len(jobs))
        return len(jobs)

    async def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Park what rests at once, let running steps end, cut what is left after the grace."""
        self._tools.rests.end()
        walks = tuple(self._walks.values())
        if walks:
            log.info("closing", walks=len(walks))
            _, late = await asyncio.wait(walks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*walks, return_exceptions=True)

    async def _run(self, walk: Walk) -> None:
        with structlog.contextvars.bound_contextvars(job_id=walk.job.job_id):
            try:
                await walk.run()
            except Parked:
                log.info("parked", stage=walk.job.stage)
            except Exception:
                # A bug: the row is right, the next start tries again, and nobody is charged twice.
                log.exception("walk broke", stage=walk.job.stage)


def _check(request: Request, model: Model) -> None:
    """Refuse what can be seen to be wrong before anything is sent.

    Raises:
        MemberError: the prompt is blank or too long; the reference is too big or no picture by its name.
    """
    if not request.prompt.strip():
        raise MemberError(MemberReason.PROMPT_EMPTY)
    if len(request.prompt) > model.prompt_limit:
        raise MemberError(MemberReason.PROMPT_TOO_LONG, length=len(request.prompt), limit=model.prompt_limit)
    if request.reference is not None:
        images.check_declared(
            filename=request.reference.filename,
            content_type=request.reference.content_type,
            size_bytes=request.reference.size_bytes,
            limit_bytes=model.reference_limit_bytes,
        )
