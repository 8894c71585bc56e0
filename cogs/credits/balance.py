"""`/credits`: what a member spent, what is left for them, and when their limits reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.credits.grants import WHOLE_GUILD
from cogs.credits.balance_views import balance_view
from cogs.ui.context import guild_id_of, request_context, role_ids_of

if TYPE_CHECKING:
    import discord

    from bot.credits.admin import CreditAdmin
    from bot.credits.ledger import Ledger
    from bot.jobs.requests.member_standing import MemberStandingReader


class Credits(commands.Cog):
    """Shows members privately what they and their server may still spend."""

    def __init__(self, ledger: Ledger, credit_admin: CreditAdmin, standings: MemberStandingReader) -> None:
        self._standings = standings
        self._ledger = ledger
        self._credit_admin = credit_admin

    @app_commands.command(description="What you spent, what is left for you and this server, when it resets")
    async def credits(self, interaction: discord.Interaction) -> None:
        """Show limits, the member's own spending and the grants that can pay for them."""
        guild_id, user_id = guild_id_of(interaction), interaction.user.id
        grants = (await self._credit_admin.active(guild_id)).grants
        view = balance_view(
            await self._ledger.member_limits(guild_id, user_id, role_ids_of(interaction.user)),
            await self._ledger.member_used(guild_id, user_id),
            [grant for grant in grants if grant.user_id in {WHOLE_GUILD, user_id}],
            await self._standings.prices(guild_id, user_id, request_context(interaction)),
        )
        await interaction.response.send_message(view=view, ephemeral=True)
