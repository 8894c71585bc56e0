"""`/presets`: named texts of a server's admins that are put around members' prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.access import WORD_LIMIT, blocked_words
from bot.domain.jobs import Preset
from bot.domain.model_settings import SETTINGS_LIMIT, split
from bot.domain.text_folding import fold_text
from bot.guilds.presets import MAX_PRESETS, NAME_LIMIT, TEXT_LIMIT, GuildPreset
from cogs.imagine.command import preset_choices
from cogs.imagine.model_choices import (
    complete_model,
    complete_settings,
    offer_options,
    require_settings,
    settable_anywhere,
)
from cogs.text.escaping import escape, single_line
from cogs.text.setting_messages import settings_text
from cogs.text.terms import known_model_name, mention, size_name
from cogs.text.translation import gettext
from cogs.ui.commands import TrimmedCommand
from cogs.ui.context import MANAGERS_ONLY, guild_id_of, require_manage_guild
from cogs.ui.discord_limits import CHOICE_UNITS  # noqa: TC001  # read from the annotations by discord.py
from cogs.ui.layout import build_view, fit_lines, subtext
from cogs.ui.model_names import find_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.access_rules import AccessRuleStore
    from bot.guilds.presets import PresetStore

LIST_UNITS: Final = 3200
MOST_TOLD: Final = 20
"""How many blocked words in a preset fit into the answer; of others its admin is not told."""
WORDS_SHOWN: Final = 120


class PresetCommands(
    commands.GroupCog, group_name="presets", group_description="Words that this server puts around yours"
):
    """Shows presets to everybody; members with Manage Server change them."""

    def __init__(self, presets: PresetStore, access_rules: AccessRuleStore, catalog: ModelCatalog) -> None:
        offer_options(self.save, catalog)
        self._catalog = catalog
        self._presets = presets
        self._access_rules = access_rules

    @app_commands.command(name="show", description="Show the presets of this server")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the presets, as many as fit into a view."""
        found = await self._presets.active(guild_id_of(interaction))
        await interaction.response.send_message(view=presets_view(found), ephemeral=True)

    @TrimmedCommand.command(
        description="Save a preset under a name, in place of an older one of that name",
        extras={MANAGERS_ONLY: True},
    )
    @app_commands.describe(
        name="The name by which members choose it",
        before="Words that come before a member's own",
        after="Words that come after a member's own",
        model="The model of its pictures, unless a member chooses one",
        size="The shape of its pictures, unless a member chooses one",
        settings="Settings of the model, such as seed=42, quality=high",
    )
    async def save(
        self,
        interaction: discord.Interaction,
        name: app_commands.Range[str, 1, NAME_LIMIT],
        before: app_commands.Range[str, 1, TEXT_LIMIT] = "",
        after: app_commands.Range[str, 1, TEXT_LIMIT] = "",
        model: app_commands.Range[str, 1, CHOICE_UNITS] | None = None,
        size: str | None = None,
        settings: app_commands.Range[str, 1, SETTINGS_LIMIT] | None = None,
    ) -> None:
        """Save a preset, whose name needs a letter, digit or emoji, and which needs more than a name.

        An admin is told which blocked words are in it; only then members may use it in spite of them.

        Raises:
            MemberError: GUILD_ONLY, NOT_ALLOWED; MODEL_UNAVAILABLE; SETTINGS_REFUSED, the model, or no model
                on offer, takes all settings.
            OperatorError: `database`.
        """
        guild_id = require_manage_guild(interaction)
        typed = single_line(settings or "", 2 * SETTINGS_LIMIT)
        found = None if model is None else self._catalog.require(find_model(self._catalog, model))
        require_settings(self._catalog.offered if found is None else (found,), typed)
        model_id = None if found is None else found.model_id
        # No character is more than two units, so nothing is cut here.
        preset = Preset(
            single_line(name, 2 * NAME_LIMIT),
            single_line(before, 2 * TEXT_LIMIT),
            single_line(after, 2 * TEXT_LIMIT),
        )
        answer, told = await self._save(
            interaction, guild_id, GuildPreset(preset, size, 0, 0, typed, model_id)
        )
        await interaction.response.send_message(view=answer, ephemeral=True)
        if told:  # they have been told now
            await self._presets.record_known_words(interaction.id, told)

    async def _save(
        self, interaction: discord.Interaction, guild_id: int, each: GuildPreset
    ) -> tuple[ui.LayoutView, list[str]]:
        """Save a preset; returns the answer, and the blocked words that it names."""
        if problem := self._problem(each):
            return build_view(problem), []
        blocked = await self._blocked_words(guild_id, each.preset)
        if await self._presets.save(
            guild_id,
            each.preset,
            each.size,
            set_by=interaction.user.id,
            interaction_id=interaction.id,
            settings=each.settings,
            model=each.model,
        ):
            return saved_view(each, blocked), blocked
        text = gettext(
            "This server has {n} presets, and more are not possible. Remove one first.", n=MAX_PRESETS
        )
        return build_view(text), []

    def _problem(self, each: GuildPreset) -> str:
        """Return why a preset cannot be saved; empty if it can."""
        preset = each.preset
        if not fold_text(preset.name):
            return gettext("Give the preset a name with letters, numbers or emoji in it.")
        if preset.before or preset.after or each.model or each.size or each.settings:
            return ""
        if settable_anywhere(self._catalog):
            return gettext("Give the preset words before or after those of members, a size or settings.")
        return gettext("Give the preset words before or after those of members, or a size.")

    async def _blocked_words(self, guild_id: int, preset: Preset) -> list[str]:
        policy = await self._access_rules.policy(guild_id)
        parts = (preset.before, preset.after)
        found = dict.fromkeys(word for part in parts for word in blocked_words(part, policy))
        return list(found)[:MOST_TOLD]

    @app_commands.command(
        description="Remove a preset; pictures painted with it stay as they are",
        extras={MANAGERS_ONLY: True},
    )
    @app_commands.describe(name="Which preset")
    async def remove(
        self, interaction: discord.Interaction, name: app_commands.Range[str, 1, NAME_LIMIT]
    ) -> None:
        """Remove a preset; case, accents and punctuation of the name do not matter.

        Raises:
            MemberError: GUILD_ONLY, NOT_ALLOWED.
            OperatorError: `database`.
        """
        guild_id = require_manage_guild(interaction)
        removed = await self._presets.remove(
            guild_id,
            single_line(name, 2 * NAME_LIMIT),
            set_by=interaction.user.id,
            interaction_id=interaction.id,
        )
        if removed is None:
            answer = build_view(gettext("There is no such preset here. `/presets show` lists them."))
        else:
            answer = build_view(
                gettext("The preset **{name}** is removed.", name=escape(removed.preset.name, NAME_LIMIT))
            )
        await interaction.response.send_message(view=answer, ephemeral=True)

    @save.autocomplete("model")
    async def models(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a model, whatever the rules say of this admin."""
        return complete_model(self._catalog, typed)

    @save.autocomplete("settings")
    async def settings(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the settings of the model that is chosen so far, or of all on offer; from memory."""
        model = getattr(interaction.namespace, "model", None)
        found = None if model is None else self._catalog.find(find_model(self._catalog, model))
        return complete_settings(self._catalog.offered if found is None else (found,), typed)

    @remove.autocomplete("name")
    async def names(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a preset."""
        return await preset_choices(self._presets, interaction.guild_id, typed)


def presets_view(presets: Sequence[GuildPreset]) -> ui.LayoutView:
    """Show presets with their words, as many as fit."""
    if not presets:
        return build_view(
            f"### {gettext('Presets')}",
            gettext("This server has none. Someone with Manage Server can make one with `/presets save`."),
        )
    return build_view(
        f"### {gettext('Presets')}",
        "\n".join(fit_lines([_line(each) for each in presets], LIST_UNITS)),
        subtext(gettext("Choose one with `/imagine`, option `preset`.")),
    )


def saved_view(each: GuildPreset, blocked: Sequence[str] = ()) -> ui.LayoutView:
    """Confirm a preset, show what it makes of a prompt, and name the blocked words in it."""
    return build_view(
        f"### {gettext('The preset is saved')}",
        f"**{escape(each.preset.name, NAME_LIMIT)}**: {_words(each)}",
        _blocked_text(blocked) if blocked else "",
        subtext(gettext("Pictures that are painted already stay as they are.")),
    )


def _blocked_text(blocked: Sequence[str]) -> str:
    title = gettext(
        "These blocked words are in it. Members can use them with this preset from now on; to prevent that,"
        " save it without them or remove it:"
    )
    lines = [f"- “{escape(word, WORD_LIMIT)}”" for word in blocked]
    return "\n".join([title, *lines])


def _line(each: GuildPreset) -> str:
    words = _words(each)
    by = gettext("by {member}", member=mention(each.set_by))
    return f"- **{escape(each.preset.name, NAME_LIMIT)}**: {words} · {by}"


def _words(each: GuildPreset) -> str:
    before, after = (escape(part, WORDS_SHOWN) for part in (each.preset.before, each.preset.after))
    around = " ".join(filter(None, (before, f"*{gettext('your words')}*", after)))
    model = known_model_name(each.model) if each.model else ""
    more = (model, size_name(each.size) if each.size else "", settings_text(split(each.settings)))
    return " · ".join(filter(None, (around, *more)))
