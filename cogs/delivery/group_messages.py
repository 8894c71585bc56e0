"""The messages of groups: one for all the jobs of a request for several pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import KuasError
from bot.domain.jobs import DeliveredMessage
from cogs.delivery.edit_budget import EditBudget
from cogs.delivery.group_editor import GroupTools, Outcome
from cogs.delivery.group_message import GroupMessage
from cogs.delivery.outgoing_group import NewFiles, group_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import Job, Picture
    from bot.domain.limits import Receipt
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.progress import Progress
    from bot.jobs.groups import GroupStore
    from cogs.delivery.message_sender import MessageSender
    from cogs.delivery.posted_pictures import PostedPictures

log = structlog.get_logger(__name__)

MAX_MESSAGES: Final = 1000
"""Messages of groups that are kept although nothing waits to be shown in them."""


class GroupMessages:
    """The messages of the groups that run, and of the last ones that did."""

    def __init__(
        self,
        sender: MessageSender,
        store: GroupStore,
        posted_pictures: PostedPictures,
        catalog: ModelCatalog,
    ) -> None:
        self._store = store
        self._tools = GroupTools(sender, store, posted_pictures, EditBudget(), catalog)
        self._messages: dict[int, GroupMessage] = {}

    def show_progress(self, job: Job, progress: Progress) -> None:
        """Show what a job of a group is doing with one of the next edits, and return at once."""
        self._message_of(job).show_progress(job.job_id, progress)

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], receipt: Receipt, *, shrunk: bool, lost: int
    ) -> DeliveredMessage:
        """Show the pictures of a job, with others that come at the same time; return where they are.

        `lost` is how many more it has that could not be downloaded.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx; it may have been posted.
            OperatorError: `database`.
        """
        files = NewFiles(tuple(pictures), shrunk, lost)
        delivered = await self._message_of(job).deliver(job.job_id, Outcome(files, receipt))
        assert isinstance(delivered, DeliveredMessage)  # None is for failures
        return delivered

    async def deliver_failure(self, job: Job) -> None:
        """Show why there is no picture, which is in the job's row; what others should not see in private.

        Raises:
            UndeliverableError, TransientError, OperatorError: as `deliver`.
        """
        await self._message_of(job).deliver(job.job_id, Outcome())

    async def refresh(self, interaction_id: int) -> None:
        """Show a group as its rows say now, within the budget of edits. Never raises."""
        try:
            group = await self._store.find(interaction_id)
            # An erased group knows its pictures no more, so an edit would drop them.
            if group is None or not any(job.request.prompt for job in group.jobs):
                return
            address = group_address(group)
            channel_id = address.message[0] if address.message else address.destination.channel_id
            await self._message(interaction_id, channel_id).refresh()
        except KuasError as error:  # what the rows say counts; the next edit shows it
            log.warning("group left as it was", interaction_id=interaction_id, error=str(error))
        except Exception:
            log.exception("group not refreshed", interaction_id=interaction_id)

    async def aclose(self) -> None:
        """Stop all edits. The jobs have ended before, or are cancelled."""
        for message in tuple(self._messages.values()):
            await message.aclose()

    def _message_of(self, job: Job) -> GroupMessage:
        destination = job.request.destination
        return self._message(destination.interaction_id, destination.channel_id)

    def _message(self, interaction_id: int, channel_id: int) -> GroupMessage:
        message = self._messages.pop(interaction_id, None)
        if message is None:
            message = GroupMessage(interaction_id, channel_id, self._tools)
        self._messages[interaction_id] = message  # the last one used is the last one to go
        if len(self._messages) > MAX_MESSAGES:
            idle = (key for key, each in self._messages.items() if each.idle and key != interaction_id)
            if (oldest := next(idle, None)) is not None:
                del self._messages[oldest]
        return message
