"""`/imagine`: a member's words, and perhaps a reference, become a request; without words, a form asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import QWEN_IMAGE
from bot.domain.jobs import Reference, Request
from bot.guilds.presets import NAME_LIMIT  # noqa: TC001  # read from the annotations by discord.py
from cogs.text.terms import FORMATS, SIZES
from cogs.ui.context import destination_of
from cogs.ui.discord_limits import autocomplete_choices

if TYPE_CHECKING:
    from bot.guilds.presets import PresetStore
    from bot.jobs.member_defaults import MemberDefaultsStore
    from cogs.imagine.compose import ComposeForms
    from cogs.imagine.rejection import RejectedRequests
    from cogs.imagine.submission import Submission

MODEL: Final = QWEN_IMAGE
SIZE_CHOICES: Final = [
    app_commands.Choice(name=app_commands.locale_str(SIZES[size]), value=size) for size in MODEL.sizes
]
FORMAT_CHOICES: Final = [
    app_commands.Choice(name=app_commands.locale_str(FORMATS[name]), value=name) for name in MODEL.formats
]


class Imagine(commands.Cog):
    """Hands requests to the desk, and requests without words to the composer."""

    def __init__(
        self,
        submission: Submission,
        compose_forms: ComposeForms,
        rejected_requests: RejectedRequests,
        presets: PresetStore,
        member_defaults: MemberDefaultsStore,
    ) -> None:
        self._submission = submission
        self._rejected_requests = rejected_requests
        self._compose_forms = compose_forms
        self._presets = presets
        self._member_defaults = member_defaults

    @app_commands.command(
        description="Paint a picture from your words, and from a reference if you attach one"
    )
    @app_commands.describe(
        prompt="What you would like to see; without it, a form opens",
        reference="A picture to work from, such as a PNG, JPEG or WebP",
        size="The shape of the picture",
        preset="Words that this server's admins put around yours",
        file_format="The kind of file",
        private="Only you see the picture; you can show it later",
        spoiler="Hide the picture until somebody clicks on it",
    )
    @app_commands.rename(file_format="format")
    @app_commands.choices(size=SIZE_CHOICES, file_format=FORMAT_CHOICES)
    async def imagine(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MODEL.prompt_limit] | None = None,
        reference: discord.Attachment | None = None,
        size: str | None = None,
        preset: app_commands.Range[str, 1, NAME_LIMIT] | None = None,
        file_format: str | None = None,
        private: bool | None = None,  # noqa: FBT001  # an option of the command
        spoiler: bool = False,  # noqa: FBT001, FBT002  # likewise
    ) -> None:
        """Read the event, fill in what the member likes, hand it on."""
        likes = await self._member_defaults.get(interaction.user.id)
        chosen = None if preset is None else await self._presets.find(interaction.guild_id or 0, preset)
        hidden = private if private is not None else bool(likes.private)
        request = Request(
            destination=destination_of(interaction, private=hidden),
            prompt=prompt or "",
            model=MODEL.model_id,
            size=size or (chosen.size if chosen else None) or likes.size or MODEL.sizes[0],
            format=file_format or likes.format or MODEL.formats[0],
            reference=_reference(reference),
            spoiler=spoiler,
            preset=chosen.preset if chosen else None,
        )
        if preset is not None and chosen is None:
            unknown = MemberError(MemberReason.PRESET_UNKNOWN, name=preset)
            await self._rejected_requests.offer_retry(interaction, request, unknown)
        elif prompt is None:
            await self._compose_forms.open(interaction, request)
        else:
            await self._submission.submit(interaction, request)

    @imagine.autocomplete("preset")
    async def presets(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Those of this server whose name holds what was typed."""
        return await preset_choices(self._presets, interaction.guild_id, typed)


async def preset_choices(
    presets: PresetStore, guild_id: int | None, typed: str
) -> list[app_commands.Choice[str]]:
    """The presets of a server whose name holds what was typed; none outside of servers."""
    if guild_id is None:
        return []
    names = [each.preset.name for each in await presets.active(guild_id)]
    return autocomplete_choices((name, name) for name in names if typed.casefold().strip() in name.casefold())


def _reference(attachment: discord.Attachment | None) -> Reference | None:
    if attachment is None:
        return None
    return Reference(
        url=attachment.url,
        filename=attachment.filename,
        content_type=attachment.content_type,
        size_bytes=attachment.size,
    )
