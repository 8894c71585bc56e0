"""`/limits`: what admins allow their server, its members and its roles to spend."""

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
from cogs.text.terms import period_choice
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.context import guild_id_of, not_a_member, require_manage_guild
from cogs.ui.layout import build_view

if TYPE_CHECKING:
    from bot.credits.admin import CreditAdmin

PERIOD_CHOICES: Final = [
    app_commands.Choice(name=app_commands.locale_str(period_choice(period)), value=period)
    for period in Period
]
CREDITS_WORDS: Final = gettext_noop("How many credits; 0 stops new pictures")
PERIOD_WORDS: Final = gettext_noop("How long they last")
EXEMPT_WORDS: Final = gettext_noop("No limit instead; the server's own limit still binds")
REASON_WORDS: Final = gettext_noop("Why; it stands in the log")


# Hidden from everybody else in Discord's menus; `require_manage_guild` is what holds.
@app_commands.default_permissions(manage_guild=True)
class Limits(
    commands.GroupCog, group_name="limits", group_description="What this server may spend on pictures"
):
    """Changes limits, for those who may manage the server. `parts` bring further commands of the group."""

    def __init__(self, credit_admin: CreditAdmin, *parts: commands.Cog) -> None:
        self._credit_admin = credit_admin
        assert self.app_command is not None  # a GroupCog has its group
        for part in parts:
            for command in part.get_app_commands():
                self.app_command.add_command(command)

    @app_commands.command(
        name="guild", description="Set how many credits this server may spend, and how often"
    )
    @app_commands.describe(limit_credits=CREDITS_WORDS, period=PERIOD_WORDS, reason=REASON_WORDS)
    @app_commands.rename(limit_credits="credits")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def guild_limit(
        self,
        interaction: discord.Interaction,
        limit_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS],
        period: str,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """Append the new limit, then show from what to what."""
        await self._set(
            interaction, Limit(limit_credits, Period(period), reason=single_line(reason, REASON_UNITS))
        )

    @app_commands.command(name="member", description="Set what each member, or one of them, may spend")
    @app_commands.describe(
        member="Whom; without one, every member",
        limit_credits=CREDITS_WORDS,
        period=PERIOD_WORDS,
        exempt=EXEMPT_WORDS,
        reason=REASON_WORDS,
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
        """For one member it beats their roles; for every member it is what no closer rule replaces."""
        nobody = gettext(views.WHOM_TO_EXEMPT) if exempt else ""
        problem = nobody if member is None else not_a_member(member)
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
        role="Whose members",
        limit_credits=CREDITS_WORDS,
        period=PERIOD_WORDS,
        exempt=EXEMPT_WORDS,
        reason=REASON_WORDS,
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
        """Of several roles the most generous counts."""
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
    @app_commands.describe(rule="What is in force now", reason=REASON_WORDS)
    async def remove(
        self,
        interaction: discord.Interaction,
        rule: str,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """The server's own limit falls back to the default."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        why = single_line(reason, REASON_UNITS)
        found = choices.find(await self._credit_admin.active(guild_id), rule)
        answer = build_view(gettext(views.NOTHING_THERE))
        if isinstance(found, Limit):
            change = await self._credit_admin.remove_limit(
                guild_id,
                found.scope,
                found.subject_id,
                set_by=interaction.user.id,
                reason=why,
                interaction_id=interaction.id,
            )
            answer = views.limit_removed_view(found, change, why)
        elif isinstance(found, Grant) and (
            grant := await self._credit_admin.revoke(
                guild_id, found.grant_id, revoked_by=interaction.user.id, reason=why
            )
        ):
            answer = views.revoked_view(grant, why)
        await interaction.response.send_message(view=answer, ephemeral=True)

    @remove.autocomplete("rule")
    async def removable(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """What is in force now; nothing for those who may not see it."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            return []
        in_force = await self._credit_admin.active(interaction.guild_id)
        roles = () if interaction.guild is None else interaction.guild.roles
        offered = choices.choices(in_force, typed, {role.id: role.name for role in roles})
        return [app_commands.Choice(name=name, value=value) for name, value in offered]

    async def _set(self, interaction: discord.Interaction, limit: Limit, problem: str = "") -> None:
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        if problem:
            await interaction.response.send_message(view=build_view(problem), ephemeral=True)
            return
        change = await self._credit_admin.set_limit(
            guild_id, limit, set_by=interaction.user.id, interaction_id=interaction.id
        )
        answer = views.limit_changed_view(limit, change)
        await interaction.response.send_message(view=answer, ephemeral=True)
