"""Every card about a picture, and what all cards are made of: Components V2, built anew each time.

A reply that has once become a V2 message must stay one, without content and embeds, so whatever follows a
deferred answer is a card from here: https://discord.com/developers/docs/components/using-message-components

Owns the cards and Discord's limits for them. Never imports anything of ours but jobs, replies, text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

from discord import MediaGalleryItem, ui

from cogs import replies
from cogs.text import harmless, plain, shorten, units

if TYPE_CHECKING:
    from bot.jobs import Failure, Job, Progress, Receipt

CARD_TEXT_UNITS: Final = 4000
"""All texts of one message together: https://discord.com/developers/docs/components/reference#text-display"""
ALT_TEXT_UNITS: Final = 1024
PROMPT_UNITS: Final = 300
"""How much of a prompt a card quotes; the alt text holds more."""
ACCENT: Final = 0xC2703D
"""The colour of a wet brush, on the edge of every card."""

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
            description=alt or replies.ALT_WITHOUT_PROMPT,
            spoiler=job.request.spoiler,
        )
    )
    notes = [replies.receipt_line(receipt), *([replies.shrunk_note()] if shrunk else [])]
    return card(greeting, _quote(job, quoting=quoting), gallery, small(" · ".join(notes)))


def progress_card(job: Job, progress: Progress) -> ui.LayoutView:
    """One true line about a running job, under its prompt."""
    return card(_quote(job, quoting=True), replies.progress_line(progress))


def failure_card(job: Job, failure: Failure, *, greeting: str = "", quoting: bool = True) -> ui.LayoutView:
    """Why no picture came and what it cost; with the job's id where somebody else must act."""
    asked = small(replies.job_line(job.job_id)) if failure.who in {"operator", "developer"} else ""
    return card(greeting, _quote(job, quoting=quoting), replies.failure_sentence(failure), asked)


def left_card(job: Job, *, quoting: bool = True) -> ui.LayoutView:
    """What stays of a reply whose news goes elsewhere."""
    return card(_quote(job, quoting=quoting), replies.left_line())


def _quote(job: Job, *, quoting: bool) -> str:
    excerpt = harmless(job.request.prompt, PROMPT_UNITS) if quoting else ""
    return f"> {excerpt}" if excerpt else ""


def small(line: str) -> str:
    """A line in small print."""
    return f"-# {line}"


def row(*buttons: ui.DynamicItem[ui.Button[ui.LayoutView]]) -> ui.ActionRow[ui.LayoutView]:
    """Buttons side by side, at most five."""
    # The library types a dynamic item as one for every kind of view.
    return ui.ActionRow(*(cast("ui.Item[ui.LayoutView]", button) for button in buttons))


def card(*parts: str | ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """A frame around texts, pictures and rows of buttons.

    Empty texts are left out, and all texts share Discord's limit.
    """
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=ACCENT)
    room = CARD_TEXT_UNITS
    for part in parts:
        if not isinstance(part, str):
            container.add_item(part)
        elif text := shorten(part, room):
            container.add_item(ui.TextDisplay(text))
            room -= units(text)
    return ui.LayoutView(timeout=None).add_item(container)
