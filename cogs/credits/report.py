"""`/report`: what a server spent, by whom and when, for those who have Manage Server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.credits.reports.models import Grouping
from bot.domain.periods import Period
from cogs.credits import chart_labels, report_views
from cogs.text.translation import gettext_noop
from cogs.ui.commands import TrimmedCommand
from cogs.ui.context import require_manage_guild
from cogs.ui.discord_limits import fixed_choices
from cogs.ui.responses import defer_privately

if TYPE_CHECKING:
    from bot.credits.reports.builder import ReportBuilder
    from bot.domain.model_catalog import ModelCatalog

MAX_PERIODS_AGO: Final = 24
PERIOD_CHOICES: Final = fixed_choices({
    Period.DAY: gettext_noop("By the day"),
    Period.WEEK: gettext_noop("By the week, from Monday"),
    Period.MONTH: gettext_noop("By the month, from the first"),
    Period.TOTAL: gettext_noop("Everything so far"),
})  # fmt: skip

GROUPING_CHOICES: Final = fixed_choices({
    Grouping.MEMBER: gettext_noop("By member"),
    Grouping.MODEL: gettext_noop("By model"),
})  # fmt: skip


class Reports(commands.Cog):
    """Sends reports privately."""

    def __init__(self, report_builder: ReportBuilder, catalog: ModelCatalog) -> None:
        if not catalog.has_choice:
            self.report.left_out = frozenset({"by"})
        self._catalog = catalog
        self._report_builder = report_builder

    @TrimmedCommand.command(description="What this server spent, on what and by whom: a chart and a file")
    @app_commands.describe(
        period="Which period; this month if you choose none",
        ago="How many periods back; 0 is the current one",
        by="What the bars are divided by; members if you choose nothing",
    )
    @app_commands.choices(period=PERIOD_CHOICES, by=GROUPING_CHOICES)
    # Discord's menus hide it from everybody else; what enforces it is `require_manage_guild`.
    @app_commands.default_permissions(manage_guild=True)
    async def report(
        self,
        interaction: discord.Interaction,
        period: str = Period.MONTH,
        ago: app_commands.Range[int, 0, MAX_PERIODS_AGO] = 0,
        by: str = Grouping.MEMBER,
    ) -> None:
        """Defer, since counting and drawing may take longer than 3 seconds; then send the report."""
        guild_id = require_manage_guild(interaction)
        if not await defer_privately(interaction):
            return
        report_files = await self._report_builder.build(
            guild_id,
            period=Period(period),
            periods_ago=ago,
            upload_limit_bytes=interaction.filesize_limit,
            grouping=Grouping(by),
            label=partial(chart_labels.chart_labels, name_of=self._catalog.name_of),
        )
        await interaction.edit_original_response(
            view=report_views.report_view(report_files, self._catalog.name_of),
            attachments=report_views.files(report_files),
            allowed_mentions=discord.AllowedMentions.none(),
        )
