"""Edit the message of a group, or post a new one.

The rows are the truth: before each edit the group is read again, so a restart makes no difference. An edit
shows all of the group. It lists the pictures that the message has by their ids, which are in their rows, and
adds new ones; where these are is committed before the runners of their jobs go on. If that commit is lost,
the edit is repeated at the next start, and Discord drops the file that no row knows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from bot.discord_client.errors import API_ERRORS, is_refusal
from bot.domain.jobs import DeliveredMessage, DeliveryMethod
from bot.engine.delivery import UndeliverableError
from cogs.delivery.edit_budget import MessagePace
from cogs.delivery.group_content import GroupContent
from cogs.delivery.message_sender import ELSEWHERE
from cogs.delivery.outgoing_group import is_in_message, method_to_record, pictures_in
from cogs.delivery.outgoing_message import OutgoingMessage
from cogs.pictures.texts import failure_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.jobs import Job
    from bot.domain.limits import Receipt
    from bot.domain.model_catalog import ModelCatalog
    from bot.jobs.groups import GroupStore, JobGroup
    from cogs.delivery.edit_budget import EditBudget
    from cogs.delivery.message_sender import MessageSender, Posted
    from cogs.delivery.outgoing_group import NewFiles, OutgoingGroup
    from cogs.delivery.posted_pictures import PostedPictures

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GroupTools:
    """What every message of a group uses."""

    sender: MessageSender
    store: GroupStore
    posted_pictures: PostedPictures
    budget: EditBudget
    catalog: ModelCatalog


@dataclass(frozen=True, slots=True)
class Outcome:
    """The pictures of a job, or its failure, to be shown."""

    files: NewFiles | None = None
    """None for a failure, which is in the job's row."""
    receipt: Receipt | None = None


class GroupEditor:
    """Shows one group in its message. The caller decides when, by `pace` and the budget of the channel."""

    def __init__(self, interaction_id: int, channel_id: int, tools: GroupTools) -> None:
        self._interaction_id = interaction_id
        self.channel_id = channel_id
        """Where the message is."""
        self._tools = tools
        self.content = GroupContent(tools.posted_pictures, tools.catalog)
        self.pace = MessagePace(time.monotonic())
        self._signature = b""
        self._told: set[str] = set()
        """The reasons of failures that the member was told privately."""

    async def show(
        self, outcomes: Mapping[str, Outcome], *, asked: bool
    ) -> dict[str, DeliveredMessage | None]:
        """Show the group as its rows are now, with these outcomes, by the ids of their jobs.

        `asked` says that without outcomes it is not for progress alone. Returns which of them the message
        shows, and where their pictures are; None for a failure. While pictures are left for the next edit it
        is none of them: a runner that waits repeats what fails, also after a restart.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx; it may have been posted.
            OperatorError: `database`.
        """
        group = await self._tools.store.find(self._interaction_id)
        if group is None:
            raise UndeliverableError
        outgoing = await self._outgoing(group, outcomes, asked=asked)
        if await self._is_shown(outgoing):
            return await self._shown(group, outcomes, outgoing, {})
        if outcomes or outgoing.new:
            return await self._post(group, outcomes, outgoing)
        if asked or self.content.is_worth_an_edit(group, outgoing.address):
            await self._edit_in_place(group, outgoing, asked=asked)
        return {}

    async def _outgoing(
        self, group: JobGroup, outcomes: Mapping[str, Outcome], *, asked: bool
    ) -> OutgoingGroup:
        """Return the message as it is to be now; progress alone brings no picture back that it lacks."""
        kept = self.content.kept(group)
        new = {job_id: each.files for job_id, each in outcomes.items() if each.files and job_id not in kept}
        for job_id, each in outcomes.items():
            if each.receipt is not None:
                self.content.note_receipt(job_id, each.receipt)
        outgoing = self.content.outgoing(group, kept, new)
        can_edit = outgoing.place_to_edit() is not None
        if outcomes or self.content.is_incomplete or (asked and can_edit):
            new |= await self.content.fetch_absent(group, kept)
            return self.content.outgoing(group, kept, new)
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
            posted = await self._tools.sender.edit(outgoing, place)
        except API_ERRORS as error:
            log.debug("progress not shown", interaction_id=self._interaction_id, error=str(error))
            self.pace.edited(time.monotonic())
            if not asked and is_refusal(error):  # then it is not sent again
                self._signature = (await outgoing.for_method(place)).signature
        else:
            self._note(posted)

    async def _post(
        self, group: JobGroup, outcomes: Mapping[str, Outcome], outgoing: OutgoingGroup
    ) -> dict[str, DeliveredMessage | None]:
        try:
            posted = await self._tools.sender.post(outgoing)
        except UndeliverableError:
            self.content.note_stuck(outgoing.new)
            raise
        finally:
            self.pace.edited(time.monotonic())
        found = pictures_in(posted)
        await self._record(group, posted, found)
        self._note(posted)
        self.content.note_attached(posted.outgoing, found)
        if posted.method in ELSEWHERE and outgoing.posted_elsewhere is None:
            await self._mark_moved(group)
        return await self._shown(group, outcomes, posted.outgoing, found)

    async def _record(
        self, group: JobGroup, posted: Posted[OutgoingGroup], found: Mapping[str, DeliveredMessage]
    ) -> None:
        """Commit where the message is, and where each picture is that it has got with this edit."""
        where = DeliveredMessage(posted.message.channel.id, posted.message.id, method_to_record(posted))
        self.channel_id = where.channel_id
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
        self.pace.edited(time.monotonic())
        self._signature = posted.outgoing.signature
        self.content.note(posted.outgoing)

    async def _shown(
        self,
        group: JobGroup,
        outcomes: Mapping[str, Outcome],
        outgoing: OutgoingGroup,
        found: Mapping[str, DeliveredMessage],
    ) -> dict[str, DeliveredMessage | None]:
        """Return which outcomes the message shows now, as `show` does."""
        shown: dict[str, DeliveredMessage | None] = {}
        if self.content.is_incomplete:
            return shown
        jobs = {job.job_id: job for job in group.jobs}
        for job_id, each in outcomes.items():
            job = jobs[job_id]
            if each.files is None:
                await self._tell_privately(job, outgoing)
                shown[job_id] = None
            elif job_id in found:
                shown[job_id] = found[job_id]
            elif job_id in outgoing.kept_files:
                shown[job_id] = job.delivered_message
        return shown

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
            await self._tools.sender.follow_up(outgoing.address, private.view())
        except API_ERRORS as error:
            log.info("reason not told", job_id=job.job_id, error=str(error))

    async def _mark_moved(self, group: JobGroup) -> None:
        """Edit the reply to say that the pictures are posted elsewhere, if it can be edited. Never raises.

        Done once all of it is committed: until then the reply has the pictures that were posted before.
        """
        address = self.content.address(group)
        job = replace(
            group.jobs[0],
            request=replace(group.jobs[0].request, destination=address.destination),
            message_id=None if address.message is None else address.message[1],
        )
        await self._tools.sender.mark_moved(OutgoingMessage.moved_from(job))
