"""`/operator`: the wallet, all guilds, ceilings, pauses and the comparison with Rivya.

The commands exist only in the operator's own guild. Each checks again that the operator uses it: that guild's
admins are not the operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.domain.ids import ALL_GUILDS, parse_id
from bot.domain.limits import MAX_COMMAND_CREDITS, Limit
from bot.domain.periods import Period
from cogs.limits.commands import PERIOD_CHOICES
from cogs.limits.views import REASON_UNITS
from cogs.operator import reconcile_views, views
from cogs.operator.authorization import is_operator, require_operator
from cogs.operator.model_views import models_view
from cogs.operator.reconcile_runner import ReconcileRunner
from cogs.operator.views import SENTENCE_UNITS
from cogs.text.escaping import single_line
from cogs.text.translation import gettext
from cogs.ui.component_router import component
from cogs.ui.context import guild_names
from cogs.ui.discord_limits import autocomplete_choices, fixed_choices
from cogs.ui.layout import row
from cogs.ui.responses import defer_privately, reply_privately

if TYPE_CHECKING:
    import re

    from bot.credits.admin import CreditAdmin
    from bot.credits.overview import GuildOverview
    from bot.credits.reconciliation.reconciler import Reconciler
    from bot.credits.reconciliation.store import DiscrepancyStore
    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.pauses import PauseStore
    from bot.rivya.client import RivyaClient
    from cogs.operator.late_jobs import LateJobCommands

MAX_DAYS: Final = 3650
DEFAULT_DAYS: Final = 30
ID_UNITS: Final = 25
JOB_UNITS: Final = 100
SCOPE_CHOICES: Final = fixed_choices(views.SCOPES)

GuildId = app_commands.Range[str, 1, ID_UNITS]
"""Text, since an id is larger than the whole numbers that Discord's clients can hold."""


