"""Finished pictures where they hang: taking one down, showing a private one, working from one.

What is posted in a channel stays there; of that, only where it is is known. What only one member was to see,
or could be posted nowhere, is in the picture store.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import discord

from bot.discord_client.login import is_transient
from bot.domain.access import RecentActivity, check_access, requires_spoiler
from bot.domain.clock import now_ms
from bot.domain.errors import KuasError, MemberError, MemberReason, TransientError
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Stage
from bot.jobs.derived_requests import stored_reference
from cogs.pictures import views
from cogs.pictures.details_views import already_shared_view, delete_question_view, deleted_view, is_deleted
from cogs.text.translation import use_locale
from cogs.ui import send_errors
from cogs.ui.context import channel_id_of, guild_id_of, request_context
from cogs.ui.discord_limits import attachments
from cogs.ui.message_images import delivered_message, images_in
from cogs.ui.responses import TRANSPORT, DeferOutcome, defer, reply_privately
from cogs.ui.send_errors import MESSAGE_GONE, SendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.jobs import Reference
    from bot.images.downloads import Downloader
    from bot.jobs.history import HistoryItem, HistoryStore
    from bot.storage.picture_store import PictureStore

"""How a picture came to where it hangs, if its member showed it later: see `jobs.Landing`."""


class ResultMessages:
    """The messages of finished pictures, and the files of those that have none."""

    def __init__(
        self,
        client: discord.Client,
        history: HistoryStore,
        picture_store: PictureStore,
        downloader: Downloader,
    ) -> None:
        self._client = client
        self._history = history
        self._picture_store = picture_store
        self._downloader = downloader
        self._in_progress: set[str] = set()

    async def as_reference(self, interaction: discord.Interaction, item: HistoryItem) -> Reference:
        """A finished picture as a reference: from the picture store, or from where it was posted.

        The message whose button was clicked brings its picture along, with an address that is good for a day;
        from elsewhere, as in a history, the message is asked for.

        Raises:
            MemberError: PICTURE_DELETED, PICTURE_UNFINISHED, PICTURE_OUT_OF_REACH.
            TransientError: Discord is out of reach.
        """
        if item.job.deleted_at is not None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        if not item.is_painted:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        if (kept := stored_reference(item)) is not None:
            return kept
        message, delivered = interaction.message, item.job.delivered_message
        if delivered is not None and (message is None or message.id != delivered.message_id):
            message = await self._message(delivered)
        found = None if message is None else self._posted(message, item)
        if found is None:
            raise MemberError(MemberReason.PICTURE_OUT_OF_REACH)
        return found

    async def image_url(self, item: HistoryItem) -> str | None:
        """Where a picture can be seen now, asked of its message; None if that cannot be had.

        Raises:
            TransientError: Discord is out of reach.
        """
        if item.job.delivered_message is None or item.job.request.destination.private:
            return None
        try:
            message = await self._message(item.job.delivered_message)
        except MemberError:
            return None
        found = None if message is None else self._posted(message, item)
        return None if found is None else found.url

    async def share(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        """Show everybody a picture that only its member has seen, or that could be posted nowhere.

        The row says so before the message does, so that nothing hangs in public that no moderator could
        delete; a click that was cut short in between can be repeated.

        Raises:
            MemberError: NOT_YOURS, PICTURE_DELETED, UNDER_WAY, UNSHOWABLE, or what a rule of the server says.
            OperatorError: `database`, `disk`.
            TransientError: Discord is out of reach.
        """
        if item.job.request.destination.user_id != interaction.user.id:
            raise MemberError(MemberReason.NOT_YOURS)
        hidden = await self._require_room(interaction, item)
        with self._exclusive(item.job.job_id):
            # Asked again: another click, or an erasure, may have been done with it meanwhile.
            now = await self._history.find(item.job.job_id)
            data = None
            if now is not None and now.job.deleted_at is None:
                if await self._is_published(now):
                    await reply_privately(interaction, already_shared_view(now.job))
                    return
                data = None if now.kept_sha256 is None else await self._picture_store.read(now.kept_sha256)
            if now is None or data is None:
                raise MemberError(MemberReason.PICTURE_DELETED)
            shown = replace(now, job=replace(now.job, request=replace(now.job.request, spoiler=hidden)))
            await self._publish(interaction, shown, data)

    async def _publish(self, interaction: discord.Interaction, item: HistoryItem, data: bytes) -> None:
        answered = await defer(interaction, private=False)
        if answered.outcome is DeferOutcome.LOST:
            return
        place, job = None, item.job
        if answered.message_id is not None:
            place = DeliveredMessage(channel_id_of(interaction), answered.message_id, DeliveryMethod.SHARE)
        if not await self._history.begin_share(job, place):
            await self._retract(interaction, item)
            raise MemberError(MemberReason.PICTURE_DELETED)
        try:
            message = await self._post(interaction, item, data)
        except KuasError:
            await self._retract(interaction, item)
            await self._history.undo_share(job)
            raise
        if not await self._history.finish_share(
            job, delivered_message(message, item.filename, DeliveryMethod.SHARE)
        ):
            await self._retract(interaction, item)  # it was erased while it was posted
            raise MemberError(MemberReason.PICTURE_DELETED)

    async def _is_published(self, item: HistoryItem) -> bool:
        """Whether everybody sees it already: the row may have promised it without a message to follow."""
        delivered = item.job.delivered_message
        if item.job.shared_at is None or delivered is None:
            return False
        return delivered.url is not None or await self._is_there(delivered, item)

    async def _is_there(self, delivered: DeliveredMessage, item: HistoryItem) -> bool:
        try:
            message = await self._message(delivered)
        except MemberError:
            return False
        return message is not None and self._posted(message, item) is not None

    async def _post(
        self, interaction: discord.Interaction, item: HistoryItem, data: bytes
    ) -> discord.InteractionMessage:
        """Fill the public answer; without the prompt, where Discord or the server objects to its words."""
        try:
            return await self._fill(interaction, item, data, show_prompt=True)
        except MemberError as error:
            refused = error.__cause__
            if (
                not isinstance(refused, discord.HTTPException)
                or send_errors.classify(refused) is not SendError.WORDS
            ):
                raise
        return await self._fill(interaction, item, data, show_prompt=False)

    async def _fill(
        self, interaction: discord.Interaction, item: HistoryItem, data: bytes, *, show_prompt: bool
    ) -> discord.InteractionMessage:
        with use_locale(str(interaction.guild_locale or "")):
            card = views.shared_view(item.job, item.filename, show_prompt=show_prompt)
        with _translated(MemberReason.UNSHOWABLE):
            return await interaction.edit_original_response(
                view=card,
                attachments=attachments({item.filename: data}),
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def _retract(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        """Take the public answer back. Never raises.

        It is edited before: what still reads "thinking" would be filled by the next answer, deleted or not.
        """
        with suppress(discord.HTTPException, *TRANSPORT):
            await interaction.edit_original_response(
                view=views.moved_view(item.job, show_prompt=False), attachments=[]
            )
            await interaction.delete_original_response()

    async def ask_to_delete(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        """Ask before it is done: one click too many would cost a picture.

        Raises:
            MemberError: NOT_ALLOWED; it is another's, and this member may not manage messages.
        """
        message, message_id = interaction.message, 0
        if (
            item.job.delivered_message is None
            and message is not None
            and self._posted(message, item) is not None
        ):
            message_id = message.id  # the row has forgotten it, and here it is
        self._require_deletable(interaction, item, self._place(interaction, item, message_id))
        await interaction.response.send_message(view=delete_question_view(item, message_id), ephemeral=True)

    async def delete(self, interaction: discord.Interaction, item: HistoryItem, message_id: int) -> None:
        """Delete the message, and what is kept. What is deleted already is as good as the first time.

        `message_id` is where the picture hangs in this channel, if the row has forgotten that.

        Raises:
            MemberError: NOT_ALLOWED, UNDELETABLE.
            OperatorError: `database`.
            TransientError: Discord is out of reach.
        """
        place, job = self._place(interaction, item, message_id), item.job
        self._require_deletable(interaction, item, place)
        await interaction.response.defer()
        if job.stage is Stage.DELIVERED and job.deleted_at is None and is_deleted(job):
            # An id that came with the click may be anybody's: it is looked whether the picture hangs there.
            if place is None or (job.delivered_message is None and not await self._is_there(place, item)):
                raise MemberError(MemberReason.UNDELETABLE)
            await self._take_down(place)
        await self._history.mark_deleted(job.job_id, interaction.user.id)
        await interaction.edit_original_response(view=deleted_view(item))

    def _place(
        self, interaction: discord.Interaction, item: HistoryItem, message_id: int
    ) -> DeliveredMessage | None:
        if item.job.delivered_message is None and message_id:
            return DeliveredMessage(channel_id_of(interaction), message_id, DeliveryMethod.REPLY)
        return item.job.delivered_message

    async def _require_room(self, interaction: discord.Interaction, item: HistoryItem) -> bool:
        """See that it is there and the server lets it be shown here; returns whether behind a spoiler."""
        if item.job.finished_at is None:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        context, terms = request_context(interaction), await self._history.policy(guild_id_of(interaction))
        check_access(item.job.request, context, terms, RecentActivity(), now_ms())
        return item.job.request.spoiler or requires_spoiler(context, terms)

    def _require_deletable(
        self, interaction: discord.Interaction, item: HistoryItem, place: DeliveredMessage | None
    ) -> None:
        if item.job.finished_at is None:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        is_own = item.job.request.destination.user_id == interaction.user.id
        if not is_own and not (place is not None and _moderates(interaction, place.channel_id)):
            raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_messages",))

    def _posted(self, message: discord.Message, item: HistoryItem) -> Reference | None:
        found = images_in(message, self._downloader.is_discord_url)
        return next((each for each in found if each.filename.startswith(item.job.job_id)), None)

    async def _message(self, delivered: DeliveredMessage) -> discord.Message | None:
        channel = self._client.get_partial_messageable(delivered.channel_id)
        with _translated(MemberReason.PICTURE_OUT_OF_REACH):
            return await channel.fetch_message(delivered.message_id)

    async def _take_down(self, delivered: DeliveredMessage) -> None:
        channel = self._client.get_partial_messageable(delivered.channel_id)
        with _translated(MemberReason.UNDELETABLE, passed_over=MESSAGE_GONE):
            await channel.get_partial_message(delivered.message_id).delete()

    @contextmanager
    def _exclusive(self, job_id: str) -> Iterator[None]:
        """Nobody else does the same with this picture meanwhile: two clicks are one."""
        if job_id in self._in_progress:
            raise MemberError(MemberReason.UNDER_WAY)
        self._in_progress.add(job_id)
        try:
            yield
        finally:
            self._in_progress.discard(job_id)


def _moderates(interaction: discord.Interaction, channel_id: int) -> bool:
    """Whether whoever clicks may manage messages where the picture hangs, which need not be here."""
    if channel_id == interaction.channel_id:
        return interaction.permissions.manage_messages
    guild, person = interaction.guild, interaction.user
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    if channel is None or not isinstance(person, discord.Member):
        return False
    return channel.permissions_for(person).manage_messages


@contextmanager
def _translated(reason: MemberReason, passed_over: frozenset[int] = frozenset()) -> Iterator[None]:
    """Say in our own words what Discord refuses.

    Raises:
        MemberError: with that reason.
        TransientError: Discord is out of reach, or asks us to wait.
    """
    try:
        yield
    except TRANSPORT as error:
        raise TransientError(f"Discord is out of reach: {error!r}") from error
    except discord.HTTPException as error:
        if is_transient(error):
            raise TransientError(f"Discord answers {error.status}", answered=True) from error
        if error.code not in passed_over:
            raise MemberError(reason) from error
