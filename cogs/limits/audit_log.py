"""`/limits log`: who changed what, from what to what, when and why; page by page."""

from __future__ import annotations

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

NEWER: Final = "newer"
OLDER: Final = "older"
_LABELS: Final = {NEWER: gettext_noop("Previous"), OLDER: gettext_noop("Next")}


class AuditLogCommand(commands.Cog):
    """The command `/limits log`."""

    def __init__(self, audit_log: AuditLog) -> None:
        self._audit_log = audit_log

    @app_commands.command(name="log", description="Show who changed what, from what to what, when and why")
    async def show_log(self, interaction: discord.Interaction) -> None:
        """The newest page."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        page = await self._audit_log.older(guild_id)
        await interaction.response.send_message(view=_view(page), ephemeral=True)

    @component(
        rf"kuas:log:(?P<page>{NEWER}|{OLDER}):(?P<at>\d{{1,16}}):(?P<source>[1-7]):(?P<key>[0-9a-f-]{{1,36}})"
    )
    async def show_page(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show another page in the same message."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        cursor = Cursor(int(custom_id["at"]), int(custom_id["source"]), custom_id["key"])
        load = self._audit_log.newer if custom_id["page"] == NEWER else self._audit_log.older
        await interaction.response.edit_message(view=_view(await load(guild_id, cursor)))


def _view(page: AuditPage) -> ui.LayoutView:
    cursors = {NEWER: page.newer, OLDER: page.older}
    buttons = [page_button(name, cursor) for name, cursor in cursors.items() if cursor is not None]
    return audit_log_view(page, buttons)


def page_button(page: str, cursor: Cursor) -> ui.Button[ui.LayoutView]:
    """Make the button to the page on one side of a cursor."""
    custom_id = f"kuas:log:{page}:{cursor.at}:{cursor.source}:{cursor.key}"
    return ui.Button(label=gettext(_LABELS[page]), custom_id=custom_id)
