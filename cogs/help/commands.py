"""`/help`: what the bot does, what it costs, and the commands that whoever asks can use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs.credits.balance_views import pictures_left_text
from cogs.help import views
from cogs.help.command_lines import command_lines, for_admins, for_everybody, for_members, menu_names
from cogs.operator.authorization import is_operator
from cogs.text.error_messages import reason_alone
from cogs.ui.context import request_context, role_ids_of

if TYPE_CHECKING:
    from bot.config.settings import AboutSettings
    from bot.credits.ledger import Ledger
    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.admission import AdmissionStore
    from bot.guilds.pauses import PauseStore
    from bot.jobs.requests.member_standing import MemberStandingReader
    from cogs.ui.command_mentions import CommandMentions


class Help(commands.Cog):
    """Shows the commands of the tree by role, also where no pictures can be asked for at the moment."""

    def __init__(
        self,
        tree: app_commands.CommandTree[Any],
        mentions: CommandMentions,
        *,
        catalog: ModelCatalog,
        ledger: Ledger,
        standings: MemberStandingReader,
        admissions: AdmissionStore,
        pauses: PauseStore,
        operator_guild: int | None,
        about: AboutSettings,
    ) -> None:
        self._tree = tree
        self._mentions = mentions
        self._catalog = catalog
        self._ledger = ledger
        self._standings = standings
        self._admissions = admissions
        self._pauses = pauses
        self._operator_guild = operator_guild
        self._about = about

    @app_commands.command(description="What this bot does, what a picture costs, and the commands for you")
    async def help(self, interaction: discord.Interaction) -> None:
        """Show the commands for members, and to admins and the operator those for them.

        What does not fit into one message follows in another.
        """
        operator_guilds = await self._operator_guilds(interaction)
        # At once: each may take half of the time for the answer.
        mention, *operator_mentions = await asyncio.gather(
            self._mentions.load(), *map(self._mentions.load, operator_guilds)
        )
        shown = self._tree.get_commands()
        lines = [
            views.heading(),
            await self._price(interaction),
            *command_lines(shown, mention, for_members),
            views.menus_line(menu_names(shown)),
            *views.contact_lines(self._about),
        ]
        if interaction.permissions.manage_guild:
            lines += [views.admin_heading(), *command_lines(shown, mention, for_admins)]
        for guild_id, operator_mention in zip(operator_guilds, operator_mentions, strict=True):
            own = self._tree.get_commands(guild=discord.Object(guild_id))
            lines += command_lines(own, operator_mention, for_everybody)
        first, *more = views.help_views(lines)
        await interaction.response.send_message(view=first, ephemeral=True)
        for view in more:
            await interaction.followup.send(view=view, ephemeral=True)

    async def _price(self, interaction: discord.Interaction) -> str:
        """Return what a picture costs and how many are left, or why there are none in this server."""
        guild_id = interaction.guild_id
        if guild_id is None:
            return views.price_line(self._catalog.price_list.default)
        refusal = await self._admissions.refusal(guild_id) or await self._pauses.refusal(guild_id)
        if refusal is not None:
            return reason_alone(refusal.reason, refusal.data)
        member_limits = await self._ledger.member_limits(
            guild_id, interaction.user.id, role_ids_of(interaction.user)
        )
        prices = await self._standings.prices(guild_id, interaction.user.id, request_context(interaction))
        return pictures_left_text(member_limits, prices)

    async def _operator_guilds(self, interaction: discord.Interaction) -> list[int]:
        """Return the operator's guild, whose commands are for the operator in that guild; else nothing."""
        guild_id = self._operator_guild
        return [] if guild_id is None or not await is_operator(interaction, guild_id) else [guild_id]
