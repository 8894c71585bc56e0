"""Logging in to Discord: what can be seen without being connected, and what may be wrong with it."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
import discord
from discord import app_commands

from bot.domain.errors import OperatorError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NEEDED: Final = ("view_channel", "send_messages", "attach_files")
"""What a picture needs, once the token of its interaction has died."""


class LoginSession:
    """What a bot sees that has logged in and is not connected."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    @property
    def name(self) -> str:
        """The bot's name."""
        return str(self._client.user)

    async def commands(self) -> list[str]:
        """The names of the commands that Discord has for all servers.

        Raises:
            OperatorError, TransientError: as `translate_errors`.
        """
        with translate_errors():
            commands = await app_commands.CommandTree(self._client).fetch_commands()
        return sorted(command.name for command in commands)

    async def guild_name(self, guild_id: int) -> str:
        """The name of a server that the bot is in.

        Raises:
            OperatorError, TransientError: as `translate_errors`; also where the bot is not in it.
        """
        with translate_errors():
            return (await self._client.fetch_guild(guild_id, with_counts=False)).name

    async def missing_permissions(self, channel_id: int) -> tuple[str, ...]:
        """What the bot may not do in a channel, of what it needs there.

        Raises:
            OperatorError, TransientError: as `translate_errors`; also where it cannot see the channel.
        """
        with translate_errors():
            seen = await self._client.fetch_channel(channel_id)
            if isinstance(seen, discord.abc.PrivateChannel):
                raise OperatorError("discord", f"{channel_id} is not a channel of a server")
            # Again through the server: roles are known only there.
            guild = await self._client.fetch_guild(seen.guild.id, with_counts=False)
            channel = await guild.fetch_channel(channel_id)
            assert self._client.user is not None  # logged in
            permissions = channel.permissions_for(await guild.fetch_member(self._client.user.id))
        return tuple(name for name in NEEDED if not getattr(permissions, name))


@asynccontextmanager
async def open_login(token: str) -> AsyncIterator[LoginSession]:
    """Log in, without connecting.

    Raises:
        OperatorError: `discord`: the token is refused, or interactions go elsewhere.
        TransientError: Discord is out of reach.
    """
    async with discord.Client(intents=discord.Intents.none()) as client:
        with translate_errors():
            await client.login(token)
            check_application(client.application)
        yield LoginSession(client)


def check_application(application: discord.AppInfo | None) -> None:
    """See that Discord sends the commands here.

    Raises:
        OperatorError: `discord`; it sends them to an address.
    """
    if application is not None and application.interactions_endpoint_url:
        raise OperatorError(
            "discord",
            "the application has an Interactions Endpoint URL, so no command reaches this bot;"
            " clear it at https://discord.com/developers/applications",
        )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Say in our own errors what goes wrong inside.

    Raises:
        OperatorError: `discord`: somebody must act in the portal or in the settings.
        TransientError: Discord is out of reach, or asks us to wait.
    """
    try:
        yield
    except discord.LoginFailure as error:
        raise OperatorError("discord", "Discord refuses the token") from error
    except (discord.ConnectionClosed, discord.PrivilegedIntentsRequired) as error:
        raise OperatorError("discord", f"Discord ended the connection for good: {error}") from error
    except discord.HTTPException as error:
        if is_transient(error):
            raise TransientError(f"Discord answers {error.status}") from error
        raise OperatorError("discord", f"Discord refuses: {error}") from error
    except (discord.GatewayNotFound, aiohttp.ClientError, OSError) as error:
        raise TransientError(f"Discord is out of reach: {error}") from error


def is_transient(error: discord.HTTPException) -> bool:
    """Whether Discord is in trouble or wants us to wait, so that the same call may work later."""
    return error.status == 429 or error.status >= 500  # noqa: PLR2004  # HTTP's own numbers
