"""The context menus of messages and members: use a picture of theirs as the reference of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.domain.pictures import job_id_in
from bot.jobs.requests.derived_requests import require_visible
from cogs.text.escaping import single_line
from cogs.text.translation import gettext
from cogs.ui.message_images import avatar_of, images_in, other_kind_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.jobs import Reference
    from bot.images.downloads import Downloader
    from bot.jobs.history import HistoryStore
    from cogs.imagine.compose import ComposeForms

    OfferReferences = Callable[[discord.Interaction, str], Awaitable[bool]]
    """Lets the member choose among the pictures of a job's group; False if it has not several."""

NAME_UNITS: Final = 40


class ContextMenus(commands.Cog):
    """*Use as reference* on a message, *Use avatar as reference* on a member."""

    def __init__(
        self,
        tree: app_commands.CommandTree,
        compose_forms: ComposeForms,
        history: HistoryStore,
        downloader: Downloader,
        offer_references: OfferReferences,
    ) -> None:
        self._offer_references = offer_references
        self._tree = tree
        self._compose_forms = compose_forms
        self._history = history
        self._downloader = downloader
        self._menus = (
            app_commands.ContextMenu(name="Use as reference", callback=self.use_message),
            app_commands.ContextMenu(name="Use avatar as reference", callback=self.use_avatar),
        )

    async def cog_load(self) -> None:
        """Add the menus; discord.py does not take context menus as commands of a cog."""
        for menu in self._menus:
            self._tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Remove the menus."""
        for menu in self._menus:
            self._tree.remove_command(menu.name, type=menu.type)

    async def use_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Show a form with the first picture of a message, and say in it if there are several.

        Of the message of a group its member chooses first.

        Raises:
            MemberError: NO_PICTURE_THERE, or as `ComposeForms.open`.
            OperatorError: `database`.
        """
        found = images_in(message, self._downloader.is_discord_url)
        if not found:
            raise MemberError(MemberReason.NO_PICTURE_THERE, kind=other_kind_in(message))
        first = found[0]
        job_id = job_id_in(first.filename) if len(found) > 1 else None
        if job_id is not None and await self._offer_references(interaction, job_id):
            return
        note = ""
        if len(found) > 1:
            name = single_line(first.filename, NAME_UNITS)
            note = gettext("The first of {n} pictures there: {name}", n=len(found), name=name)
        parent = await self._parent(interaction, first)
        await self._compose_forms.open_with_reference(interaction, first, note=note, parent_job_id=parent)

    async def use_avatar(self, interaction: discord.Interaction, person: discord.Member) -> None:
        """Show a form with the avatar that a member has in this server.

        Raises:
            MemberError, OperatorError: as `ComposeForms.open`.
        """
        await self._compose_forms.open_with_reference(interaction, avatar_of(person))

    async def _parent(self, interaction: discord.Interaction, reference: Reference) -> str | None:
        """Return the job id if the reference is a picture of ours that the member may know of."""
        job_id = job_id_in(reference.filename)
        if job_id is None:
            return None
        item = await self._history.find(job_id)
        try:
            return require_visible(item, interaction.guild_id, interaction.user.id).job.job_id
        except MemberError:
            return None
