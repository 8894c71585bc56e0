"""Servers that join, and the buttons of the card about each.

Every click and form is checked in code: only the application's owner or, of a team, its admins and developers
decide. A decision stands in a row, so the buttons work after a restart, and the second click changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import structlog
from discord.ext import commands

from bot.discord_client.errors import API_ERRORS
from bot.domain.limits import MAX_COMMAND_CREDITS
from bot.guilds.admission import SeenGuild
from cogs.operator import admission_views as views
from cogs.operator.authorization import require_owner
from cogs.text.translation import gettext, number, use_locale
from cogs.ui.component_router import SNOWFLAKE, component, modal, parse_snowflake, typed_text
from cogs.ui.forms import parse_credits
from cogs.ui.operator_channel import locale_of, owner_ids
from cogs.ui.responses import reply_privately

if TYPE_CHECKING:
    import re
    from typing import Any

    import discord

    from bot.background.admission_notifier import AdmissionNotifier
    from bot.credits.approvals import GuildApprovals, GuildStanding
    from bot.discord_client.client import KuasClient
    from bot.guilds.admission import AdmissionStore

log = structlog.get_logger(__name__)


class GuildAdmission(commands.Cog):
    """Records the servers that the bot joins and leaves, and takes the operator's decisions."""

    def __init__(
        self,
        client: KuasClient,
        admissions: AdmissionStore,
        approvals: GuildApprovals,
        notifier: AdmissionNotifier,
    ) -> None:
        self._client = client
        self._admissions = admissions
        self._approvals = approvals
        self._notifier = notifier

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Record what changed while the bot was down, and ask about the servers that came."""
        await self._admissions.set_contacts(owner_ids(self._client))
        await self._admissions.present(_seen(guild) for guild in self._client.guilds)
        self._notifier.check_soon()

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Record a new server; in the mode `approve` the operator is asked about it.

        discord.py also calls this for every server during its start, all of which `on_ready` records.
        """
        if self._client.is_ready():
            await self._admissions.seen(_seen(guild))
            self._notifier.check_soon()

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Record a server after an outage: it may have joined, or been renamed, meanwhile."""
        await self.on_guild_join(guild)

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """Record a new name."""
        if before.name != after.name:
            await self._admissions.seen(_seen(after))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record that there is nothing left to leave."""
        await self._admissions.left(guild.id)

    @component(rf"kuas:admission:allow:(?P<guild_id>{SNOWFLAKE}):(?P<credits>[0-9]{{1,7}})")
    async def allow(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Allow a server as much as the button says."""
        await require_owner(interaction)
        guild_id = parse_snowflake(custom_id["guild_id"])
        await self._allow(interaction, guild_id, int(custom_id["credits"]))

    @component(rf"kuas:admission:amount:(?P<guild_id>{SNOWFLAKE})")
    async def ask_amount(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show the form for another amount, unless somebody has decided."""
        await require_owner(interaction)
        standing = await self._approvals.standing(parse_snowflake(custom_id["guild_id"]))
        if not await self._shown_as_decided(interaction, standing):
            await interaction.response.send_modal(views.amount_form(standing))

    @modal(rf"kuas:admission:amount:(?P<guild_id>{SNOWFLAKE})")
    async def amount(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Allow a server what was typed."""
        await require_owner(interaction)
        credits = parse_credits(typed_text(cast("dict[str, Any]", interaction.data)), least=1)
        if credits is None:
            await reply_privately(interaction, gettext(views.NO_AMOUNT, most=number(MAX_COMMAND_CREDITS)))
            return
        await self._allow(interaction, parse_snowflake(custom_id["guild_id"]), credits)

    @component(rf"kuas:admission:refuse:(?P<guild_id>{SNOWFLAKE})")
    async def ask_refusal(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Ask once whether to refuse, unless somebody has decided."""
        await require_owner(interaction)
        standing = await self._approvals.standing(parse_snowflake(custom_id["guild_id"]))
        if not await self._shown_as_decided(interaction, standing):
            card_id = 0 if interaction.message is None else interaction.message.id
            view = views.refuse_question_view(standing, card_id)
            await interaction.response.send_message(view=view, ephemeral=True)

    @component(rf"kuas:admission:refuse:(?P<guild_id>{SNOWFLAKE}):(?P<card_id>{SNOWFLAKE})")
    async def refuse(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Refuse a server after the question; the card shows it, too."""
        await require_owner(interaction)
        guild_id = parse_snowflake(custom_id["guild_id"])
        standing = await self._approvals.refuse(guild_id, decided_by=interaction.user.id)
        self._notifier.check_soon()
        await interaction.response.edit_message(view=views.decided_view(standing))
        if not standing.decided_now:
            await reply_privately(interaction, views.decided_before_text(standing))
        await self._close_card(interaction, parse_snowflake(custom_id["card_id"]), standing)

    async def _allow(self, interaction: discord.Interaction, guild_id: int, credits: int) -> None:
        standing = await self._approvals.allow(
            guild_id, credits, decided_by=interaction.user.id, interaction_id=interaction.id
        )
        await self._show(interaction, standing)
        if not standing.decided_now:
            await reply_privately(interaction, views.decided_before_text(standing))

    async def _shown_as_decided(self, interaction: discord.Interaction, standing: GuildStanding) -> bool:
        """Whether somebody has decided; then the card shows it, and the member is told."""
        if standing.admission is None or not standing.admission.is_decided:
            return False
        await self._show(interaction, standing)
        await reply_privately(interaction, views.decided_before_text(standing))
        return True

    async def _show(self, interaction: discord.Interaction, standing: GuildStanding) -> None:
        """Replace the card, in the language of its channel."""
        with use_locale(locale_of(interaction.guild)):
            view = views.decided_view(standing)
        await interaction.response.edit_message(view=view)

    async def _close_card(
        self, interaction: discord.Interaction, card_id: int, standing: GuildStanding
    ) -> None:
        """Replace the card from the private question; a card that is left as it was says so at a click."""
        if not card_id or interaction.channel_id is None:
            return
        with use_locale(locale_of(interaction.guild)):
            view = views.decided_view(standing)
        channel = self._client.get_partial_messageable(interaction.channel_id)
        try:
            await channel.get_partial_message(card_id).edit(view=view)
        except API_ERRORS as error:
            log.info("card left as it was", guild_id=standing.guild_id, error=str(error))


def _seen(guild: discord.Guild) -> SeenGuild:
    """Read a server; discord.py has neither name nor members of one in an outage."""
    return SeenGuild(guild.id, guild.name or "", guild.member_count)
