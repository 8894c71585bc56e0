"""Post a message to Discord by the first method that works.

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
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Protocol, Self, TypeVar, cast

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
from bot.engine.delivery import UndeliverableError
from cogs.ui.discord_limits import TOKEN_LIFE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from discord.types.interactions import Interaction as InteractionPayload

    from bot.domain.jobs import Destination
    from bot.images.workers import ImageWorkers
    from cogs.ui.discord_limits import KeptAttachment

T = TypeVar("T")

log = structlog.get_logger(__name__)

ELSEWHERE: Final = (DeliveryMethod.CHANNEL, DeliveryMethod.DM)
"""The methods that leave the reply as it was."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message belongs."""

    destination: Destination
    """With the interaction's token, unless it is no longer stored."""
    accepted_at: int
    message: tuple[int, int] | None
    """The ids of the channel and the message that the bot can edit; None if there is none."""
    nonce: str
    """Of a new message, the same for every attempt:
    https://discord.com/developers/docs/resources/message#create-message"""
    job_id: str
    """Of the job, or of the first one; for the log."""

    @property
    def token_lives(self) -> bool:
        """Whether the interaction's token can be used.

        Counted from our own clock, not from the interaction's id: that is Discord's clock, and ours may be
        off. A finished job keeps no token, and may be taken up again within its life.
        """
        return (
            bool(self.destination.interaction_token)
            and now_ms() < self.accepted_at + TOKEN_LIFE_SECONDS * 1000
        )


class Outgoing(Protocol):
    """A message to be posted, which adapts to the method and to what Discord refuses."""

    @property
    def address(self) -> Address:
        """Where it belongs."""

    @property
    def is_personal(self) -> bool:
        """Whether it is for the member alone, although the request was public."""

    def methods(self) -> Iterable[DeliveryMethod]:
        """Return the methods to try, in order."""

    async def for_method(self, method: DeliveryMethod) -> Self:
        """Return a copy with language, greeting, buttons and files for this method."""

    def moved_notice(self) -> Self | None:
        """Return what the reply says before this is posted elsewhere; None for nothing."""

    async def retry_after_error(self, kind: DiscordErrorKind, image_workers: ImageWorkers) -> Self | None:
        """Return the next version to try; None if there is none."""

    def view(self) -> discord.ui.LayoutView:
        """Build a new view."""

    def files(self) -> list[discord.File]:
        """Return new attachments; discord.py closes those that it sends."""

    def kept(self) -> Sequence[KeptAttachment]:
        """Return the attachments that an edit keeps."""


OutgoingT = TypeVar("OutgoingT", bound=Outgoing)


@dataclass(frozen=True, slots=True)
class Posted(Generic[OutgoingT]):
    """A message that was posted, in the version that Discord has accepted."""

    message: discord.Message
    outgoing: OutgoingT
    method: DeliveryMethod


