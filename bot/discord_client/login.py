"""Log in to Discord without connecting, and look at what the bot sees there: `python -m bot check`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.discord_client.errors import translate_errors
from bot.discord_client.permissions import invitation, lacking, needed_to_post
from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.network.connections import Network


class LoginSession:
    """A bot that has logged in and is not connected, so nothing is cached: every look is a request."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    @property
    def name(self) -> str:
        """The user name of the bot."""
        return str(self._client.user)

    @property
    def is_public(self) -> bool:
        """Whether everybody may add the bot to a server, not only its owner."""
        return self._application.bot_public

    @property
    def invitation(self) -> str:
        """The address that adds the bot to a server."""
        return invitation(self._application.id)

    @property
    def _application(self) -> discord.AppInfo:
        application = self._client.application
        assert application is not None  # logged in
        return application

    async def commands(self) -> list[str]:
        """Return the names of the commands that Discord has for all servers, sorted.

        Raises:
            OperatorError, TransientError: as `translate_errors`.
        """
        with translate_errors():
            commands = await app_commands.CommandTree(self._client).fetch_commands()
        return sorted(command.name for command in commands)

    async def guild_name(self, guild_id: int) -> str:
        """Return the name of a server that the bot is in.

        Raises:
            OperatorError, TransientError: as `translate_errors`; the former if the bot is not in it.
        """
        with translate_errors():
            return (await self._client.fetch_guild(guild_id, with_counts=False)).name

    async def missing_permissions(self, channel_id: int) -> tuple[str, ...]:
        """Return what the bot lacks to post pictures in a channel or thread.

        Raises:
            OperatorError, TransientError: as `translate_errors`; the former also if the bot cannot see the
                channel, or it is not in a server.
        """
        with translate_errors():
            seen = await self._client.fetch_channel(channel_id)
            if isinstance(seen, discord.abc.PrivateChannel):
                raise OperatorError("discord", f"{channel_id} is not a channel of a server")
            # Permissions are computed from the server's roles and, for a thread, from its parent.
            guild = await self._client.fetch_guild(seen.guild.id, with_counts=False)
            in_thread = isinstance(seen, discord.Thread)
            channel = await guild.fetch_channel(
                seen.parent_id if isinstance(seen, discord.Thread) else seen.id
            )
            assert isinstance(channel, discord.abc.GuildChannel)
            assert self._client.user is not None  # logged in
            member = await guild.fetch_member(self._client.user.id)
            # Not the channel's own method: it denies files where only its threads can be written in.
            permissions = discord.abc.GuildChannel.permissions_for(channel, member)
        return lacking(permissions, needed_to_post(in_thread=in_thread))


def cdn_file_url() -> str:
    """Return the URL of a small picture that Discord's CDN always has: the first default avatar.

    https://discord.com/developers/docs/reference#image-formatting-cdn-endpoints
    """
    return f"{discord.Asset.BASE}/embed/avatars/0.png"


@asynccontextmanager
async def open_login(token: str, network: Network) -> AsyncIterator[LoginSession]:
    """Log in; nothing is connected.

    Raises:
        OperatorError: `discord`: the token is refused, or interactions are sent to a URL.
        TransientError: Discord does not answer, or answers 429 or 5xx.
    """
    intents = discord.Intents.none()
    async with discord.Client(intents=intents, connector=network.connector()) as client:
        with translate_errors():
            await client.login(token)
            check_application(client.application)
        yield LoginSession(client)


def check_application(application: discord.AppInfo | None) -> None:
    """Check that Discord sends interactions through the gateway.

    Raises:
        OperatorError: `discord`; it sends them to a URL.
    """
    if application is not None and application.interactions_endpoint_url:
        raise OperatorError(
            "discord",
            "the application has an Interactions Endpoint URL, so no command reaches this bot;"
            " clear it at https://discord.com/developers/applications",
        )
