"""`/privacy`: what is kept about me, all of it as a file, and out with it.

Everything here is about the one who asks, over all servers, and seen by nobody else.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.domain.ids import MAX_ID
from cogs.privacy import views
from cogs.text.translation import gettext
from cogs.ui import layout
from cogs.ui.buttons import cog_of, reports_errors
from cogs.ui.discord_limits import attachments

if TYPE_CHECKING:
    import re

    from bot.privacy.data_export import MemberData
    from bot.privacy.erasure import ErasureRequests

UPLOAD_LIMIT_BYTES: Final = 10 * 1024 * 1024
"""What every server lets a bot attach."""


class Privacy(
    commands.GroupCog,
    group_name="privacy",
    group_description="What this bot keeps about you, and how to end it",
):
    """Shows, hands out and erases what is kept about a member."""

    def __init__(self, known: MemberData, erasures: ErasureRequests) -> None:
        self._known = known
        self._erasures = erasures

    @app_commands.command(description="Show what this bot keeps about you, over all servers")
    async def show(self, interaction: discord.Interaction) -> None:
        """One question, one card."""
        holdings = await self._known.summarize(interaction.user.id)
        await interaction.response.send_message(view=views.summary_view(holdings), ephemeral=True)

    @app_commands.command(description="Get everything this bot keeps about you, as a file")
    async def export(self, interaction: discord.Interaction) -> None:
        """Deferred: thousands of requests take longer than Discord waits."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        export = await self._known.export(interaction.user.id)
        limit_bytes = min(interaction.filesize_limit, UPLOAD_LIMIT_BYTES)
        name, data, left_out = await asyncio.to_thread(views.packed, export, limit_bytes)
        card = views.export_view(export, left_out, ui.File(f"attachment://{name}"))
        await interaction.followup.send(view=card, files=attachments({name: data}), ephemeral=True)

    @app_commands.command(description="Have everything erased that this bot need not keep about you")
    async def erase(self, interaction: discord.Interaction) -> None:
        """Ask first: it cannot be undone."""
        holdings = await self._known.summarize(interaction.user.id)
        if holdings.is_erasable:
            card = views.erase_question_view(holdings, layout.row(EraseButton(interaction.user.id)))
        else:
            card = views.nothing_view(holdings)
        await interaction.response.send_message(view=card, ephemeral=True)

    async def confirm(self, interaction: discord.Interaction, user_id: int) -> None:
        """The yes. Said twice it takes nothing more, since nothing is left to take."""
        if interaction.user.id != user_id:
            await interaction.response.send_message(view=views.not_yours_view(), ephemeral=True)
            return
        await interaction.response.defer()
        erased = await self._erasures.erase(user_id)
        card = views.erased_view(erased, await self._known.summarize(user_id))
        await interaction.edit_original_response(view=card)


class EraseButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"kuas:privacy:erase:(?P<user_id>[0-9]{1,19})"
):
    """Yes to being forgotten; Discord shows it to the member alone, and it takes nobody else's word."""

    def __init__(self, user_id: int) -> None:
        super().__init__(
            ui.Button(
                label=gettext(views.ERASE_LABEL),
                style=discord.ButtonStyle.danger,
                custom_id=f"kuas:privacy:erase:{user_id}",
            )
        )
        self._user_id = user_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> EraseButton:
        """The button as it was sent, by whichever process."""
        del interaction, item
        return cls(min(int(match["user_id"]), MAX_ID))

    @reports_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand the yes to the cog."""
        await cog_of(interaction, Privacy).confirm(interaction, self._user_id)
