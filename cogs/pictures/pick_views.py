"""The private cards of a group: pick one of its pictures, look at that, choose what to delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.domain.jobs import GroupKind, Stage
from cogs.pictures import views
from cogs.pictures.buttons import Action, picture_buttons
from cogs.pictures.group_buttons import GroupAction, group_button, group_id
from cogs.pictures.group_states import can_cancel, has_picture
from cogs.pictures.group_views import state_text
from cogs.pictures.history_views import item_view
from cogs.text.escaping import single_line
from cogs.text.translation import gettext, ngettext
from cogs.ui.discord_limits import CHOICE_UNITS
from cogs.ui.layout import build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.domain.jobs import Job
    from bot.jobs.groups import JobGroup
    from bot.jobs.history import HistoryItem
    from cogs.ui.layout import Row

    NameOf = Callable[[str], str]


def pick_view(group: JobGroup, name_of: NameOf) -> ui.LayoutView:
    """Show the menu of the pictures of a group; `name_of` returns the name of a model."""
    jobs = [job for job in group.jobs if job.deleted_at is None]
    return build_view(
        f"### {gettext('Which picture?')}",
        views.quote_of(jobs[0], show_prompt=True),
        _menu(group, GroupAction.SHOW, jobs, name_of),
        subtext(gettext("Looking at one costs nothing.")),
    )


def picked_view(
    group: JobGroup, item: HistoryItem, url: str | None, *, name_of: NameOf, can_vary: bool, in_guild: bool
) -> ui.LayoutView:
    """Show one picture of a group with its buttons, or what became of it.

    `url` is None if the picture cannot be shown; `can_vary` is True if its model takes a reference;
    `in_guild` is False in a direct message, which has fewer buttons.
    """
    job = item.job
    back = group_button(GroupAction.BACK, group.interaction_id)
    title = f"### {_title(group, job, name_of)}"
    if job.is_missing or (job.is_painted and job.finished_at is not None):
        return item_view(item, url, back, can_vary=can_vary, title=title, in_guild=in_guild)
    if job.failure is not None:
        return views.failure_view(job, job.failure, greeting=title, in_guild=in_guild, back=back)
    if job.stage is Stage.CANCELLED:
        return views.cancelled_view(job, greeting=title, in_guild=in_guild, back=back)
    actions = (Action.CANCEL,) if in_guild and can_cancel(job) else ()
    return build_view(
        title,
        views.quote_of(job, show_prompt=True),
        gettext("This picture is not finished. It comes by itself, in the message of all."),
        row(*picture_buttons(job.job_id, actions), back),
    )


def use_view(group: JobGroup, name_of: NameOf, most: int) -> ui.LayoutView:
    """Ask which pictures of a group become references, at most `most` of them."""
    jobs = list(filter(has_picture, group.jobs))
    return build_view(
        f"### {gettext('Which picture becomes the reference?')}",
        _menu(group, GroupAction.USE, jobs, name_of, most=min(most, len(jobs))),
    )


def delete_view(group: JobGroup, jobs: Sequence[Job], message_id: int, name_of: NameOf) -> ui.LayoutView:
    """Ask which of the pictures `jobs` are deleted, or all; `message_id` is the message that shows them."""
    menu = [_menu(group, GroupAction.DELETE_ONE, jobs, name_of)] if jobs else []
    return build_view(
        gettext(
            "Delete one of these pictures, or all with their message? Their credits stay spent, and it cannot"
            " be undone."
        ),
        *menu,
        row(group_button(GroupAction.DELETE_ALL, group.interaction_id, detail=message_id)),
    )


def cancelled_text(cancelled: Sequence[Job], too_late: Sequence[Job]) -> str:
    """Say which pictures of a group were cancelled, and which could not be any more."""
    sentences = []
    if cancelled:
        sentences.append(
            ngettext(
                "{n} cancelled, not charged: {numbers}.",
                "{n} cancelled, not charged: {numbers}.",
                len(cancelled),
                numbers=_numbers(cancelled),
            )
        )
    if too_late:
        sentences.append(
            ngettext(
                "{n} was already being painted and will be posted: {numbers}.",
                "{n} were already being painted and will be posted: {numbers}.",
                len(too_late),
                numbers=_numbers(too_late),
            )
        )
    return " ".join(sentences) or gettext("There was nothing left to cancel.")


def _numbers(jobs: Sequence[Job]) -> str:
    return ", ".join(str(job.number) for job in jobs)


def _menu(
    group: JobGroup, action: GroupAction, jobs: Sequence[Job], name_of: NameOf, *, most: int = 1
) -> Row:
    return ui.ActionRow(
        ui.Select(
            custom_id=group_id(action, group.interaction_id),
            placeholder=gettext("Choose a picture"),
            max_values=most,
            options=[
                discord.SelectOption(
                    label=single_line(_title(group, job, name_of), CHOICE_UNITS),
                    value=str(job.number),
                    description=state_text(job),
                )
                for job in jobs
            ],
        )
    )


def _title(group: JobGroup, job: Job, name_of: NameOf) -> str:
    title = gettext("Picture {number}", number=job.number)
    return f"{title} · {name_of(job.request.model)}" if group.kind is GroupKind.COMPARE else title
