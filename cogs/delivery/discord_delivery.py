"""Deliver progress, pictures and failures to Discord.

A job that is alone has a message for itself; those of one request for several pictures share one, which
`GroupMessages` edits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import structlog

from bot.discord_client.errors import API_ERRORS, is_refusal
from bot.domain.progress import LATE_PHASES
from cogs.delivery.group_messages import GroupMessages
from cogs.delivery.message_sender import MessageSender, reply_method
from cogs.delivery.outgoing_message import OutgoingMessage
from cogs.delivery.posted_pictures import PostedPictures
from cogs.ui.message_images import delivered_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    import discord

    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture
    from bot.domain.limits import Receipt
    from bot.domain.progress import Progress
    from bot.engine.job_files import JobFiles
    from bot.images.workers import ImageWorkers
    from bot.stores import Stores

log = structlog.get_logger(__name__)

MAX_SHOWN: Final = 10_000
"""Jobs whose last progress is kept; one that was evicted may be edited to the same text again."""


class DiscordDelivery:
    """The `Delivery` to Discord.

    Its own state is the last progress that each running job shows; `groups` are the messages of groups.
    """

    def __init__(
        self, client: discord.Client, stores: Stores, files: JobFiles, image_workers: ImageWorkers
    ) -> None:
        self._sender = MessageSender(client, image_workers)
        self._catalog = stores.catalog
        posted_pictures = PostedPictures(stores.history, stores.pictures, files, image_workers)
        self.groups = GroupMessages(self._sender, stores.groups, posted_pictures, stores.catalog)
        self._shown: dict[str, Progress] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the edits of groups. Their jobs have stopped before."""
        await self.groups.aclose()

    async def find_reply(self, job: Job) -> int | None:
        """Return the message id of our first answer; None if there is none or the token has expired.

        Raises:
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        message = await self._sender.find_reply(OutgoingMessage.address_of(job))
        return None if message is None else message.id

    async def show_progress(self, job: Job, progress: Progress) -> None:
        """Edit the reply, unless it shows this progress already. Never raises."""
        if job.place is not None:
            self.groups.show_progress(job, progress)
            return
        outgoing = OutgoingMessage(job, progress)
        method = reply_method(outgoing.address)
        shows = outgoing.address.token_lives or progress.phase in LATE_PHASES
        if method is None or not shows or self._shown.get(job.job_id) == progress:
            return
        try:
            await self._sender.edit(outgoing, method)
        except API_ERRORS as error:
            log.debug("progress not shown", job_id=job.job_id, error=str(error))
            if not is_refusal(error):
                return
        # What Discord refused is not sent again either.
        self._shown[job.job_id] = progress
        if len(self._shown) > MAX_SHOWN:  # a cancelled job is never delivered, so its entry stays
            del self._shown[next(iter(self._shown))]

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], receipt: Receipt, *, shrunk: bool, lost: int
    ) -> DeliveredMessage:
        """Post the pictures; `shrunk` says that one was made smaller to fit, `lost` how many are left out.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx; it may have been posted.
            OperatorError: `database`; of a group only.
        """
        if job.place is not None:
            return await self.groups.deliver(job, pictures, receipt, shrunk=shrunk, lost=lost)
        model_id = job.request.model
        outgoing = OutgoingMessage(
            job,
            receipt,
            tuple(pictures),
            shrunk=shrunk,
            lost=lost,
            most=self._catalog.most_pictures(model_id, job.request.settings),
            model_name=self._catalog.name_to_show(model_id),
            can_vary=self._catalog.takes_reference(model_id),
        )
        return await self._post(outgoing)

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        """Post why there is no picture.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx.
            OperatorError: `database`; of a group only.
        """
        if job.place is not None:
            await self.groups.deliver_failure(job)
        else:
            await self._post(OutgoingMessage(job, failure))

    async def _post(self, outgoing: OutgoingMessage) -> DeliveredMessage:
        self._shown.pop(outgoing.job.job_id, None)
        posted = await self._sender.post(outgoing)
        filename, *more = posted.outgoing.filenames or ("",)
        return delivered_message(posted.message, filename, posted.method, more=more)
