"""`/privacy`: shows, exports and erases what is kept about the member who asks, over all servers.

Every answer is private.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from cogs.privacy import views
from cogs.text.translation import gettext
from cogs.ui import layout
from cogs.ui.component_router import SNOWFLAKE, component, parse_snowflake
from cogs.ui.discord_limits import attachments

if TYPE_CHECKING:
    import re

    from bot.config.settings import AboutSettings
    from bot.privacy.data_export import MemberData
    from bot.privacy.erasure import ErasureRequests


class Privacy(
    commands.GroupCog,
    group_name="privacy",
    group_description="What this bot keeps about you, and how to erase it",
):
    """Shows, exports and erases what is kept about a member."""

    def __init__(self, member_data: MemberData, erasures: ErasureRequests, about: AboutSettings) -> None:
        self._member_data = member_data
        self._erasures = erasures
        self._about = about

    @app_commands.command(description="Show what this bot keeps about you, over all servers")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show how much is kept of each kind, and whom to ask about it."""
        summary = await self._member_data.summarize(interaction.user.id)
        view = views.summary_view(summary, self._about)
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(description="Get everything this bot keeps about you, as a file")
    async def export(self, interaction: discord.Interaction) -> None:
        """Send everything as a file; defer first, since it may take longer than 3 seconds."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        export = await self._member_data.export(interaction.user.id)
        limit_bytes = min(interaction.filesize_limit, UPLOAD_LIMIT_BYTES)
        name, data, left_out = await asyncio.to_thread(views.export_file, export, limit_bytes)
        view = views.export_view(export, left_out, ui.File(f"attachment://{name}"))
        await interaction.followup.send(view=view, files=attachments({name: data}), ephemeral=True)

    @app_commands.command(description="Erase everything about you that this bot need not keep")
    async def erase(self, interaction: discord.Interaction) -> None:
        """Show what would be erased and ask first, since it cannot be undone."""
        summary = await self._member_data.summarize(interaction.user.id)
        if summary.is_erasable:
            view = views.erase_question_view(summary, layout.row(erase_button(interaction.user.id)))
        else:
            view = views.nothing_view(summary)
        await interaction.response.send_message(view=view, ephemeral=True)

    @component(rf"kuas:privacy:erase:(?P<user_id>{SNOWFLAKE})")
    async def confirm(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Erase the data of the member who clicks; a second click finds nothing left to erase."""
        user_id = parse_snowflake(custom_id["user_id"])
        if interaction.user.id != user_id:
            await interaction.response.send_message(view=views.not_yours_view(), ephemeral=True)
            return
        await interaction.response.defer()
        erased = await self._erasures.erase(user_id)
        view = views.erased_view(erased, await self._member_data.summarize(user_id))
        await interaction.edit_original_response(view=view)


def erase_button(user_id: int) -> ui.Button[ui.LayoutView]:
    """Make the button that erases the data of the member who asked."""
    return ui.Button(
        label=gettext("Erase it"),
        style=discord.ButtonStyle.danger,
        custom_id=f"kuas:privacy:erase:{user_id}",
    )
