"""Views about a finished picture: details and ancestors, the question before a deletion, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.jobs import DeliveryMethod, Stage
from cogs.pictures.buttons import Action, picture_button, use_one_row
from cogs.text.escaping import escape, single_line
from cogs.text.setting_messages import settings_text
from cogs.text.terms import (
    FILENAME_UNITS,
    credits_text,
    filenames_text,
    format_name,
    length_text,
    mention,
    model_text,
    size_name,
    timestamp,
)
from cogs.text.translation import gettext, ngettext
from cogs.ui.layout import build_view, quote_or_attach, row, subtext

if TYPE_CHECKING:
    import discord
    from discord import ui

    from bot.domain.jobs import Job
    from bot.jobs.history import Ancestry, HistoryItem

LINK_UNITS: Final = 40
ANCESTORS_SHOWN: Final = 5


def details_view(
    item: HistoryItem,
    ancestry: Ancestry,
    *,
    user_id: int,
    channel_id: int | None,
    model_name: str | None = None,
) -> tuple[ui.LayoutView, list[discord.File]]:
    """Show everything about one request; returns the view and its attachments.

    `user_id` is the reader and `channel_id` where they read: prompts of ancestors that are not visible to
    them there are left out. `model_name` is None where there is only one model.
    """
    job = item.job
    prompt, files = quote_or_attach(job.request.prompt)
    view = build_view(
        f"### {gettext('Details')}",
        prompt,
        "\n".join(_facts(item, model_name)),
        subtext(gettext("Id: `{job_id}`", job_id=job.job_id)),
        _ancestry(ancestry, user_id, channel_id),
        *([use_one_row(job.job_id, job.picture_count)] if _has_several(item) else []),
    )
    return view, files


def _has_several(item: HistoryItem) -> bool:
    """Whether there are several pictures to choose from."""
    return item.job.is_painted and item.job.picture_count > 1 and item.job.deleted_at is None


def _facts(item: HistoryItem, model_name: str | None) -> list[str]:
    job, request = item.job, item.job.request
    asked = gettext(
        "Asked for by {member}, {when}",
        member=mention(request.destination.user_id),
        when=timestamp(job.accepted_at, "f"),
    )
    lines = [asked]
    if job.place is not None:
        place = job.place
        lines.append(gettext("Picture {number} of {size}", number=place.number, size=place.size))
    if model_name is not None:
        lines.append(gettext("Model: {model}", model=model_text(model_name)))
    lines += [
        gettext("Size: {size}", size=size_name(request.size)),
        gettext("Kind of file: {kind}", kind=format_name(request.format)),
    ]
    if request.settings:
        lines.append(gettext("Settings: {settings}", settings=settings_text(request.settings)))
    if request.preset is not None:
        lines.append(gettext("Preset: {name}", name=escape(request.preset.name, FILENAME_UNITS)))
    if len(request.references) == 1:
        lines.append(gettext("Reference: {name}", name=filenames_text(request.references)))
    elif request.references:
        names = filenames_text(request.references)
        lines.append(gettext("{n} references: {names}", n=len(request.references), names=names))
    if job.is_painted and job.picture_count > 1:
        lines.append(gettext("Pictures: {n}", n=job.picture_count))
    lines.append(_outcome(item))
    return [f"- {line}" for line in lines]


def _outcome(item: HistoryItem) -> str:
    job = item.job
    if not job.is_painted:
        cancelled = job.stage is Stage.CANCELLED
        return (
            gettext("It was cancelled; nothing was charged")
            if cancelled
            else gettext("There is no picture of it")
        )
    price = credits_text(item.charged_credits)
    if job.painted_at is None:
        return gettext("Cost: {price}", price=price)
    return gettext(
        "Cost: {price}; ready after {length}",
        price=price,
        length=length_text(max(1.0, (job.painted_at - job.accepted_at) / 1000)),
    )


def _ancestry(ancestry: Ancestry, user_id: int, channel_id: int | None) -> str:
    """Return the list of ancestors, the nearest first, and their cost in all."""
    if not ancestry.ancestors:
        return ""
    shown = ancestry.ancestors[:ANCESTORS_SHOWN]
    lines = [f"- {_ancestor(item.job, user_id, channel_id)}" for item in shown]
    more = len(ancestry.ancestors) - len(lines)
    lines += [f"- {ngettext('and {n} before', 'and {n} before', more)}"] if more else []
    total = ngettext(
        "It was made from {n} picture; together they cost {price}:",
        "It was made from {n} pictures; together they cost {price}:",
        len(ancestry.ancestors),
        price=credits_text(ancestry.charged_credits),
    )
    return "\n".join([total, *lines])


def _ancestor(job: Job, user_id: int, channel_id: int | None) -> str:
    """Return a line about an ancestor; others than its member see its prompt in its channel only."""
    destination = job.request.destination
    if job.deleted_at is not None:
        return gettext("a deleted picture")
    here = job.delivered_message is not None and job.delivered_message.channel_id == channel_id
    if destination.user_id != user_id and (destination.private or not here):
        return gettext("a private picture") if destination.private else link_to(job, show_prompt=False)
    return link_to(job)


def link_to(job: Job, *, show_prompt: bool = True) -> str:
    """Return the first words of a picture's prompt, as a link to its message if that is public."""
    words = (single_line(job.request.prompt, LINK_UNITS) if show_prompt else "") or gettext("a picture")
    url = None if job.deleted_at is not None or job.request.destination.private else url_of(job)
    return escape(words, LINK_UNITS) if url is None else f"[{_in_link(words)}]({url})"


