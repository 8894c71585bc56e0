"""One job on its way, step by step, until nothing is left to do.

Every step commits what happened before the next begins, so a process that dies anywhere leaves a row from
which a new `Walk` goes on: resuming is the same loop.

Owns the steps. Never imports anything of ours but catalog, clock, delivery, errors, jobs, materials, models,
tempo, tools, verdict, voice, watch.
"""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.errors import ContractBroken, KuasError, OperatorError, TryLater
from bot.domain.image_models import MODELS
from bot.domain.jobs import BEFORE_TASK, IN_FLIGHT, Phase, Stage
from bot.engine.delivery import Undeliverable
from bot.engine.failure_policy import failure_of, judge
from bot.engine.job_files import Materials, filename_of
from bot.engine.polling.scheduler import Kind
from bot.engine.polling.task_poller import Watch
from bot.engine.progress import Voice
from bot.rivya.models import TaskStatus, create_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.domain.jobs import Failure, Job, Landing, Picture
    from bot.engine.dependencies import Tools

log = structlog.get_logger(__name__)

LONGEST_REST_SECONDS: Final = 60.0
"""Between two tries, unless the other side asks for more."""
LONGEST_ASKED_SECONDS: Final = 900.0
"""However long the other side asks us to wait, this is looked at again after a quarter of an hour."""


