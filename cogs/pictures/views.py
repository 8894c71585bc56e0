"""Views of a job's messages: progress, result, failure, cancelled, posted elsewhere, shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from discord import MediaGalleryItem, ui

from bot.domain.jobs import FailureCode
from bot.domain.progress import Phase
from cogs.pictures import texts
from cogs.pictures.buttons import Action, picture_buttons, picture_row
from cogs.text.escaping import escape, single_line
from cogs.text.terms import mention, model_text, size_note
from cogs.text.translation import gettext, number
from cogs.ui.discord_limits import ALT_TEXT_UNITS
from cogs.ui.layout import PROMPT_UNITS, build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import Failure, Job
    from bot.domain.limits import Receipt
    from bot.domain.progress import Progress
    from cogs.ui.layout import Button, Row

Gallery: TypeAlias = ui.MediaGallery[ui.LayoutView]

CANCELLABLE: Final = (Phase.WAITING, Phase.UPLOADING, Phase.OUTAGE)
"""The phases with a Cancel button. A click may still come too late, and is answered then."""
WORK: Final = (Action.AGAIN, Action.EDIT, Action.USE)
_MORE: Final = (Action.DETAILS, Action.DELETE)
_FAILED: Final = (Action.AGAIN, Action.EDIT)


def result_view(
    job: Job,
    receipt: Receipt,
    filename: str,
    *,
    shrunk: bool,
    more: Sequence[str] = (),
    count: str = "",
    model_name: str | None = None,
    greeting: str = "",
    show_prompt: bool = True,
    in_guild: bool = True,
    can_vary: bool = False,
) -> ui.LayoutView:
    """Show the finished picture, attached as `filename`, with what it cost and what is left.

    `more` are the filenames of further pictures, and `count` is `texts.count_text` about all of them.
    `model_name` is None where only one model is offered. `show_prompt` is False if Discord refused the text
    of the prompt, `in_guild` in direct messages; `can_vary` is True if the model takes a reference.
    """
    notes = [
        # Discord shows who used a command, but not who clicked a button or submitted a form.
        "" if greeting or job.request.destination.private else mention(job.request.destination.user_id),
        model_text(model_name) if model_name else "",
        texts.receipt_text(receipt),
        texts.rise_text(job.quote_credits, receipt),
        size_note(job.request),
        count,
        texts.shrunk_text() if shrunk else "",
    ]
    return build_view(
        greeting,
        quote_of(job, show_prompt=show_prompt),
        attached(job, filename, *more, show_prompt=show_prompt),
        subtext(" · ".join(filter(None, notes))),
        *_rows(job, in_guild=in_guild, can_vary=can_vary),
    )


def minimal_view(job: Job, *filenames: str) -> ui.LayoutView:
    """Show a job's id, and its pictures if there are any; no text here can exceed a limit."""
    picture = [attached(job, *filenames, show_prompt=False)] if filenames else []
    return build_view(*picture, subtext(texts.job_text(job.job_id)))


def picture_of(job: Job, *urls: str, show_prompt: bool = True) -> Gallery:
    """Show the pictures of a job, one or more, with its prompt as the alt text."""
    return ui.MediaGallery(*(gallery_item(job, url, show_prompt=show_prompt) for url in urls))


def gallery_item(job: Job, url: str, *, show_prompt: bool = True, place: int = 0) -> MediaGalleryItem:
    """Show a picture in a gallery, with its prompt as the alt text, after its number in its group if any."""
    prompt = single_line(job.request.prompt, ALT_TEXT_UNITS) if show_prompt else ""
    alt = prompt or texts.alt_without_prompt()
    numbered = single_line(f"{number(place)}: {alt}", ALT_TEXT_UNITS) if place else alt
    return MediaGalleryItem(url, description=numbered, spoiler=job.request.spoiler)


def attached(job: Job, *filenames: str, show_prompt: bool = True) -> Gallery:
    """Show the pictures of a job that are attached under these names."""
    return picture_of(job, *(f"attachment://{name}" for name in filenames), show_prompt=show_prompt)


