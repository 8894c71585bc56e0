"""Every card about one picture: on its way, there, failed, cancelled, or brought elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from discord import MediaGalleryItem, ui

from bot.domain.jobs import FailureCause, Phase
from cogs.pictures import texts
from cogs.pictures.buttons import Action, picture_row
from cogs.text.escaping import escape, single_line
from cogs.text.terms import mention
from cogs.text.translation import gettext
from cogs.ui.discord_limits import ALT_TEXT_UNITS
from cogs.ui.layout import PROMPT_UNITS, build_view, subtext

if TYPE_CHECKING:
    from bot.domain.jobs import Failure, Job, Progress
    from bot.domain.limits import Receipt

Gallery: TypeAlias = ui.MediaGallery[ui.LayoutView]
Row: TypeAlias = ui.ActionRow[ui.LayoutView]

CANCELLABLE: Final = (Phase.WAITING, Phase.UPLOADING, Phase.OUTAGE)
"""While it lasts, cancelling may well come in time; the button says so if it does not."""
_EVERYBODYS: Final = (Action.AGAIN, Action.EDIT, Action.USE, Action.DETAILS, Action.DELETE)
_FAILED: Final = (Action.AGAIN, Action.EDIT)


def result_view(
    job: Job,
    receipt: Receipt,
    filename: str,
    *,
    shrunk: bool,
    greeting: str = "",
    show_prompt: bool = True,
    in_guild: bool = True,
) -> ui.LayoutView:
    """The finished picture, attached as `filename`, with what it cost and what is left.

    `show_prompt` is False where Discord refused a message with the prompt in it; `in_guild` is False
    outside of its server.
    """
    notes = [
        "" if greeting else _asker(job),
        texts.receipt_text(receipt),
        *([texts.downscaled_note()] if shrunk else []),
    ]
    return build_view(
        greeting,
        _quote(job, show_prompt=show_prompt),
        picture_of(job, f"attachment://{filename}", show_prompt=show_prompt),
        subtext(" · ".join(filter(None, notes))),
        *_rows(job, in_guild=in_guild),
    )


def minimal_view(job: Job, filename: str) -> ui.LayoutView:
    """The least that can be said of a job, with its picture if there is one: nothing here can be too long."""
    picture = [picture_of(job, f"attachment://{filename}", show_prompt=False)] if filename else []
    return build_view(*picture, subtext(texts.job_text(job.job_id)))


def picture_of(job: Job, url: str, *, show_prompt: bool = True) -> Gallery:
    """The picture itself, with its prompt as the alternative text."""
    alt = single_line(job.request.prompt, ALT_TEXT_UNITS) if show_prompt else ""
    return ui.MediaGallery(
        MediaGalleryItem(url, description=alt or texts.alt_without_prompt(), spoiler=job.request.spoiler)
    )


def shared_view(job: Job, filename: str, *, show_prompt: bool = True) -> ui.LayoutView:
    """A picture that its member shows to everybody after the fact."""
    return build_view(
        _quote(job, show_prompt=show_prompt),
        picture_of(job, f"attachment://{filename}", show_prompt=show_prompt),
        subtext(mention(job.request.destination.user_id)),
        picture_row(job.job_id, _EVERYBODYS),
    )


def _asker(job: Job) -> str:
    """Who asked: Discord names nobody above what came of a button or a form."""
    return "" if job.request.destination.private else mention(job.request.destination.user_id)


def _rows(job: Job, *, in_guild: bool) -> list[Row]:
    if not in_guild:
        # In a direct message there is no server whose rules and budget could be asked.
        return [picture_row(job.job_id, (Action.DETAILS, Action.DELETE))]
    if job.request.destination.private:
        return [
            picture_row(job.job_id, (Action.AGAIN, Action.EDIT, Action.USE, Action.DETAILS)),
            picture_row(job.job_id, (Action.SHARE, Action.DELETE)),
        ]
    return [picture_row(job.job_id, _EVERYBODYS)]


def progress_view(job: Job, progress: Progress) -> ui.LayoutView:
    """One true line about a running job, under its prompt."""
    rows = [picture_row(job.job_id, (Action.CANCEL,))] if progress.phase in CANCELLABLE else []
    return build_view(_quote(job, show_prompt=True), texts.progress_text(progress), *rows)


def failure_view(
    job: Job, failure: Failure, *, greeting: str = "", show_prompt: bool = True, in_guild: bool = True
) -> ui.LayoutView:
    """Why no picture came and what it cost; with the job's id where somebody else must act."""
    asked = (
        subtext(texts.job_text(job.job_id))
        if failure.cause in {FailureCause.OPERATOR, FailureCause.DEVELOPER}
        else ""
    )
    rows = [picture_row(job.job_id, _FAILED)] if in_guild else []
    return build_view(
        greeting, _quote(job, show_prompt=show_prompt), texts.failure_text(failure), asked, *rows
    )


def cancelled_view(job: Job) -> ui.LayoutView:
    """Cancelled by its member, before anything was spent."""
    return build_view(
        _quote(job, show_prompt=True),
        gettext("Cancelled. Nothing was charged."),
        picture_row(job.job_id, _FAILED),
    )


def moved_view(job: Job, *, show_prompt: bool = True) -> ui.LayoutView:
    """What stays of a reply whose news goes elsewhere."""
    return build_view(_quote(job, show_prompt=show_prompt), texts.moved_text())


def _quote(job: Job, *, show_prompt: bool) -> str:
    excerpt = escape(job.request.prompt, PROMPT_UNITS) if show_prompt else ""
    return f"> {excerpt}" if excerpt else ""
