"""A member's pictures, a page at a time, and one of them by itself.

Owns the cards of a history. Never imports anything of ours but afterwards_cards, bounds, buttons, gallery,
ground.cards, jobs, pictures.cards, text, tongues, wording, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import MediaGalleryItem, ui

from bot.domain.jobs import Stage
from cogs.pictures import texts
from cogs.pictures.buttons import Action, picture_row
from cogs.pictures.details_views import link_to, url_of
from cogs.pictures.views import picture_of
from cogs.text.escaping import harmless, plain
from cogs.text.terms import credits_text, mention, moment, size_name
from cogs.text.translation import say
from cogs.ui.discord_limits import ALT_TEXT_UNITS
from cogs.ui.layout import PROMPT_UNITS, card, row, small

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.jobs.history import Page, Piece

    Button = ui.DynamicItem[ui.Button[ui.LayoutView]]

OPTION_UNITS: Final = 90
SEARCH_UNITS: Final = 40
"""How long a search may be: it has to fit into a button's id."""


def page_card(
    page: Page,
    user_id: int,
    *,
    own: bool,
    search: str,
    addresses: Mapping[str, str],
    chooser: ui.ActionRow[ui.LayoutView] | None,
    turns: Sequence[Button],
) -> ui.LayoutView:
    """One page. `addresses` are where the pictures can be shown from, by job; `own` if it is one's own."""
    title = (
        say("Your pictures in this server") if own else say("Pictures of {member}", member=mention(user_id))
    )
    sought = say("with the words: {words}", words=harmless(search, SEARCH_UNITS)) if search else ""
    if not page.pieces:
        return card(f"### {title}", sought, _nothing(search))
    shown = [piece for piece in page.pieces if piece.job.job_id in addresses]
    gallery: list[ui.Item[ui.LayoutView]] = (
        [ui.MediaGallery(*(_item(piece, addresses[piece.job.job_id]) for piece in shown))] if shown else []
    )
    lines = [f"{place}\\. {_line(piece, own=own)}" for place, piece in enumerate(page.pieces, start=1)]
    rows = [*([chooser] if chooser is not None else []), *([row(*turns)] if turns else [])]
    return card(f"### {title}", sought, *gallery, "\n".join(lines), *rows)


def _nothing(search: str) -> str:
    if search:
        return say("No picture has these words in its prompt. Try fewer of them.")
    return say("There are no pictures yet. `/imagine` paints the first.")


def _item(piece: Piece, url: str) -> MediaGalleryItem:
    alt = plain(piece.job.request.prompt, ALT_TEXT_UNITS) or texts.alt_without_prompt()
    return MediaGalleryItem(url, description=alt, spoiler=piece.job.request.spoiler)


def _line(piece: Piece, *, own: bool) -> str:
    job = piece.job
    when = moment(job.accepted_at, "d")
    if job.request.destination.private and not own:
        return f"{say('a private picture')} · {when}"
    note = _where(piece)
    return " · ".join(filter(None, (link_to(job), when, note)))


def _where(piece: Piece) -> str:
    if piece.job.request.destination.private:
        return say("only for you")
    if piece.job.stage is Stage.UNDELIVERABLE:
        return say("could not be posted")
    return ""


def options(page: Page, *, own: bool) -> list[discord.SelectOption]:
    """What the menu of a page offers."""
    return [
        discord.SelectOption(
            label=f"{place}. {plain(piece.job.request.prompt, OPTION_UNITS) or say('a picture')}",
            value=piece.job.job_id,
        )
        for place, piece in enumerate(page.pieces, start=1)
        if own or not piece.job.request.destination.private
    ]


def piece_card(piece: Piece, url: str | None, back: Button) -> ui.LayoutView:
    """One picture by itself, with everything that can be done with it."""
    job = piece.job
    excerpt = harmless(job.request.prompt, PROMPT_UNITS)
    facts = " · ".join(
        filter(
            None,
            (
                moment(job.accepted_at, "f"),
                size_name(job.request.size),
                credits_text(piece.charged_credits),
                _where(piece),
            ),
        )
    )
    there = url_of(job)
    link = f"[{say('To its message')}]({there})" if there and not job.request.destination.private else ""
    shown = [picture_of(job, url)] if url else [say("The picture itself cannot be shown here any more.")]
    return card(
        f"> {excerpt}" if excerpt else "",
        *shown,
        small(facts),
        link,
        picture_row(job.job_id, (Action.AGAIN, Action.EDIT, Action.USE, Action.DETAILS)),
        _second_row(piece, back),
    )


def _second_row(piece: Piece, back: Button) -> ui.ActionRow[ui.LayoutView]:
    second = picture_row(piece.job.job_id, (Action.DELETE,))
    if piece.kept_sha256 is not None and piece.job.shared_at is None:
        second = picture_row(piece.job.job_id, (Action.SHARE, Action.DELETE))
    return second.add_item(back)
