"""`/limits show` and `explain`: all limits of a server, and those that apply to one member."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.limits import LimitScope
from cogs.limits import show_views
from cogs.limits.settings_views import CREDIT_SETTINGS
from cogs.ui.context import guild_id_of, request_context, require_manage_guild, role_ids_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.credits.admin import CreditAdmin
    from bot.credits.ledger import Ledger
    from bot.domain.limits import Limit
    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.settings import GuildSettingsStore
    from bot.jobs.requests.member_standing import MemberStandingReader


class ShowLimits(commands.Cog):
    """Shows what admins have set, and how it works together."""

    def __init__(
        self,
        ledger: Ledger,
        credit_admin: CreditAdmin,
        guilds: GuildSettingsStore,
        catalog: ModelCatalog,
        standings: MemberStandingReader,
    ) -> None:
        self._standings = standings
        self._catalog = catalog
        self._ledger = ledger
        self._credit_admin = credit_admin
        self._guild_settings = guilds

    @app_commands.command(
        description="Show everything that is set here: limits, exemptions, grants, settings"
    )
    async def show(self, interaction: discord.Interaction) -> None:
        """Show limits, exemptions, grants and settings in one message."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        in_force = await self._credit_admin.active(guild_id)
        member_limits = await self._ledger.member_limits(guild_id, interaction.user.id, ())
        settings = {name: await self._guild_settings.get(guild_id, name) for name in CREDIT_SETTINGS}
        roles = () if interaction.guild is None else interaction.guild.roles
        view = show_views.limits_view(
            in_force,
            member_limits,
            settings,
            {role.id for role in roles},
            self._catalog.price_list,
        )
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(
        description="Explain which limits apply to a member, how far each is used, and which one decides"
    )
    @app_commands.describe(member="Which member; without one, you")
    async def explain(
        self, interaction: discord.Interaction, member: discord.Member | discord.User | None = None
    ) -> None:
        """Show the limits that a request of the member would be checked against now."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        person = member or interaction.user
        role_ids = role_ids_of(person)
        view = show_views.explain_view(
            person.id,
            await self._ledger.member_limits(guild_id, person.id, role_ids),
            tuple(_exemptions((await self._credit_admin.active(guild_id)).limits, person.id, role_ids)),
            prices=await self._standings.prices(
                guild_id, person.id, replace(request_context(interaction), role_ids=role_ids)
            ),
            is_member=isinstance(person, discord.Member),
        )
        await interaction.response.send_message(view=view, ephemeral=True)


def _exemptions(limits: Iterable[Limit], user_id: int, role_ids: tuple[int, ...]) -> Iterator[Limit]:
    """Yield the exemptions of this person, whether or not they count."""
    subjects = {LimitScope.EVERYONE: (0,), LimitScope.ROLE: role_ids, LimitScope.MEMBER: (user_id,)}
    return (limit for limit in limits if limit.exempt and limit.subject_id in subjects.get(limit.scope, ()))
