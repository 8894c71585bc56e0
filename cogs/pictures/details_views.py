"""Views about delivered pictures: details, ancestors, deleted, shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.jobs import DeliveryMethod, Stage
from cogs.pictures.buttons import Action, picture_button
from cogs.text.escaping import escape, single_line
from cogs.text.terms import credits_text, format_name, length_text, mention, size_name, timestamp
from cogs.text.translation import gettext, ngettext
from cogs.ui.layout import build_view, quote_or_attach, row, subtext

if TYPE_CHECKING:
    import discord
    from discord import ui

    from bot.domain.jobs import Job
    from bot.jobs.history import Ancestry, HistoryItem

LINK_UNITS: Final = 40
ANCESTORS_SHOWN: Final = 5
FILENAME_UNITS: Final = 60


def details_view(
    item: HistoryItem, ancestry: Ancestry, *, user_id: int, channel_id: int | None
) -> tuple[ui.LayoutView, list[discord.File]]:
    """Everything about one request, the whole prompt first; with the files that belong to it.

    `user_id` is who reads it, and `channel_id` where: of what it grew from they see what they may see anyway.
    """
    job = item.job
    prompt, files = quote_or_attach(job.request.prompt)
    shown = build_view(
        f"### {gettext('Details')}",
        prompt,
        "\n".join(_facts(item)),
        subtext(gettext("Id: `{job_id}`", job_id=job.job_id)),
        _ancestry(ancestry, user_id, channel_id),
    )
    return shown, files


def _facts(item: HistoryItem) -> list[str]:
    job, request = item.job, item.job.request
    asked = gettext(
        "Asked for by {member}, {when}",
        member=mention(request.destination.user_id),
        when=timestamp(job.accepted_at, "f"),
    )
    lines = [
        asked,
        gettext("Size: {size}", size=size_name(request.size)),
        gettext("Kind of file: {kind}", kind=format_name(request.format)),
    ]
    if request.preset is not None:
        lines.append(gettext("Preset: {name}", name=escape(request.preset.name, FILENAME_UNITS)))
    if request.reference is not None:
        lines.append(gettext("Reference: {name}", name=escape(request.reference.filename, FILENAME_UNITS)))
    lines.append(_outcome(item))
    return [f"- {line}" for line in lines]


def _outcome(item: HistoryItem) -> str:
    job = item.job
    if not item.is_painted:
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
        "Cost: {price}; it was there after {length}",
        price=price,
        length=length_text(max(1.0, (job.painted_at - job.accepted_at) / 1000)),
    )


def _ancestry(ancestry: Ancestry, user_id: int, channel_id: int | None) -> str:
    """What a picture grew from, the nearest first, and what that cost in all."""
    if not ancestry.ancestors:
        return ""
    shown = ancestry.ancestors[:ANCESTORS_SHOWN]
    lines = [f"- {_ancestor(item.job, user_id, channel_id)}" for item in shown]
    more = len(ancestry.ancestors) - len(lines)
    lines += [f"- {ngettext('and {n} before', 'and {n} before', more)}"] if more else []
    total = ngettext(
        "It grew from {n} picture; together they cost {price}:",
        "It grew from {n} pictures; together they cost {price}:",
        len(ancestry.ancestors),
        price=credits_text(ancestry.charged_credits),
    )
    return "\n".join([total, *lines])


def _ancestor(job: Job, user_id: int, channel_id: int | None) -> str:
    """Whose words they are may read them; others only where the picture itself hangs before their eyes."""
    where = job.request.destination
    if job.deleted_at is not None:
        return gettext("a deleted picture")
    here = job.delivered_message is not None and job.delivered_message.channel_id == channel_id
    if where.user_id != user_id and (where.private or not here):
        return gettext("a private picture") if where.private else link_to(job, show_prompt=False)
    return link_to(job)


def link_to(job: Job, *, show_prompt: bool = True) -> str:
    """A picture's first words, as a link to where it is, if it is anywhere that others can follow."""
    words = (single_line(job.request.prompt, LINK_UNITS) if show_prompt else "") or gettext("a picture")
    url = None if job.deleted_at is not None or job.request.destination.private else url_of(job)
    return escape(words, LINK_UNITS) if url is None else f"[{_in_link(words)}]({url})"


def _in_link(words: str) -> str:
    # Between brackets nothing can be escaped but what would close them.
    return escape(words, LINK_UNITS).replace("\\[", "(").replace("\\]", ")")


def url_of(job: Job) -> str | None:
    """The way back to a picture's message: https://discord.com/developers/docs/reference#message-formatting."""
    if job.delivered_message is None:
        return None
    guild = "@me" if job.delivered_message.method is DeliveryMethod.DM else job.request.destination.guild_id
    return f"https://discord.com/channels/{guild}/{job.delivered_message.channel_id}/{job.delivered_message.message_id}"


def delete_question_view(item: HistoryItem, message_id: int) -> ui.LayoutView:
    """Before something is deleted for good; of which message, where the row has forgotten it, else 0."""
    if not is_deleted(item.job):
        words = gettext(
            "Delete what is kept of this picture? Its credits stay spent, and it cannot be undone."
        )
    else:
        words = gettext("Delete this picture for everybody? Its credits stay spent, and it cannot be undone.")
    return build_view(words, row(picture_button(Action.DELETE_NOW, item.job.job_id, message_id)))


def is_deleted(job: Job) -> bool:
    """Whether its message goes with it: a private answer is out of reach, a direct message is not."""
    return not job.request.destination.private or (
        job.delivered_message is not None and job.delivered_message.method is DeliveryMethod.DM
    )


def deleted_view(item: HistoryItem) -> ui.LayoutView:
    """It is gone."""
    if not is_deleted(item.job):
        return build_view(gettext("Deleted. Only you can see its message; dismiss that yourself."))
    return build_view(gettext("Deleted."))


def already_shared_view(job: Job) -> str:
    """It was shown to everybody before."""
    return gettext("You showed this picture to everybody already: {link}", link=url_of(job) or "")
