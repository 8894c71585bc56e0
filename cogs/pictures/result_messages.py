"""Operations on the messages of finished pictures: find a picture in one, use it as a reference, share it.

Of a picture that is posted in a channel only the message is known. Private pictures, and those that could not
be posted, are in the picture store.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import discord

from bot.discord_client.errors import (
    API_ERRORS,
    DiscordErrorKind,
    classify,
    log_if_rejected,
    translate_outages,
)
from bot.domain.access import RecentActivity, check_access, requires_spoiler
from bot.domain.clock import now_ms
from bot.domain.errors import KuasError, MemberError, MemberReason
from bot.domain.jobs import DeliveredMessage, DeliveryMethod
from bot.domain.pictures import picture_filename
from bot.jobs.requests.derived_requests import stored_reference
from cogs.pictures import views
from cogs.pictures.details_views import already_shared_text
from cogs.text.translation import use_locale
from cogs.ui.context import channel_id_of, guild_id_of, request_context
from cogs.ui.discord_limits import attachments
from cogs.ui.message_images import delivered_message, images_in
from cogs.ui.responses import DeferOutcome, defer, reply_privately

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.domain.jobs import Reference
    from bot.domain.model_catalog import ModelCatalog
    from bot.images.downloads import Downloader
    from bot.jobs.history import HistoryItem, HistoryStore
    from bot.storage.picture_store import PictureStore


class ResultMessages:
    """The messages of finished pictures, and the files of those without a message."""

    def __init__(
        self,
        client: discord.Client,
        history: HistoryStore,
        picture_store: PictureStore,
        downloader: Downloader,
        catalog: ModelCatalog,
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._history = history
        self._picture_store = picture_store
        self._downloader = downloader
        self._in_progress: set[str] = set()

    async def as_reference(
        self, interaction: discord.Interaction, item: HistoryItem, number: int = 1
    ) -> Reference:
        """Return a finished picture as a reference, from the picture store or from its message.

        `number` is its place among the pictures of the job, which has one unless its task returned several.
        The message whose button was clicked comes with a URL that is valid for a day; another message, as for
        a click in a history, is fetched.

        Raises:
            MemberError: PICTURE_DELETED, PICTURE_UNFINISHED, PICTURE_OUT_OF_REACH.
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        if item.job.deleted_at is not None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        if not item.job.is_painted:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        if (stored := stored_reference(item, number)) is not None:
            return stored
        message, delivered = interaction.message, item.job.delivered_message
        if delivered is None or (message is not None and message.id == delivered.message_id):
            found = self.posted(message, item.job.job_id, number=number)
        else:
            found = await self.fetch_posted(delivered, item.job.job_id, number=number)
        if found is None:
            raise MemberError(MemberReason.PICTURE_OUT_OF_REACH)
        return found

    async def image_url(self, item: HistoryItem) -> str | None:
        """Return a valid URL of a public picture from its message; None if there is none in reach.

        Raises:
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        if item.job.delivered_message is None or item.job.request.destination.private:
            return None
        found = await self.fetch_posted(item.job.delivered_message, item.job.job_id)
        return None if found is None else found.url

    async def share(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        """Post a picture from the picture store in public: a private one, or one that could not be posted.

        The row is written before the message, so that a public picture can always be deleted by moderators. A
        share that was interrupted in between can be repeated.

        Raises:
            MemberError: NOT_YOURS, PICTURE_UNFINISHED, PICTURE_DELETED, UNDER_WAY, UNSHOWABLE; as
            `check_access`. OperatorError: `database`, `disk`. TransientError: Discord does not answer, or
            answers 429 or 5xx.
        """
        if item.job.request.destination.user_id != interaction.user.id:
            raise MemberError(MemberReason.NOT_YOURS)
        spoiler = await self._require_shareable(interaction, item)
        with self._exclusive(item.job.job_id):
            # Read again: another click or an erasure may have changed it meanwhile.
            current = await self._history.find(item.job.job_id)
            files: dict[str, bytes] = {}
            if current is not None and current.job.deleted_at is None:
                if await self._is_shared(current):
                    await reply_privately(interaction, already_shared_text(current.job))
                    return
                files = await self._stored_files(current)
            if current is None or current.filename not in files:
                raise MemberError(MemberReason.PICTURE_DELETED)
            request = replace(current.job.request, spoiler=spoiler)
            await self._publish(
                interaction, replace(current, job=replace(current.job, request=request)), files
            )

    async def _stored_files(self, item: HistoryItem) -> dict[str, bytes]:
        """Return those pictures of a job that are in the picture store, by their file names."""
        found = {name: await self._picture_store.read(sha256) for name, sha256 in item.stored_files.items()}
        return {name: data for name, data in found.items() if data is not None}

    async def _publish(
        self, interaction: discord.Interaction, item: HistoryItem, files: Mapping[str, bytes]
    ) -> None:
        deferred = await defer(interaction, private=False)
        if deferred.outcome is DeferOutcome.LOST:
            return
        reply, job = None, item.job
        if deferred.message_id is not None:
            reply = DeliveredMessage(channel_id_of(interaction), deferred.message_id, DeliveryMethod.SHARE)
        if not await self._history.begin_share(job, reply):
            await self._retract(interaction, item)
            raise MemberError(MemberReason.PICTURE_DELETED)
        try:
            message = await self._post(interaction, item, files)
        except KuasError:
            await self._retract(interaction, item)
            await self._history.undo_share(job)
            raise
        more = tuple(item.stored_files)[1:]
        delivered = delivered_message(message, item.filename, DeliveryMethod.SHARE, more=more)
        if not await self._history.finish_share(job, delivered):
            await self._retract(interaction, item)  # it was erased while it was posted
            raise MemberError(MemberReason.PICTURE_DELETED)

    async def _is_shared(self, item: HistoryItem) -> bool:
        """Whether it is public already; after an interrupted share the message may lack the picture."""
        delivered = item.job.delivered_message
        if item.job.shared_at is None or delivered is None:
            return False
        return delivered.url is not None or await self.fetch_posted(delivered, item.job.job_id) is not None

    async def _post(
        self, interaction: discord.Interaction, item: HistoryItem, files: Mapping[str, bytes]
    ) -> discord.InteractionMessage:
        """Edit the public reply to show the picture, without the prompt if Discord objects to its text."""
        try:
            try:
                return await self._edit_reply(interaction, item, files, show_prompt=True)
            except discord.HTTPException as error:
                if classify(error) is not DiscordErrorKind.CONTENT_BLOCKED:
                    raise
            return await self._edit_reply(interaction, item, files, show_prompt=False)
        except discord.HTTPException as error:
            log_if_rejected(error)
            raise MemberError(MemberReason.UNSHOWABLE) from error

    async def _edit_reply(
        self,
        interaction: discord.Interaction,
        item: HistoryItem,
        files: Mapping[str, bytes],
        *,
        show_prompt: bool,
    ) -> discord.InteractionMessage:
        with use_locale(str(interaction.guild_locale or "")):
            view = views.shared_view(
                item.job,
                *files,
                show_prompt=show_prompt,
                can_vary=self._catalog.takes_reference(item.job.request.model),
            )
        with translate_outages():
            return await interaction.edit_original_response(
                view=view,
                attachments=attachments(files),
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def _retract(self, interaction: discord.Interaction, item: HistoryItem) -> None:
        """Delete the public reply. Never raises.

        It is edited before: while it is "thinking", the next follow-up would replace it even if it is
        deleted.
        """
        with suppress(*API_ERRORS):
            await interaction.edit_original_response(
                view=views.moved_view(item.job, show_prompt=False), attachments=[]
            )
            await interaction.delete_original_response()

    async def _require_shareable(self, interaction: discord.Interaction, item: HistoryItem) -> bool:
        """Refuse what is unfinished or not allowed here; returns whether a spoiler has to hide it."""
        if item.job.finished_at is None:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        context, policy = request_context(interaction), await self._history.policy(guild_id_of(interaction))
        check_access(item.job.request, context, policy, RecentActivity(), now_ms())
        return item.job.request.spoiler or requires_spoiler(context, policy)

    def posted(self, message: discord.Message | None, *job_ids: str, number: int = 1) -> Reference | None:
        """Return the picture of this number of the first of these jobs that a message has; None if none."""
        found = [] if message is None else images_in(message, self._downloader.is_discord_url)
        names = tuple(picture_filename(job_id, "", number) for job_id in job_ids)
        return next((each for each in found if each.filename.startswith(names)), None)

    async def fetch_posted(
        self, delivered: DeliveredMessage, *job_ids: str, number: int = 1
    ) -> Reference | None:
        """Fetch a message and return what `posted` finds in it; None if the message is out of reach.

        Raises:
            TransientError: Discord does not answer, or answers 429 or 5xx.
        """
        channel = self._client.get_partial_messageable(delivered.channel_id)
        try:
            with translate_outages():
                return self.posted(await channel.fetch_message(delivered.message_id), *job_ids, number=number)
        except discord.HTTPException:
            return None

    @contextmanager
    def _exclusive(self, job_id: str) -> Iterator[None]:
        """Refuse a second share of the same picture while one is in progress.

        Raises:
            MemberError: UNDER_WAY.
        """
        if job_id in self._in_progress:
            raise MemberError(MemberReason.UNDER_WAY)
        self._in_progress.add(job_id)
        try:
            yield
        finally:
            self._in_progress.discard(job_id)
