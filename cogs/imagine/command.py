"""`/imagine`: submit a prompt, or show a form for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.image_models import PROMPT_LIMIT  # noqa: TC001  # discord.py evaluates the annotations
from bot.domain.jobs import MOST_PICTURES, Reference, RequestOptions
from bot.domain.model_settings import SETTINGS_LIMIT
from bot.guilds.presets import NAME_LIMIT
from cogs.imagine.model_choices import MODELS_UNITS, models_of, offer_options
from cogs.text.escaping import single_line
from cogs.ui.commands import TrimmedCommand
from cogs.ui.context import destination_of
from cogs.ui.discord_limits import CHOICE_UNITS, autocomplete_choices

if TYPE_CHECKING:
    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.presets import PresetStore
    from cogs.imagine.draft_cards import DraftCards
    from cogs.imagine.model_choices import ModelCompletion
    from cogs.imagine.submission import Submission


class Imagine(commands.Cog):
    """The command `/imagine`."""

    def __init__(
        self,
        submission: Submission,
        draft_cards: DraftCards,
        presets: PresetStore,
        catalog: ModelCatalog,
        model_completion: ModelCompletion,
    ) -> None:
        offer_options(self.imagine, catalog)
        self._catalog = catalog
        self._model_completion = model_completion
        self._submission = submission
        self._draft_cards = draft_cards
        self._presets = presets

    @TrimmedCommand.command(
        description="Paint a picture from your words, and from a reference if you attach one"
    )
    @app_commands.describe(
        prompt="What you would like to see; without it, a form opens",
        reference="A picture to work from, such as a PNG, JPEG or WebP",
        reference2="A second picture to work from",
        reference3="A third picture to work from",
        reference4="A fourth picture to work from",
        model="Which model paints it",
        size="The shape of the picture",
        settings="Settings of the model, such as seed=42, quality=high",
        pictures="How many pictures, each painted on its own",
        models="Two to four models to compare, separated by commas",
        preset="Words that this server's admins put around yours",
        file_format="The kind of file",
        private="Only you see the picture; you can show it later",
        spoiler="Hide the picture until somebody clicks on it",
    )
    @app_commands.rename(file_format="format")
    async def imagine(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, PROMPT_LIMIT] | None = None,
        reference: discord.Attachment | None = None,
        reference2: discord.Attachment | None = None,
        reference3: discord.Attachment | None = None,
        reference4: discord.Attachment | None = None,
        model: app_commands.Range[str, 1, CHOICE_UNITS] | None = None,
        size: str | None = None,
        settings: app_commands.Range[str, 1, SETTINGS_LIMIT] | None = None,
        pictures: app_commands.Range[int, 1, MOST_PICTURES] = 1,
        models: app_commands.Range[str, 1, MODELS_UNITS] | None = None,
        preset: app_commands.Range[str, 1, NAME_LIMIT] | None = None,
        file_format: str | None = None,
        private: bool | None = None,  # noqa: FBT001  # an option of the command
        spoiler: bool = False,  # noqa: FBT001, FBT002  # same
    ) -> None:
        """Submit the request, or show a form if there is no prompt."""
        attached = (reference, reference2, reference3, reference4)
        compared = models_of(self._catalog, model, models)
        options = RequestOptions(
            destination=destination_of(interaction),
            prompt=prompt or "",
            model=next(iter(compared), None),
            size=size,
            format=file_format,
            private=private,
            references=tuple(_reference(each) for each in attached if each is not None),
            spoiler=spoiler,
            preset=None if preset is None else single_line(preset, 2 * NAME_LIMIT),
            settings=single_line(settings or "", 2 * SETTINGS_LIMIT),
            pictures=pictures,
            models=compared if len(compared) > 1 else (),
        )
        if prompt is None:
            await self._draft_cards.begin(interaction, options)
        else:
            await self._submission.submit(interaction, options)

    @imagine.autocomplete("model")
    async def model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a model; those that the member cannot use now come last, with the reason."""
        return await self._model_completion.choices(interaction, typed)

    @imagine.autocomplete("models")
    async def models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of the last of several models."""
        return await self._model_completion.compared(
            interaction, getattr(interaction.namespace, "model", None), typed
        )

    @imagine.autocomplete("settings")
    async def settings(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the settings of the models that are chosen so far, or of the default."""
        model, models, preset = (
            getattr(interaction.namespace, name, None) for name in ("model", "models", "preset")
        )
        return await self._model_completion.settings(
            interaction, models_of(self._catalog, model, models), preset, typed
        )

    @imagine.autocomplete("preset")
    async def presets(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a preset."""
        return await preset_choices(self._presets, interaction.guild_id, typed)


async def preset_choices(
    presets: PresetStore, guild_id: int | None, typed: str
) -> list[app_commands.Choice[str]]:
    """Return the presets of a server whose name contains what was typed; none outside of servers."""
    if guild_id is None:
        return []
    names = [each.preset.name for each in await presets.active(guild_id)]
    return autocomplete_choices((name, name) for name in names if typed.casefold().strip() in name.casefold())


def _reference(attachment: discord.Attachment) -> Reference:
    return Reference(
        url=attachment.url,
        filename=attachment.filename,
        content_type=attachment.content_type,
        size_bytes=attachment.size,
    )
