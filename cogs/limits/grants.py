"""`/limits grant` and `refund`: credits beyond a limit, and pictures that no longer count against one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.credits.grants import WHOLE_GUILD
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.limits import MAX_COMMAND_CREDITS  # noqa: TC001  # read from the annotations by discord.py
from cogs.limits import grants_views
from cogs.limits.views import REASON_UNITS
from cogs.text.escaping import single_line
from cogs.text.translation import gettext
from cogs.ui.context import guild_id_of, not_a_member, require_manage_guild, role_ids_of
from cogs.ui.discord_limits import CHOICES, autocomplete_choices
from cogs.ui.layout import build_view

if TYPE_CHECKING:
    from bot.credits.admin import CreditAdmin
    from bot.credits.ledger import Ledger
    from bot.credits.refundable import RefundablePictures

MAX_GRANT_DAYS: Final = 3650
JOB_UNITS: Final = 100
"""More than an id with a file's extension has."""


class Grants(commands.Cog):
    """Gives credits once, and refunds pictures, each with a reason."""

    def __init__(self, credit_admin: CreditAdmin, ledger: Ledger, pictures: RefundablePictures) -> None:
        self._credit_admin = credit_admin
        self._ledger = ledger
        self._pictures = pictures

    @app_commands.command(description="Give credits beyond the limit, once: to this server, or to a member")
    @app_commands.describe(
        given_credits="How many credits",
        reason="Why; it is kept in the log",
        member="Which member; without one, the whole server",
        days="After how many days it expires; without it, never",
    )
    @app_commands.rename(given_credits="credits")
    async def grant(
        self,
        interaction: discord.Interaction,
        given_credits: app_commands.Range[int, 1, MAX_COMMAND_CREDITS],
        reason: app_commands.Range[str, 1, REASON_UNITS],
        member: discord.Member | discord.User | None = None,
        days: app_commands.Range[int, 1, MAX_GRANT_DAYS] | None = None,
    ) -> None:
        """Give credits; an interaction that Discord delivers twice is neither granted nor answered again."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        reason = single_line(reason, REASON_UNITS)
        problem = "" if member is None else not_a_member(member)
        if not problem and not reason:
            problem = gettext(grants_views.NO_REASON)
        if problem:
            await interaction.response.send_message(view=build_view(problem), ephemeral=True)
            return
        grant = await self._credit_admin.grant(
            guild_id,
            WHOLE_GUILD if member is None else member.id,
            credits=given_credits,
            reason=reason,
            granted_by=interaction.user.id,
            expires_at=None if days is None else now_ms() + days * DAY_MS,
            interaction_id=interaction.id,
        )
        if grant is None:
            return
        person = member or interaction.user
        member_limits = await self._ledger.member_limits(guild_id, person.id, role_ids_of(person))
        view = grants_views.grant_view(grant, needed=member_limits.personal is not None)
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(
        description="Refund a picture: its credits no longer count for this server and its member"
    )
    @app_commands.describe(
        job="Choose one, or all of a request, or type the beginning of an id: the name of the file",
        reason="Why; it is kept in the log",
    )
    async def refund(
        self,
        interaction: discord.Interaction,
        job: app_commands.Range[str, 1, JOB_UNITS],
        reason: app_commands.Range[str, 1, REASON_UNITS],
    ) -> None:
        """Refund one picture, or all of one request, once.

        Raises:
            MemberError: JOB_UNKNOWN, JOB_NOT_CHARGED, JOB_REFUNDED.
        """
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        reason = single_line(reason, REASON_UNITS)
        beginning, whole_request = grants_views.job_beginning(job), grants_views.means_all(job)
        found = [] if beginning is None else await self._pictures.match_ids(guild_id, beginning)
        if not found:
            raise MemberError(MemberReason.JOB_UNKNOWN)
        problem = "" if reason else gettext(grants_views.NO_REASON)
        if len(found) > 1:
            problem = gettext(grants_views.NOT_CLEAR_WHICH)
        if problem:
            await interaction.response.send_message(view=build_view(problem), ephemeral=True)
            return
        refund = await self._credit_admin.refund(
            guild_id,
            found[0],
            reason=reason,
            refunded_by=interaction.user.id,
            interaction_id=interaction.id,
            whole_request=whole_request,
        )
        await interaction.response.send_message(view=grants_views.refund_view(refund, reason), ephemeral=True)

    @refund.autocomplete("job")
    async def paid(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer the newest paid pictures of this server; nothing to who may not see them."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            return []
        pictures = await self._pictures.newest(interaction.guild_id, typed, CHOICES)
        return autocomplete_choices(
            (grants_views.picture_label(picture), grants_views.picture_value(picture)) for picture in pictures
        )
