"""What the buttons under pictures do: the same again, a change, a new beginning, details, showing, deleting.

Each click is asked anew who clicks, whose picture it is and what the rules of the server say: a button may be
years old, and its id can be made by hand.

Owns what is done to pictures afterwards. Never imports anything of ours but afterwards_cards, answers,
buttons, cards, composer, desk, engine, errors, exhibits, gallery, guards, jobs, reuse, tongues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.jobs import derived_requests
from cogs.pictures import views
from cogs.pictures.buttons import STUDIO, Action
from cogs.pictures.details_views import details_card
from cogs.text.translation import speaking
from cogs.ui.context import destination_of, guild_id_of
from cogs.ui.responses import answer_card

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import discord

    from bot.domain.jobs import Reference
    from bot.engine.engine import Engine
    from bot.jobs.history import Gallery, Piece
    from cogs.imagine.compose import Composer
    from cogs.imagine.submission import Desk
    from cogs.pictures.result_messages import Exhibits

    Deed = Callable[[discord.Interaction, Piece], Awaitable[None]]


class Studio(commands.Cog, name=STUDIO):
    """Does what buttons say, for whoever may have it done."""

    def __init__(
        self, engine: Engine, gallery: Gallery, desk: Desk, composer: Composer, exhibits: Exhibits
    ) -> None:
        self._engine = engine
        self._gallery = gallery
        self._desk = desk
        self._composer = composer
        self._exhibits = exhibits
        self._deeds: dict[Action, Deed] = {
            Action.AGAIN: self._again,
            Action.EDIT: self._edit,
            Action.USE: self._use,
            Action.DETAILS: self._details,
            Action.CANCEL: self._cancel,
            Action.SHARE: exhibits.share,
            Action.DELETE: exhibits.ask_to_delete,
        }

    async def act(
        self, interaction: discord.Interaction, action: Action, job_id: str, message_id: int
    ) -> None:
        """Do what a button says.

        Raises:
            MemberError: JOB_UNKNOWN, or why this member may not have it done.
            OperatorError: `database`, `disk`.
            TryLater: Discord is out of reach.
        """
        found = await self._gallery.find(job_id)
        piece = derived_requests.require_visible(found, interaction.guild_id, interaction.user.id)
        if action is Action.DELETE_NOW:
            await self._exhibits.delete(interaction, piece, message_id)
        else:
            await self._deeds[action](interaction, piece)

    async def _again(self, interaction: discord.Interaction, piece: Piece) -> None:
        destination = destination_of(interaction, private=_is_private(interaction, piece))
        terms = await self._gallery.terms(guild_id_of(interaction))
        await self._desk.take(interaction, derived_requests.again(piece, destination, terms))

    async def _edit(self, interaction: discord.Interaction, piece: Piece) -> None:
        destination = destination_of(interaction, private=_is_private(interaction, piece))
        terms = await self._gallery.terms(guild_id_of(interaction))
        await self._composer.open(interaction, derived_requests.again(piece, destination, terms))

    async def _use(self, interaction: discord.Interaction, piece: Piece) -> None:
        destination = destination_of(interaction, private=_is_private(interaction, piece))
        terms = await self._gallery.terms(guild_id_of(interaction))
        reference: Reference = await self._exhibits.as_reference(interaction, piece)
        request = derived_requests.beginning(piece, destination, terms, reference)
        await self._composer.open(interaction, request)

    async def _details(self, interaction: discord.Interaction, piece: Piece) -> None:
        chain = await self._gallery.chain(piece.job.job_id)
        card, files = details_card(
            piece, chain, user_id=interaction.user.id, channel_id=interaction.channel_id
        )
        await answer_card(interaction, card, files)

    async def _cancel(self, interaction: discord.Interaction, piece: Piece) -> None:
        is_own = piece.job.request.destination.user_id == interaction.user.id
        if not is_own and not interaction.permissions.manage_messages:
            raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_messages",))
        await interaction.response.defer()
        if not await self._engine.cancel(piece.job.job_id):
            raise MemberError(MemberReason.TOO_LATE_TO_CANCEL)
        where = piece.job.request.destination
        with speaking(where.locale if where.private else where.guild_locale):
            card = views.cancelled_card(piece.job)
        await interaction.edit_original_response(view=card)


def _is_private(interaction: discord.Interaction, piece: Piece) -> bool:
    """Whether what comes of a click is for its member alone: as the picture is, or was before."""
    message = interaction.message
    unseen = message is not None and message.flags.ephemeral and piece.job.shared_at is not None
    return piece.job.request.destination.private or unseen
