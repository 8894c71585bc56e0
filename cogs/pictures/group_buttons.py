"""The buttons under a group: the message with the pictures of one request for several.

A custom id holds the action and the id of the group, which is that of its interaction; that of a vote also
the number of the picture, and that of a deletion the message. Whose group it is and who may click is read
from the database at the click.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.domain.jobs import GroupKind
from cogs.pictures.group_states import can_cancel, can_vote, ended_without_picture, has_outcome, has_picture
from cogs.text.terms import credits_text
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.component_router import SNOWFLAKE
from cogs.ui.layout import row

if TYPE_CHECKING:
    from bot.domain.jobs import Job
    from bot.jobs.groups import JobGroup
    from cogs.ui.layout import Button, Row


class GroupAction(StrEnum):
    """What a button or a menu does. The values are in the custom ids of old messages: do not change them."""

    CANCEL = "cancel"
    """Cancels the pictures that still can be."""
    AGAIN = "again"
    """Asks for all of them again."""
    MISSING = "missing"
    """Asks again for those that failed."""
    PICK = "pick"
    """Opens the private card to pick one."""
    SHOW = "show"
    """The menu of that card: shows the picture chosen in it."""
    BACK = "back"
    """From the picture to that menu."""
    DELETE = "delete"
    """Asks which to delete."""
    DELETE_ONE = "delete_one"
    """The menu of that question."""
    DELETE_ALL = "delete_all"
    USE = "use"
    """The menu of pictures that become references."""
    VOTE = "vote"
    """For the picture with a number."""


_LABELS: Final = {
    GroupAction.CANCEL: gettext_noop("Cancel"),
    GroupAction.PICK: gettext_noop("Pick one"),
    GroupAction.BACK: gettext_noop("Back to the choice"),
    GroupAction.DELETE: gettext_noop("Delete"),
    GroupAction.DELETE_ALL: gettext_noop("Delete all"),
}
_STYLES: Final = {
    GroupAction.AGAIN: discord.ButtonStyle.primary,
    GroupAction.DELETE_ALL: discord.ButtonStyle.danger,
}

GROUP_ID: Final = (
    rf"kuas:group:(?P<action>{'|'.join(GroupAction)}):(?P<interaction_id>{SNOWFLAKE})"
    rf"(?::(?P<detail>{SNOWFLAKE}))?"
)
"""The custom ids of these buttons and menus; `detail` is the number of a picture, or the id of a message."""


def group_id(action: GroupAction, interaction_id: int, detail: int = 0) -> str:
    """Return a custom id; `detail` as in `GROUP_ID`, or 0."""
    return f"kuas:group:{action}:{interaction_id}" + (f":{detail}" if detail else "")


def group_button(action: GroupAction, interaction_id: int, label: str = "", *, detail: int = 0) -> Button:
    """Make the button of one action on a group, with its usual label if none is given."""
    return ui.Button(
        label=label or gettext(_LABELS[action]),
        style=_STYLES.get(action, discord.ButtonStyle.secondary),
        custom_id=group_id(action, interaction_id, detail),
    )


def group_rows(group: JobGroup, *, in_guild: bool) -> list[Row]:
    """Return the rows under the message of a group, as its jobs are now.

    `in_guild` is False in a direct message, where only what needs no server with rules and limits is offered.
    """
    jobs = [job for job in group.jobs if job.deleted_at is None]
    ended = all(has_outcome(job) for job in jobs)
    button = _Buttons(group)
    buttons: list[Button] = []
    if in_guild and any(map(can_cancel, jobs)):
        buttons.append(button.of(GroupAction.CANCEL))
    if in_guild and ended and any(job.request.prompt for job in jobs):
        buttons.append(button.again())
        # If all are missing, *Again* is that already.
        if 0 < (missing := sum(map(ended_without_picture, jobs))) < len(group.jobs):
            buttons.append(button.missing(missing))
    if jobs and (ended or any(map(has_picture, jobs))):
        buttons.append(button.of(GroupAction.PICK))
    if jobs and ended:
        buttons.append(button.of(GroupAction.DELETE))
    votes = button.votes() if in_guild and ended else []
    return [row(*each) for each in (buttons, votes) if each]


class _Buttons:
    """Makes the buttons of one group."""

    def __init__(self, group: JobGroup) -> None:
        self._group = group

    def of(self, action: GroupAction) -> Button:
        return group_button(action, self._group.interaction_id)

    def again(self) -> Button:
        prices = [self._price(job) for job in self._group.jobs]
        total = sum(prices)
        if self._group.kind is GroupKind.PICTURES and len(set(prices)) == 1:
            label = gettext(
                "Again: {n} \N{MULTIPLICATION SIGN} {price} = {total}",
                n=number(len(prices)),
                price=number(prices[0]),
                total=number(total),
            )
        else:
            label = gettext("Again: {price}", price=credits_text(total))
        return group_button(GroupAction.AGAIN, self._group.interaction_id, label)

    def missing(self, count: int) -> Button:
        label = ngettext("Try the missing {n}", "Try the missing {n}", count)
        return group_button(GroupAction.MISSING, self._group.interaction_id, label)

    def votes(self) -> list[Button]:
        if not can_vote(self._group):
            return []
        return [self._vote(job.number) for job in self._group.jobs if has_picture(job)]

    def _vote(self, place: int) -> Button:
        votes = self._group.votes.get(place, 0)
        label = ngettext("{place}: {n} vote", "{place}: {n} votes", votes, place=place)
        return group_button(GroupAction.VOTE, self._group.interaction_id, label, detail=place)

    def _price(self, job: Job) -> int:
        """Return what a picture cost, or what it would have cost, as far as that was known."""
        charged = self._group.charged_credits.get(job.job_id, 0) if job.failure is None else 0
        return charged or job.quote_credits
