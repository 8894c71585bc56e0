"""Finished pictures where they hang: taking one down, showing a private one, working from one.

What is posted in a channel stays there; of that, only where it is is known. What only one member was to see,
or could be posted nowhere, is in the vault.

Owns the messages of finished pictures. Never imports anything of ours but afterwards_cards, answers, bounds,
cards, clock, errors, fetch, finding, gallery, guards, jobs, landings, login, refusals, reuse, rules, tongues,
vault.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import discord

from bot.discord_client.login import passing
from bot.domain.access import Lately, hides, judge
from bot.domain.clock import now_ms
from bot.domain.errors import KuasError, MemberError, MemberReason, TryLater
from bot.domain.jobs import Landing, Stage
from bot.jobs.derived_requests import kept_reference
from cogs.pictures import views
from cogs.pictures.details_views import delete_question, deleted_card, is_taken_down, shown_already
from cogs.text.translation import speaking
from cogs.ui import send_errors
from cogs.ui.context import channel_id_of, guild_id_of, presence_of
from cogs.ui.discord_limits import attachments
from cogs.ui.landings import landing_of
from cogs.ui.message_images import pictures_in
from cogs.ui.responses import TRANSPORT, Acceptance, acknowledge, answer
from cogs.ui.send_errors import MESSAGE_GONE, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.jobs import Reference
    from bot.images.downloads import Fetcher
    from bot.jobs.history import Gallery, Piece
    from bot.storage.picture_store import Vault

WAY: Final = "share"
"""How a picture came to where it hangs, if its member showed it later: see `jobs.Landing`."""


class Exhibits:
    """The messages of finished pictures, and the files of those that have none."""

    def __init__(self, client: discord.Client, gallery: Gallery, vault: Vault, fetcher: Fetcher) -> None:
        self._client = client
        self._gallery = gallery
        self._vault = vault
        self._fetcher = fetcher
        self._under_way: set[str] = set()

    async def as_reference(self, interaction: discord.Interaction, piece: Piece) -> Reference:
        """A finished picture as a reference: from the vault, or where it was posted.

        The message whose button was clicked brings its picture along, with an address that is good for a day;
        from elsewhere, as in a history, the message is asked for.

        Raises:
            MemberError: PICTURE_DELETED, PICTURE_UNFINISHED, PICTURE_OUT_OF_REACH.
            TryLater: Discord is out of reach.
        """
        if piece.job.deleted_at is not None:
            raise MemberError(MemberReason.PICTURE_DELETED)
        if not piece.is_painted:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        if (kept := kept_reference(piece)) is not None:
            return kept
        message, landing = interaction.message, piece.job.landing
        if landing is not None and (message is None or message.id != landing.message_id):
            message = await self._message(landing)
        found = None if message is None else self._posted(message, piece)
        if found is None:
            raise MemberError(MemberReason.PICTURE_OUT_OF_REACH)
        return found

    async def address_of(self, piece: Piece) -> str | None:
        """Where a picture can be seen now, asked of its message; None if that cannot be had.

        Raises:
            TryLater: Discord is out of reach.
        """
        if piece.job.landing is None or piece.job.request.destination.private:
            return None
        try:
            message = await self._message(piece.job.landing)
        except MemberError:
            return None
        found = None if message is None else self._posted(message, piece)
        return None if found is None else found.url

    async def share(self, interaction: discord.Interaction, piece: Piece) -> None:
        """Show everybody a picture that only its member has seen, or that could be posted nowhere.

        The row says so before the message does, so that nothing hangs in public that no moderator could
        delete; a click that was cut short in between can be repeated.

        Raises:
            MemberError: NOT_YOURS, PICTURE_DELETED, UNDER_WAY, UNSHOWABLE, or what a rule of the server says.
            OperatorError: `database`, `disk`.
            TryLater: Discord is out of reach.
        """
        if piece.job.request.destination.user_id != interaction.user.id:
            raise MemberError(MemberReason.NOT_YOURS)
        hidden = await self._require_room(interaction, piece)
        with self._alone(piece.job.job_id):
            # Asked again: another click, or an erasure, may have been done with it meanwhile.
            now = await self._gallery.find(piece.job.job_id)
            data = None
            if now is not None and now.job.deleted_at is None:
                if await self._hangs(now):
                    await answer(interaction, shown_already(now.job))
                    return
                data = None if now.kept_sha256 is None else await self._vault.read(now.kept_sha256)
            if now is None or data is None:
                raise MemberError(MemberReason.PICTURE_DELETED)
            shown = replace(now, job=replace(now.job, request=replace(now.job.request, spoiler=hidden)))
            await self._hang(interaction, shown, data)

    async def _hang(self, interaction: discord.Interaction, piece: Piece, data: bytes) -> None:
        answered = await acknowledge(interaction, private=False)
        if answered.acceptance is Acceptance.LOST:
            return
        place, job = None, piece.job
        if answered.message_id is not None:
            place = Landing(channel_id_of(interaction), answered.message_id, WAY)
        if not await self._gallery.share(job, place):
            await self._withdraw(interaction, piece)
            raise MemberError(MemberReason.PICTURE_DELETED)
        try:
            message = await self._post(interaction, piece, data)
        except KuasError:
            await self._withdraw(interaction, piece)
            await self._gallery.unshare(job)
            raise
        if not await self._gallery.shared(job, landing_of(message, piece.filename, WAY)):
            await self._withdraw(interaction, piece)  # it was erased while it was posted
            raise MemberError(MemberReason.PICTURE_DELETED)

    async def _hangs(self, piece: Piece) -> bool:
        """Whether everybody sees it already: the row may have promised it without a message to follow."""
        landing = piece.job.landing
        if piece.job.shared_at is None or landing is None:
            return False
        return landing.url is not None or await self._is_there(landing, piece)

    async def _is_there(self, landing: Landing, piece: Piece) -> bool:
        try:
            message = await self._message(landing)
        except MemberError:
            return False
        return message is not None and self._posted(message, piece) is not None

    async def _post(
        self, interaction: discord.Interaction, piece: Piece, data: bytes
    ) -> discord.InteractionMessage:
        """Fill the public answer; without the prompt, where Discord or the server objects to its words."""
        try:
            return await self._fill(interaction, piece, data, quoting=True)
        except MemberError as error:
            refused = error.__cause__
            if (
                not isinstance(refused, discord.HTTPException)
                or send_errors.judge(refused) is not Refusal.WORDS
            ):
                raise
        return await self._fill(interaction, piece, data, quoting=False)

    async def _fill(
        self, interaction: discord.Interaction, piece: Piece, data: bytes, *, quoting: bool
    ) -> discord.InteractionMessage:
        with speaking(str(interaction.guild_locale or "")):
            card = views.shared_card(piece.job, piece.filename, quoting=quoting)
        with _translated(MemberReason.UNSHOWABLE):
            return await interaction.edit_original_response(
                view=card,
                attachments=attachments({piece.filename: data}),
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def _withdraw(self, interaction: discord.Interaction, piece: Piece) -> None:
        """Take the public answer back. Never raises.

        It is edited before: what still reads "thinking" would be filled by the next answer, deleted or not.
        """
        with suppress(discord.HTTPException, *TRANSPORT):
            await interaction.edit_original_response(
                view=views.left_card(piece.job, quoting=False), attachments=[]
            )
            await interaction.delete_original_response()

    async def ask_to_delete(self, interaction: discord.Interaction, piece: Piece) -> None:
        """Ask before it is done: one click too many would cost a picture.

        Raises:
            MemberError: NOT_ALLOWED; it is another's, and this member may not manage messages.
        """
        message, message_id = interaction.message, 0
        if piece.job.landing is None and message is not None and self._posted(message, piece) is not None:
            message_id = message.id  # the row has forgotten it, and here it is
        self._require_deletable(interaction, piece, self._place(interaction, piece, message_id))
        await interaction.response.send_message(view=delete_question(piece, message_id), ephemeral=True)

    async def delete(self, interaction: discord.Interaction, piece: Piece, message_id: int) -> None:
        """Delete the message, and what is kept. What is deleted already is as good as the first time.

        `message_id` is where the picture hangs in this channel, if the row has forgotten that.

        Raises:
            MemberError: NOT_ALLOWED, UNDELETABLE.
            OperatorError: `database`.
            TryLater: Discord is out of reach.
        """
        place, job = self._place(interaction, piece, message_id), piece.job
        self._require_deletable(interaction, piece, place)
        await interaction.response.defer()
        if job.stage is Stage.DELIVERED and job.deleted_at is None and is_taken_down(job):
            # An id that came with the click may be anybody's: it is looked whether the picture hangs there.
            if place is None or (job.landing is None and not await self._is_there(place, piece)):
                raise MemberError(MemberReason.UNDELETABLE)
            await self._take_down(place)
        await self._gallery.deleted(job.job_id, interaction.user.id)
        await interaction.edit_original_response(view=deleted_card(piece))

    def _place(self, interaction: discord.Interaction, piece: Piece, message_id: int) -> Landing | None:
        if piece.job.landing is None and message_id:
            return Landing(channel_id_of(interaction), message_id, "reply")
        return piece.job.landing

    async def _require_room(self, interaction: discord.Interaction, piece: Piece) -> bool:
        """See that it is there and the server lets it be shown here; returns whether behind a spoiler."""
        if piece.job.finished_at is None:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        presence, terms = presence_of(interaction), await self._gallery.terms(guild_id_of(interaction))
        judge(piece.job.request, presence, terms, Lately(), now_ms())
        return piece.job.request.spoiler or hides(presence, terms)

    def _require_deletable(
        self, interaction: discord.Interaction, piece: Piece, place: Landing | None
    ) -> None:
        if piece.job.finished_at is None:
            raise MemberError(MemberReason.PICTURE_UNFINISHED)
        is_own = piece.job.request.destination.user_id == interaction.user.id
        if not is_own and not (place is not None and _moderates(interaction, place.channel_id)):
            raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_messages",))

    def _posted(self, message: discord.Message, piece: Piece) -> Reference | None:
        found = pictures_in(message, self._fetcher.serves)
        return next((each for each in found if each.filename.startswith(piece.job.job_id)), None)

    async def _message(self, landing: Landing) -> discord.Message | None:
        channel = self._client.get_partial_messageable(landing.channel_id)
        with _translated(MemberReason.PICTURE_OUT_OF_REACH):
            return await channel.fetch_message(landing.message_id)

    async def _take_down(self, landing: Landing) -> None:
        channel = self._client.get_partial_messageable(landing.channel_id)
        with _translated(MemberReason.UNDELETABLE, passed_over=MESSAGE_GONE):
            await channel.get_partial_message(landing.message_id).delete()

    @contextmanager
    def _alone(self, job_id: str) -> Iterator[None]:
        """Nobody else does the same with this picture meanwhile: two clicks are one."""
        if job_id in self._under_way:
            raise MemberError(MemberReason.UNDER_WAY)
        self._under_way.add(job_id)
        try:
            yield
        finally:
            self._under_way.discard(job_id)


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
        TryLater: Discord is out of reach, or asks us to wait.
    """
    try:
        yield
    except TRANSPORT as error:
        raise TryLater(f"Discord is out of reach: {error!r}") from error
    except discord.HTTPException as error:
        if passing(error):
            raise TryLater(f"Discord answers {error.status}", answered=True) from error
        if error.code not in passed_over:
            raise MemberError(reason) from error
