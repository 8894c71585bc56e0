"""`/doctor`: the permissions of the bot and its members in this channel, for those who can change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_client.permissions import lacking
from bot.guilds.settings import GuildSetting
from cogs.doctor import views
from cogs.doctor.views import ChannelCheck
from cogs.ui.context import missing_permissions, missing_permissions_in, require_manage_guild

if TYPE_CHECKING:
    from bot.engine.circuit_breaker import CircuitBreaker
    from bot.guilds.admission import AdmissionStore
    from bot.guilds.settings import GuildSettingsStore


NEEDED_BY_MEMBERS: Final = ("view_channel", "use_application_commands", "attach_files")


class Doctor(commands.Cog):
    """Checks what a picture needs to be asked for and posted in a channel."""

    def __init__(
        self, guilds: GuildSettingsStore, admissions: AdmissionStore, circuit_breaker: CircuitBreaker
    ) -> None:
        self._guild_settings = guilds
        self._admissions = admissions
        self._circuit_breaker = circuit_breaker

    @app_commands.command(description="What I may and may not do in this channel, and what to change")
    @app_commands.default_permissions(manage_guild=True)
    async def doctor(self, interaction: discord.Interaction) -> None:
        """Check the server, this channel, the channel for alerts, and whether Rivya answers."""
        guild_id = require_manage_guild(interaction)
        alert_channel = await self._guild_settings.get(guild_id, GuildSetting.ALERT_CHANNEL)
        refusal = await self._admissions.refusal(guild_id)
        check = ChannelCheck(
            not_admitted=None if refusal is None else refusal.data,
            missing=missing_permissions(interaction),
            in_thread=isinstance(interaction.channel, discord.Thread),
            members_lack=_missing_for_members(interaction),
            alert_channel_id=None if alert_channel is None else int(alert_channel),
            alert_missing=_missing_for_alerts(interaction, alert_channel),
            rivya_down=self._circuit_breaker.is_open,
        )
        await interaction.response.send_message(view=views.check_view(check), ephemeral=True)


def _missing_for_members(interaction: discord.Interaction) -> tuple[str, ...]:
    """Return what a member without any role lacks to use the bot here."""
    channel, guild = interaction.channel, interaction.guild
    if guild is None or isinstance(channel, discord.DMChannel | discord.GroupChannel | None):
        return ()
    return lacking(channel.permissions_for(guild.default_role), NEEDED_BY_MEMBERS)


def _missing_for_alerts(interaction: discord.Interaction, channel_id: str | None) -> tuple[str, ...] | None:
    """Return what the bot lacks in the channel for alerts; None if it is gone, or none was chosen."""
    guild = interaction.guild
    channel = None if guild is None or channel_id is None else guild.get_channel_or_thread(int(channel_id))
    return None if channel is None else missing_permissions_in(channel)
