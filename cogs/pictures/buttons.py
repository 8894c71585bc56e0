"""The buttons under pictures.

A custom id holds the action and the id of the job; whose picture it is and who may click is read from the
database at the click.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from cogs.text.translation import gettext, gettext_noop
from cogs.ui.component_router import SNOWFLAKE
from cogs.ui.layout import row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cogs.ui.layout import Button, Row


class Action(StrEnum):
    """What a button does. The values are in the custom ids of old messages: do not change them."""

    AGAIN = "again"
    EDIT = "edit"
    USE = "use"
    VARY = "vary"
    DETAILS = "details"
    SHARE = "share"
    DELETE = "delete"
    DELETE_NOW = "delete_now"
    CANCEL = "cancel"
    RETRY = "retry"


_LABELS: Final = {
    Action.AGAIN: gettext_noop("Again"),
    Action.EDIT: gettext_noop("Edit"),
    Action.USE: gettext_noop("Use as reference"),
    Action.VARY: gettext_noop("Vary"),
    Action.DETAILS: gettext_noop("Details"),
    Action.SHARE: gettext_noop("Show to everybody"),
    Action.DELETE: gettext_noop("Delete"),
    Action.DELETE_NOW: gettext_noop("Delete it"),
    Action.CANCEL: gettext_noop("Cancel"),
    Action.RETRY: gettext_noop("Fetch it now"),
}
_STYLES: Final = {
    Action.AGAIN: discord.ButtonStyle.primary,
    Action.RETRY: discord.ButtonStyle.primary,
    Action.DELETE_NOW: discord.ButtonStyle.danger,
}

PICTURE_ID: Final = (
    rf"kuas:picture:(?P<action>{'|'.join(Action)}):(?P<job_id>[0-9a-f-]{{36}})"
    rf"(?::(?P<message_id>{SNOWFLAKE}))?"
)
"""The custom ids of these buttons; `message_id` is the picture's message, if its row does not have it."""


def picture_button(action: Action, job_id: str, message_id: int = 0) -> Button:
    """Make the button of one action on one picture."""
    return ui.Button(
        label=gettext(_LABELS[action]),
        style=_STYLES.get(action, discord.ButtonStyle.secondary),
        custom_id=f"kuas:picture:{action}:{job_id}" + (f":{message_id}" if message_id else ""),
    )


USE_ONE_ID: Final = r"kuas:picture:pick:(?P<job_id>[0-9a-f-]{36})"
"""The custom ids of `use_one_row`."""


def use_one_row(job_id: str, pictures: int) -> Row:
    """Make the menu to use one of several pictures of a job as a reference."""
    options = [
        discord.SelectOption(label=gettext("Picture {number}", number=number), value=str(number))
        for number in range(1, pictures + 1)
    ]
    placeholder = gettext("Use one of them as reference")
    return ui.ActionRow(
        ui.Select(custom_id=f"kuas:picture:pick:{job_id}", placeholder=placeholder, options=options)
    )


def picture_buttons(job_id: str, actions: Sequence[Action]) -> list[Button]:
    """Make the buttons of several actions on one picture."""
    buttons = {action: picture_button(action, job_id) for action in actions}
    if Action.RETRY in buttons and Action.AGAIN in buttons:
        # What was paid for already comes first; another picture costs credits again.
        buttons[Action.AGAIN].style = discord.ButtonStyle.secondary
    return list(buttons.values())


def picture_row(job_id: str, actions: Sequence[Action]) -> Row:
    """Make a row of buttons for one picture."""
    return row(*picture_buttons(job_id, actions))
