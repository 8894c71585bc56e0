"""`/presets`: words that a server's admins put around those of members, by a name.

Owns the commands about presets. Never imports anything of ours but cards, folding, guards, imagine, jobs,
presets, text, tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.jobs import Preset
from bot.domain.text_folding import fold
from bot.guilds.presets import MOST_PRESETS, NAME_LIMIT, WORDS_LIMIT
from cogs.imagine.command import SIZE_CHOICES, preset_choices
from cogs.text.escaping import harmless, plain
from cogs.text.terms import mention, size_name
from cogs.text.translation import say
from cogs.ui.context import guild_id_of, require_manage_guild
from cogs.ui.layout import as_many, card, small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.guilds.presets import GuildPreset, Presets

LIST_UNITS: Final = 3200
WORDS_SHOWN: Final = 120


class PresetCommands(
    commands.GroupCog, group_name="presets", group_description="Words that this server puts around yours"
):
    """Shows presets to everybody, and lets admins change them."""

    def __init__(self, presets: Presets) -> None:
        self._presets = presets

    @app_commands.command(name="show", description="Show the presets of this server")
    async def show(self, interaction: discord.Interaction) -> None:
        """All of them, as far as a card holds."""
        found = await self._presets.in_force(guild_id_of(interaction))
        await interaction.response.send_message(view=presets_card(found), ephemeral=True)

    @app_commands.command(description="Save a preset under a name, in place of an older one of that name")
    @app_commands.describe(
        name="What members choose it by",
        before="Words that come before a member's own",
        after="Words that come after a member's own",
        size="The shape of its pictures, unless a member chooses one",
    )
    @app_commands.choices(size=SIZE_CHOICES)
    async def save(
        self,
        interaction: discord.Interaction,
        name: app_commands.Range[str, 1, NAME_LIMIT],
        before: app_commands.Range[str, 1, WORDS_LIMIT] = "",
        after: app_commands.Range[str, 1, WORDS_LIMIT] = "",
        size: str | None = None,
    ) -> None:
        """It needs a name that can be compared, and words or a size."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        preset = Preset(plain(name, NAME_LIMIT), plain(before, WORDS_LIMIT), plain(after, WORDS_LIMIT))
        if not fold(preset.name):
            answer = card(say("Give the preset a name with letters or numbers in it."))
        elif not (preset.before or preset.after or size):
            answer = card(say("Give the preset words before or after those of members, or a size."))
        elif await self._presets.save(
            guild_id, preset, size, set_by=interaction.user.id, interaction_id=interaction.id
        ):
            answer = saved_card(preset, size)
        else:
            answer = card(
                say(
                    "This server has {n} presets, and more are not possible. Remove one first.",
                    n=MOST_PRESETS,
                )
            )
        await interaction.response.send_message(view=answer, ephemeral=True)

    @app_commands.command(description="Remove a preset; pictures painted with it stay as they are")
    @app_commands.describe(name="Which one")
    async def remove(
        self, interaction: discord.Interaction, name: app_commands.Range[str, 1, NAME_LIMIT]
    ) -> None:
        """The name may be typed in any way that compares as the same."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        ended = await self._presets.remove(
            guild_id, name, set_by=interaction.user.id, interaction_id=interaction.id
        )
        if ended is None:
            answer = card(say("There is no such preset here. `/presets show` lists them."))
        else:
            answer = card(
                say("The preset **{name}** is removed.", name=harmless(ended.preset.name, NAME_LIMIT))
            )
        await interaction.response.send_message(view=answer, ephemeral=True)

    @remove.autocomplete("name")
    async def names(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Those that are there."""
        return await preset_choices(self._presets, interaction.guild_id, typed)


def presets_card(presets: Sequence[GuildPreset]) -> ui.LayoutView:
    """Every preset with its words, as many as there is room for."""
    if not presets:
        return card(
            f"### {say('Presets')}",
            say("This server has none. Somebody with Manage Server can make one with `/presets save`."),
        )
    return card(
        f"### {say('Presets')}",
        "\n".join(as_many([_line(each) for each in presets], LIST_UNITS)),
        small(say("Choose one with `/imagine`, option `preset`.")),
    )


def saved_card(preset: Preset, size: str | None) -> ui.LayoutView:
    """What members get when they choose it."""
    return card(
        f"### {say('The preset is saved')}",
        f"**{harmless(preset.name, NAME_LIMIT)}**: {_words(preset, size)}",
        small(say("Pictures that are painted already stay as they are.")),
    )


def _line(each: GuildPreset) -> str:
    words = _words(each.preset, each.size)
    by = say("by {member}", member=mention(each.set_by))
    return f"- **{harmless(each.preset.name, NAME_LIMIT)}**: {words} · {by}"


def _words(preset: Preset, size: str | None) -> str:
    before, after = (harmless(part, WORDS_SHOWN) for part in (preset.before, preset.after))
    around = " ".join(filter(None, (before, f"*{say('your words')}*", after)))
    return f"{around} · {size_name(size)}" if size else around
