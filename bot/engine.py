"""Takes requests in, starts a walk for each job, resumes them after a restart, parks them at the end.

Owns the running walks. Never imports anything of ours but catalog, client, clock, delivery, durations, easel,
errors, fetch, images, jobs, ledger, metrics, notices, outage, rests, slots, store, tempo, timetable, tools,
walk.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
import uuid
from typing import TYPE_CHECKING, Final

import structlog

from bot.catalog import MODELS
from bot.clock import now_ms
from bot.errors import MemberError, MemberReason, OperatorError
from bot.jobs import BEFORE_TASK, Failure, Job, Stage
from bot.pictures import images
from bot.pictures.easel import Easel
from bot.polling.tempo import Tempo
from bot.polling.timetable import Rhythm
from bot.rests import Parked, Rests
from bot.slots import Slots
from bot.tools import Tools
from bot.walk import Walk

if TYPE_CHECKING:
    from pathlib import Path

    from bot.catalog import Model
    from bot.delivery import Courier
    from bot.jobs import Request
    from bot.money.ledger import Ledger
    from bot.pictures.fetch import Fetcher
    from bot.polling.durations import Durations
    from bot.rivya.client import Rivya
    from bot.store import Store
    from bot.tools import Beat
    from bot.watching.metrics import Metrics
    from bot.watching.notices import Notices
    from bot.watching.outage import Outage

log = structlog.get_logger(__name__)

GRACE_SECONDS: Final = 20.0
"""How long a step under way may take to end when the bot closes."""
AGAIN_AFTER_BEATS: Final = (12, 60, 360)
"""After which rests a walk that met a bug begins again, in polls: 1, 5 and 30 minutes. Not for ever, since
what breaks after a picture was posted might post it each time."""
RESUMED_AT_ONCE: Final = 100
_HALF_A_CHARACTER: Final = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which JSON can carry but neither UTF-8 nor the database."""
_SHOWS_NOTHING: Final = ("C", "Z", "M")
"""Unicode's general categories of controls and formats, of spaces, and of marks on another character."""
_BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Hangul fillers and the empty braille cell: letters and signs by category, and blank."""


class Engine:
    """Walks every job through its stages.

    `max_running` bounds the tasks in flight over all guilds. `scratch` is a folder that nobody else uses:
    what a killed process left in it is removed.
    """

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        rivya: Rivya,
        fetcher: Fetcher,
        courier: Courier,
        notices: Notices,
        outage: Outage,
        metrics: Metrics,
        durations: Durations,
        beat: Beat,
        max_running: int,
        scratch: Path,
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
            tempo=Tempo(Rhythm(beat.first_poll_seconds, beat.poll_seconds)),
            durations=durations,
            easel=Easel(scratch),
            rests=Rests(),
            notices=notices,
            outage=outage,
            metrics=metrics,
        )
        self._walks: dict[str, asyncio.Task[None]] = {}

    @property
    def closing(self) -> bool:
        """True once the bot takes no new requests."""
        return self._tools.rests.over

    def review(self, request: Request, *, missing_permissions: tuple[str, ...] = ()) -> Model:
        """Refuse what can be seen to be wrong before anything is written; returns the model that will paint.

        Raises:
            MemberError: refused, with the reason.
        """
        if self.closing:
            raise MemberError(MemberReason.CLOSING)
        if missing_permissions:
            raise MemberError(MemberReason.CHANNEL_UNUSABLE, missing=missing_permissions)
        model = MODELS[request.model]
        _check(request, model)
        return model

    async def submit(
        self,
        request: Request,
        *,
        missing_permissions: tuple[str, ...] = (),
        role_ids: tuple[int, ...] = (),
        ask_id: int | None = None,
    ) -> Job | None:
        """Check a request, then commit the job and its reservation; nothing is sent anywhere.

        Returns None if this interaction was taken before: Discord may deliver an event twice. `ask_id` is
        the question about the price that this is the yes to.

        Raises:
            MemberError: refused, with the reason; a `LimitReached` if a rule has no room.
            OperatorError: `database`.
        """
        model = self.review(request, missing_permissions=missing_permissions)
        job = Job(
            job_id=str(uuid.uuid4()),
            request=request,
            stage=Stage.ACCEPTED,
            quote_credits=model.cost_credits,
            accepted_at=now_ms(),
        )
        if not await self._store.accept(job, role_ids=role_ids, ask_id=ask_id):
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
        run = self._run(job, answered=answered, message_id=message_id)
        task = asyncio.create_task(run, name=f"job {job.job_id}")
        self._walks[job.job_id] = task
        task.add_done_callback(lambda _: self._walks.pop(job.job_id, None))

    async def resume(self) -> int:
        """Recall how long tasks took, start every job that is not finished; returns how many."""
        self._tools.tempo.recall(await self._tools.durations.recent())
        jobs = await self._store.due()
        for number, job in enumerate(jobs, start=1):
            self.start(job)
            if number % RESUMED_AT_ONCE == 0:
                await asyncio.sleep(0)  # ten thousand must not keep Discord waiting
        if jobs:
            log.info("resumed", jobs=len(jobs))
        return len(jobs)

    async def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Park what rests at once, let running steps end, cut what is left after the grace."""
        self._tools.rests.end()
        self._tools.rivya.hurry()
        walks = tuple(self._walks.values())
        if walks:
            log.info("closing", walks=len(walks))
            _, late = await asyncio.wait(walks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*walks, return_exceptions=True)

    async def _run(self, job: Job, *, answered: bool, message_id: int | None) -> None:
        with structlog.contextvars.bound_contextvars(job_id=job.job_id):
            try:
                for beats in (0, *AGAIN_AFTER_BEATS):
                    if beats:
                        await self._tools.rests.rest(beats * self._tools.beat.poll_seconds)
                        job = await self._store.find(job.job_id) or job
                    if await self._ends(Walk(job, self._tools, answered=answered, message_id=message_id)):
                        return
                await self._surrender(job.job_id)
            except Parked:
                log.info("parked")
            except OperatorError as error:
                self._tools.notices.give(error)

    async def _surrender(self, job_id: str) -> None:
        """Fail what breaks each time before a task was asked for: that is proof that nothing is charged.

        Whatever came further waits for the next start, and so does what Discord may not have answered.
        """
        job = await self._store.find(job_id)
        if job is None or job.acknowledged_at is None:
            return
        if job.stage in BEFORE_TASK and job.create_body is None:
            failed = await self._store.failed(job_id, Failure("developer", "bug"))
            await self._ends(Walk(failed, self._tools))

    async def _ends(self, walk: Walk) -> bool:
        """Walk to the end; False if that met a bug.

        The row is right then: to begin again, now or at the next start, is what a crash would lead to.
        """
        try:
            await walk.run()
        except Parked:
            raise
        except Exception:
            log.exception("walk broke", stage=walk.job.stage)
            return False
        return True


def _check(request: Request, model: Model) -> None:
    """Refuse what can be seen to be wrong before anything is sent.

    Raises:
        MemberError: the prompt is blank or too long; the reference is too big or no picture by its name.
    """
    if not any(_is_visible(character) for character in request.prompt):
        raise MemberError(MemberReason.PROMPT_EMPTY)
    if _HALF_A_CHARACTER.search(request.prompt):
        raise MemberError(MemberReason.PROMPT_REFUSED)
    if len(request.prompt) > model.prompt_limit:
        raise MemberError(MemberReason.PROMPT_TOO_LONG, limit=model.prompt_limit)
    if request.reference is not None:
        images.check_declared(
            filename=request.reference.filename,
            content_type=request.reference.content_type,
            size_bytes=request.reference.size_bytes,
            limit_bytes=model.reference_limit_bytes,
        )


def _is_visible(character: str) -> bool:
    # A half of a character counts as something: it has a refusal of its own.
    category = unicodedata.category(character)
    return category == "Cs" or not (category.startswith(_SHOWS_NOTHING) or character in _BLANK_LETTERS)