def shared_view(job: Job, *filenames: str, show_prompt: bool = True, can_vary: bool = False) -> ui.LayoutView:
    """Show the private pictures of a job that its member shares; `can_vary` as for `result_view`."""
    return build_view(
        quote_of(job, show_prompt=show_prompt),
        attached(job, *filenames, show_prompt=show_prompt),
        subtext(mention(job.request.destination.user_id)),
        *_everybodys_rows(job, can_vary=can_vary),
    )


def _rows(job: Job, *, in_guild: bool, can_vary: bool) -> list[Row]:
    if not in_guild:
        # The other actions need a server with rules and limits.
        return [picture_row(job.job_id, (Action.DETAILS, Action.DELETE))]
    if job.request.destination.private:
        return [
            picture_row(job.job_id, WORK),
            picture_row(
                job.job_id, with_vary(Action.DETAILS, Action.SHARE, Action.DELETE, can_vary=can_vary)
            ),
        ]
    return _everybodys_rows(job, can_vary=can_vary)


def _everybodys_rows(job: Job, *, can_vary: bool) -> list[Row]:
    rows = (WORK, (Action.VARY, *_MORE)) if can_vary else ((*WORK, *_MORE),)
    return [picture_row(job.job_id, actions) for actions in rows]


def with_vary(*actions: Action, can_vary: bool) -> tuple[Action, ...]:
    """Return the actions of a second row, *Vary* before them if the model takes a reference."""
    return (Action.VARY, *actions) if can_vary else actions


def progress_view(job: Job, progress: Progress) -> ui.LayoutView:
    """Show the prompt and the progress of a running job."""
    rows = [picture_row(job.job_id, (Action.CANCEL,))] if progress.phase in CANCELLABLE else []
    line = texts.progress_text(progress, len(job.request.references))
    return build_view(quote_of(job, show_prompt=True), line, *rows)


def failure_view(
    job: Job,
    failure: Failure,
    *,
    greeting: str = "",
    show_prompt: bool = True,
    in_guild: bool = True,
    back: Button | None = None,
) -> ui.LayoutView:
    """Show why there is no picture and what it cost; with the job's id if the operator has to act.

    `back` leads to where the member comes from.
    """
    job_id = subtext(texts.job_text(job.job_id)) if failure.needs_operator else ""
    actions = (Action.RETRY, *_FAILED) if failure.code == FailureCode.RESULT_LOST else _FAILED
    rows = _with_back(job, actions if in_guild else (), back)
    return build_view(
        greeting, quote_of(job, show_prompt=show_prompt), texts.failure_text(failure), job_id, *rows
    )


def cancelled_view(
    job: Job, *, greeting: str = "", in_guild: bool = True, back: Button | None = None
) -> ui.LayoutView:
    """Show that a job was cancelled before anything was charged; `back` as for `failure_view`."""
    return build_view(
        greeting,
        quote_of(job, show_prompt=True),
        gettext("Cancelled. Nothing was charged."),
        *_with_back(job, _FAILED if in_guild else (), back),
    )


def _with_back(job: Job, actions: tuple[Action, ...], back: Button | None) -> list[Row]:
    """Return one row with the buttons of a picture and the one that leads back, if there are any."""
    buttons = [*picture_buttons(job.job_id, actions), *([] if back is None else [back])]
    return [row(*buttons)] if buttons else []


def moved_view(job: Job, *, show_prompt: bool = True) -> ui.LayoutView:
    """Show in the reply that the result is posted elsewhere."""
    return build_view(
        quote_of(job, show_prompt=show_prompt),
        gettext("I could not put the result here. I am trying a new message, or a direct message to you."),
    )


def quote_of(job: Job, *, show_prompt: bool) -> str:
    """Return the beginning of the prompt as a quotation; empty if it is not shown."""
    excerpt = escape(job.request.prompt, PROMPT_UNITS) if show_prompt else ""
    return f"> {excerpt}" if excerpt else ""
