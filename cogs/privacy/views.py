"""What a member reads about their own data, and the file with all of it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cogs.text.about import about_lines
from cogs.text.terms import timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext
from cogs.ui import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discord import ui

    from bot.config.settings import AboutSettings
    from bot.privacy.models import DataSummary, Export

FILE_NAME: Final = "kuas-your-data"
_BOOLEANS: Final = frozenset({"private", "spoiler", "kept", "picture_kept", "unreadable_result_kept"})
_OWN_MESSAGES: Final = gettext_noop(
    "A picture that was posted is a message of its server: erasing does not delete it."
    " Delete the message yourself, or ask somebody who may manage messages there."
)


def summary_view(summary: DataSummary, about: AboutSettings) -> ui.LayoutView:
    """Show how much is kept of a member, and who runs the bot, if the operator says so."""
    return layout.build_view(
        gettext("### What is kept about you"),
        "\n".join([_kept_requests(summary), *(f"- {line}" for line in _kept_things(summary))]),
        _pending_erasure(summary),
        "\n".join(about_lines(about)),
        layout.subtext(
            gettext("`/privacy export` gives you all of it as a file, `/privacy erase` erases it.")
        ),
    )


def _kept_requests(summary: DataSummary) -> str:
    if not summary.requests:
        return gettext("**No requests.**")
    servers = ngettext("{n} server", "{n} servers", summary.guilds)
    if summary.oldest_at is None:
        return ngettext(
            "**{n} request** in {servers}",
            "**{n} requests** in {servers}",
            summary.requests,
            servers=servers,
        )
    return ngettext(
        "**{n} request** in {servers}, the oldest of {day}",
        "**{n} requests** in {servers}, the oldest of {day}",
        summary.requests,
        servers=servers,
        day=timestamp(summary.oldest_at, "D"),
    )


def _kept_things(summary: DataSummary) -> Iterator[str]:
    if kept := summary.prompts:
        yield ngettext("{n} prompt", "{n} prompts", kept)
    if kept := summary.references:
        yield ngettext("{n} name of an attached file", "{n} names of attached files", kept)
    if kept := summary.kept_references:
        yield ngettext(
            "{n} attached picture, to paint from again", "{n} attached pictures, to paint from again", kept
        )
    if kept := summary.kept_pictures:
        yield ngettext(
            "{n} picture that only you can see, or that could not be posted",
            "{n} pictures that only you can see, or that could not be posted",
            kept,
        )
    if kept := summary.drafts:
        yield ngettext(
            "{n} request that you have not sent in", "{n} requests that you have not sent in", kept
        )
    if summary.member_defaults:
        yield gettext("how you like your pictures to be")
    if kept := summary.votes:
        yield ngettext("{n} vote for a picture", "{n} votes for pictures", kept)
    yield from _kept_records(summary)


def _kept_records(summary: DataSummary) -> Iterator[str]:
    if kept := summary.amounts:
        yield ngettext(
            "{n} amount of credits under your name", "{n} amounts of credits under your name", kept
        )
    if kept := summary.about:
        yield ngettext(
            "{n} limit, grant, refund or block for you",
            "{n} limits, grants, refunds and blocks for you",
            kept,
        )
    if kept := summary.decisions:
        yield ngettext("{n} decision you made for a server", "{n} decisions you made for servers", kept)


def _pending_erasure(summary: DataSummary) -> str:
    if summary.asked_at is None:
        return ""
    return gettext(
        "You asked for erasure {when}. What could not be erased yet is erased by itself later.",
        when=timestamp(summary.asked_at),
    )


def erase_question_view(summary: DataSummary, button: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """Ask whether to erase, and show what would be erased and what would stay."""
    if summary.requests or summary.drafts:
        erased = ngettext(
            "{n} request of yours will be erased, in every server: the prompts, the attached files, where"
            " the pictures were posted, and that it was you. This cannot be undone.",
            "{n} requests of yours will be erased, in every server: the prompts, the attached files, where"
            " the pictures were posted, and that it was you. This cannot be undone.",
            summary.requests,
        )
    elif summary.member_defaults or summary.votes:
        erased = gettext("Your defaults and your votes for pictures will be erased. This cannot be undone.")
    else:
        erased = gettext(
            "Your name is removed from your limits, grants and refunds, and so are the reasons, once these"
            " are over. This cannot be undone."
        )
    return layout.build_view(
        gettext("### Erase what is kept about you?"),
        erased,
        _list([*_unfinished(summary), *_staying(summary)]),
        button,
    )


def nothing_view(summary: DataSummary) -> ui.LayoutView:
    """Show that nothing can be erased now, and what stays."""
    return layout.build_view(
        gettext("### Nothing to erase"), _list(_staying(summary)), _pending_erasure(summary)
    )


def erased_view(erased: int, summary: DataSummary) -> ui.LayoutView:
    """Show what was erased, what is erased later, and what stays until when."""
    if erased:
        done = ngettext("{n} request erased.", "{n} requests erased.", erased)
    else:
        done = gettext("Everything that can be erased now is erased.")
    return layout.build_view(gettext("### Erased"), done, _list([*_unfinished(summary), *_staying(summary)]))


def not_yours_view() -> ui.LayoutView:
    """Show that the button is somebody else's."""
    return layout.build_view(
        gettext("This button is for somebody else's data. `/privacy erase` is for yours.")
    )


