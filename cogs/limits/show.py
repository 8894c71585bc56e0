"""`/limits show` and `explain`: what rules in a server, and what of it binds a member.

Owns the commands that show limits. Never imports anything of ours but catalog, guards, guilds, ledger,
people, rules, settings_cards, shown_cards, treasury.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.image_models import QWEN_IMAGE
from bot.domain.limits import Rule
from cogs.limits import show_views as cards
from cogs.limits.settings_views import ABOUT_LIMITS
from cogs.ui.context import guild_id_of, require_manage_guild
from cogs.ui.people import role_ids_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.credits.admin import Treasury
    from bot.credits.ledger import Ledger
    from bot.domain.limits import Limit
    from bot.guilds.settings import Guilds


class LimitsShown(commands.Cog):
    """Shows what admins have set."""

    def __init__(self, ledger: Ledger, treasury: Treasury, guilds: Guilds) -> None:
        self._ledger = ledger
        self._treasury = treasury
        self._guilds = guilds

    @app_commands.command(
        description="Show everything that is set here: limits, exemptions, grants, settings"
    )
    async def show(self, interaction: discord.Interaction) -> None:
        """All of it on one card."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        in_force = await self._treasury.in_force(guild_id)
        standing = await self._ledger.standing(guild_id, interaction.user.id, ())
        settings = {name: await self._guilds.get(guild_id, name) for name in ABOUT_LIMITS}
        roles = () if interaction.guild is None else interaction.guild.roles
        card = cards.show_card(in_force, standing, settings, {role.id for role in roles})
        await interaction.response.send_message(view=card, ephemeral=True)

    @app_commands.command(
        description="Explain which limits speak of a member, how far each is used, and which one binds"
    )
    @app_commands.describe(member="Whom; without one, you")
    async def explain(
        self, interaction: discord.Interaction, member: discord.Member | discord.User | None = None
    ) -> None:
        """The rules as they would be asked if the member wanted a picture now."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        person = member or interaction.user
        role_ids = role_ids_of(person)
        card = cards.explain_card(
            person.id,
            await self._ledger.standing(guild_id, person.id, role_ids),
            tuple(_exemptions((await self._treasury.in_force(guild_id)).limits, person.id, role_ids)),
            cost_credits=QWEN_IMAGE.cost_credits,
            is_member=isinstance(person, discord.Member),
        )
        await interaction.response.send_message(view=card, ephemeral=True)


def _exemptions(limits: Iterable[Limit], user_id: int, role_ids: tuple[int, ...]) -> Iterator[Limit]:
    """Those that speak of this person, whether they count or not."""
    subjects = {Rule.EVERYONE: (0,), Rule.ROLE: role_ids, Rule.MEMBER: (user_id,)}
    return (limit for limit in limits if limit.exempt and limit.subject_id in subjects.get(limit.rule, ()))
