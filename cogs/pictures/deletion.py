"""Delete pictures: their messages, or their place in the message of a group, and the stored files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.discord_client.errors import DiscordErrorKind, classify, translate_outages
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Stage
from cogs.pictures import pick_views
from cogs.pictures.details_views import delete_question_view, deleted_view, has_deletable_message
from cogs.pictures.group_states import has_picture
from cogs.ui.context import channel_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import Job
    from bot.jobs.groups import JobGroup
    from bot.jobs.history import HistoryItem
    from bot.stores import Stores
    from cogs.pictures.result_messages import ResultMessages
    from cogs.pictures.running_jobs import RefreshGroup


class PictureDeletion:
    """Asks before it deletes a picture or a group. Their members may, and those who may manage messages.

    `refresh_group` shows a group in its message after a change.
    """

    def __init__(
        self,
        client: discord.Client,
        stores: Stores,
        result_messages: ResultMessages,
        refresh_group: RefreshGroup,
    ) -> None:
        self._client = client
        self._history = stores.history
        self._groups = stores.groups
        self._catalog = stores.catalog
        self._result_messages = result_messages
        self._refresh_group = refresh_group

    async def ask(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        """Ask for a confirmation.

        Raises:
            MemberError: PICTURE_UNFINISHED; NOT_ALLOWED, it is not the member's, and they may not manage
            messages.
        """
        message, message_id = interaction.message, 0
        posted = self._result_messages.posted(message, item.job.job_id)
        if item.job.delivered_message is None and message is not None and posted is not None:
            message_id = message.id  # the row was anonymised, so the button has to hold it
        known = item.job.delivered_message
        _require_deletable(interaction, [item.job], _message_here(interaction, known, message_id))
        await interaction.response.send_message(view=delete_question_view(item, message_id), ephemeral=True)

    async def delete(self, interaction: discord.Interaction, item: HistoryItem, message_id: int = 0) -> None:
        """Delete the message and the stored file; a picture that is deleted already is no error.

        Of a group the message stays while it has other pictures. `message_id` is the message in this channel,
        if the row does not have it; else 0.

        Raises:
            MemberError: PICTURE_UNFINISHED, NOT_ALLOWED, UNDELETABLE.
            OperatorError: `database`.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        job = item.job
        posted = _message_here(interaction, job.delivered_message, message_id)
        _require_deletable(interaction, [job], posted)
        await interaction.response.defer()
        if job.stage is Stage.DELIVERED and job.deleted_at is None and has_deletable_message(job):
            known = job.delivered_message is not None
            if posted is None or not (known or await self._result_messages.fetch_posted(posted, job.job_id)):
                # A message id in a custom id may be forged, so that message has to have the picture.
                raise MemberError(MemberReason.UNDELETABLE)
            if has_message_of_its_own(job):
                await self._delete_message(posted)
        await self._history.mark_deleted(job.job_id, deleted_by=interaction.user.id)
        if job.place is not None:
            await self._delete_from_group(interaction, job)
        await interaction.edit_original_response(view=deleted_view(in_reach=has_deletable_message(job)))

    async def ask_about_group(self, interaction: discord.Interaction, group: JobGroup) -> None:
        """Ask which pictures of a group are deleted.

        Raises:
            MemberError: PICTURE_UNFINISHED, NOT_ALLOWED.
        """
        message = interaction.message
        message_id = 0 if message is None else message.id
        known = _known_message(group)
        _require_deletable(interaction, group.jobs, _message_here(interaction, known, message_id))
        jobs = [job for job in group.jobs if has_picture(job) and job.delivered_message is not None]
        view = pick_views.delete_view(group, jobs, message_id, self._catalog.name_of)
        await interaction.response.send_message(view=view, ephemeral=True)

    async def delete_group(self, interaction: discord.Interaction, group: JobGroup, message_id: int) -> None:
        """Delete the message of a group and what is stored of it; what is deleted already is no error.

        `message_id` is the message in this channel, if the rows do not have it; else 0.

        Raises:
            MemberError: PICTURE_UNFINISHED, NOT_ALLOWED, UNDELETABLE.
            OperatorError: `database`.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        message = _message_here(interaction, _known_message(group), message_id)
        _require_deletable(interaction, group.jobs, message)
        await interaction.response.defer()
        in_reach = await self._delete_messages(group, await self._verified(group, message))
        job_ids = [job.job_id for job in group.jobs]
        await self._history.mark_deleted(*job_ids, deleted_by=interaction.user.id)
        await interaction.edit_original_response(view=deleted_view(in_reach=in_reach))

    async def _delete_from_group(self, interaction: discord.Interaction, job: Job) -> None:
        """Take a deleted picture out of the message of its group; with the last one the message goes."""
        interaction_id = job.request.destination.interaction_id
        group = await self._groups.find(interaction_id)
        if group is None:
            return
        # A failure that is not told yet needs the message, too: without it a new one would be posted.
        if any(has_picture(each) or each.finished_at is None for each in group.jobs):
            await self._refresh_group(interaction_id)
            await self._require_gone(group, job)
            return
        await self._delete_messages(group, _known_message(group))
        job_ids = [each.job_id for each in group.jobs]
        await self._history.mark_deleted(*job_ids, deleted_by=interaction.user.id)

    async def _require_gone(self, group: JobGroup, job: Job) -> None:
        """Check that the message of a group was edited: Discord may have refused that.

        Raises:
            MemberError: UNDELETABLE; it still shows the picture.
        """
        message = group.message
        if message is not None and await self._result_messages.fetch_posted(message, job.job_id) is not None:
            raise MemberError(MemberReason.UNDELETABLE)

    async def _delete_messages(self, group: JobGroup, message: DeliveredMessage | None) -> bool:
        """Delete the message of a group, and those of its pictures that were shared.

        Returns False if the message is a private one, which the bot cannot delete.
        """
        for job in group.jobs:
            if has_message_of_its_own(job) and job.delivered_message is not None:
                await self._delete_message(job.delivered_message)
        if group.is_private and (message is None or message.method is not DeliveryMethod.DM):
            return False
        if message is not None:
            await self._delete_message(message)
        return True

    async def _verified(self, group: JobGroup, message: DeliveredMessage | None) -> DeliveredMessage | None:
        """Return the message of a group; one that is known from a custom id only has to have its pictures.

        Raises:
            MemberError: UNDELETABLE.
        """
        if message is None or message == _known_message(group):
            return message
        job_ids = [job.job_id for job in group.jobs]
        if await self._result_messages.fetch_posted(message, *job_ids) is None:
            raise MemberError(MemberReason.UNDELETABLE)
        return message

    async def _delete_message(self, delivered: DeliveredMessage) -> None:
        channel = self._client.get_partial_messageable(delivered.channel_id)
        try:
            with translate_outages():
                await channel.get_partial_message(delivered.message_id).delete()
        except discord.HTTPException as error:
            if classify(error) is not DiscordErrorKind.MESSAGE_GONE:
                raise MemberError(MemberReason.UNDELETABLE) from error


def has_message_of_its_own(job: Job) -> bool:
    """Whether the message of a picture has no other: it is alone, or was shared from a group."""
    delivered = job.delivered_message
    return job.place is None or (delivered is not None and delivered.method is DeliveryMethod.SHARE)


def _message_here(
    interaction: discord.Interaction, known: DeliveredMessage | None, message_id: int
) -> DeliveredMessage | None:
    """Return the message that the rows know; else the one of this id in this channel, if it is not 0."""
    if known is None and message_id:
        return DeliveredMessage(channel_id_of(interaction), message_id, DeliveryMethod.REPLY)
    return known


def _known_message(group: JobGroup) -> DeliveredMessage | None:
    """Return where a group is posted: the message of its pictures, or the reply if there are none."""
    first = group.jobs[0]
    if group.message is not None or first.message_id is None:
        return group.message
    return DeliveredMessage(first.request.destination.channel_id, first.message_id, DeliveryMethod.REPLY)


def _require_deletable(
    interaction: discord.Interaction, jobs: Sequence[Job], posted: DeliveredMessage | None
) -> None:
    if any(job.finished_at is None for job in jobs):
        raise MemberError(MemberReason.PICTURE_UNFINISHED)
    is_own = jobs[0].request.destination.user_id == interaction.user.id
    if not is_own and not (posted is not None and _can_moderate(interaction, posted.channel_id)):
        raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_messages",))


def _can_moderate(interaction: discord.Interaction, channel_id: int) -> bool:
    """Whether the member may manage messages in a channel, which need not be this one."""
    if channel_id == interaction.channel_id:
        return interaction.permissions.manage_messages
    guild, person = interaction.guild, interaction.user
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    if channel is None or not isinstance(person, discord.Member):
        return False
    return channel.permissions_for(person).manage_messages