class Walk:
    """One job, driven by one asyncio task. `answered` if Discord is known to have our first answer."""

    def __init__(
        self, job: Job, tools: Tools, *, answered: bool = False, message_id: int | None = None
    ) -> None:
        self.job = job
        self._answered = answered
        self._message_id = message_id
        self._tools = tools
        self._setbacks = 0
        kind = Kind(job.request.model, job.request.reference is not None)
        self._watch = Watch(kind, tools.tempo, tools.durations, tools.beat)
        # A body committed before this walk began may have been sent by the walk before.
        self._may_be_sent = job.create_body is not None
        self._picture: tuple[Picture, bool] | None = None
        # Kept, since a database that fails just then must not let the news be brought a second time.
        self._landing: Landing | None = None
        self._told = False
        self._materials = Materials(tools)
        self._voice = Voice(job, tools)

    async def run(self) -> None:
        """Walk to the end.

        Raises:
            Parked: the bot is closing.
            asyncio.CancelledError: likewise; the row is right in either case.
            ContractBroken: `bug`; somebody else has moved the row.
        """
        while self.job.acknowledged_at is None and self.job.finished_at is None:
            await self._attempt(Walk.confirm)
        async with self._voice.speaking():
            if self.job.stage in IN_FLIGHT:
                async with self._slot():
                    while self.job.stage in IN_FLIGHT:
                        await self._sit_out()
                        await self._attempt(STEPS[self.job.stage])
            while self.job.finished_at is None:
                await self._attempt(STEPS[self.job.stage])
        self._tools.metrics.ended(self.job)

    async def hush(self) -> None:
        """Say no more about this job, and wait for what is being said."""
        await self._voice.hush()

    async def _sit_out(self) -> None:
        """Ask nothing while Rivya is down: there is a probe for that."""
        if self._tools.outage.lasts:
            self._voice.turn(Phase.OUTAGE)
            with self._tools.rests.interruptible():
                await self._tools.outage.passed()

    async def _attempt(self, step: Callable[[Walk], Awaitable[Job]]) -> None:
        self._tools.rests.check()
        try:
            self.job = await step(self)
        except KuasError as error:
            await self._set_back(error)
        else:
            self._setbacks = 0

    async def _set_back(self, error: KuasError) -> None:
        if isinstance(error, ContractBroken) and error.code == "bug":
            found = await self._tools.store.find(self.job.job_id)
            if found is None or found.stage is not Stage.CANCELLED:
                raise error
            self.job = found  # its member was quicker than this step
            return
        self._setbacks += 1
        self._tools.metrics.set_back(self.job.stage, error)
        if isinstance(error, OperatorError):
            self._tools.notices.give(error, stage=self.job.stage)
        if self.job.create_body is not None and self.job.stage in BEFORE_TASK:
            unanswered = isinstance(error, TryLater) and not error.answered
            doubtful = isinstance(error, OperatorError | ContractBroken) and error.in_doubt
            self._may_be_sent = self._may_be_sent or unanswered or doubtful
        failure = judge(self.job, error, setbacks=self._setbacks, may_be_sent=self._may_be_sent)
        log.warning(
            "setback",
            stage=self.job.stage,
            error=type(error).__name__,
            reason=str(error),
            request_id=error.request_id,
            setbacks=self._setbacks,
            ends_job=failure is not None,
        )
        if failure is None:
            await self._tools.rests.rest(self._backoff(error))
        else:
            await self._give_up(failure)

    async def _give_up(self, failure: Failure) -> None:
        _report(failure)
        store = self._tools.store
        try:
            if self.job.stage is Stage.SUCCEEDED:
                guild_id = self.job.request.destination.guild_id
                receipt = await self._tools.ledger.receipt(self.job.job_id, guild_id)
                charged = replace(failure, charged_credits=receipt.charged_credits)
                self.job = await store.lost(self.job.job_id, charged)
            else:
                self.job = await store.failed(self.job.job_id, failure)
        except OperatorError as error:  # the database: the verdict comes again, once it can be written
            await self._tools.rests.rest(self._backoff(error))
        else:
            self._setbacks = 0

    def _backoff(self, error: KuasError) -> float:
        grown = self._tools.beat.poll_seconds * 2.0 ** min(self._setbacks - 1, 10)
        seconds = min(LONGEST_REST_SECONDS, grown) * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
        asked = error.retry_after_seconds if isinstance(error, TryLater) else None
        return seconds if asked is None else max(seconds, min(asked, LONGEST_ASKED_SECONDS))

    # The steps: each does one thing outside, commits it, and returns the job as it then stands.

    async def confirm(self) -> Job:
        """Has the member seen our first answer? Else they were told of no response, and will ask again."""
        message_id = self._message_id
        if not self._answered:
            message_id = await self._tools.courier.find_reply(self.job)
            self._answered = message_id is not None
        if not self._answered:
            log.info("cancelled", why="Discord never got our first answer")
            return await self._tools.store.cancelled(self.job.job_id)
        return await self._tools.store.acknowledged(self.job.job_id, message_id)

    async def prepare(self) -> Job:
        """Bring the reference to Rivya; without one, go straight to painting."""
        reference = self.job.request.reference
        if reference is None:
            return await self.create()
        self._voice.turn(Phase.UPLOADING)
        ready = await self._materials.reference(self.job, reference)
        uploaded = await self._tools.rivya.upload(
            ready.path,
            filename=filename_of(ready.mime_type),
            mime_type=ready.mime_type,
            model=self.job.request.model,
            client_request_id=self.job.job_id,
        )
        mime_type = uploaded.mime_type or ready.mime_type
        return await self._tools.store.uploaded(self.job.job_id, uploaded.url, mime_type, ready.sha256)

    async def create(self) -> Job:
        """Ask for the picture. The body is committed first: every repeat, in any process, is the same."""
        self._voice.turn(Phase.ASKING)
        body = self.job.create_body
        if body is None:
            body = self._body()
            self.job = await self._tools.store.creating(self.job.job_id, body)
        task = await self._tools.rivya.create(body, idempotency_key=self.job.job_id)
        # If it cannot be written down now, a refusal of the next try says nothing about this one.
        self._may_be_sent = True
        job = await self._tools.store.created(self.job.job_id, task.task_id, task.reserved_credits)
        self._watch.begin()
        return job

    async def poll(self) -> Job:
        """Wait for the next beat, look once."""
        task_id = self.job.task_id
        assert task_id is not None  # the schema says so of a created job
        late = self.job.late_told_at is not None
        self._voice.turn(Phase.LATE if late else Phase.PAINTING, self.job.task_created_at)
        await self._tools.rests.rest(self._until_next_poll())
        self._watch.look(self._age_seconds())
        task = await self._tools.rivya.task(task_id)
        if task.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED}:
            await self._watch.ended(self._age_seconds())
        if task.status is TaskStatus.SUCCEEDED:
            ended = await self._tools.store.succeeded(self.job.job_id, task.result_url, task.final_credits)
            self._tools.metrics.painted(ended, task.final_credits or 0)
            return ended
        if task.status is TaskStatus.FAILED:
            failure = failure_of(task)
            _report(failure)
            ended = await self._tools.store.failed(self.job.job_id, failure)
            self._tools.metrics.painted(ended, failure.charged_credits)
            return ended
        self._watch.still_running()
        if late or self._age_seconds() <= self._tools.beat.late_after_seconds:
            return self.job
        self._voice.turn(Phase.LATE, self.job.task_created_at)
        return await self._tools.store.late_told(self.job.job_id)

    async def deliver(self) -> Job:
        """Fetch the picture, then hand it to the courier: two steps, so that neither is done for naught."""
        if self._picture is None:
            self._voice.turn(Phase.FETCHING)
            self._picture = await self._materials.picture(self.job, anew=self._setbacks > 0)
            return self.job
        picture, shrunk = self._picture
        await self._voice.hush()
        # A private message is gone with the next reload, and no link leads back to it, so it is kept first.
        # But a full disk is no reason to let the time run out in which it can be brought.
        kept = not self.job.request.destination.private or await self._keeps(picture)
        if self._landing is None:
            receipt = await self._tools.ledger.receipt(self.job.job_id, self.job.request.destination.guild_id)
            try:
                self._landing = await self._tools.courier.deliver(self.job, picture, receipt, shrunk=shrunk)
            except Undeliverable:
                log.warning("undeliverable")
                await self._materials.keep(self.job, picture)
                return await self._tools.store.undeliverable(self.job.job_id)
            log.info("delivered", way=self._landing.way)
        if not kept and not await self._keeps(picture):
            log.error("a private picture was brought and is not kept")
        return await self._tools.store.delivered(self.job.job_id, self._landing)

    async def _keeps(self, picture: Picture) -> bool:
        try:
            await self._materials.keep(self.job, picture)
        except OperatorError as error:
            self._tools.notices.give(error)
            return False
        return True

    async def tell(self) -> Job:
        """Tell the member that no picture comes; where they cannot be reached, the row says it."""
        failure = self.job.failure
        assert failure is not None  # the schema says so of a failed job, `Store.lost` of an undeliverable one
        await self._voice.hush()
        if not self._told:
            try:
                await self._tools.courier.tell_failure(self.job, failure)
            except Undeliverable:
                log.warning("untold", code=failure.code)
            self._told = True
        return await self._tools.store.told(self.job.job_id)

    def _body(self) -> str:
        request, reference = self.job.request, None
        if self.job.upload_url is not None:
            mime = self.job.upload_mime or "image/png"
            reference = (self.job.upload_url, filename_of(mime), mime)
        return create_body(
            MODELS[request.model],
            prompt=request.full_prompt,
            size=request.size,
            format=request.format,
            reference=reference,
            client_request_id=self.job.job_id,
        )

    def _until_next_poll(self) -> float:
        return self._watch.until_next(self._age_seconds())

    def _age_seconds(self) -> float:
        return (now_ms() - (self.job.task_created_at or now_ms())) / 1000

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """A task that runs at Rivya already is in flight, whether it has a slot or not."""
        guild_id, job_id = self.job.request.destination.guild_id, self.job.job_id
        async with AsyncExitStack() as stack:
            with self._tools.rests.interruptible():
                in_flight = self.job.stage is Stage.CREATED
                await stack.enter_async_context(self._tools.slots.hold(guild_id, job_id, at_once=in_flight))
            yield


STEPS: Final[Mapping[Stage, Callable[[Walk], Awaitable[Job]]]] = {
    Stage.ACCEPTED: Walk.prepare,
    Stage.UPLOADED: Walk.create,
    Stage.CREATED: Walk.poll,
    Stage.SUCCEEDED: Walk.deliver,
    Stage.FAILED: Walk.tell,
    Stage.UNDELIVERABLE: Walk.tell,
}
"""What is tried in each stage; a stage without a step is an end."""


def _report(failure: Failure) -> None:
    """Credits in doubt are the operator's to look into, so they are logged as an error."""
    if failure.in_doubt:
        log.error("credits in doubt stay held", who=failure.who, code=failure.code)
    else:
        log.info("failed", who=failure.who, code=failure.code, charged_credits=failure.charged_credits)
