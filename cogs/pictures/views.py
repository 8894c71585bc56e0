"""Every card about one picture: on its way, there, failed, cancelled, or brought elsewhere.

Owns the cards about a picture. Never imports anything of ours but bounds, buttons, cards, jobs, text,
tongues, wording, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from discord import MediaGalleryItem, ui

from bot.domain.jobs import Phase
from cogs.pictures import texts
from cogs.pictures.buttons import Action, picture_row
from cogs.text.escaping import harmless, plain
from cogs.text.terms import mention
from cogs.text.translation import say
from cogs.ui.discord_limits import ALT_TEXT_UNITS
from cogs.ui.layout import PROMPT_UNITS, card, small

if TYPE_CHECKING:
    from bot.domain.jobs import Failure, Job, Progress, Receipt

Gallery: TypeAlias = ui.MediaGallery[ui.LayoutView]
Row: TypeAlias = ui.ActionRow[ui.LayoutView]

CANCELLABLE: Final = (Phase.WAITING, Phase.UPLOADING, Phase.OUTAGE)
"""While it lasts, cancelling may well come in time; the button says so if it does not."""
_EVERYBODYS: Final = (Action.AGAIN, Action.EDIT, Action.USE, Action.DETAILS, Action.DELETE)
_FAILED: Final = (Action.AGAIN, Action.EDIT)


def result_card(
    job: Job,
    receipt: Receipt,
    filename: str,
    *,
    shrunk: bool,
    greeting: str = "",
    quoting: bool = True,
    at_home: bool = True,
) -> ui.LayoutView:
    """The finished picture, attached as `filename`, with what it cost and what is left.

    `quoting` is False where Discord refused a message with the prompt in it, `at_home` outside of its server.
    """
    notes = [
        "" if greeting else _asker(job),
        texts.receipt_line(receipt),
        *([texts.shrunk_note()] if shrunk else []),
    ]
    return card(
        greeting,
        _quote(job, quoting=quoting),
        picture_of(job, f"attachment://{filename}", quoting=quoting),
        small(" · ".join(filter(None, notes))),
        *_rows(job, at_home=at_home),
    )


def bare_card(job: Job, filename: str) -> ui.LayoutView:
    """The least that can be said of a job, with its picture if there is one: nothing here can be too long."""
    picture = [picture_of(job, f"attachment://{filename}", quoting=False)] if filename else []
    return card(*picture, small(texts.job_line(job.job_id)))


def picture_of(job: Job, url: str, *, quoting: bool = True) -> Gallery:
    """The picture itself, with its prompt as the alternative text."""
    alt = plain(job.request.prompt, ALT_TEXT_UNITS) if quoting else ""
    return ui.MediaGallery(
        MediaGalleryItem(url, description=alt or texts.alt_without_prompt(), spoiler=job.request.spoiler)
    )


def shared_card(job: Job, filename: str, *, quoting: bool = True) -> ui.LayoutView:
    """A picture that its member shows to everybody after the fact."""
    return card(
        _quote(job, quoting=quoting),
        picture_of(job, f"attachment://{filename}", quoting=quoting),
        small(mention(job.request.destination.user_id)),
        picture_row(job.job_id, _EVERYBODYS),
    )


def _asker(job: Job) -> str:
    """Who asked: Discord names nobody above what came of a button or a form."""
    return "" if job.request.destination.private else mention(job.request.destination.user_id)


def _rows(job: Job, *, at_home: bool) -> list[Row]:
    if not at_home:
        # In a direct message there is no server whose rules and budget could be asked.
        return [picture_row(job.job_id, (Action.DETAILS, Action.DELETE))]
    if job.request.destination.private:
        return [
            picture_row(job.job_id, (Action.AGAIN, Action.EDIT, Action.USE, Action.DETAILS)),
            picture_row(job.job_id, (Action.SHARE, Action.DELETE)),
        ]
    return [picture_row(job.job_id, _EVERYBODYS)]


def progress_card(job: Job, progress: Progress) -> ui.LayoutView:
    """One true line about a running job, under its prompt."""
    rows = [picture_row(job.job_id, (Action.CANCEL,))] if progress.phase in CANCELLABLE else []
    return card(_quote(job, quoting=True), texts.progress_line(progress), *rows)


def failure_card(
    job: Job, failure: Failure, *, greeting: str = "", quoting: bool = True, at_home: bool = True
) -> ui.LayoutView:
    """Why no picture came and what it cost; with the job's id where somebody else must act."""
    asked = small(texts.job_line(job.job_id)) if failure.who in {"operator", "developer"} else ""
    rows = [picture_row(job.job_id, _FAILED)] if at_home else []
    return card(greeting, _quote(job, quoting=quoting), texts.failure_sentence(failure), asked, *rows)


def cancelled_card(job: Job) -> ui.LayoutView:
    """Cancelled by its member, before anything was spent."""
    return card(
        _quote(job, quoting=True),
        say("Cancelled. Nothing was charged."),
        picture_row(job.job_id, _FAILED),
    )


def left_card(job: Job, *, quoting: bool = True) -> ui.LayoutView:
    """What stays of a reply whose news goes elsewhere."""
    return card(_quote(job, quoting=quoting), texts.left_line())


def _quote(job: Job, *, quoting: bool) -> str:
    excerpt = harmless(job.request.prompt, PROMPT_UNITS) if quoting else ""
    return f"> {excerpt}" if excerpt else ""
