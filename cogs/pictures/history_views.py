"""Views of `/history`: a page of pictures, those of one request, and a single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from bot.domain.jobs import Stage
from cogs.pictures.buttons import Action, picture_row
from cogs.pictures.details_views import link_to, url_of
from cogs.pictures.views import WORK, gallery_item, picture_of, quote_of, with_vary
from cogs.text.escaping import escape, shorten, single_line
from cogs.text.terms import credits_text, mention, pictures_text, place_text, size_name, timestamp
from cogs.text.translation import gettext, number
from cogs.ui.layout import build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.domain.jobs import Job
    from bot.jobs.history import HistoryEntry, HistoryItem, HistoryPage
    from cogs.ui.layout import Button, Row

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
    select: Row | None,
    page_buttons: Sequence[Button],
) -> ui.LayoutView:
    """Show a page of pictures of `user_id`; `own` if they are the reader's. `urls` are by job id."""
    title = (
        gettext("Your pictures in this server")
        if own
        else gettext("Pictures of {member}", member=mention(user_id))
    )
    condition = gettext("with the words: {words}", words=escape(search, SEARCH_UNITS)) if search else ""
    if not page.entries:
        return build_view(f"### {title}", condition, _nothing(search))
    gallery = _gallery([entry.cover for entry in page.entries], urls)
    lines = [f"{place}\\. {_line(entry, own=own)}" for place, entry in enumerate(page.entries, start=1)]
    rows = [] if select is None else [select]
    rows += [row(*page_buttons)] if page_buttons else []
    return build_view(f"### {title}", condition, *gallery, "\n".join(lines), *rows)


def _nothing(search: str) -> str:
    if search:
        return gettext("No picture has these words or signs in its prompt. Try fewer of them.")
    return gettext("There are no pictures yet. `/imagine` paints the first.")


def _gallery(items: Iterable[HistoryItem], urls: Mapping[str, str]) -> list[ui.Item[ui.LayoutView]]:
    """Return the gallery of the pictures that have a URL; nothing if none has."""
    shown = [gallery_item(item.job, urls[item.job.job_id]) for item in items if item.job.job_id in urls]
    return [ui.MediaGallery(*shown)] if shown else []


def _line(entry: HistoryEntry, *, own: bool) -> str:
    job = entry.cover.job
    when = timestamp(job.accepted_at, "d")
    if job.request.destination.private and not own:
        what = gettext("a private picture") if entry.size == 1 else gettext("private pictures")
        return f"{what} · {when}"
    return " · ".join(filter(None, (link_to(job), *_count(entry), when, _where(entry.cover))))


def _count(entry: HistoryEntry) -> tuple[str, ...]:
    """Return how many pictures of a request for several are there, and what they cost."""
    if entry.size == 1:
        return (_pictures(entry.cover),)
    there = [item for item in entry.items if not item.job.is_missing]
    pictures = sum(item.job.picture_count for item in there)
    if len(there) == entry.size or pictures > len(there):
        count = pictures_text(pictures)
    else:
        count = gettext("{there} of {size} pictures", there=number(len(there)), size=number(entry.size))
    return count, credits_text(entry.charged_credits)


def _pictures(item: HistoryItem) -> str:
    """Return how many pictures one task has made, if several."""
    count = item.job.picture_count
    return pictures_text(count) if item.job.is_painted and count > 1 else ""


def _where(item: HistoryItem) -> str:
    if item.job.is_missing:
        lost = item.job.stage is Stage.UNDELIVERABLE
        return gettext("could not be fetched") if lost else gettext("not here yet")
    if item.job.request.destination.private:
        return gettext("only for you")
    if item.job.stage is Stage.UNDELIVERABLE:
        return gettext("could not be posted")
    return ""


def options(page: HistoryPage, *, own: bool) -> list[discord.SelectOption]:
    """Return the options of a page's select menu: its entries, without those that are private to others."""
    return [
        discord.SelectOption(
            label=f"{place}. {_option_label(entry.cover.job)}",
            # Of several pictures it is the id of their group.
            value=entry.cover.job.job_id if entry.size == 1 else str(entry.interaction_id),
            description=" · ".join(filter(None, _count(entry))) or None,
        )
        for place, entry in enumerate(page.entries, start=1)
        if own or not entry.cover.job.request.destination.private
    ]


