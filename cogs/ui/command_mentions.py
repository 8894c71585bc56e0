"""Mentions of commands, which open the command at a click: `</limits show:1234567890123456789>`.

https://discord.com/developers/docs/reference#message-formatting-formats
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
import structlog

from bot.discord_client.errors import API_ERRORS

if TYPE_CHECKING:
    from bot.discord_client.client import KuasClient

log = structlog.get_logger(__name__)


class CommandMentions:
    """Makes mentions. The ids are asked for once, since commands are synced only when they have changed."""

    def __init__(self, client: KuasClient) -> None:
        self._client = client
        self._ids: dict[str, int] = {}

    async def load(self) -> None:
        """Ask Discord for the ids of the commands, unless they are known. Never raises."""
        if self._ids:
            return
        try:
            found = await self._client.tree.fetch_commands()
        except API_ERRORS as error:
            log.info("ids of commands unknown", error=str(error))
            return
        self._ids = {
            command.name: command.id for command in found if command.type is discord.AppCommandType.chat_input
        }

    def of(self, *names: str) -> str:
        """Return the mention of a command by its English names, such as `"limits", "show"`.

        While its id is not known, the name as code. A group itself cannot be mentioned, only its commands.
        """
        command, command_id = " ".join(names), self._ids.get(names[0])
        return f"`/{command}`" if command_id is None else f"</{command}:{command_id}>"
