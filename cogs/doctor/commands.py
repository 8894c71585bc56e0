"""`/doctor`: what the bot may and may not do in this channel, for the people who can change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.guilds.settings import GuildSetting
from cogs.doctor import views
from cogs.doctor.views import ChannelCheck
from cogs.ui.context import guild_id_of, missing_permissions, missing_permissions_in, require_manage_guild

if TYPE_CHECKING:
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.guilds.settings import GuildSettingsStore


NEEDED_BY_MEMBERS: Final = ("view_channel", "use_application_commands", "attach_files")


class Doctor(commands.Cog):
    """Looks at a channel the way a picture on its way to it would."""

    def __init__(self, guilds: GuildSettingsStore, circuit_breaker: CircuitBreaker) -> None:
        self._guild_settings = guilds
        self._circuit_breaker = circuit_breaker

    @app_commands.command(description="What I may and may not do in this channel, and what to change")
    @app_commands.default_permissions(manage_guild=True)
    async def doctor(self, interaction: discord.Interaction) -> None:
        """One look at this channel and at the one for alerts."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        chosen = await self._guild_settings.get(guild_id, GuildSetting.ALERT_CHANNEL)
        examination = ChannelCheck(
            missing=missing_permissions(interaction),
            in_thread=isinstance(interaction.channel, discord.Thread),
            members_lack=_members_lack(interaction),
            alert_channel_id=None if chosen is None else int(chosen),
            alert_missing=_missing_elsewhere(interaction, chosen),
            rivya_down=self._circuit_breaker.is_open,
        )
        await interaction.response.send_message(view=views.check_view(examination), ephemeral=True)


def _members_lack(interaction: discord.Interaction) -> tuple[str, ...]:
    """What a member without any role lacks to use the bot here."""
    channel, guild = interaction.channel, interaction.guild
    if guild is None or isinstance(channel, discord.DMChannel | discord.GroupChannel | None):
        return ()
    permissions = channel.permissions_for(guild.default_role)
    return tuple(name for name in NEEDED_BY_MEMBERS if not getattr(permissions, name))


def _missing_elsewhere(interaction: discord.Interaction, chosen: str | None) -> tuple[str, ...] | None:
    """What the bot lacks in the channel for alerts; None if there is no such channel any more."""
    guild = interaction.guild
    channel = None if guild is None or chosen is None else guild.get_channel_or_thread(int(chosen))
    return None if channel is None else missing_permissions_in(channel)
