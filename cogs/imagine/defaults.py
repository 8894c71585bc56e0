"""`/defaults`: how pictures are painted where a request leaves it open, for a member and for a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.jobs.requests.member_defaults import MemberDefaults
from cogs.imagine import defaults_views as views
from cogs.imagine.model_choices import complete_model, offer_options
from cogs.ui.commands import TrimmedCommand
from cogs.ui.context import MANAGERS_ONLY, guild_id_of, require_manage_guild
from cogs.ui.discord_limits import CHOICE_UNITS  # noqa: TC001  # read from the annotations by discord.py
from cogs.ui.model_names import find_model

if TYPE_CHECKING:
    from bot.domain.model_catalog import ModelCatalog
    from bot.jobs.requests.guild_defaults import GuildDefaultsStore
    from bot.jobs.requests.member_defaults import MemberDefaultsStore
    from cogs.imagine.model_choices import ModelCompletion


class Defaults(
    commands.GroupCog, group_name="defaults", group_description="How you like your pictures to be, everywhere"
):
    """Shows and changes a member's own defaults, and those of a server, in private messages."""

    def __init__(
        self,
        member_defaults: MemberDefaultsStore,
        guild_defaults: GuildDefaultsStore,
        catalog: ModelCatalog,
        model_completion: ModelCompletion,
    ) -> None:
        for command in (self.change, self.server):
            offer_options(command, catalog)
        self._member_defaults = member_defaults
        self._guild_defaults = guild_defaults
        self._catalog = catalog
        self._model_completion = model_completion

    @app_commands.command(description="Show how your pictures are painted where you say nothing else")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the member's defaults, and those of the server."""
        defaults = await self._member_defaults.get(interaction.user.id)
        await self._answer(interaction, defaults)

    @TrimmedCommand.command(
        name="set", description="Choose how your pictures are painted; what you leave out stays"
    )
    @app_commands.describe(
        model="Which model paints it",
        size="The shape of the picture",
        file_format="The kind of file",
        private="Only you see the picture; you can show it later",
    )
    @app_commands.rename(file_format="format")
    async def change(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, CHOICE_UNITS] | None = None,
        size: str | None = None,
        file_format: str | None = None,
        private: bool | None = None,  # noqa: FBT001  # an option of the command
    ) -> None:
        """Change the given defaults and keep the others.

        Raises:
            MemberError: MODEL_UNAVAILABLE.
            OperatorError: `database`.
        """
        given = MemberDefaults(size, file_format, private, self._offered(model))
        defaults = views.merged(await self._member_defaults.get(interaction.user.id), given)
        await self._member_defaults.set(interaction.user.id, defaults)
        await self._answer(interaction, defaults)

    @app_commands.command(description="Forget your defaults: pictures are painted as this bot does it")
    async def clear(self, interaction: discord.Interaction) -> None:
        """Reset the defaults to those of the server and the bot."""
        await self._member_defaults.set(interaction.user.id, MemberDefaults())
        await self._answer(interaction, MemberDefaults())

    @TrimmedCommand.command(
        description="Choose how pictures are painted here for members who have no default of their own",
        extras={MANAGERS_ONLY: True},
    )
    @app_commands.describe(
        model="Which model paints it",
        size="The shape of the picture",
        file_format="The kind of file",
        private="Only the member sees the picture, and can show it later",
        clear="Forget what was set before; what you choose beside it counts",
    )
    @app_commands.rename(file_format="format")
    async def server(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, CHOICE_UNITS] | None = None,
        size: str | None = None,
        file_format: str | None = None,
        private: bool | None = None,  # noqa: FBT001  # an option of the command
        clear: bool = False,  # noqa: FBT001, FBT002  # same
    ) -> None:
        """Change the given defaults of the server and keep the others; without options show them.

        Raises:
            MemberError: GUILD_ONLY, NOT_ALLOWED, MODEL_UNAVAILABLE.
            OperatorError: `database`.
        """
        guild_id = require_manage_guild(interaction)
        given = MemberDefaults(size, file_format, private, self._offered(model))
        now = MemberDefaults() if clear else await self._guild_defaults.get(guild_id)
        defaults = views.merged(now, given)
        await self._guild_defaults.set(
            guild_id, defaults, set_by=interaction.user.id, interaction_id=interaction.id
        )
        view = views.guild_defaults_view(defaults, self._catalog)
        await interaction.response.send_message(view=view, ephemeral=True)

    @change.autocomplete("model")
    async def models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a model, as `/imagine` does."""
        return await self._model_completion.choices(interaction, typed)

    @server.autocomplete("model")
    async def server_models(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a model, whatever the rules say of this admin."""
        return complete_model(self._catalog, typed)

    def _offered(self, typed: str | None) -> str | None:
        return None if typed is None else self._catalog.require(find_model(self._catalog, typed)).model_id

    async def _answer(self, interaction: discord.Interaction, defaults: MemberDefaults) -> None:
        of_guild = await self._guild_defaults.get(guild_id_of(interaction))
        view = views.defaults_view(defaults, of_guild, self._catalog)
        await interaction.response.send_message(view=view, ephemeral=True)