class MessageSender:
    """Posts messages; it has no state."""

    def __init__(self, client: discord.Client, image_workers: ImageWorkers) -> None:
        self._client = client
        self._image_workers = image_workers
        # discord.py repeats calls after 5xx but, on Linux, not after a cut connection. Each call here can be
        # repeated: an edit is idempotent, and for a nonce it has seen Discord returns the existing message.
        retry = stamina.AsyncRetryingCaller(attempts=3, wait_initial=0.5, wait_max=4.0)
        self._retry = retry.on(CONNECTION_ERRORS)

    async def find_reply(self, address: Address) -> discord.Message | None:
        """Return our first answer; None if Discord has none, or the token has expired.

        Raises:
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        if not address.token_lives:
            return None
        try:
            return await self._call(self._interaction(address).original_response)
        except discord.HTTPException as error:
            log.info("no reply found", job_id=address.job_id, code=error.code, status=error.status)
            return None

    async def post(self, outgoing: OutgoingT) -> Posted[OutgoingT]:
        """Post a message by the first method that works.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx; it may have been posted.
        """
        marked = False
        for method in outgoing.methods():
            if method in ELSEWHERE and not marked:
                marked = True
                # Before the result is posted, so that its commit follows at once.
                await self.mark_moved(outgoing.moved_notice())
            outgoing = await outgoing.for_method(method)
            while True:
                try:
                    message = await self._call(partial(self._send, method, outgoing))
                except discord.HTTPException as error:
                    kind = classify(error)
                    log_if_rejected(error)
                    log.info(
                        "way closed",
                        job_id=outgoing.address.job_id,
                        way=method,
                        refusal=kind.name,
                        error=str(error),
                    )
                    changed = await outgoing.retry_after_error(kind, self._image_workers)
                    if changed is None:
                        break
                    outgoing = changed
                else:
                    return Posted(message, outgoing, method)
        raise UndeliverableError

    async def edit(self, outgoing: OutgoingT, method: DeliveryMethod) -> Posted[OutgoingT]:
        """Edit the reply, or the message at the address, with one call and once.

        Raises:
            any of `API_ERRORS`.
        """
        outgoing = await outgoing.for_method(method)
        return Posted(await self._send(method, outgoing), outgoing, method)

    async def follow_up(self, address: Address, view: discord.ui.LayoutView) -> None:
        """Send the member a message of its own, which they alone see.

        Raises:
            any of `API_ERRORS`.
        """
        await self._interaction(address).followup.send(view=view, ephemeral=True, wait=True)

    async def _send(self, method: DeliveryMethod, outgoing: OutgoingT) -> discord.Message:
        match method:
            case DeliveryMethod.REPLY if outgoing.is_personal and not outgoing.address.destination.private:
                return await self._reply_privately(outgoing)
            case DeliveryMethod.REPLY:
                return await self._reply(outgoing)
            case DeliveryMethod.EDIT:
                return await self._edit(outgoing)
            case DeliveryMethod.CHANNEL:
                return await self._channel(outgoing)
            case _:
                return await self._direct(outgoing)

    async def mark_moved(self, notice: Outgoing | None) -> None:
        """Edit the reply to say that its result is posted elsewhere, if it can be edited. Never raises."""
        if notice is None:
            return
        for method in reply_methods(notice.address):
            try:
                await self._send(method, notice)
            except API_ERRORS as error:
                log.debug("reply left as it was", job_id=notice.address.job_id, way=method, error=str(error))
            else:
                return

    async def _reply_privately(self, outgoing: Outgoing) -> discord.Message:
        """Delete the public reply and send a private follow-up, since a reply cannot become private.

        The reply is deleted first: Discord turns the first follow-up after a defer into that reply.
        https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
        """
        interaction, notice = self._interaction(outgoing.address), outgoing.moved_notice()
        assert notice is not None  # what is personal has one
        with suppress(discord.NotFound):  # an earlier attempt has deleted it
            # Edited before: a follow-up replaces a reply that is "thinking", even a deleted one.
            await interaction.edit_original_response(view=notice.view())
            await interaction.delete_original_response()
        return await interaction.followup.send(view=outgoing.view(), ephemeral=True, wait=True)

    async def _reply(self, outgoing: Outgoing) -> discord.Message:
        return await self._interaction(outgoing.address).edit_original_response(
            view=outgoing.view(), attachments=[*outgoing.kept(), *outgoing.files()]
        )

    async def _edit(self, outgoing: Outgoing) -> discord.Message:
        assert outgoing.address.message is not None  # `methods` says so
        channel_id, message_id = outgoing.address.message
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)

        async def edit() -> discord.Message:
            return await message.edit(view=outgoing.view(), attachments=[*outgoing.kept(), *outgoing.files()])

        try:
            return await edit()
        except discord.HTTPException as error:
            if classify(error) is not DiscordErrorKind.THREAD_ARCHIVED:
                raise
        await self._unarchive(channel_id)
        return await edit()

    async def _unarchive(self, thread_id: int) -> None:
        """Unarchive a thread that was archived meanwhile; Discord refuses that if it is locked."""
        thread = await self._client.fetch_channel(thread_id)
        if isinstance(thread, discord.Thread):
            await thread.edit(archived=False)

    async def _channel(self, outgoing: Outgoing) -> discord.Message:
        destination = outgoing.address.destination
        return await self._client.get_partial_messageable(destination.channel_id).send(
            view=outgoing.view(),
            files=outgoing.files(),
            nonce=outgoing.address.nonce,
            allowed_mentions=discord.AllowedMentions(users=[discord.Object(destination.user_id)]),
        )

    async def _direct(self, outgoing: Outgoing) -> discord.Message:
        address = outgoing.address
        channel = await self._client.create_dm(discord.Object(address.destination.user_id))
        return await channel.send(view=outgoing.view(), files=outgoing.files(), nonce=address.nonce)

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that can be repeated, up to three times if the connection fails.

        Raises:
            discord.HTTPException: Discord refuses.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        with translate_outages():
            # Without arguments: stamina logs those of calls it repeats, and ours hold a token and a picture.
            return await self._retry(call)

    def _interaction(self, address: Address) -> discord.Interaction:
        """Build the interaction of a job from its row, so that a restart makes no difference.

        discord.py builds interactions from gateway events only; this is the smallest event that it reads. The
        type of the channel is not used, but without a channel discord.py cannot fetch the reply.
        """
        destination = address.destination
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


def reply_methods(address: Address) -> Iterator[DeliveryMethod]:
    """Yield how to edit the reply now, in order: through the token, which Discord may refuse; as the bot."""
    if address.token_lives:
        yield DeliveryMethod.REPLY
    if address.message and not address.destination.private:
        yield DeliveryMethod.EDIT


def reply_method(address: Address) -> DeliveryMethod | None:
    """Return the first way to edit the reply; None if there is none."""
    return next(reply_methods(address), None)
