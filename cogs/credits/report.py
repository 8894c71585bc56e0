"""`/report`: what a server spent, by whom and when, for those who may manage it.

Owns the command that reports. Never imports anything of ours but answers, chart_words, guards, periods,
press, report_cards, tongues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.periods import PERIODS
from cogs.credits import chart_labels, report_views
from cogs.text.translation import noted
from cogs.ui.context import guild_id_of, require_manage_guild
from cogs.ui.responses import Acceptance, acknowledge

if TYPE_CHECKING:
    from bot.credits.reports.builder import Press

LONGEST_AGO: Final = 24
_CHOICES: Final = {
    "day": noted("By the day"),
    "week": noted("By the week, from Monday"),
    "month": noted("By the month, from the first"),
    "total": noted("Everything so far"),
}
PERIOD_CHOICES: Final = [
    app_commands.Choice(name=app_commands.locale_str(_CHOICES[period]), value=period) for period in PERIODS
]


class Reports(commands.Cog):
    """Hands out reports, privately."""

    def __init__(self, press: Press) -> None:
        self._press = press

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
        period: str = "month",
        ago: app_commands.Range[int, 0, LONGEST_AGO] = 0,
    ) -> None:
        """Answer at once, count and draw, then show it."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        acknowledgement = await acknowledge(interaction, private=True)
        if acknowledgement.acceptance is Acceptance.LOST:
            return
        edition = await self._press.make(
            guild_id,
            period=period,
            ago=ago,
            upload_limit_bytes=interaction.filesize_limit,
            letter=chart_labels.lettering,
        )
        await interaction.edit_original_response(
            view=report_views.report_card(edition),
            attachments=report_views.files(edition),
            allowed_mentions=discord.AllowedMentions.none(),
        )
