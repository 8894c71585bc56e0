"""The one message of a group: what waits to be shown in it, and the task that edits it.

The rows are the truth: before each edit the group is read again, so a restart makes no difference. An edit
shows all of the group. It lists the pictures that the message has by their ids, which are in their rows, and
adds new ones; where these are is committed before the runners of their jobs go on. If that commit is lost,
the edit is repeated at the next start, and Discord drops the file that no row knows.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from bot.discord_client.errors import API_ERRORS, is_refusal
from bot.domain.errors import KuasError
from bot.domain.jobs import DeliveredMessage, DeliveryMethod
from bot.engine.delivery import UndeliverableError
from bot.engine.waits import WakeableWait
from cogs.delivery.edit_budget import MessagePace
from cogs.delivery.group_content import GroupContent
from cogs.delivery.ladder import ELSEWHERE
from cogs.delivery.outgoing_group import is_in_message, method_to_record, pictures_in
from cogs.delivery.outgoing_message import OutgoingMessage
from cogs.pictures.texts import failure_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.jobs import Job
    from bot.domain.limits import Receipt
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.progress import Progress
    from bot.jobs.groups import GroupStore, JobGroup
    from cogs.delivery.edit_budget import Edit, EditBudget
    from cogs.delivery.ladder import DeliveryLadder, Posted
    from cogs.delivery.outgoing_group import NewFiles, OutgoingGroup
    from cogs.delivery.posted_pictures import PostedPictures

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GroupTools:
    """What every message of a group uses."""

    ladder: DeliveryLadder
    store: GroupStore
    posted_pictures: PostedPictures
    budget: EditBudget
    catalog: ModelCatalog


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The pictures of a job, or its failure, that wait to be shown."""

    files: NewFiles | None
    """None for a failure, which is in the job's row."""
    receipt: Receipt | None
    shown: asyncio.Future[DeliveredMessage | None]


