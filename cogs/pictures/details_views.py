"""What is said about pictures afterwards: every detail, what they grew from, and that they are gone or shown.

Owns the words about finished pictures. Never imports anything of ours but buttons, cards, gallery, jobs,
text, tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.jobs import Stage
from cogs.pictures.buttons import Action, PictureButton
from cogs.text.escaping import harmless, plain
from cogs.text.terms import credits_text, format_name, length_text, mention, moment, size_name
from cogs.text.translation import count, say
from cogs.ui.layout import card, row, small, whole

if TYPE_CHECKING:
    import discord
    from discord import ui

    from bot.domain.jobs import Job
    from bot.jobs.history import Chain, Piece

LINK_UNITS: Final = 40
ANCESTORS_SHOWN: Final = 5
FILENAME_UNITS: Final = 60


def details_card(
    piece: Piece, chain: Chain, *, user_id: int, channel_id: int | None
) -> tuple[ui.LayoutView, list[discord.File]]:
    """Everything about one request, the whole prompt first; with the files that belong to it.

    `user_id` is who reads it, and `channel_id` where: of what it grew from they see what they may see anyway.
    """
    job = piece.job
    prompt, files = whole(job.request.prompt)
    shown = card(
        f"### {say('Details')}",
        prompt,
        "\n".join(_facts(piece)),
        small(say("Id: `{job_id}`", job_id=job.job_id)),
        _descent(chain, user_id, channel_id),
    )
    return shown, files


def _facts(piece: Piece) -> list[str]:
    job, request = piece.job, piece.job.request
    asked = say(
        "Asked for by {member}, {when}",
        member=mention(request.destination.user_id),
        when=moment(job.accepted_at, "f"),
    )
    lines = [
        asked,
        say("Size: {size}", size=size_name(request.size)),
        say("Kind of file: {kind}", kind=format_name(request.format)),
    ]
    if request.preset is not None:
        lines.append(say("Preset: {name}", name=harmless(request.preset.name, FILENAME_UNITS)))
    if request.reference is not None:
        lines.append(say("Reference: {name}", name=harmless(request.reference.filename, FILENAME_UNITS)))
    lines.append(_outcome(piece))
    return [f"- {line}" for line in lines]


def _outcome(piece: Piece) -> str:
    job = piece.job
    if not piece.is_painted:
        cancelled = job.stage is Stage.CANCELLED
        return say("It was cancelled; nothing was charged") if cancelled else say("There is no picture of it")
    price = credits_text(piece.charged_credits)
    if job.painted_at is None:
        return say("Cost: {price}", price=price)
    return say(
        "Cost: {price}; it was there after {length}",
        price=price,
        length=length_text(max(1.0, (job.painted_at - job.accepted_at) / 1000)),
    )


def _descent(chain: Chain, user_id: int, channel_id: int | None) -> str:
    """What a picture grew from, the nearest first, and what that cost in all."""
    if not chain.ancestors:
        return ""
    shown = chain.ancestors[:ANCESTORS_SHOWN]
    lines = [f"- {_ancestor(piece.job, user_id, channel_id)}" for piece in shown]
    more = len(chain.ancestors) - len(lines)
    lines += [f"- {count('and {n} before', 'and {n} before', more)}"] if more else []
    total = count(
        "It grew from {n} picture; together they cost {price}:",
        "It grew from {n} pictures; together they cost {price}:",
        len(chain.ancestors),
        price=credits_text(chain.charged_credits),
    )
    return "\n".join([total, *lines])


def _ancestor(job: Job, user_id: int, channel_id: int | None) -> str:
    """Whose words they are may read them; others only where the picture itself hangs before their eyes."""
    where = job.request.destination
    if job.deleted_at is not None:
        return say("a deleted picture")
    here = job.landing is not None and job.landing.channel_id == channel_id
    if where.user_id != user_id and (where.private or not here):
        return say("a private picture") if where.private else link_to(job, quoting=False)
    return link_to(job)


def link_to(job: Job, *, quoting: bool = True) -> str:
    """A picture's first words, as a link to where it is, if it is anywhere that others can follow."""
    words = (plain(job.request.prompt, LINK_UNITS) if quoting else "") or say("a picture")
    url = None if job.deleted_at is not None or job.request.destination.private else url_of(job)
    return harmless(words, LINK_UNITS) if url is None else f"[{_in_link(words)}]({url})"


def _in_link(words: str) -> str:
    # Between brackets nothing can be escaped but what would close them.
    return harmless(words, LINK_UNITS).replace("\\[", "(").replace("\\]", ")")


def url_of(job: Job) -> str | None:
    """The way back to a picture's message: https://discord.com/developers/docs/reference#message-formatting."""
    if job.landing is None:
        return None
    guild = "@me" if job.landing.way == "dm" else job.request.destination.guild_id
    return f"https://discord.com/channels/{guild}/{job.landing.channel_id}/{job.landing.message_id}"


def delete_question(piece: Piece, message_id: int) -> ui.LayoutView:
    """Before something is deleted for good; of which message, where the row has forgotten it, else 0."""
    if not is_taken_down(piece.job):
        words = say("Delete what is kept of this picture? Its credits stay spent, and it cannot be undone.")
    else:
        words = say("Delete this picture for everybody? Its credits stay spent, and it cannot be undone.")
    return card(words, row(PictureButton(Action.DELETE_NOW, piece.job.job_id, message_id)))


def is_taken_down(job: Job) -> bool:
    """Whether its message goes with it: a private answer is out of reach, a direct message is not."""
    return not job.request.destination.private or (job.landing is not None and job.landing.way == "dm")


def deleted_card(piece: Piece) -> ui.LayoutView:
    """It is gone."""
    if not is_taken_down(piece.job):
        return card(say("Deleted. Only you can see its message; dismiss that yourself."))
    return card(say("Deleted."))


def shown_already(job: Job) -> str:
    """It was shown to everybody before."""
    return say("You showed this picture to everybody already: {link}", link=url_of(job) or "")
