"""`/credits`: what I spent, what is left, which limit binds and when it resets.

Owns the command that shows balances. Never imports anything of ours but catalog, guards, ledger, views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.catalog import QWEN_IMAGE
from cogs import views
from cogs.guards import guild_id_of

if TYPE_CHECKING:
    import discord

    from bot.ledger import Ledger


class Credits(commands.Cog):
    """Shows a member their server's credits, privately."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @app_commands.command(description="What you spent, what is left for this server, and when it resets")
    async def credits(self, interaction: discord.Interaction) -> None:
        """Two questions to the ledger, one card."""
        guild_id = guild_id_of(interaction)
        usage = await self._ledger.usage(guild_id)
        mine_credits = await self._ledger.member_used(guild_id, interaction.user.id)
        card = views.credits_card(usage, mine_credits, QWEN_IMAGE.cost_credits)
        await interaction.response.send_message(view=card, ephemeral=True)
