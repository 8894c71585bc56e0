"""`/limits log`: who changed what, from what to what, when and why; page by page.

Owns the command that shows the log, and its buttons. Never imports anything of ours but buttons, chronicle,
guards, log_cards, tongues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.credits.audit_log import Mark
from cogs.limits.audit_log_views import log_card
from cogs.text.translation import noted, say
from cogs.ui.buttons import answers_errors
from cogs.ui.context import guild_id_of, require_manage_guild

if TYPE_CHECKING:
    import re

    from bot.credits.audit_log import Chronicle, Page

NEWER: Final = "newer"
OLDER: Final = "older"
_LABELS: Final = {NEWER: noted("Previous"), OLDER: noted("Next")}


class LimitsLog(commands.Cog):
    """Shows the log. `turn_item` is what the client has to know, so that buttons work after a restart."""

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self.turn_item = _turn_item(self)

    @app_commands.command(name="log", description="Show who changed what, from what to what, when and why")
    async def show_log(self, interaction: discord.Interaction) -> None:
        """The newest page."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        page = await self._chronicle.older(guild_id)
        await interaction.response.send_message(view=self._card(page), ephemeral=True)

    async def turn(self, interaction: discord.Interaction, way: str, mark: Mark) -> None:
        """Show the page on either side of a mark in the same message."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        ask = self._chronicle.newer if way == NEWER else self._chronicle.older
        await interaction.response.edit_message(view=self._card(await ask(guild_id, mark)))

    def _card(self, page: Page) -> ui.LayoutView:
        marks = {NEWER: page.newer, OLDER: page.older}
        turns = [self.turn_item(way, mark) for way, mark in marks.items() if mark is not None]
        return log_card(page, turns)


class Turn(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=r"kuas:log:(?P<way>newer|older):(?P<at>\d{1,16}):(?P<source>[1-7]):(?P<key>[0-9a-f-]{1,36})",
):
    """A button that names the page on one side of a mark."""

    def __init__(self, way: str, mark: Mark) -> None:
        custom_id = f"kuas:log:{way}:{mark.at}:{mark.source}:{mark.key}"
        super().__init__(ui.Button(label=say(_LABELS[way]), custom_id=custom_id))
        self._way, self._mark = way, mark

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> Turn:
        """Made anew for each click."""
        return cls(match["way"], Mark(int(match["at"]), int(match["source"]), match["key"]))


def _turn_item(log: LimitsLog) -> type[Turn]:
    """Turns that know their log: discord.py makes an item from the class alone."""

    class TurnOfLog(Turn, template=Turn.__discord_ui_compiled_template__):
        @answers_errors
        async def callback(self, interaction: discord.Interaction) -> None:
            await log.turn(interaction, self._way, self._mark)

    return TurnOfLog
