"""Commands some of whose options are left out, and whose attachments are pictures.

discord.py 2.7 has neither, so what is sent is completed. Of an attachment clients look at the name alone, and
older ones at nothing: every file is still judged when it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.domain.attachments import UPLOAD_FILE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    _Callback = Callable[..., Coroutine[Any, Any, None]]


class TrimmedCommand(app_commands.Command[Any, ..., Any]):
    """A command some of whose options Discord may not be told of, and whose attachments are pictures."""

    left_out: frozenset[str] = frozenset()
    """The names of options that members do not see; a client that still sends one is answered."""

    @classmethod
    def command(
        cls, *, description: str, name: str | None = None, extras: dict[Any, Any] | None = None
    ) -> Callable[[_Callback], TrimmedCommand]:
        """Do what `app_commands.command` does."""

        def decorator(function: _Callback) -> TrimmedCommand:
            return cls(
                name=name or function.__name__,
                description=description,
                callback=function,
                extras=extras or {},
            )

        return decorator

    def to_dict(self, tree: app_commands.CommandTree[Any]) -> dict[str, Any]:
        """Return the payload with the types, without the options that are left out.

        https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-structure
        """
        return self._completed(super().to_dict(tree))

    async def get_translated_payload(
        self, tree: app_commands.CommandTree[Any], translator: app_commands.Translator
    ) -> dict[str, Any]:
        """Return that payload in all languages."""
        return self._completed(await super().get_translated_payload(tree, translator))

    def _completed(self, payload: dict[str, Any]) -> dict[str, Any]:
        payload["options"] = [each for each in payload["options"] if each["name"] not in self.left_out]
        for option in payload["options"]:
            if option["type"] == discord.AppCommandOptionType.attachment.value:
                option["file_types"] = list(UPLOAD_FILE_TYPES)
        return payload
