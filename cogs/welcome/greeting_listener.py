"""Records which servers the bot is in, and has those greeted that it joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

from bot.guilds.greetings import JoinedGuild

if TYPE_CHECKING:
    import discord

    from bot.background.greeter import Greeter
    from bot.discord_client.client import KuasClient
    from bot.guilds.greetings import GreetingStore


class GreetingListener(commands.Cog):
    """Listens for servers that the bot joins or leaves; an outage of a server is neither."""

    def __init__(self, client: KuasClient, greetings: GreetingStore, greeter: Greeter) -> None:
        self._client = client
        self._greetings = greetings
        self._greeter = greeter

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Record what changed while the bot was down; a server in an outage is in the list all the same."""
        await self._greetings.present(self._joined(guild) for guild in self._client.guilds)
        self._greeter.check_soon()

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Have a new server greeted; discord.py also calls this for every server during its start."""
        if self._client.is_ready():
            await self._greetings.joined(guild.id)
            self._greeter.check_soon()

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Have a server greeted that the bot has joined during its outage."""
        await self.on_guild_join(guild)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a server that was not greeted."""
        await self._greetings.left(guild.id)

    def _joined(self, guild: discord.Guild) -> JoinedGuild:
        assert self._client.user is not None  # set by login, before any event
        me = guild.get_member(self._client.user.id)  # None in an outage
        joined_at = None if me is None else me.joined_at
        return JoinedGuild(guild.id, None if joined_at is None else round(joined_at.timestamp() * 1000))
