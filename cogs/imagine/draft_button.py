"""The button under a refused request: back to the form, with everything that was typed.

It carries the id of the draft and nothing else, so that it works in any process at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

import discord
from discord import ui

from bot.domain.ids import MAX_ID
from cogs.text.translation import gettext
from cogs.ui.buttons import reports_errors

if TYPE_CHECKING:
    import re

    from bot.discord_client.client import KuasClient

COMPOSE_FORMS: Final = "ComposeForms"
"""The name of the cog that shows the form. It shows this button itself, so it cannot be imported here."""


class DraftHandler(Protocol):
    """Shows the form of a draft."""

    async def reopen(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Show the form of a draft again."""


class DraftButton(ui.DynamicItem[ui.Button[ui.LayoutView]], template=r"kuas:draft:(?P<draft_id>[0-9]{1,19})"):
    """Back to the form, with everything that was typed."""

    def __init__(self, draft_id: int) -> None:
        super().__init__(
            ui.Button(
                label=gettext("Edit and try again"),
                style=discord.ButtonStyle.primary,
                custom_id=f"kuas:draft:{draft_id}",
            )
        )
        self._draft_id = draft_id

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> DraftButton:
        """Made anew for each click."""
        return cls(min(int(match["draft_id"]), MAX_ID))

    @reports_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Show the form of the draft again."""
        handler = cast("DraftHandler", cast("KuasClient", interaction.client).get_cog(COMPOSE_FORMS))
        await handler.reopen(interaction, self._draft_id)
