"""Views of `/history`: a page of pictures, and a single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import MediaGalleryItem, ui

from bot.domain.jobs import Stage
from cogs.pictures import texts
from cogs.pictures.buttons import Action, picture_row
from cogs.pictures.details_views import link_to, url_of
from cogs.pictures.views import picture_of, quote_of, with_vary
from cogs.text.escaping import escape, single_line
from cogs.text.terms import credits_text, mention, pictures_text, size_name, timestamp
from cogs.text.translation import gettext
from cogs.ui.discord_limits import ALT_TEXT_UNITS
from cogs.ui.layout import build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.jobs.history import HistoryItem, HistoryPage
    from cogs.pictures.views import Row
    from cogs.ui.layout import Button

OPTION_UNITS: Final = 90
SEARCH_UNITS: Final = 40
"""The longest search: it has to fit into a custom id."""


def page_view(
    page: HistoryPage,
    user_id: int,
    *,
    own: bool,
    search: str,
    urls: Mapping[str, str],
    select: ui.ActionRow[ui.LayoutView] | None,
    page_buttons: Sequence[Button],
) -> ui.LayoutView:
    """Show a page of pictures of `user_id`; `own` if they are the reader's. `urls` are by job id."""
    title = (
        gettext("Your pictures in this server")
        if own
        else gettext("Pictures of {member}", member=mention(user_id))
    )
    condition = gettext("with the words: {words}", words=escape(search, SEARCH_UNITS)) if search else ""
    if not page.items:
        return build_view(f"### {title}", condition, _nothing(search))
    shown = [item for item in page.items if item.job.job_id in urls]
    gallery: list[ui.Item[ui.LayoutView]] = (
        [ui.MediaGallery(*(_gallery_item(item, urls[item.job.job_id]) for item in shown))] if shown else []
    )
    lines = [f"{place}\\. {_line(item, own=own)}" for place, item in enumerate(page.items, start=1)]
    rows = [] if select is None else [select]
    rows += [row(*page_buttons)] if page_buttons else []
    return build_view(f"### {title}", condition, *gallery, "\n".join(lines), *rows)


def _nothing(search: str) -> str:
    if search:
        return gettext("No picture has these words or signs in its prompt. Try fewer of them.")
    return gettext("There are no pictures yet. `/imagine` paints the first.")


def _gallery_item(item: HistoryItem, url: str) -> MediaGalleryItem:
    alt = single_line(item.job.request.prompt, ALT_TEXT_UNITS) or texts.alt_without_prompt()
    return MediaGalleryItem(url, description=alt, spoiler=item.job.request.spoiler)


def _line(item: HistoryItem, *, own: bool) -> str:
    job = item.job
    when = timestamp(job.accepted_at, "d")
    if job.request.destination.private and not own:
        return f"{gettext('a private picture')} · {when}"
    return " · ".join(filter(None, (link_to(job), when, _count(item), _where(item))))


def _count(item: HistoryItem) -> str:
    count = item.job.picture_count
    return pictures_text(count) if item.is_painted and count > 1 else ""


def _where(item: HistoryItem) -> str:
    if item.is_missing:
        lost = item.job.stage is Stage.UNDELIVERABLE
        return gettext("could not be fetched") if lost else gettext("not here yet")
    if item.job.request.destination.private:
        return gettext("only for you")
    if item.job.stage is Stage.UNDELIVERABLE:
        return gettext("could not be posted")
    return ""


def options(page: HistoryPage, *, own: bool) -> list[discord.SelectOption]:
    """Return the options of a page's select menu: its pictures, without those that are private to others."""
    return [
        discord.SelectOption(
            label=f"{place}. {single_line(item.job.request.prompt, OPTION_UNITS) or gettext('a picture')}",
            value=item.job.job_id,
        )
        for place, item in enumerate(page.items, start=1)
        if own or not item.job.request.destination.private
    ]


def item_view(
    item: HistoryItem,
    url: str | None,
    back: Button,
    *,
    can_vary: bool,
    title: str = "",
    in_guild: bool = True,
) -> ui.LayoutView:
    """Show a single picture with its buttons; `url` is None if it cannot be shown any more.

    `can_vary` is True if its model takes a reference. `in_guild` is False in a direct message, where only
    what needs no server with rules and limits is offered.
    """
    job = item.job
    facts = " · ".join(
        filter(
            None,
            (
                timestamp(job.accepted_at, "f"),
                size_name(job.request.size),
                credits_text(item.charged_credits),
                _count(item),
                _where(item),
            ),
        )
    )
    message_url = url_of(job)
    link = (
        f"[{gettext('To its message')}]({message_url})"
        if message_url and not job.request.destination.private
        else ""
    )
    return build_view(
        title,
        quote_of(job, show_prompt=True),
        picture_of(job, url) if url else _why_not_shown(item),
        subtext(facts),
        link,
        *_rows(item, back, can_vary=can_vary, in_guild=in_guild),
    )


def _why_not_shown(item: HistoryItem) -> str:
    if not item.is_missing:
        return gettext("The picture itself cannot be shown here any more.")
    if item.job.stage is Stage.UNDELIVERABLE:
        return gettext("It was painted, but could not be fetched from Rivya.")
    return gettext(
        "It was painted, but Rivya has not handed it over yet. It is tried again and comes by itself."
    )


def _rows(item: HistoryItem, back: Button, *, can_vary: bool, in_guild: bool) -> list[Row]:
    job_id = item.job.job_id
    if not in_guild:
        actions = (Action.DETAILS,) if item.is_missing else (Action.DETAILS, Action.DELETE)
        return [picture_row(job_id, actions).add_item(back)]
    if item.is_missing:
        return [picture_row(job_id, (Action.RETRY, Action.AGAIN, Action.EDIT, Action.DETAILS)), row(back)]
    can_share = item.kept_sha256 is not None and item.job.shared_at is None
    more = (Action.SHARE, Action.DELETE) if can_share else (Action.DELETE,)
    return [
        picture_row(job_id, (Action.AGAIN, Action.EDIT, Action.USE, Action.DETAILS)),
        picture_row(job_id, with_vary(*more, can_vary=can_vary)).add_item(back),
    ]