class GroupMessage:
    """The message of one group. One task edits it, as long as there is something to show."""

    def __init__(self, interaction_id: int, channel_id: int, tools: GroupTools) -> None:
        self._interaction_id = interaction_id
        self._channel_id = channel_id
        self._tools = tools
        self._waiting: dict[str, _Waiting] = {}
        self._refreshes: list[asyncio.Future[None]] = []
        self._content = GroupContent(tools.posted_pictures, tools.catalog)
        self._progress_waits = False
        self._wait = WakeableWait()
        self._task: asyncio.Task[None] | None = None
        self._pace = MessagePace(time.monotonic())
        self._signature = b""
        self._told: set[str] = set()
        """The reasons of failures that the member was told privately."""

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be shown."""
        return self._task is None or self._task.done()

    def show_progress(self, job_id: str, progress: Progress) -> None:
        """Show what a job is doing, with one of the next edits."""
        if self._content.progress.get(job_id) != progress:
            self._content.progress[job_id] = progress
            self._progress_waits = True
            self._wake()

    async def deliver(
        self, job_id: str, files: NewFiles | None, receipt: Receipt | None
    ) -> DeliveredMessage | None:
        """Show a picture, or why there is none; returns where the picture was posted.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx; it may have been posted.
            OperatorError: `database`.
        """
        waiting = _Waiting(files, receipt, asyncio.get_running_loop().create_future())
        self._waiting[job_id] = waiting
        self._content.stuck.discard(job_id)
        self._wake()
        try:
            while not waiting.shown.done():
                await self._next_edit()
            return waiting.shown.result()
        finally:
            if self._waiting.get(job_id) is waiting:
                del self._waiting[job_id]

    async def refresh(self) -> None:
        """Show the group as its rows say now."""
        refreshed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refreshes.append(refreshed)
        self._wake()
        while not refreshed.done():
            await self._next_edit()

    async def aclose(self) -> None:
        """Stop editing; what waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self) -> None:
        self._wait.wake()
        if self.idle:
            self._task = asyncio.create_task(self._run(), name=f"group {self._interaction_id}")

    async def _next_edit(self) -> None:
        """Wait until the edit that is due next was made, or has failed."""
        task = self._task
        assert task is not None  # it runs as long as anything waits
        await asyncio.wait({task})
        task.result()  # it raises only if it was cancelled

    @property
    def _is_final(self) -> bool:
        """Whether more than progress waits."""
        return bool(self._waiting or self._refreshes or self._content.is_incomplete)

    async def _run(self) -> None:
        """Make one edit, and begin the next if something waits for it by then."""
        while (edit := await self._take_edit()) is None:
            pass
        try:
            await self._edit()
        finally:
            edit.made(time.monotonic())
        if self._is_final or self._progress_waits:
            self._task = asyncio.create_task(self._run(), name=f"group {self._interaction_id}")

    async def _take_edit(self) -> Edit | None:
        """Wait until an edit is due and within the budget; None if something else may be due by now."""
        final, now, channel = self._is_final, time.monotonic(), self._tools.budget.of(self._channel_id)
        due_at = self._pace.due_at(final=final)
        if not final:
            due_at = max(due_at, channel.progress_from)
        if due_at > now:
            await self._wait.wait(lambda: asyncio.sleep(due_at - now))
            return None
        edit = channel.reserve(now)
        while (at := edit.at) > now:
            await asyncio.sleep(at - now)
            now = time.monotonic()
        return edit

    async def _edit(self) -> None:
        """Show all that waits. An error ends the wait of everything that was to be shown with this edit."""
        waiting, refreshes = dict(self._waiting), self._refreshes
        self._refreshes, self._progress_waits = [], False
        try:
            await self._show(waiting, asked=bool(refreshes))
        except Exception as error:
            if isinstance(error, (KuasError, UndeliverableError)):  # their runners know what to do
                log.info("group left as it was", interaction_id=self._interaction_id, error=str(error))
            else:
                log.exception("group not shown", interaction_id=self._interaction_id)
            self._content.forget_fetched()
            for job_id, each in waiting.items():
                self._end_wait(job_id, each, error)
        finally:
            for refreshed in refreshes:
                if not refreshed.done():
                    refreshed.set_result(None)

    def _end_wait(self, job_id: str, waiting: _Waiting, outcome: DeliveredMessage | Exception | None) -> None:
        if self._waiting.get(job_id) is not waiting:  # its runner was stopped, and nobody reads the outcome
            return
        del self._waiting[job_id]
        if isinstance(outcome, Exception):
            waiting.shown.set_exception(outcome)
        else:
            waiting.shown.set_result(outcome)

    async def _show(self, waiting: Mapping[str, _Waiting], *, asked: bool) -> None:
        group = await self._tools.store.find(self._interaction_id)
        if group is None:
            raise UndeliverableError
        outgoing = await self._outgoing(group, waiting, asked=asked)
        if await self._is_shown(outgoing):
            await self._shown(group, waiting, outgoing, {})
        elif waiting or outgoing.new:
            await self._post(group, waiting, outgoing)
        elif asked or self._content.is_worth_an_edit(group, outgoing.address):
            await self._edit_in_place(group, outgoing, asked=asked)

    async def _outgoing(
        self, group: JobGroup, waiting: Mapping[str, _Waiting], *, asked: bool
    ) -> OutgoingGroup:
        """Return the message as it is to be now; progress alone brings no picture back that it lacks."""
        kept = self._content.kept(group)
        new = {job_id: each.files for job_id, each in waiting.items() if each.files and job_id not in kept}
        for job_id, each in waiting.items():
            if each.receipt is not None:
                self._content.note_receipt(job_id, each.receipt)
        outgoing = self._content.outgoing(group, kept, new)
        can_edit = outgoing.place_to_edit() is not None
        if waiting or self._content.is_incomplete or (asked and can_edit):
            new |= await self._content.fetch_absent(group, kept)
            return self._content.outgoing(group, kept, new)
        return outgoing

    async def _is_shown(self, outgoing: OutgoingGroup) -> bool:
        """Whether the message is like this already."""
        place = outgoing.place_to_edit()
        if outgoing.new or place is None:
            return False
        return (await outgoing.for_method(place)).signature == self._signature

    async def _edit_in_place(self, group: JobGroup, outgoing: OutgoingGroup, *, asked: bool) -> None:
        """Edit the message where it is, to show no new picture. Never raises what Discord refuses.

        `asked` says that it is not for progress alone.
        """
        place = outgoing.place_to_edit()
        # An edit would drop a picture whose id Discord has not told.
        untold = any(
            is_in_message(group, job) and job.job_id not in outgoing.kept_files for job in group.jobs
        )
        if place is None or untold:
            return
        try:
            posted = await self._tools.ladder.edit(outgoing, place)
        except API_ERRORS as error:
            log.debug("progress not shown", interaction_id=self._interaction_id, error=str(error))
            self._pace.edited(time.monotonic())
            if not asked and is_refusal(error):  # then it is not sent again
                self._signature = (await outgoing.for_method(place)).signature
        else:
            self._note(posted)

    async def _post(self, group: JobGroup, waiting: Mapping[str, _Waiting], outgoing: OutgoingGroup) -> None:
        try:
            posted = await self._tools.ladder.post(outgoing)
        except UndeliverableError:
            self._content.stuck |= outgoing.new.keys()
            self._progress_waits = True
            raise
        finally:
            self._pace.edited(time.monotonic())
        found = pictures_in(posted)
        await self._record(group, posted, found)
        self._note(posted)
        self._content.note_attached(posted.outgoing, found)
        if posted.method in ELSEWHERE and outgoing.posted_elsewhere is None:
            await self._mark_moved(group)
        await self._shown(group, waiting, posted.outgoing, found)

    async def _record(
        self, group: JobGroup, posted: Posted[OutgoingGroup], found: Mapping[str, DeliveredMessage]
    ) -> None:
        """Commit where the message is, and where each picture is that it has got with this edit."""
        where = DeliveredMessage(posted.message.channel.id, posted.message.id, method_to_record(posted))
        self._channel_id = where.channel_id
        before = group.message
        is_new = before is None or before.message_id != where.message_id
        shared = {
            job.job_id
            for job in group.jobs
            if job.delivered_message is not None and job.delivered_message.method is DeliveryMethod.SHARE
        }
        added = {
            job_id: each
            for job_id, each in found.items()
            if job_id not in shared and (is_new or job_id in posted.outgoing.new)
        }
        if is_new or added:
            await self._tools.store.posted(self._interaction_id, where, added)

    def _note(self, posted: Posted[OutgoingGroup]) -> None:
        """Remember what the message shows."""
        self._pace.edited(time.monotonic())
        self._signature = posted.outgoing.signature
        self._content.note(posted.outgoing)

    async def _shown(
        self,
        group: JobGroup,
        waiting: Mapping[str, _Waiting],
        outgoing: OutgoingGroup,
        found: Mapping[str, DeliveredMessage],
    ) -> None:
        """End the wait of all that the message shows now.

        While pictures are left for the next edit, nothing ends: a runner that waits repeats what fails, also
        after a restart.
        """
        if self._content.is_incomplete:
            return
        jobs = {job.job_id: job for job in group.jobs}
        for job_id, each in waiting.items():
            job = jobs[job_id]
            if each.files is None:
                await self._tell_privately(job, outgoing)
                self._end_wait(job_id, each, None)
            elif job_id in found:
                self._end_wait(job_id, each, found[job_id])
            elif job_id in outgoing.kept_files:
                self._end_wait(job_id, each, job.delivered_message)

    async def _tell_privately(self, job: Job, outgoing: OutgoingGroup) -> None:
        """Tell the member what they alone should see of a failure; each reason once. Never raises.

        Without the token *Pick one* shows it.
        """
        failure = job.failure
        if failure is None or not failure.is_personal or outgoing.is_private:
            return
        reason = failure_text(failure)
        if reason in self._told or not outgoing.address.token_lives:
            return
        self._told.add(reason)
        private = await OutgoingMessage(job, failure).for_method(DeliveryMethod.REPLY)
        try:
            await self._tools.ladder.follow_up(outgoing.address, private.view())
        except API_ERRORS as error:
            log.info("reason not told", job_id=job.job_id, error=str(error))

    async def _mark_moved(self, group: JobGroup) -> None:
        """Edit the reply to say that the pictures are posted elsewhere, if it can be edited. Never raises.

        Done once all of it is committed: until then the reply has the pictures that were posted before.
        """
        address = self._content.address(group)
        job = replace(
            group.jobs[0],
            request=replace(group.jobs[0].request, destination=address.destination),
            message_id=None if address.message is None else address.message[1],
        )
        await self._tools.ladder.mark_moved(OutgoingMessage.moved_from(job))