# Discord's menus hide it from all but administrators; what enforces it is `require_operator`.
@app_commands.default_permissions(administrator=True)
class Operator(commands.GroupCog, group_name="operator", group_description="For the people who run this bot"):
    """Shows and changes privately what concerns all guilds."""

    def __init__(
        self,
        *,
        guild_id: int,
        rivya: RivyaClient,
        overview: GuildOverview,
        credit_admin: CreditAdmin,
        pauses: PauseStore,
        discrepancies: DiscrepancyStore,
        reconciler: Reconciler,
        late_jobs: LateJobCommands,
        catalog: ModelCatalog,
    ) -> None:
        self._catalog = catalog
        self._late_jobs = late_jobs
        self._guild_id = guild_id
        self._rivya = rivya
        self._overview = overview
        self._credit_admin = credit_admin
        self._pauses = pauses
        self._discrepancies = discrepancies
        self._runner = ReconcileRunner(reconciler, discrepancies, catalog)

    async def cog_unload(self) -> None:
        """Stop a comparison that is under way, since the bot closes."""
        self._runner.stop()

    @app_commands.command(description="What Rivya's wallet holds, and what is set aside")
    async def wallet(self, interaction: discord.Interaction) -> None:
        """Show the balance at Rivya and the credits that the ledger has set aside."""
        await require_operator(interaction, self._guild_id)
        if not await defer_privately(interaction):
            return
        left_credits, held = await self._rivya.credits(), await self._overview.held()
        view = views.wallet_view(left_credits, held, self._catalog.price_list)
        await interaction.edit_original_response(view=view)

    @app_commands.command(description="Which models are offered, what each costs now, and which are missing")
    async def models(self, interaction: discord.Interaction) -> None:
        """Show every known model, those on offer first."""
        await require_operator(interaction, self._guild_id)
        view = models_view(self._catalog.entries())
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(description="What each server spends, and its limits")
    @app_commands.describe(period="Which period, in UTC; this month if you choose none", page="Which page")
    @app_commands.choices(period=PERIOD_CHOICES)
    async def guilds(
        self,
        interaction: discord.Interaction,
        period: str = Period.MONTH,
        page: app_commands.Range[int, 1, 100_000] = 1,
    ) -> None:
        """Show one page of the guilds that spent anything, with buttons to the pages beside it."""
        await require_operator(interaction, self._guild_id)
        view = await self._guilds_view(interaction, Period(period), page)
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(description="Pictures that take too long; try each now, or end it")
    @app_commands.describe(page="Which page")
    async def late(
        self, interaction: discord.Interaction, page: app_commands.Range[int, 1, 100_000] = 1
    ) -> None:
        """Show one page of the late jobs, with buttons."""
        await require_operator(interaction, self._guild_id)
        view = await self._late_jobs.view(page, guild_names(interaction))
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(description="Cap what servers may spend; no admin can raise it")
    @app_commands.describe(
        scope="Which servers it applies to",
        guild="Which server, if it is for one: choose it or type its id",
        ceiling_credits="How many credits; without credits and period, the ceiling is removed",
        period="For which period, in UTC",
        reason="Why; it is kept in the log",
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
        """Set a ceiling, or remove it if neither credits nor a period is given, then show the change."""
        await require_operator(interaction, self._guild_id)
        guild_id = ALL_GUILDS if guild is None else parse_id(guild)
        problem = views.ceiling_problem(scope, guild, guild_id, ceiling_credits, period)
        if problem or guild_id is None:
            await reply_privately(interaction, problem)
            return
        limit_scope, reason = views.limit_scope_of(scope), single_line(reason, REASON_UNITS)
        if ceiling_credits is None or period is None:
            change = await self._credit_admin.remove_limit(
                guild_id,
                limit_scope,
                set_by=interaction.user.id,
                reason=reason,
                interaction_id=interaction.id,
            )
        else:
            limit = Limit(ceiling_credits, Period(period), scope=limit_scope, reason=reason)
            change = await self._credit_admin.set_limit(
                guild_id, limit, set_by=interaction.user.id, interaction_id=interaction.id
            )
        view = views.ceiling_view(limit_scope, guild_id, change, guild_names(interaction))
        await interaction.response.send_message(view=view, ephemeral=True)

    @app_commands.command(description="Pause new pictures, in all servers or in one")
    @app_commands.describe(
        guild="Which server: choose it or type its id; without one, all", sentence="What members read"
    )
    async def pause(
        self,
        interaction: discord.Interaction,
        guild: GuildId | None = None,
        sentence: app_commands.Range[str, 1, SENTENCE_UNITS] = "",
    ) -> None:
        """Refuse new requests from now on; accepted ones are still painted."""
        await self._set_pause(interaction, guild, paused=True, sentence=single_line(sentence, SENTENCE_UNITS))

    @app_commands.command(description="Accept new pictures again")
    @app_commands.describe(guild="Which server: choose it or type its id; without one, the pause of all")
    async def resume(self, interaction: discord.Interaction, guild: GuildId | None = None) -> None:
        """End the pause of one server, or the one of all servers; each is ended on its own."""
        await self._set_pause(interaction, guild, paused=False)

    @app_commands.command(description="Compare the books with Rivya; nothing is changed by it")
    @app_commands.describe(days="How far back; credits held for longer than a day are always checked")
    async def reconcile(
        self,
        interaction: discord.Interaction,
        days: app_commands.Range[int, 1, MAX_DAYS] = DEFAULT_DAYS,
    ) -> None:
        """Compare recent reservations with Rivya; a button under the result books the corrections."""
        await require_operator(interaction, self._guild_id)
        if self._runner.busy:
            await reply_privately(interaction, gettext(reconcile_views.COMPARING))
        else:
            await self._runner.compare(interaction, days)

    @app_commands.command(description="Decide by hand what a picture in doubt has cost")
    @app_commands.describe(
        job="The id of the job, as the comparison lists it",
        final_credits="What Rivya charged; 0 gives the credits back",
        reason="How you know; it is kept with the correction",
    )
    @app_commands.rename(final_credits="credits")
    async def close(
        self,
        interaction: discord.Interaction,
        job: app_commands.Range[str, 1, JOB_UNITS],
        final_credits: app_commands.Range[int, 0, MAX_COMMAND_CREDITS],
        reason: app_commands.Range[str, 1, REASON_UNITS],
    ) -> None:
        """Close a reservation once, if it is held although its job is over."""
        await require_operator(interaction, self._guild_id)
        job_id, reason = single_line(job, JOB_UNITS).lower(), single_line(reason, REASON_UNITS)
        if not reason:
            await reply_privately(interaction, gettext(views.NO_REASON))
            return
        result = await self._discrepancies.close_reservation(
            job_id, final_credits, reason=reason, by=interaction.user.id
        )
        view = reconcile_views.reservation_closed_view(job_id, final_credits, result)
        await interaction.response.send_message(view=view, ephemeral=True)

    @ceiling.autocomplete("guild")
    @pause.autocomplete("guild")
    @resume.autocomplete("guild")
    async def guild_choices(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the guilds whose name or id contains what was typed; nothing to anybody but the operator."""
        if not await is_operator(interaction, self._guild_id):
            return []
        sought = typed.strip().casefold()
        return autocomplete_choices(
            (views.guild_label(guild.name, guild.id), str(guild.id))
            for guild in interaction.client.guilds
            if sought in guild.name.casefold() or sought in str(guild.id)
        )

    @component(r"kuas:guilds:(?P<period>day|week|month|total):(?P<page>[0-9]{1,6})")
    async def show_page(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show another page in the same message."""
        await require_operator(interaction, self._guild_id)
        await interaction.response.edit_message(
            view=await self._guilds_view(interaction, Period(custom_id["period"]), int(custom_id["page"]))
        )

    @component(r"kuas:reconcile:(?P<run_id>[0-9a-f]{12})")
    async def apply(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Book the corrections of a run, each once, and only if its reservation did not change since."""
        run_id = custom_id["run_id"]
        await require_operator(interaction, self._guild_id)
        if not await defer_privately(interaction):
            return
        result = await self._discrepancies.apply(run_id, by=interaction.user.id)
        await interaction.edit_original_response(view=reconcile_views.reconcile_applied_view(run_id, result))

    async def _set_pause(
        self, interaction: discord.Interaction, guild: str | None, *, paused: bool, sentence: str = ""
    ) -> None:
        await require_operator(interaction, self._guild_id)
        guild_id = ALL_GUILDS if guild is None else parse_id(guild)
        if guild_id is None:
            await reply_privately(interaction, gettext(views.NO_GUILD_ID))
            return
        await self._pauses.set(guild_id, paused=paused, sentence=sentence, set_by=interaction.user.id)
        if paused:
            view = views.pause_view(guild_id, guild_names(interaction), sentence)
        else:
            still_paused = {pause.guild_id for pause in await self._pauses.active()}
            view = views.resume_view(guild_id, guild_names(interaction), still_paused)
        await interaction.response.send_message(view=view, ephemeral=True)

    async def _guilds_view(
        self, interaction: discord.Interaction, period: Period, page: int
    ) -> ui.LayoutView:
        shown = await self._overview.guilds(period, page)
        buttons = row(
            page_button(period, shown.page - 1, gettext("Previous"), enabled=shown.page > 1),
            page_button(period, shown.page + 1, gettext("Next"), enabled=shown.page < shown.pages),
        )
        return views.guilds_view(shown, guild_names(interaction), buttons)


def page_button(period: Period, page: int, label: str, *, enabled: bool) -> ui.Button[ui.LayoutView]:
    """Make the button to a page of the guilds."""
    return ui.Button(label=label, custom_id=f"kuas:guilds:{period}:{page}", disabled=not enabled)
