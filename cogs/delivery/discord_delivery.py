"""Deliver progress, pictures and failures to Discord, by the first method that works.

The methods of a public result, in order: edit the reply through the interaction's token while that lives,
edit it as the bot, post a new message in the channel that mentions the member, send a direct message. A
private result is never posted in the channel. A failure that the member or the operator has to act on is
shown to the member alone, through the token or in a direct message, and in the channel only if both fail.

No call here has a time-out of ours. discord.py sends one call at a time through a token, and a call that is
cancelled while it sleeps for a rate limit never releases that lock, so the picture after it would not arrive
(discord.py 2.7.1, webhook/async_.py, AsyncDeferredLock). aiohttp ends a call without an answer after five
minutes.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import discord
import stamina
import structlog

from bot.discord_client.errors import (
    API_ERRORS,
    CONNECTION_ERRORS,
    DiscordErrorKind,
    classify,
    log_if_rejected,
    translate_outages,
)
from bot.domain.clock import now_ms
from bot.domain.jobs import DeliveryMethod
from bot.domain.progress import LATE_PHASES
from bot.engine.delivery import UndeliverableError
from cogs.delivery.outgoing_message import OutgoingMessage
from cogs.ui.discord_limits import NONCE_CHARACTERS, TOKEN_LIFE_SECONDS
from cogs.ui.message_images import delivered_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from discord.types.interactions import Interaction as InteractionPayload

    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture
    from bot.domain.limits import Receipt
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.progress import Progress
    from bot.images.workers import ImageWorkers

    Send = Callable[[OutgoingMessage], Awaitable[discord.Message]]

T = TypeVar("T")

log = structlog.get_logger(__name__)

MAX_SHOWN: Final = 10_000
"""Jobs whose last progress is kept; one that was evicted may be edited to the same text again."""
ELSEWHERE: Final = (DeliveryMethod.CHANNEL, DeliveryMethod.DM)
"""The methods that leave the reply as it was."""


class DiscordDelivery:
    """The `Delivery` to Discord. Its only state is the last progress that each running job shows."""

    def __init__(self, client: discord.Client, image_workers: ImageWorkers, catalog: ModelCatalog) -> None:
        self._client = client
        self._catalog = catalog
        self._image_workers = image_workers
        self._shown: dict[str, Progress] = {}
        # discord.py repeats calls after 5xx but, on Linux, not after a cut connection. Each call here can be
        # repeated: an edit is idempotent, and for a nonce it has seen Discord returns the existing message.
        retry = stamina.AsyncRetryingCaller(attempts=3, wait_initial=0.5, wait_max=4.0)
        self._retry = retry.on(CONNECTION_ERRORS)

    async def find_reply(self, job: Job) -> int | None:
        """Return the message id of our first answer; None if there is none or the token has expired.

        Raises:
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        if not _token_lives(job):
            return None
        try:
            message = await self._call(self._interaction(job).original_response)
        except discord.HTTPException as error:
            log.info("no reply found", job_id=job.job_id, code=error.code, status=error.status)
            return None
        return message.id

    async def show_progress(self, job: Job, progress: Progress) -> None:
        """Edit the reply, unless it shows this progress already. Never raises."""
        edit = self._edit_reply(job) if _token_lives(job) or progress.phase in LATE_PHASES else None
        if edit is None or self._shown.get(job.job_id) == progress:
            return
        try:
            await edit(OutgoingMessage(job, progress).for_method(DeliveryMethod.REPLY))
        except API_ERRORS as error:
            log.debug("progress not shown", job_id=job.job_id, error=str(error))
            if (
                not isinstance(error, discord.HTTPException)
                or classify(error) is DiscordErrorKind.UNAVAILABLE
            ):
                return
        # What Discord refused is not sent again either: it bans for 10,000 refusals in ten minutes.
        # https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
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
        """
        model_id = job.request.model
        return await self._deliver(
            OutgoingMessage(
                job,
                receipt,
                pictures[0],
                shrunk=shrunk,
                lost=lost,
                model_name=self._catalog.name_to_show(model_id),
                can_vary=self._catalog.takes_reference(model_id),
            )
        )

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        """Post why there is no picture.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        await self._deliver(OutgoingMessage(job, failure))

    async def _deliver(self, outgoing: OutgoingMessage) -> DeliveredMessage:
        job = outgoing.job
        self._shown.pop(job.job_id, None)
        marked = False
        for method, send in self._methods(outgoing):
            if method in ELSEWHERE and not marked:
                marked = True
                await self._mark_moved(outgoing)
            while True:
                try:
                    message = await self._call(partial(send, outgoing.for_method(method)))
                except discord.HTTPException as error:
                    kind = classify(error)
                    log_if_rejected(error)
                    log.info("way closed", job_id=job.job_id, way=method, refusal=kind.name, error=str(error))
                    changed = await outgoing.retry_after_error(kind, self._image_workers)
                    if changed is None:
                        break
                    outgoing = changed
                else:
                    return delivered_message(message, outgoing.filename, method)
        raise UndeliverableError

    def _methods(self, outgoing: OutgoingMessage) -> Iterator[tuple[DeliveryMethod, Send]]:
        job, private = outgoing.job, outgoing.job.request.destination.private
        if outgoing.is_personal:
            if _token_lives(job):
                yield DeliveryMethod.REPLY, self._reply if private else self._reply_privately
            yield DeliveryMethod.DM, self._direct
        elif _token_lives(job):
            yield DeliveryMethod.REPLY, self._reply
        if not private:
            if job.message_id is not None:
                yield DeliveryMethod.EDIT, self._edit
            yield DeliveryMethod.CHANNEL, self._channel
        if not outgoing.is_personal:
            yield DeliveryMethod.DM, self._direct

    async def _mark_moved(self, outgoing: OutgoingMessage) -> None:
        """Edit the reply to say that the result is posted elsewhere, if it can be edited. Never raises.

        Done before the result is posted, so that its commit follows at once.
        """
        edit = self._edit_reply(outgoing.job)
        if edit is None:
            return
        try:
            await edit(outgoing.moved_notice())
        except API_ERRORS as error:
            log.debug("reply left as it was", job_id=outgoing.job.job_id, error=str(error))

    def _edit_reply(self, job: Job) -> Send | None:
        """Return how to edit the reply now: through the token or as the bot; None if neither is possible."""
        if _token_lives(job):
            return self._reply
        return self._edit if job.message_id and not job.request.destination.private else None

    async def _reply_privately(self, outgoing: OutgoingMessage) -> discord.Message:
        """Delete the public reply and send a private follow-up, since a reply cannot become private.

        The reply is deleted first: Discord turns the first follow-up after a defer into that reply.
        https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
        """
        interaction = self._interaction(outgoing.job)
        with suppress(discord.NotFound):  # an earlier attempt has deleted it
            # Edited before: a follow-up replaces a reply that is "thinking", even a deleted one.
            await interaction.edit_original_response(view=outgoing.moved_notice().view())
            await interaction.delete_original_response()
        return await interaction.followup.send(view=outgoing.view(), ephemeral=True, wait=True)

    async def _reply(self, outgoing: OutgoingMessage) -> discord.Message:
        return await self._interaction(outgoing.job).edit_original_response(
            view=outgoing.view(), attachments=outgoing.files()
        )

    async def _edit(self, outgoing: OutgoingMessage) -> discord.Message:
        job = outgoing.job
        assert job.message_id is not None  # the callers check
        channel = self._client.get_partial_messageable(job.request.destination.channel_id)
        message = channel.get_partial_message(job.message_id)
        try:
            return await message.edit(view=outgoing.view(), attachments=outgoing.files())
        except discord.HTTPException as error:
            if classify(error) is not DiscordErrorKind.THREAD_ARCHIVED:
                raise
        await self._unarchive(job.request.destination.channel_id)
        return await message.edit(view=outgoing.view(), attachments=outgoing.files())

    async def _unarchive(self, thread_id: int) -> None:
        """Unarchive a thread that was archived meanwhile; Discord refuses that if it is locked."""
        thread = await self._client.fetch_channel(thread_id)
        if isinstance(thread, discord.Thread):
            await thread.edit(archived=False)

    async def _channel(self, outgoing: OutgoingMessage) -> discord.Message:
        destination = outgoing.job.request.destination
        return await self._client.get_partial_messageable(destination.channel_id).send(
            view=outgoing.view(),
            files=outgoing.files(),
            nonce=_nonce(outgoing.job),
            allowed_mentions=discord.AllowedMentions(users=[discord.Object(destination.user_id)]),
        )

    async def _direct(self, outgoing: OutgoingMessage) -> discord.Message:
        channel = await self._client.create_dm(discord.Object(outgoing.job.request.destination.user_id))
        return await channel.send(view=outgoing.view(), files=outgoing.files(), nonce=_nonce(outgoing.job))

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that can be repeated, up to three times if the connection fails.

        Raises:
            discord.HTTPException: Discord refuses.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        with translate_outages():
            # Without arguments: stamina logs those of calls it repeats, and ours hold a token and a picture.
            return await self._retry(call)

    def _interaction(self, job: Job) -> discord.Interaction:
        """Build the interaction of a job from its row, so that a restart makes no difference.

        discord.py builds interactions from gateway events only; this is the smallest event that it reads. The
        type of the channel is not used, but without a channel discord.py cannot fetch the reply.
        """
        destination = job.request.destination
        data = {
            "id": str(destination.interaction_id),
            "application_id": str(destination.application_id),
            "type": discord.InteractionType.application_command.value,
            "token": destination.interaction_token,
            "version": 1,
            "guild_id": str(destination.guild_id),
            "channel": {"id": str(destination.channel_id), "type": 0, "name": "", "position": 0},
            "attachment_size_limit": destination.upload_limit_bytes,
        }
        return discord.Interaction(data=cast("InteractionPayload", data), state=self._client._connection)  # noqa: SLF001  # see above


def _token_lives(job: Job) -> bool:
    # A finished job keeps no token, and may be taken up again within its life.
    # Counted from our own clock, not from the interaction's id: that is Discord's clock, and ours may be off.
    return (
        bool(job.request.destination.interaction_token)
        and now_ms() < job.accepted_at + TOKEN_LIFE_SECONDS * 1000
    )


def _nonce(job: Job) -> str:
    """Return the same nonce for every attempt: https://discord.com/developers/docs/resources/message#create-message."""
    return job.job_id.replace("-", "")[:NONCE_CHARACTERS]
