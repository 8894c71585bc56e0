"""The buttons under pictures: what is on them and whom they call. They work for ever, in any process.

A button carries the picture's id and nothing else, so everything else is asked anew with every click: whose
picture it is, who clicks, and what may be done. discord.py makes it again from its id alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, cast

import discord
from discord import ui

from bot.domain.ids import MAX_ID
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.buttons import reports_errors
from cogs.ui.layout import row

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from bot.discord_client.client import KuasClient

PICTURE_ACTIONS: Final = "Studio"
"""The name of the cog behind these buttons; it shows cards with such buttons itself."""


class Action(StrEnum):
    """What a button does; the value stands in its custom_id for ever."""

    AGAIN = "again"
    EDIT = "edit"
    USE = "use"
    DETAILS = "details"
    SHARE = "share"
    DELETE = "delete"
    DELETE_NOW = "delete_now"
    CANCEL = "cancel"


_LABELS: Final = {
    Action.AGAIN: gettext_noop("Again"),
    Action.EDIT: gettext_noop("Edit"),
    Action.USE: gettext_noop("Use as reference"),
    Action.DETAILS: gettext_noop("Details"),
    Action.SHARE: gettext_noop("Show to everybody"),
    Action.DELETE: gettext_noop("Delete"),
    Action.DELETE_NOW: gettext_noop("Delete it"),
    Action.CANCEL: gettext_noop("Cancel"),
}
_STYLES: Final = {
    Action.AGAIN: discord.ButtonStyle.primary,
    Action.DELETE_NOW: discord.ButtonStyle.danger,
}


class Handler(Protocol):
    """Who does what the buttons say. Everything raised is told to whoever clicked."""

    async def handle(
        self, interaction: discord.Interaction, action: Action, job_id: str, message_id: int
    ) -> None:
        """Do it, and answer. `message_id` is the message it is about, where nobody else knows; else 0."""


def handler_of(interaction: discord.Interaction) -> Handler:
    """The one cog behind the buttons."""
    return cast("Handler", cast("KuasClient", interaction.client).get_cog(PICTURE_ACTIONS))


class PictureButton(
    ui.DynamicItem[ui.Button[ui.LayoutView]],
    template=rf"kuas:picture:(?P<action>{'|'.join(Action)}):(?P<job_id>[0-9a-f-]{{36}})(?::(?P<message_id>[0-9]{{1,19}}))?",
):
    """One thing to do with one picture."""

    def __init__(self, action: Action, job_id: str, message_id: int = 0) -> None:
        super().__init__(
            ui.Button(
                label=gettext(_LABELS[action]),
                style=_STYLES.get(action, discord.ButtonStyle.secondary),
                custom_id=f"kuas:picture:{action}:{job_id}" + (f":{message_id}" if message_id else ""),
            )
        )
        self._action = action
        self._job_id = job_id
        self._message_id = message_id

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, __: ui.Item[ui.LayoutView], match: re.Match[str], /
    ) -> PictureButton:
        """Made anew for each click."""
        message_id = min(int(match["message_id"] or 0), MAX_ID)
        return cls(Action(match["action"]), match["job_id"], message_id)

    @reports_errors
    async def callback(self, interaction: discord.Interaction) -> None:
        """Let `PictureActions` handle it."""
        await handler_of(interaction).handle(interaction, self._action, self._job_id, self._message_id)


def picture_row(job_id: str, actions: Sequence[Action]) -> ui.ActionRow[ui.LayoutView]:
    """Buttons of one picture side by side."""
    return row(*(PictureButton(action, job_id) for action in actions))
