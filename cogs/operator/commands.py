"""`/operator`: the wallet, all guilds, ceilings, pauses and the comparison with Rivya.

Registered in the operator's own guild alone, and asked again in code: a guild's admins are not the operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.domain.errors import MemberError, MemberReason
from bot.domain.ids import ALL_GUILDS, parse_id
from bot.domain.image_models import QWEN_IMAGE
from bot.domain.limits import MAX_COMMAND_CREDITS, Limit
from bot.domain.periods import Period
from cogs.limits.commands import PERIOD_CHOICES
from cogs.limits.views import REASON_UNITS
from cogs.operator import reconcile_views, views
from cogs.operator.reconcile import OperatorServices, ReconcileRunner, defer_privately
from cogs.text.escaping import single_line
from cogs.text.translation import gettext
from cogs.ui.component_router import component
from cogs.ui.discord_limits import CHOICES
from cogs.ui.layout import row
from cogs.ui.responses import reply_privately

if TYPE_CHECKING:
    import re


LONGEST_DAYS: Final = 3650
DEFAULT_DAYS: Final = 30
SENTENCE_UNITS: Final = 200
ID_UNITS: Final = 25
SCOPE_CHOICES: Final = [
    app_commands.Choice(name=app_commands.locale_str(words), value=scope)
    for scope, words in views.SCOPES.items()
]

GuildId = app_commands.Range[str, 1, ID_UNITS]
"""Text, since an id is larger than the whole numbers that Discord's clients can hold."""