def _in_link(words: str) -> str:
    # The text of a link cannot hold escaped brackets.
    return escape(words, LINK_UNITS).replace("\\[", "(").replace("\\]", ")")


def url_of(job: Job) -> str | None:
    """Return the link to a picture's message: https://discord.com/developers/docs/reference#message-formatting."""
    if job.delivered_message is None:
        return None
    guild = "@me" if job.delivered_message.method is DeliveryMethod.DM else job.request.destination.guild_id
    return f"https://discord.com/channels/{guild}/{job.delivered_message.channel_id}/{job.delivered_message.message_id}"


def delete_question_view(item: HistoryItem, message_id: int) -> ui.LayoutView:
    """Ask before a deletion; `message_id` is the picture's message, if its row does not have it, else 0."""
    return build_view(
        _question(item.job), row(picture_button(Action.DELETE_NOW, item.job.job_id, message_id))
    )


def _question(job: Job) -> str:
    if not has_deletable_message(job):
        one = gettext("Delete what is kept of this picture? Its credits stay spent, and it cannot be undone.")
        several = gettext(
            "Delete what is kept of all {n} pictures? Their credits stay spent, and it cannot be undone.",
            n=job.picture_count,
        )
    else:
        one = gettext("Delete this picture for everybody? Its credits stay spent, and it cannot be undone.")
        several = gettext(
            "Delete all {n} pictures for everybody? Their credits stay spent, and it cannot be undone.",
            n=job.picture_count,
        )
    return several if job.picture_count > 1 else one


def has_deletable_message(job: Job) -> bool:
    """Whether the bot can delete its message: private replies are out of reach, direct messages are not."""
    return not job.request.destination.private or (
        job.delivered_message is not None and job.delivered_message.method is DeliveryMethod.DM
    )


def deleted_view(*, in_reach: bool) -> ui.LayoutView:
    """Confirm a deletion; `in_reach` is False if the bot could not delete the private message."""
    if not in_reach:
        return build_view(gettext("Deleted. Only you can see its message; dismiss that yourself."))
    return build_view(gettext("Deleted."))


def already_shared_text(job: Job) -> str:
    """Say that a picture was shared before, with a link to it."""
    return gettext("You showed this picture to everybody already: {link}", link=url_of(job) or "")
