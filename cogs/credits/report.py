"""`/report`: what a server spent, by whom and when, for those who may manage it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.periods import Period
from cogs.credits import chart_labels, report_views
from cogs.text.translation import gettext_noop
from cogs.ui.context import guild_id_of, require_manage_guild
from cogs.ui.responses import DeferOutcome, defer

if TYPE_CHECKING:
    from bot.credits.reports.builder import ReportBuilder

LONGEST_AGO: Final = 24
_CHOICES: Final = {
    Period.DAY: gettext_noop("By the day"),
    Period.WEEK: gettext_noop("By the week, from Monday"),
    Period.MONTH: gettext_noop("By the month, from the first"),
    Period.TOTAL: gettext_noop("Everything so far"),
}
PERIOD_CHOICES: Final = [
    app_commands.Choice(name=app_commands.locale_str(_CHOICES[period]), value=period) for period in Period
]


class Reports(commands.Cog):
    """Hands out reports, privately."""

    def __init__(self, report_builder: ReportBuilder) -> None:
        self._report_builder = report_builder

    @app_commands.command(description="What this server spent, on what and by whom: a chart and a file")
    @app_commands.describe(
        period="Which time; this month if you choose none",
        ago="How many periods back; 0 is the one that runs now",
    )
    @app_commands.choices(period=PERIOD_CHOICES)
    # Hidden from everybody else in Discord's menus; `require_manage_guild` is what holds.
    @app_commands.default_permissions(manage_guild=True)
    async def report(
        self,
        interaction: discord.Interaction,
        period: str = Period.MONTH,
        ago: app_commands.Range[int, 0, LONGEST_AGO] = 0,
    ) -> None:
        """Answer at once, count and draw, then show it."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        acknowledgement = await defer(interaction, private=True)
        if acknowledgement.outcome is DeferOutcome.LOST:
            return
        report_files = await self._report_builder.build(
            guild_id,
            period=Period(period),
            periods_ago=ago,
            upload_limit_bytes=interaction.filesize_limit,
            label=chart_labels.chart_labels,
        )
        await interaction.edit_original_response(
            view=report_views.report_view(report_files),
            attachments=report_views.files(report_files),
            allowed_mentions=discord.AllowedMentions.none(),
        )
