"""Takes requests in, starts a walk for each job, resumes them after a restart, parks them at the end.

Owns the running walks. Never imports anything of ours but catalog, client, clock, delivery, durations, easel,
errors, fetch, jobs, ledger, metrics, notices, outage, rests, review, slots, store, tempo, timetable, tools,
vault, walk.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason, OperatorError
from bot.domain.image_models import MODELS
from bot.domain.jobs import BEFORE_TASK, Failure, Job, Stage
from bot.engine.dependencies import Tools
from bot.engine.polling.schedule import Rhythm
from bot.engine.polling.scheduler import Tempo
from bot.engine.runner import Walk
from bot.engine.shutdown import Parked, Rests
from bot.engine.slots import Slots
from bot.engine.validation import check
from bot.images.workers import Easel

if TYPE_CHECKING:
    from pathlib import Path

    from bot.credits.ledger import Ledger
    from bot.domain.image_models import Model
    from bot.domain.jobs import Presence, Request
    from bot.engine.circuit_breaker import Outage
    from bot.engine.delivery import Courier
    from bot.engine.polling.duration_store import Durations
    from bot.engine.timings import Beat
    from bot.images.downloads import Fetcher
    from bot.jobs.store import Store
    from bot.observability.metrics import Metrics
    from bot.observability.operator_log import Notices
    from bot.rivya.client import Rivya
    from bot.storage.picture_store import Vault

log = structlog.get_logger(__name__)

GRACE_SECONDS: Final = 20.0
"""How long a step under way may take to end when the bot closes."""
AGAIN_AFTER_BEATS: Final = (12, 60, 360)
"""After which rests a walk that met a bug begins again, in polls: 1, 5 and 30 minutes. Not for ever, since
what breaks after a picture was posted might post it each time."""
RESUMED_AT_ONCE: Final = 100


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
        vault: Vault,
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
            vault=vault,
            rests=Rests(),
            notices=notices,
            outage=outage,
            metrics=metrics,
        )
        self._walks: dict[str, asyncio.Task[None]] = {}
        self._walking: dict[str, Walk] = {}

    @property
    def closing(self) -> bool:
        """True once the bot takes no new requests."""
        return self._tools.rests.over

    def review(self, request: Request, presence: Presence) -> Model:
        """Refuse what can be seen to be wrong before anything is written; returns the model that will paint.

        Raises:
            MemberError: refused, with the reason.
        """
        self.require_open(presence)
        model = MODELS[request.model]
        check(request, model)
        return model

    def require_open(self, presence: Presence) -> None:
        """See that new requests are taken, from there.

        Raises:
            MemberError: CLOSING, CHANNEL_UNUSABLE.
        """
        if self.closing:
            raise MemberError(MemberReason.CLOSING)
        if presence.missing_permissions:
            raise MemberError(MemberReason.CHANNEL_UNUSABLE, missing=presence.missing_permissions)

    async def submit(
        self, request: Request, presence: Presence, *, draft_id: int | None = None
    ) -> Job | None:
        """Check a request, then commit the job and its reservation; nothing is sent anywhere.

        Returns None if this interaction was taken before: Discord may deliver an event twice. `draft_id` is
        the draft that is sent in, of which one job comes.

        Raises:
            MemberError: refused, with the reason; a `LimitReached` if a rule about credits has no room.
            OperatorError: `database`.
        """
        model = self.review(request, presence)
        job = Job(
            job_id=str(uuid.uuid4()),
            request=request,
            stage=Stage.ACCEPTED,
            quote_credits=model.cost_credits,
            accepted_at=now_ms(),
        )
        accepted = await self._store.accept(job, presence, draft_id=draft_id)
        if accepted is None:
            log.info("interaction delivered twice", interaction_id=request.destination.interaction_id)
        return accepted

    async def cancel(self, job_id: str) -> bool:
        """Cancel a job for its member and release its credits; False if it may be at Rivya already.

        Cancelling what is cancelled is as good as the first time.

        Raises:
            OperatorError: `database`.
        """
        job = await self._store.cancelled_in_time(job_id)
        if job is None:
            found = await self._store.find(job_id)
            return found is not None and found.stage is Stage.CANCELLED
        log.info("cancelled", job_id=job_id, why="its member changed their mind")
        self._tools.metrics.ended(job)
        if (walk := self._walking.get(job_id)) is not None:
            await walk.hush()  # what is being said must not land after what is said next
        if (task := self._walks.get(job_id)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return True

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
                    walk = Walk(job, self._tools, answered=answered, message_id=message_id)
                    self._walking[job.job_id] = walk
                    if await self._ends(walk):
                        return
                await self._surrender(job.job_id)
            except Parked:
                log.info("parked")
            except OperatorError as error:
                self._tools.notices.give(error)
            finally:
                self._walking.pop(job.job_id, None)

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
