"""`/limits guild`, `member`, `role` and `remove`: limits that admins set; and the group of all `/limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.credits.grants import Grant
from bot.domain.limits import MAX_COMMAND_CREDITS, Limit, LimitScope
from bot.domain.periods import Period
from cogs.limits import choices, views
from cogs.limits.views import REASON_UNITS
from cogs.text.escaping import single_line
from cogs.text.terms import PERIODS_OF_LIMITS
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.context import guild_id_of, not_a_member, require_manage_guild
from cogs.ui.discord_limits import fixed_choices
from cogs.ui.layout import build_view

if TYPE_CHECKING:
    from bot.credits.admin import CreditAdmin

PERIOD_CHOICES: Final = fixed_choices(PERIODS_OF_LIMITS)
CREDITS_HINT: Final = gettext_noop("How many credits; 0 stops new pictures")
PERIOD_HINT: Final = gettext_noop("For which period")
EXEMPT_HINT: Final = gettext_noop("No limit instead; the server's own limit still applies")
REASON_HINT: Final = gettext_noop("Why; it is kept in the log")


# Discord's menus hide it from everybody else; what enforces it is `require_manage_guild`.
@app_commands.default_permissions(manage_guild=True)
class Limits(
    commands.GroupCog, group_name="limits", group_description="What this server may spend on pictures"
):
    """Changes limits, for those who have Manage Server. `parts` have further commands of the group."""

    def __init__(self, credit_admin: CreditAdmin, *parts: commands.Cog) -> None:
        self._credit_admin = credit_admin
        assert self.app_command is not None  # a GroupCog has its group
        for part in parts:
            for command in part.get_app_commands():
                self.app_command.add_command(command)

    @app_commands.command(
        name="guild", description="Set how many credits this server may spend, and how often"
    )
    @app_commands.describe(limit_credits=CREDITS_HINT, period=PERIOD_HINT, reason=REASON_HINT)
    @app_commands.rename(limit_credits="credits")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def guild_limit(
        self,
        interaction: discord.Interaction,
        limit_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS],
        period: str,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """Set the server's limit, then show the change."""
        await self._set(
            interaction, Limit(limit_credits, Period(period), reason=single_line(reason, REASON_UNITS))
        )

    @app_commands.command(name="member", description="Set what each member, or one of them, may spend")
    @app_commands.describe(
        member="Which member; without one, every member",
        limit_credits=CREDITS_HINT,
        period=PERIOD_HINT,
        exempt=EXEMPT_HINT,
        reason=REASON_HINT,
    )
    @app_commands.rename(limit_credits="credits")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def member_limit(
        self,
        interaction: discord.Interaction,
        member: discord.Member | discord.User | None = None,
        limit_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS] | None = None,
        period: str | None = None,
        *,
        exempt: bool = False,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """Set a member's limit, which replaces those of their roles, or that of all who have no other."""
        if member is not None:
            problem = not_a_member(member)
        else:
            problem = gettext(views.WHOM_TO_EXEMPT) if exempt else ""
        await self._set(
            interaction,
            Limit(
                limit_credits or 0,
                Period(period or Period.TOTAL),
                scope=LimitScope.EVERYONE if member is None else LimitScope.MEMBER,
                subject_id=0 if member is None else member.id,
                exempt=exempt,
                reason=single_line(reason, REASON_UNITS),
            ),
            views.validate_terms(limit_credits, period, exempt=exempt) or problem,
        )

    @app_commands.command(name="role", description="Set what each member with a role may spend")
    @app_commands.describe(
        role="Which role",
        limit_credits=CREDITS_HINT,
        period=PERIOD_HINT,
        exempt=EXEMPT_HINT,
        reason=REASON_HINT,
    )
    @app_commands.rename(limit_credits="credits")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def role_limit(
        self,
        interaction: discord.Interaction,
        role: discord.Role,
        limit_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS] | None = None,
        period: str | None = None,
        *,
        exempt: bool = False,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """Set a role's limit; of several roles of a member, the one that leaves the most counts."""
        problem = gettext(views.NO_ROLE_FOR_ALL) if role.is_default() else ""
        await self._set(
            interaction,
            Limit(
                limit_credits or 0,
                Period(period or Period.TOTAL),
                scope=LimitScope.ROLE,
                subject_id=role.id,
                exempt=exempt,
                reason=single_line(reason, REASON_UNITS),
            ),
            problem or views.validate_terms(limit_credits, period, exempt=exempt),
        )

    @app_commands.command(description="Remove a limit, an exemption, or what is left of a grant")
    @app_commands.describe(rule="What is in force now", reason=REASON_HINT)
    async def remove(
        self,
        interaction: discord.Interaction,
        rule: str,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """Remove a limit or a grant; without a limit of its own, the server has the default."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        reason = single_line(reason, REASON_UNITS)
        found = choices.find(await self._credit_admin.active(guild_id), rule)
        view = build_view(gettext(views.NOTHING_THERE))
        if isinstance(found, Limit):
            change = await self._credit_admin.remove_limit(
                guild_id,
                found.scope,
                found.subject_id,
                set_by=interaction.user.id,
                reason=reason,
                interaction_id=interaction.id,
            )
            view = views.limit_removed_view(found, change, reason)
        elif isinstance(found, Grant) and (
            grant := await self._credit_admin.revoke(
                guild_id, found.grant_id, revoked_by=interaction.user.id, reason=reason
            )
        ):
            view = views.revoked_view(grant, reason)
        await interaction.response.send_message(view=view, ephemeral=True)

    @remove.autocomplete("rule")
    async def removable(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer what is in force; nothing to who may not see it."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            return []
        in_force = await self._credit_admin.active(interaction.guild_id)
        roles = () if interaction.guild is None else interaction.guild.roles
        return choices.choices(in_force, typed, {role.id: role.name for role in roles})

    async def _set(self, interaction: discord.Interaction, limit: Limit, problem: str = "") -> None:
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        if problem:
            await interaction.response.send_message(view=build_view(problem), ephemeral=True)
            return
        change = await self._credit_admin.set_limit(
            guild_id, limit, set_by=interaction.user.id, interaction_id=interaction.id
        )
        view = views.limit_changed_view(limit, change)
        await interaction.response.send_message(view=view, ephemeral=True)
