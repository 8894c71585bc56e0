"""`/defaults`: how a member likes pictures to be, where they say nothing else.

Owns the commands about a member's defaults. Never imports anything of ours but cards, habits, imagine,
tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.jobs.member_defaults import Habit
from cogs.imagine.command import FORMAT_CHOICES, SIZE_CHOICES
from cogs.text.terms import format_name, size_name
from cogs.text.translation import say
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    import discord
    from discord import ui

    from bot.jobs.member_defaults import Habits


class Defaults(
    commands.GroupCog, group_name="defaults", group_description="How you like your pictures to be, everywhere"
):
    """Shows and changes one's own defaults, privately."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits

    @app_commands.command(description="Show how your pictures are painted where you say nothing else")
    async def show(self, interaction: discord.Interaction) -> None:
        """As they are."""
        habit = await self._habits.of(interaction.user.id)
        await interaction.response.send_message(view=defaults_card(habit), ephemeral=True)

    @app_commands.command(
        name="set", description="Choose how your pictures are painted; what you leave out stays"
    )
    @app_commands.describe(
        size="The shape of the picture",
        file_format="The kind of file",
        private="Only you see the picture; you can show it later",
    )
    @app_commands.rename(file_format="format")
    @app_commands.choices(size=SIZE_CHOICES, file_format=FORMAT_CHOICES)
    async def change(
        self,
        interaction: discord.Interaction,
        size: str | None = None,
        file_format: str | None = None,
        private: bool | None = None,  # noqa: FBT001  # an option of the command
    ) -> None:
        """Only what was chosen changes."""
        habit = await self._habits.of(interaction.user.id)
        habit = Habit(
            size=size or habit.size,
            format=file_format or habit.format,
            private=habit.private if private is None else private,
        )
        await self._habits.change(interaction.user.id, habit)
        await interaction.response.send_message(view=defaults_card(habit), ephemeral=True)

    @app_commands.command(description="Forget your defaults: pictures are painted as this bot does it")
    async def clear(self, interaction: discord.Interaction) -> None:
        """Back to the bot's own."""
        await self._habits.change(interaction.user.id, Habit())
        await interaction.response.send_message(view=defaults_card(Habit()), ephemeral=True)


def defaults_card(habit: Habit) -> ui.LayoutView:
    """What a member likes; the rest is the bot's own."""
    own = say("as this bot does it")
    private = own if habit.private is None else say("only for you") if habit.private else say("for everybody")
    lines = (
        say("Size: {size}", size=own if habit.size is None else size_name(habit.size)),
        say("Kind of file: {kind}", kind=own if habit.format is None else format_name(habit.format)),
        say("Who sees it: {who}", who=private),
    )
    return card(
        f"### {say('Your defaults')}",
        "\n".join(f"- {line}" for line in lines),
        small(say("They hold in every server; what you choose in `/imagine` beats them.")),
    )
