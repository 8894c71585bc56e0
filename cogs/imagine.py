"""`/imagine`: a member's words, and perhaps a reference, become a request.

Owns the command that asks for a picture. Never imports anything of ours but answers, catalog, engine, guards,
jobs, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.catalog import QWEN_IMAGE
from bot.jobs import Destination, Reference, Request
from cogs.answers import Acceptance, acknowledge
from cogs.guards import channel_id_of, guild_id_of, missing_permissions
from cogs.wording import format_name, size_name

if TYPE_CHECKING:
    from bot.engine import Engine
    from bot.jobs import Job

MODEL: Final = QWEN_IMAGE
SIZE_CHOICES: Final = [app_commands.Choice(name=size_name(size), value=size) for size in MODEL.sizes]
FORMAT_CHOICES: Final = [app_commands.Choice(name=format_name(name), value=name) for name in MODEL.formats]


class Imagine(commands.Cog):
    """Hands requests to the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        """Submit, then tell Discord, then start: in this order a lost answer costs nothing."""
        request = Request(
            destination=_destination(interaction),
            prompt=prompt,
            model=MODEL.model_id,
            size=size,
            format=file_format,
            reference=_reference(reference),
        )
        job = await self._engine.submit(request, missing_permissions=missing_permissions(interaction))
        if job is not None:
            await self._begin(interaction, job)

    async def _begin(self, interaction: discord.Interaction, job: Job) -> None:
        private = job.request.destination.private
        acknowledgement = await acknowledge(interaction, private=private)
        match acknowledgement.acceptance:
            case Acceptance.KNOWN:
                self._engine.start(job, answered=True, message_id=acknowledgement.message_id)
            case Acceptance.LOST:
                await self._engine.abandon(job)
            case Acceptance.UNCLEAR:
                # Unacknowledged: the engine asks Discord for our answer before anything is spent.
                self._engine.start(job)


def _destination(interaction: discord.Interaction) -> Destination:
    return Destination(
        guild_id=guild_id_of(interaction),
        channel_id=channel_id_of(interaction),
        user_id=interaction.user.id,
        application_id=interaction.application_id,
        interaction_id=interaction.id,
        interaction_token=interaction.token,
        upload_limit_bytes=interaction.filesize_limit,
        locale=str(interaction.locale),
    )


def _reference(attachment: discord.Attachment | None) -> Reference | None:
    if attachment is None:
        return None
    return Reference(
        url=attachment.url,
        filename=attachment.filename,
        content_type=attachment.content_type,
        size_bytes=attachment.size,
    )
