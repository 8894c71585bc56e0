"""`/limits`: what admins allow their server to spend.

Owns the commands that show and change limits. Never imports anything of ours but guards, ledger, periods,
views, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from discord import app_commands
from discord.ext import commands

from bot.periods import PERIODS
from cogs import views
from cogs.guards import guild_id_of, require_manage_guild
from cogs.wording import period_choice

if TYPE_CHECKING:
    import discord

    from bot.ledger import Ledger

HIGHEST_LIMIT_CREDITS: Final = 1_000_000
PERIOD_CHOICES: Final = [app_commands.Choice(name=period_choice(period), value=period) for period in PERIODS]


# Hidden from everybody else in Discord's menus; `require_manage_guild` is what holds.
@app_commands.default_permissions(manage_guild=True)
class Limits(
    commands.GroupCog, group_name="limits", group_description="What this server may spend on pictures"
):
    """Shows and changes a server's limit, for those who may manage it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @app_commands.command(
        name="guild", description="Set how many credits this server may spend, and how often"
    )
    @app_commands.describe(
        limit_credits="How many credits; 0 stops new pictures", period="How long they last"
    )
    @app_commands.rename(limit_credits="credits")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def guild_limit(
        self,
        interaction: discord.Interaction,
        limit_credits: app_commands.Range[int, 0, HIGHEST_LIMIT_CREDITS],
        period: str,
    ) -> None:
        """Append the new limit, then show from what to what."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        change = await self._ledger.set_guild_limit(
            guild_id, credits=limit_credits, period=period, set_by=interaction.user.id
        )
        await interaction.response.send_message(view=views.limit_changed_card(change), ephemeral=True)

    @app_commands.command(description="Show this server's limit, who set it, and how far it is used")
    async def show(self, interaction: discord.Interaction) -> None:
        """The limit that rules now."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        card = views.limit_card(await self._ledger.guild_limit(guild_id), await self._ledger.usage(guild_id))
        await interaction.response.send_message(view=card, ephemeral=True)
