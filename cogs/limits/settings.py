"""`/limits timezone`, `alerts` and `confirm`: settings of a server that concern its credits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.limits import MAX_COMMAND_CREDITS  # noqa: TC001  # read from the annotations by discord.py
from bot.guilds.settings import GuildSetting
from cogs.limits import settings_views, timezones
from cogs.text.escaping import escape
from cogs.ui.context import guild_id_of, missing_permissions_in, require_manage_guild
from cogs.ui.layout import build_view

if TYPE_CHECKING:
    from bot.credits.ledger import Ledger
    from bot.guilds.settings import GuildSettingsStore


class GuildSettings(commands.Cog):
    """Changes the settings of a server; the audit log shows each change."""

    def __init__(self, guilds: GuildSettingsStore, ledger: Ledger) -> None:
        self._guild_settings = guilds
        self._ledger = ledger
        timezones.zones()  # read from the disk now, not while somebody types

    @app_commands.command(description="Set the time zone in which this server's days, weeks and months begin")
    @app_commands.describe(zone="A city of it, such as Europe/Berlin")
    async def timezone(self, interaction: discord.Interaction, zone: str) -> None:
        """Set the time zone; the current period, too, is counted in it from now on."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        name = timezones.zone_named(zone)
        if name is None:
            view = build_view(settings_views.unknown_zone(escape(zone, timezones.ZONE_UNITS)))
        else:
            change = await self._guild_settings.change(
                guild_id,
                GuildSetting.TIMEZONE,
                name,
                set_by=interaction.user.id,
                interaction_id=interaction.id,
            )
            note = settings_views.zone_note(await self._ledger.usage(guild_id))
            view = settings_views.changed_view(GuildSetting.TIMEZONE, change, note)
        await interaction.response.send_message(view=view, ephemeral=True)

    @timezone.autocomplete("zone")
    async def zones(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer time zones to anybody, since their names are no secret."""
        return timezones.zone_choices(typed)

    @app_commands.command(
        description="Choose where alerts about this server's limit go; without a channel, nowhere"
    )
    @app_commands.describe(channel="Where to post at 50, 80 and 100 percent")
    async def alerts(
        self, interaction: discord.Interaction, channel: discord.TextChannel | None = None
    ) -> None:
        """Set the channel for alerts, unless the bot cannot post there."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        missing = () if channel is None else missing_permissions_in(channel)
        if channel is not None and missing:
            view = build_view(settings_views.unusable_channel(channel.id, missing))
        else:
            change = await self._guild_settings.change(
                guild_id,
                GuildSetting.ALERT_CHANNEL,
                None if channel is None else str(channel.id),
                set_by=interaction.user.id,
                interaction_id=interaction.id,
            )
            view = settings_views.changed_view(GuildSetting.ALERT_CHANNEL, change)
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(
        description="Ask first before a picture that costs more than this; without it, never"
    )
    @app_commands.describe(above="Credits; 0 asks before every picture")
    async def confirm(
        self,
        interaction: discord.Interaction,
        above: app_commands.Range[int, 0, MAX_COMMAND_CREDITS] | None = None,
    ) -> None:
        """Set the price above which a member is asked before a picture is painted."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        change = await self._guild_settings.change(
            guild_id,
            GuildSetting.CONFIRM_ABOVE,
            None if above is None else str(above),
            set_by=interaction.user.id,
            interaction_id=interaction.id,
        )
        view = settings_views.changed_view(GuildSetting.CONFIRM_ABOVE, change)
        await interaction.response.send_message(view=view, ephemeral=True)