# Hidden from all but administrators in Discord's menus; `_require_operator` is what holds.
@app_commands.default_permissions(administrator=True)
class Operator(commands.GroupCog, group_name="operator", group_description="For the people who run this bot"):
    """Shows and steers what concerns all guilds, privately."""

    def __init__(self, services: OperatorServices) -> None:
        self._services = services
        self._runs = ReconcileRunner(
            services.reconciler, services.discrepancies, lambda run_id: row(apply_button(run_id))
        )

    async def cog_unload(self) -> None:
        """The bot closes: no comparison may go on asking."""
        self._runs.stop()

    @app_commands.command(description="What Rivya's wallet holds, and what is set aside")
    async def wallet(self, interaction: discord.Interaction) -> None:
        """One question to Rivya, one to the books."""
        await self._require_operator(interaction)
        if not await defer_privately(interaction):
            return
        left_credits, held = await self._services.rivya.credits(), await self._services.overview.held()
        card = views.wallet_view(left_credits, held, QWEN_IMAGE.cost_credits)
        await interaction.edit_original_response(view=card)

    @app_commands.command(description="What each server spends, and what binds it")
    @app_commands.describe(period="Which time, in UTC; this month if you choose none", page="Which page")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def guilds(
        self,
        interaction: discord.Interaction,
        period: str = Period.MONTH,
        page: app_commands.Range[int, 1, 100_000] = 1,
    ) -> None:
        """One page."""
        await self._require_operator(interaction)
        card = await self._guilds_card(interaction, Period(period), page)
        await interaction.response.send_message(view=card, ephemeral=True)

    @app_commands.command(description="Cap what servers may spend; no admin can raise it")
    @app_commands.describe(
        scope="Whom it binds",
        guild="Which server, if it binds one: choose it or type its id",
        ceiling_credits="How many credits; without credits and period, the ceiling is removed",
        period="How long they last, in UTC",
        reason="Why; it stands in the log",
    )
    @app_commands.rename(ceiling_credits="credits")
    @app_commands.choices(scope=SCOPE_CHOICES, period=PERIOD_CHOICES)
    async def ceiling(
        self,
        interaction: discord.Interaction,
        scope: str,
        guild: GuildId | None = None,
        ceiling_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS] | None = None,
        period: str | None = None,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
    ) -> None:
        """Append or remove a ceiling, then show from what to what."""
        await self._require_operator(interaction)
        guild_id = ALL_GUILDS if guild is None else parse_id(guild)
        problem = views.ceiling_problem(scope, guild, guild_id, ceiling_credits, period)
        if problem or guild_id is None:
            await reply_privately(interaction, problem)
            return
        rule, by, why = views.scope_of(scope), interaction.user.id, single_line(reason, REASON_UNITS)
        if ceiling_credits is None or period is None:
            change = await self._services.credit_admin.remove_limit(
                guild_id, rule, set_by=by, reason=why, interaction_id=interaction.id
            )
        else:
            limit = Limit(ceiling_credits, Period(period), scope=rule, reason=why)
            change = await self._services.credit_admin.set_limit(
                guild_id, limit, set_by=by, interaction_id=interaction.id
            )
        card = views.ceiling_view(rule, guild_id, change, _names(interaction))
        await interaction.response.send_message(view=card, ephemeral=True)

    @app_commands.command(description="Let no new pictures in: in all servers, or in one")
    @app_commands.describe(
        guild="Which server: choose it or type its id; without one, all", sentence="What members read"
    )
    async def pause(
        self,
        interaction: discord.Interaction,
        guild: GuildId | None = None,
        sentence: app_commands.Range[str, 1, SENTENCE_UNITS] = "",
    ) -> None:
        """It bites with the next request."""
        await self._switch(interaction, guild, paused=True, sentence=single_line(sentence, SENTENCE_UNITS))

    @app_commands.command(description="Let new pictures in again")
    @app_commands.describe(guild="Which server: choose it or type its id; without one, the switch over all")
    async def resume(self, interaction: discord.Interaction, guild: GuildId | None = None) -> None:
        """The opposite of `pause`, with the same choice of server."""
        await self._switch(interaction, guild, paused=False)

    @app_commands.command(description="Compare the books with Rivya; nothing is changed by it")
    @app_commands.describe(days="How far back; what is held for long is always looked at")
    async def reconcile(
        self,
        interaction: discord.Interaction,
        days: app_commands.Range[int, 1, LONGEST_DAYS] = DEFAULT_DAYS,
    ) -> None:
        """The first step; the second is the button under its result."""
        await self._require_operator(interaction)
        if self._runs.busy:
            await reply_privately(interaction, gettext(reconcile_views.COMPARING))
        else:
            await self._runs.compare(interaction, days)

    @app_commands.command(description="Decide by hand what a picture in doubt has cost")
    @app_commands.describe(
        job="The id of the job, as the comparison lists it",
        final_credits="What Rivya charged; 0 gives the credits back",
        reason="How you know; it stands on the record",
    )
    @app_commands.rename(final_credits="credits")
    async def close(
        self,
        interaction: discord.Interaction,
        job: app_commands.Range[str, 1, 100],
        final_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS],
        reason: app_commands.Range[str, 1, REASON_UNITS],
    ) -> None:
        """Only for what is held and over; once."""
        await self._require_operator(interaction)
        job_id, why = job.strip().lower(), single_line(reason, REASON_UNITS)
        if not why:
            await reply_privately(interaction, gettext(views.NO_REASON))
            return
        closing = await self._services.discrepancies.close(
            job_id, final_credits, reason=why, by=interaction.user.id
        )
        card = reconcile_views.reservation_closed_view(job_id, final_credits, closing)
        await interaction.response.send_message(view=card, ephemeral=True)

    @ceiling.autocomplete("guild")
    @pause.autocomplete("guild")
    @resume.autocomplete("guild")
    async def guild_choices(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """The guilds whose name or id holds what was typed; nothing for anybody but the operator."""
        if not await self._is_operator(interaction):
            return []
        sought = typed.strip().casefold()
        found = [
            app_commands.Choice(name=views.guild_label(guild.name, guild.id), value=str(guild.id))
            for guild in interaction.client.guilds
            if sought in guild.name.casefold() or sought in str(guild.id)
        ]
        return found[:CHOICES]

    @component(r"kuas:guilds:(?P<period>day|week|month|total):(?P<page>[0-9]{1,6})")
    async def show_page(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show another page in the same message."""
        await self._require_operator(interaction)
        await interaction.response.edit_message(
            view=await self._guilds_card(interaction, Period(custom_id["period"]), int(custom_id["page"]))
        )

    @component(r"kuas:reconcile:(?P<run_id>[0-9a-f]{12})")
    async def apply(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Book what a comparison has proven. A second click, or one years later, books nothing wrong."""
        run_id = custom_id["run_id"]
        await self._require_operator(interaction)
        if not await defer_privately(interaction):
            return
        booking = await self._services.discrepancies.apply(run_id, by=interaction.user.id)
        await interaction.edit_original_response(view=reconcile_views.reconcile_applied_view(run_id, booking))

    async def _switch(
        self, interaction: discord.Interaction, guild: str | None, *, paused: bool, sentence: str = ""
    ) -> None:
        await self._require_operator(interaction)
        guild_id = ALL_GUILDS if guild is None else parse_id(guild)
        if guild_id is None:
            await reply_privately(interaction, gettext(views.NO_GUILD_ID))
            return
        await self._services.pauses.set(
            guild_id, paused=paused, sentence=sentence, set_by=interaction.user.id
        )
        if paused:
            card = views.pause_view(guild_id, _names(interaction), sentence)
        else:
            still = {pause.guild_id for pause in await self._services.pauses.active()}
            card = views.resume_view(guild_id, _names(interaction), still)
        await interaction.response.send_message(view=card, ephemeral=True)

    async def _guilds_card(
        self, interaction: discord.Interaction, period: Period, page: int
    ) -> ui.LayoutView:
        shown = await self._services.overview.guilds(period, page)
        turns = row(
            page_button(period, shown.page - 1, gettext("Previous"), enabled=shown.page > 1),
            page_button(period, shown.page + 1, gettext("Next"), enabled=shown.page < shown.pages),
        )
        return views.guilds_view(shown, _names(interaction), turns)

    async def _is_operator(self, interaction: discord.Interaction) -> bool:
        client = cast("commands.Bot", interaction.client)
        return interaction.guild_id == self._services.guild_id and await client.is_owner(interaction.user)

    async def _require_operator(self, interaction: discord.Interaction) -> None:
        """The owner of the application or, of a team, its admins and developers.

        Raises:
            MemberError: NOT_ALLOWED.
        """
        if not await self._is_operator(interaction):
            raise MemberError(MemberReason.NOT_ALLOWED, missing=("bot_owner",))


def page_button(period: Period, page: int, label: str, *, enabled: bool) -> ui.Button[ui.LayoutView]:
    """Make the button to a page of the guilds."""
    return ui.Button(label=label, custom_id=f"kuas:guilds:{period}:{page}", disabled=not enabled)


def apply_button(run_id: str) -> ui.Button[ui.LayoutView]:
    """Make the button that books what a comparison has proven."""
    return ui.Button(
        label=gettext(reconcile_views.BOOK_LABEL),
        style=discord.ButtonStyle.danger,
        custom_id=f"kuas:reconcile:{run_id}",
    )


def _names(interaction: discord.Interaction) -> views.NameOf:
    """What guilds are called, as far as we are in them."""

    def name_of(guild_id: int) -> str | None:
        guild = interaction.client.get_guild(guild_id)
        return None if guild is None else guild.name

    return name_of
