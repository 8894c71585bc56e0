"""`/defaults`: the size, format and privacy of a member's pictures where a request leaves them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.jobs.member_defaults import MemberDefaults
from cogs.imagine.model_choices import offer_choices
from cogs.text.terms import format_name, size_name
from cogs.text.translation import gettext
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    import discord
    from discord import ui

    from bot.domain.model_catalog import ModelCatalog
    from bot.jobs.member_defaults import MemberDefaultsStore


class Defaults(
    commands.GroupCog, group_name="defaults", group_description="How you like your pictures to be, everywhere"
):
    """Shows and changes the member's own defaults in private messages."""

    def __init__(self, member_defaults: MemberDefaultsStore, catalog: ModelCatalog) -> None:
        offer_choices(self.change, catalog)
        self._member_defaults = member_defaults

    @app_commands.command(description="Show how your pictures are painted where you say nothing else")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the defaults."""
        defaults = await self._member_defaults.get(interaction.user.id)
        await interaction.response.send_message(view=defaults_view(defaults), ephemeral=True)

    @app_commands.command(
        name="set", description="Choose how your pictures are painted; what you leave out stays"
    )
    @app_commands.describe(
        size="The shape of the picture",
        file_format="The kind of file",
        private="Only you see the picture; you can show it later",
    )
    @app_commands.rename(file_format="format")
    async def change(
        self,
        interaction: discord.Interaction,
        size: str | None = None,
        file_format: str | None = None,
        private: bool | None = None,  # noqa: FBT001  # an option of the command
    ) -> None:
        """Change the given defaults and keep the others."""
        defaults = await self._member_defaults.get(interaction.user.id)
        defaults = MemberDefaults(
            size=size or defaults.size,
            format=file_format or defaults.format,
            private=defaults.private if private is None else private,
        )
        await self._member_defaults.set(interaction.user.id, defaults)
        await interaction.response.send_message(view=defaults_view(defaults), ephemeral=True)

    @app_commands.command(description="Forget your defaults: pictures are painted as this bot does it")
    async def clear(self, interaction: discord.Interaction) -> None:
        """Reset the defaults to those of the bot."""
        await self._member_defaults.set(interaction.user.id, MemberDefaults())
        await interaction.response.send_message(view=defaults_view(MemberDefaults()), ephemeral=True)


def defaults_view(defaults: MemberDefaults) -> ui.LayoutView:
    """Show a member's defaults."""
    own = gettext("as this bot does it")
    privacy = {None: own, True: gettext("only for you"), False: gettext("for everybody")}
    lines = (
        gettext("Size: {size}", size=own if defaults.size is None else size_name(defaults.size)),
        gettext(
            "Kind of file: {kind}", kind=own if defaults.format is None else format_name(defaults.format)
        ),
        gettext("Who sees it: {who}", who=privacy[defaults.private]),
    )
    return build_view(
        f"### {gettext('Your defaults')}",
        "\n".join(f"- {line}" for line in lines),
        subtext(gettext("They apply in every server; what you choose in `/imagine` comes first.")),
    )
