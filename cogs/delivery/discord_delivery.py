"""Brings a job's news to its people: down a ladder of ways, each tried only where the one above it is closed.

The reply is edited through the interaction's token while that lives, then as the bot; else a new message in
the channel mentions the member, else they get a direct message. A private reply is nobody else's business, so
from its token the ladder goes straight to the direct message; what only the member can mend is told to the
member alone while there is a way to do so.

No call here is cut short by a time-out of ours. discord.py lets one call at a time through with a token, and
one that is cancelled while the library sleeps for a rate limit never gives that lock back: the picture behind
it would not arrive (discord.py 2.7.1, webhook/async_.py, AsyncDeferredLock). aiohttp ends a dead call after
five minutes.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import discord
import stamina
import structlog

from bot.discord_client.login import is_transient
from bot.domain.clock import now_ms
from bot.domain.errors import TransientError
from bot.domain.jobs import DeliveryMethod, Phase
from bot.engine.delivery import UndeliverableError
from cogs.delivery.outgoing import OutgoingMessage
from cogs.ui.discord_limits import NONCE_CHARACTERS, TOKEN_LIFE_SECONDS
from cogs.ui.message_images import delivered_message
from cogs.ui.responses import TRANSPORT
from cogs.ui.send_errors import THREAD_ARCHIVED, classify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from discord.types.interactions import Interaction as InteractionPayload

    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture, Progress
    from bot.domain.limits import Receipt

    Rung = Callable[[OutgoingMessage], Awaitable[discord.Message]]

T = TypeVar("T")

log = structlog.get_logger(__name__)

MOST_SHOWN: Final = 10_000
"""Of how many running jobs it is remembered what they show: one that is forgotten may say the same twice."""
ELSEWHERE: Final = (DeliveryMethod.CHANNEL, DeliveryMethod.DM)
"""The ways that leave the reply standing as it was."""


class DiscordDelivery:
    """The `Delivery` of real people. Stateless but for what each running job was last seen to show."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._shown: dict[str, Progress] = {}
        # discord.py repeats 5xx answers, but on Linux no cut connections. All our sends may be repeated: an
        # edit says the same again, and a nonce makes Discord return the message that is already there.
        self._retry = stamina.AsyncRetryingCaller(attempts=3, wait_initial=0.5, wait_max=4.0).on(TRANSPORT)

    async def find_reply(self, job: Job) -> int | None:
        """Ask Discord whether our first answer exists; it does so only while the token lives.

        Raises:
            TransientError: Discord cannot be asked now.
        """
        if not _token_lives(job):
            return None
        try:
            message = await self._send(self._interaction(job).original_response)
        except discord.HTTPException as error:
            log.info("no reply found", job_id=job.job_id, code=error.code, status=error.status)
            return None
        return message.id

    async def show_progress(self, job: Job, progress: Progress) -> None:
        """Edit the reply, if it says something else so far. Never raises."""
        rung = self._now(job) if _token_lives(job) or progress.phase is Phase.LATE else None
        if rung is None or self._shown.get(job.job_id) == progress:
            return
        try:
            await rung(OutgoingMessage(job, progress).for_method(DeliveryMethod.REPLY))
        except (discord.DiscordException, *TRANSPORT) as error:
            log.debug("progress not shown", job_id=job.job_id, error=str(error))
            if not isinstance(error, discord.HTTPException) or is_transient(error):
                return
        # What was refused is not offered again either: ten thousand refusals in ten minutes are a ban.
        # https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
        self._shown[job.job_id] = progress
        if len(self._shown) > MOST_SHOWN:  # of a job that was cancelled nobody hears the end here
            del self._shown[next(iter(self._shown))]

    async def deliver(
        self, job: Job, picture: Picture, receipt: Receipt, *, shrunk: bool
    ) -> DeliveredMessage:
        """Post the picture.

        Raises:
            UndeliverableError: every rung failed.
            TransientError: Discord is out of reach; nothing is known to have been posted.
        """
        return await self._deliver(OutgoingMessage(job, receipt, picture, shrunk=shrunk))

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        """Say why no picture comes.

        Raises:
            UndeliverableError: every rung failed.
            TransientError: Discord is out of reach.
        """
        await self._deliver(OutgoingMessage(job, failure))

    async def _deliver(self, outgoing: OutgoingMessage) -> DeliveredMessage:
        job = outgoing.job
        self._shown.pop(job.job_id, None)
        left = False
        for way, rung in self._fallbacks(outgoing):
            if way in ELSEWHERE and not left:
                left = True
                await self._mark_moved(outgoing)
            while True:
                try:
                    message = await self._send(partial(rung, outgoing.for_method(way)))
                except discord.HTTPException as error:
                    refusal = classify(error)
                    log.info("way closed", job_id=job.job_id, way=way, refusal=refusal.name, error=str(error))
                    changed = await outgoing.retry_after_error(refusal)
                    if changed is None:
                        break
                    outgoing = changed
                else:
                    return delivered_message(message, outgoing.filename, way)
        raise UndeliverableError

    def _fallbacks(self, outgoing: OutgoingMessage) -> Iterator[tuple[DeliveryMethod, Rung]]:
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
        """Let the reply no longer say that the job is under way, if it can be edited at all. Never raises.

        Done before the message elsewhere is posted, so that nothing stands between that and its commit.
        """
        rung = self._now(outgoing.job)
        if rung is None:
            return
        try:
            await rung(outgoing.moved_notice())
        except (discord.DiscordException, *TRANSPORT) as error:
            log.debug("reply left as it was", job_id=outgoing.job.job_id, error=str(error))

    def _now(self, job: Job) -> Rung | None:
        """The way to edit the reply at this moment."""
        if _token_lives(job):
            return self._reply
        return self._edit if job.message_id and not job.request.destination.private else None

    async def _reply_privately(self, outgoing: OutgoingMessage) -> discord.Message:
        """Take the public reply back and answer privately instead: whether a reply is private never changes.

        The reply goes first, since Discord would let the first answer after a defer become that reply.
        https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
        """
        interaction = self._interaction(outgoing.job)
        with suppress(discord.NotFound):  # an earlier attempt has taken it back already
            # Edited before: what still reads "thinking" would be filled by the next answer, deleted or not.
            await interaction.edit_original_response(view=outgoing.moved_notice().view())
            await interaction.delete_original_response()
        return await interaction.followup.send(view=outgoing.view(), ephemeral=True, wait=True)

    async def _reply(self, outgoing: OutgoingMessage) -> discord.Message:
        return await self._interaction(outgoing.job).edit_original_response(
            view=outgoing.view(), attachments=outgoing.files()
        )

    async def _edit(self, outgoing: OutgoingMessage) -> discord.Message:
        job = outgoing.job
        assert job.message_id is not None  # the rung is offered only then
        channel = self._client.get_partial_messageable(job.request.destination.channel_id)
        message = channel.get_partial_message(job.message_id)
        try:
            return await message.edit(view=outgoing.view(), attachments=outgoing.files())
        except discord.HTTPException as error:
            if error.code != THREAD_ARCHIVED:
                raise
        await self._unarchive(job.request.destination.channel_id)
        return await message.edit(view=outgoing.view(), attachments=outgoing.files())

    async def _unarchive(self, thread_id: int) -> None:
        """Bring a thread back that went to sleep while its picture was painted; refused if it is locked."""
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

    async def _send(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send, a few times if the connection fails.

        Raises:
            discord.HTTPException: Discord refuses.
            TransientError: Discord is out of reach, or asks us to wait.
        """
        try:
            # Without arguments: stamina logs those of what it repeats, and ours hold a token and a picture.
            return await self._retry(send)
        except TRANSPORT as error:
            raise TransientError(f"Discord is out of reach: {error!r}") from error
        except discord.HTTPException as error:
            if is_transient(error):
                raise TransientError(f"Discord answers {error.status}", answered=True) from error
            raise

    def _interaction(self, job: Job) -> discord.Interaction:
        """The interaction, made again from the row: the same way before and after a restart.

        discord.py makes these only from a gateway event and its own state; this is the smallest event that it
        reads without complaint. The channel's kind matters nowhere, but without a channel it would not fetch
        the reply.
        """
        where = job.request.destination
        data = {
            "id": str(where.interaction_id),
            "application_id": str(where.application_id),
            "type": discord.InteractionType.application_command.value,
            "token": where.interaction_token,
            "version": 1,
            "guild_id": str(where.guild_id),
            "channel": {"id": str(where.channel_id), "type": 0, "name": "", "position": 0},
            "attachment_size_limit": where.upload_limit_bytes,
        }
        return discord.Interaction(data=cast("InteractionPayload", data), state=self._client._connection)  # noqa: SLF001  # see above


def _token_lives(job: Job) -> bool:
    # Counted from our own clock, not from the interaction's id: that is Discord's clock, and ours may be off.
    return now_ms() < job.accepted_at + TOKEN_LIFE_SECONDS * 1000


def _nonce(job: Job) -> str:
    """The same for every attempt: https://discord.com/developers/docs/resources/message#create-message."""
    return job.job_id.replace("-", "")[:NONCE_CHARACTERS]
