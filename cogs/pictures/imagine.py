"""`/imagine`: a member's words, and perhaps a reference, become a request.

Owns the command that asks for a picture. Never imports anything of ours but catalog, desk, jobs, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.catalog import QWEN_IMAGE
from bot.jobs import Reference, Request
from cogs.ground.wording import format_name, size_name
from cogs.pictures.desk import destination_of

if TYPE_CHECKING:
    from cogs.pictures.desk import Desk

MODEL: Final = QWEN_IMAGE
SIZE_CHOICES: Final = [app_commands.Choice(name=size_name(size), value=size) for size in MODEL.sizes]
FORMAT_CHOICES: Final = [app_commands.Choice(name=format_name(name), value=name) for name in MODEL.formats]


class Imagine(commands.Cog):
    """Hands requests to the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(
        description="Paint a picture from your words, and from a reference if you attach one"
    )
    @app_commands.describe(
        prompt="What you would like to see",
        size="The shape of the picture",
        file_format="The kind of file",
        reference="A picture to work from, such as a PNG, JPEG or WebP",
    )
    @app_commands.rename(file_format="format")
    @app_commands.choices(size=SIZE_CHOICES, file_format=FORMAT_CHOICES)
    async def imagine(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MODEL.prompt_limit],
        size: str = MODEL.sizes[0],
        file_format: str = MODEL.formats[0],
        reference: discord.Attachment | None = None,
    ) -> None:
        """Read the event, hand it to the desk."""
        request = Request(
            destination=destination_of(interaction),
            prompt=prompt,
            model=MODEL.model_id,
            size=size,
            format=file_format,
            reference=_reference(reference),
        )
        await self._desk.take(interaction, request)


def _reference(attachment: discord.Attachment | None) -> Reference | None:
    if attachment is None:
        return None
    return Reference(
        url=attachment.url,
        filename=attachment.filename,
        content_type=attachment.content_type,
        size_bytes=attachment.size,
    )
