"""Records which servers the bot is in: what is kept of one is deleted some time after the bot left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

if TYPE_CHECKING:
    import discord

    from bot.discord_client.client import KuasClient
    from bot.privacy.guild_departures import GuildDepartures


class GuildDepartureListener(commands.Cog):
    """Listens for servers that the bot joins or leaves; an outage of a server is neither."""

    def __init__(self, client: KuasClient, departures: GuildDepartures) -> None:
        self._client = client
        self._departures = departures

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Record what changed while the bot was down; a server in an outage is in the list all the same."""
        await self._departures.present([guild.id for guild in self._client.guilds])

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Record that the bot was added; not sent at the end of an outage."""
        await self._departures.joined(guild.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record that the bot was removed; not sent at the beginning of an outage."""
        await self._departures.left(guild.id)