def _option_label(job: Job) -> str:
    return single_line(job.request.prompt, OPTION_UNITS) or gettext("a picture")


def request_options(entry: HistoryEntry, model_names: Mapping[str, str]) -> list[discord.SelectOption]:
    """Return the options for the pictures of one request, with the names of their models by id."""
    return [
        discord.SelectOption(
            label=place_text(item.job.number, item.job.group_size) or _option_label(item.job),
            value=item.job.job_id,
            description=" · ".join(
                filter(
                    None,
                    (
                        shorten(model_names.get(item.job.request.model, ""), OPTION_UNITS // 2),
                        credits_text(item.charged_credits),
                        _where(item),
                    ),
                )
            ),
        )
        for item in entry.items
    ]


def request_view(
    entry: HistoryEntry,
    urls: Mapping[str, str],
    select: Row | None,
    back: Button,
) -> ui.LayoutView:
    """Show the pictures of one request that are there; `urls` are by job id, `select` opens one of them."""
    job = entry.cover.job
    facts = (
        timestamp(job.accepted_at, "f"),
        size_name(job.request.size),
        *_count(entry),
        _where(entry.cover),
    )
    return build_view(
        quote_of(job, show_prompt=True),
        *_gallery(entry.items, urls),
        "" if urls else _why_not_shown(entry.cover),
        subtext(" · ".join(filter(None, facts))),
        _message_link(job),
        *([select] if select is not None else []),
        row(back),
    )


def _message_link(job: Job) -> str:
    """Return the link to the message of a public picture."""
    message_url = url_of(job)
    if not message_url or job.request.destination.private:
        return ""
    return f"[{gettext('To its message')}]({message_url})"


def item_view(
    item: HistoryItem,
    url: str | None,
    *back: Button,
    can_vary: bool,
    title: str = "",
    in_guild: bool = True,
) -> ui.LayoutView:
    """Show a single picture with its buttons; `url` is None if it cannot be shown any more.

    `back` leads to where it was chosen. `can_vary` is True if its model takes a reference. `in_guild` is
    False in a direct message, where only what needs no server with rules and limits is offered.
    """
    job = item.job
    facts = " · ".join(
        filter(
            None,
            (
                timestamp(job.accepted_at, "f"),
                "" if title else place_text(job.number, job.group_size),
                size_name(job.request.size),
                credits_text(item.charged_credits),
                _pictures(item),
                _where(item),
            ),
        )
    )
    return build_view(
        title,
        quote_of(job, show_prompt=True),
        picture_of(job, url) if url else _why_not_shown(item),
        subtext(facts),
        _message_link(job),
        *_rows(item, *back, can_vary=can_vary, in_guild=in_guild),
    )


def _why_not_shown(item: HistoryItem) -> str:
    if not item.job.is_missing:
        return gettext("The picture itself cannot be shown here any more.")
    if item.job.stage is Stage.UNDELIVERABLE:
        return gettext("It was painted, but could not be fetched from Rivya.")
    return gettext(
        "It was painted, but Rivya has not handed it over yet. It is tried again and comes by itself."
    )


def _rows(item: HistoryItem, *back: Button, can_vary: bool, in_guild: bool) -> list[Row]:
    job_id = item.job.job_id
    can_share = item.kept_sha256 is not None and item.job.shared_at is None
    share = (Action.SHARE,) if can_share else ()
    rows: list[tuple[Action, ...]]
    if not in_guild:
        rows = [(Action.DETAILS,) if item.job.is_missing else (Action.DETAILS, Action.DELETE)]
    elif item.job.is_missing:
        rows = [(Action.RETRY, Action.AGAIN, Action.EDIT, Action.DETAILS)]
    else:
        rows = [WORK, with_vary(Action.DETAILS, *share, Action.DELETE, can_vary=can_vary)]
    return [*(picture_row(job_id, actions) for actions in rows), row(*back)]
