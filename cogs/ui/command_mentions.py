"""Mentions of slash commands, which open the command at a click.

https://discord.com/developers/docs/reference#message-formatting
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import discord
import structlog

from bot.discord_client.errors import API_ERRORS
from bot.domain.ids import ALL_GUILDS
from cogs.text.translation import command_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from discord import app_commands

log = structlog.get_logger(__name__)

FETCH_SECONDS: Final = 1.5
"""An answer has to be sent within 3 seconds."""


class CommandMentions:
    """Mentions commands by the ids that Discord gave them.

    The ids are asked for at the first use, since a start whose commands have not changed does not learn them,
    and kept as long as the process runs, which is as long as the commands stay the same.
    """

    def __init__(self, tree: app_commands.CommandTree[Any]) -> None:
        self._tree = tree
        self._ids: dict[int, Mapping[str, int]] = {}

    async def load(self, guild_id: int = ALL_GUILDS) -> Callable[[str], str]:
        """Return a function for the mention of a command such as `limits show`.

        The commands are those of all servers, or those that one server has alone. A command whose id is not
        known is named in the current language and cannot be clicked. Never raises.
        """
        if guild_id not in self._ids:
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._ids[guild_id] = await self._fetch(guild_id)
            except API_ERRORS as error:
                log.info("ids of commands not known", guild_id=guild_id, error=str(error))
        ids = self._ids.get(guild_id, {})
        return lambda name: mention_command(name, ids)

    async def _fetch(self, guild_id: int) -> dict[str, int]:
        guild = discord.Object(guild_id) if guild_id else None
        synced = await self._tree.fetch_commands(guild=guild)
        return {each.name: each.id for each in synced if each.type is discord.AppCommandType.chat_input}


def mention_command(name: str, ids: Mapping[str, int]) -> str:
    """Return the mention of a command by the id of its first word; else its name, translated."""
    command_id = ids.get(name.partition(" ")[0])
    if command_id is None:
        return f"`/{' '.join(map(command_name, name.split()))}`"
    return f"</{name}:{command_id}>"