def _unfinished(summary: DataSummary) -> list[str]:
    if not summary.unfinished:
        return []
    return [
        ngettext(
            "Still under way: {n} request. What is kept of it is erased within an hour of its end.",
            "Still under way: {n} requests. What is kept of them is erased within an hour of their end.",
            summary.unfinished,
        )
    ]


def _staying(summary: DataSummary) -> list[str]:
    """Return what stays under the member's name, and until when."""
    lines = []
    if summary.amounts:
        lines.append(
            gettext(
                "Credits: the amounts are kept for the books. Your id stays on those that a limit still"
                " counts, so that erasing does not reset the limit: {ends}.",
                ends=", ".join(_ends(summary)),
            )
        )
    if summary.about:
        lines.append(gettext("Limits and grants that admins set for you stay while they are in force."))
    if summary.decisions:
        lines.append(gettext("What you decided for a server, such as a limit, stays in its log."))
    return [*lines, gettext(_OWN_MESSAGES)]


def _ends(summary: DataSummary) -> Iterator[str]:
    """Yield until when the member's id stays on amounts of credits."""
    if summary.amounts_until is not None:
        yield gettext("until {when}", when=timestamp(summary.amounts_until, "f"))
    if summary.amounts_permanent:
        yield ngettext(
            "in {n} server for as long as a limit that never resets is in force there",
            "in {n} servers for as long as a limit that never resets is in force there",
            summary.amounts_permanent,
        )


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def export_view(export: Export, left_out: int, file: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """Show the file with everything, and how many requests are not in it."""
    contents = ngettext(
        "{n} request and what belongs to it, as JSON.",
        "{n} requests and what belongs to them, as JSON.",
        len(export.requests),
    )
    missing = ngettext(
        "{n} older request did not fit. Ask the people who run this bot for the rest.",
        "{n} older requests did not fit. Ask the people who run this bot for the rest.",
        left_out,
    )
    return layout.build_view(
        gettext("### Everything kept about you"), contents, file, missing if left_out else ""
    )


def export_file(export: Export, limit_bytes: int) -> tuple[str, bytes, int]:
    """Return a file of at most `limit_bytes`: its name, its bytes, and how many requests are not in it.

    It is JSON if that fits, else zipped; if that does not fit either, the older half of the requests is left
    out, again and again. It takes a moment for thousands of requests: call it in a thread.
    """
    while True:
        text = _json(export).encode()
        if len(text) <= limit_bytes:
            return f"{FILE_NAME}.json", text, export.older_requests
        zipped = _zipped(text)
        if len(zipped) <= limit_bytes or not export.requests:
            return f"{FILE_NAME}.zip", zipped, export.older_requests
        kept = len(export.requests) // 2
        export = replace(
            export,
            requests=export.requests[:kept],
            older_requests=export.older_requests + len(export.requests) - kept,
        )


def _zipped(text: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FILE_NAME}.json", text)
    return buffer.getvalue()


def _json(export: Export) -> str:
    return json.dumps(_readable(asdict(export)), ensure_ascii=False, indent=2)


def _readable(value: object, name: str = "") -> object:
    """Return a value for JSON: ids as texts, which no program rounds; times in ISO 8601, UTC."""
    if isinstance(value, dict):
        return {key: _readable(inner, key) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_readable(inner) for inner in value]
    if not isinstance(value, int):
        # Lone surrogates, which UTF-8 cannot encode, do not come this far: no prompt has one.
        return value
    if name.endswith("_at"):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")
    if name.endswith("_id"):
        return str(value)
    return bool(value) if name in _BOOLEANS else value
