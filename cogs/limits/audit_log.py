"""`/limits log`: who changed what, from what to what, when and why; in pages."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.credits.audit_log import Cursor
from cogs.limits.audit_log_views import audit_log_view
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.component_router import component
from cogs.ui.context import guild_id_of, require_manage_guild

if TYPE_CHECKING:
    import re

    from bot.credits.audit_log import AuditLog, AuditPage


class PageDirection(StrEnum):
    """Which page of the log a button shows; the values are part of custom ids."""

    NEWER = "newer"
    OLDER = "older"


_LABELS: Final = {PageDirection.NEWER: gettext_noop("Previous"), PageDirection.OLDER: gettext_noop("Next")}


class AuditLogCommand(commands.Cog):
    """The command `/limits log`."""

    def __init__(self, audit_log: AuditLog) -> None:
        self._audit_log = audit_log

    @app_commands.command(name="log", description="Show who changed what, from what to what, when and why")
    async def show_log(self, interaction: discord.Interaction) -> None:
        """Show the newest page."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        page = await self._audit_log.older(guild_id)
        await interaction.response.send_message(view=_view(page), ephemeral=True)

    @component(r"kuas:log:(?P<page>newer|older):(?P<at>\d{1,16}):(?P<source>[1-7]):(?P<key>[0-9a-f-]{1,36})")
    async def show_page(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show another page in the same message."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        cursor = Cursor(int(custom_id["at"]), int(custom_id["source"]), custom_id["key"])
        is_newer = custom_id["page"] == PageDirection.NEWER
        load = self._audit_log.newer if is_newer else self._audit_log.older
        await interaction.response.edit_message(view=_view(await load(guild_id, cursor)))


def _view(page: AuditPage) -> ui.LayoutView:
    cursors = {PageDirection.NEWER: page.newer, PageDirection.OLDER: page.older}
    buttons = [page_button(direction, cursor) for direction, cursor in cursors.items() if cursor is not None]
    return audit_log_view(page, buttons)


def page_button(direction: PageDirection, cursor: Cursor) -> ui.Button[ui.LayoutView]:
    """Make the button for the page before or after a cursor."""
    custom_id = f"kuas:log:{direction}:{cursor.at}:{cursor.source}:{cursor.key}"
    return ui.Button(label=gettext(_LABELS[direction]), custom_id=custom_id)
