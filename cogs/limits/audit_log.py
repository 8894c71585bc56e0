"""`/limits log`: who changed what, from what to what, when and why; page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.credits.audit_log import Cursor
from cogs.limits.audit_log_views import audit_log_view
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.buttons import reports_errors
from cogs.ui.context import guild_id_of, require_manage_guild

if TYPE_CHECKING:
    import re

    from bot.credits.audit_log import AuditLog, AuditPage

NEWER: Final = "newer"
OLDER: Final = "older"
_LABELS: Final = {NEWER: gettext_noop("Previous"), OLDER: gettext_noop("Next")}


class AuditLogCommand(commands.Cog):
    """Shows the log. `page_button` is what the client has to know, so that buttons work after a restart."""

    def __init__(self, audit_log: AuditLog) -> None:
        self._audit_log = audit_log
        self.page_button = _page_button(self)

    @app_commands.command(name="log", description="Show who changed what, from what to what, when and why")
    async def show_log(self, interaction: discord.Interaction) -> None:
        """The newest page."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        page = await self._audit_log.older(guild_id)
        await interaction.response.send_message(view=self._card(page), ephemeral=True)

    async def show_page(self, interaction: discord.Interaction, way: str, cursor: Cursor) -> None:
        """Show the page on either side of a mark in the same message."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        ask = self._audit_log.newer if way == NEWER else self._audit_log.older
        await interaction.response.edit_message(view=self._card(await ask(guild_id, cursor)))

    def _card(self, page: AuditPage) -> ui.LayoutView:
        marks = {NEWER: page.newer, OLDER: page.older}
        turns = [self.page_button(way, mark) for way, mark in marks.items() if mark is not None]
        return audit_log_view(page, turns)


class AuditPageButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=r"kuas:log:(?P<way>newer|older):(?P<at>\d{1,16}):(?P<source>[1-7]):(?P<key>[0-9a-f-]{1,36})",
):
    """A button that names the page on one side of a mark."""

    def __init__(self, way: str, cursor: Cursor) -> None:
        custom_id = f"kuas:log:{way}:{cursor.at}:{cursor.source}:{cursor.key}"
        super().__init__(ui.Button(label=gettext(_LABELS[way]), custom_id=custom_id))
        self._way, self._mark = way, cursor

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> AuditPageButton:
        """Made anew for each click."""
        return cls(match["way"], Cursor(int(match["at"]), int(match["source"]), match["key"]))


def _page_button(log: AuditLogCommand) -> type[AuditPageButton]:
    """Turns that know their log: discord.py makes an item from the class alone."""

    class TurnOfLog(AuditPageButton, template=AuditPageButton.__discord_ui_compiled_template__):
        @reports_errors
        async def callback(self, interaction: discord.Interaction) -> None:
            await log.show_page(interaction, self._way, self._mark)

    return TurnOfLog
