"""Every card about a picture on its way to its people.

Owns the cards about a picture. Never imports anything of ours but cards, jobs, text, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from discord import MediaGalleryItem, ui

from cogs.ground.cards import ALT_TEXT_UNITS, PROMPT_UNITS, card, small
from cogs.ground.text import harmless, plain
from cogs.pictures import words

if TYPE_CHECKING:
    from bot.jobs import Failure, Job, Progress, Receipt

Gallery: TypeAlias = ui.MediaGallery[ui.LayoutView]


def result_card(
    job: Job, receipt: Receipt, filename: str, *, shrunk: bool, greeting: str = "", quoting: bool = True
) -> ui.LayoutView:
    """The finished picture, attached as `filename`, with what it cost and what is left.

    `quoting` is False where Discord refused a message with the prompt in it.
    """
    alt = plain(job.request.prompt, ALT_TEXT_UNITS) if quoting else ""
    gallery: Gallery = ui.MediaGallery(
        MediaGalleryItem(
            f"attachment://{filename}",
            description=alt or words.ALT_WITHOUT_PROMPT,
            spoiler=job.request.spoiler,
        )
    )
    notes = [words.receipt_line(receipt), *([words.shrunk_note()] if shrunk else [])]
    return card(greeting, _quote(job, quoting=quoting), gallery, small(" · ".join(notes)))


def progress_card(job: Job, progress: Progress) -> ui.LayoutView:
    """One true line about a running job, under its prompt."""
    return card(_quote(job, quoting=True), words.progress_line(progress))


def failure_card(job: Job, failure: Failure, *, greeting: str = "", quoting: bool = True) -> ui.LayoutView:
    """Why no picture came and what it cost; with the job's id where somebody else must act."""
    asked = small(words.job_line(job.job_id)) if failure.who in {"operator", "developer"} else ""
    return card(greeting, _quote(job, quoting=quoting), words.failure_sentence(failure), asked)


def left_card(job: Job, *, quoting: bool = True) -> ui.LayoutView:
    """What stays of a reply whose news goes elsewhere."""
    return card(_quote(job, quoting=quoting), words.left_line())


def _quote(job: Job, *, quoting: bool) -> str:
    excerpt = harmless(job.request.prompt, PROMPT_UNITS) if quoting else ""
    return f"> {excerpt}" if excerpt else ""
