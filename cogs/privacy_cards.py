"""What a member reads about their own data, and the file with all of it.

Owns the words and the file of /privacy. Never imports anything of ours but cards, records, wording.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cogs.ground import cards
from cogs.ground.wording import moment

if TYPE_CHECKING:
    from discord import ui

    from bot.privacy.records import Export, Holdings

FILE_NAME: Final = "kuas-your-data"
ERASE_LABEL: Final = "Erase it"
_YES_OR_NO: Final = frozenset({"private", "spoiler", "picture_kept"})
_OWN_MESSAGES: Final = (
    "A picture that was posted is a message of its server: erasing does not take it away."
    " Delete the message yourself, or ask somebody who may manage messages there."
)


def holdings_card(holdings: Holdings) -> ui.LayoutView:
    """How much is kept of a member."""
    return cards.card(
        "### What is kept about you",
        "\n".join(_lines(holdings)),
        _wish(holdings),
        cards.small("`/privacy export` gives you all of it as a file, `/privacy erase` has it forgotten."),
    )


def _lines(holdings: Holdings) -> list[str]:
    if not holdings.requests:
        lines = ["**No requests.**"]
    else:
        oldest = "" if holdings.oldest_at is None else f", the oldest of {moment(holdings.oldest_at, 'D')}"
        lines = [f"**{_many(holdings.requests, 'request')}** in {_many(holdings.guilds, 'server')}{oldest}"]
    counted = (
        (holdings.prompts, "prompt"),
        (holdings.references, "name of an attached file", "names of attached files"),
        (holdings.kept_pictures, "picture that could not be posted", "pictures that could not be posted"),
        (holdings.asks, "request that waits for your yes", "requests that wait for your yes"),
        (holdings.amounts, "amount of credits under your name", "amounts of credits under your name"),
        (holdings.about, "limit, grant or refund for you", "limits, grants and refunds for you"),
        (holdings.decisions, "decision you made for a server", "decisions you made for servers"),
    )
    return [*lines, *(f"- {_many(count, *words)}" for count, *words in counted if count)]


def _wish(holdings: Holdings) -> str:
    if holdings.asked_at is None:
        return ""
    return f"You asked to be forgotten {moment(holdings.asked_at)}. What is left of that follows by itself."


def question_card(holdings: Holdings, button: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """What erasing takes and what it leaves, before it is done."""
    words = (
        f"{_many(holdings.requests, 'request')} of yours will be forgotten, in every server: the prompts, the"
        " attached files, where the pictures were posted, and that it was you."
        if holdings.requests or holdings.asks
        else "Your name goes from your limits, grants and refunds, and so do the reasons, once they are over."
    )
    return cards.card(
        "### Erase what is kept about you?",
        f"{words} This cannot be undone.",
        _list([*_unfinished(holdings), *_staying(holdings)]),
        button,
    )


def nothing_card(holdings: Holdings) -> ui.LayoutView:
    """There is nothing that could be erased now."""
    return cards.card("### Nothing to erase", _list(_staying(holdings)), _wish(holdings))


def erased_card(erased: int, holdings: Holdings) -> ui.LayoutView:
    """What went, what is still being finished, what stays and until when."""
    went = f"{_many(erased, 'request')} forgotten." if erased else "Everything that can be forgotten now is."
    return cards.card("### Erased", went, _list([*_unfinished(holdings), *_staying(holdings)]))


def not_yours_card() -> ui.LayoutView:
    """Somebody else's button."""
    return cards.card("This button is for somebody else's data. `/privacy erase` is for yours.")


def _unfinished(holdings: Holdings) -> list[str]:
    if not holdings.unfinished:
        return []
    many = _many(holdings.unfinished, "request")
    return [f"Still under way: {many}. What is kept of them goes within an hour of their end."]


def _staying(holdings: Holdings) -> list[str]:
    """What stays under the member's name, and until when."""
    lines = []
    if holdings.amounts:
        ends = [] if holdings.amounts_until is None else [f"until {moment(holdings.amounts_until, 'f')}"]
        if holdings.amounts_unending:
            where = _many(holdings.amounts_unending, "server")
            ends.append(f"in {where} for as long as a limit that never resets is in force there")
        lines.append(
            "Credits: the amounts stay for the books. Your id stays on those that a limit may still count,"
            f" or erasing would begin the limit anew: {', '.join(ends)}."
        )
    if holdings.about:
        lines.append("Limits and grants that admins set for you stay while they are in force.")
    if holdings.decisions:
        lines.append("What you decided for a server, such as a limit, stays in its record.")
    return [*lines, _OWN_MESSAGES]


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def export_card(export: Export, left_out: int, file: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """The file, and what it lacks."""
    lacking = (
        f"{_many(left_out, 'older request')} did not fit. Ask whoever runs the bot for the rest."
        if left_out
        else ""
    )
    return cards.card(
        "### Everything kept about you",
        f"{_many(len(export.requests), 'request')} and what belongs to them, as JSON.",
        file,
        lacking,
    )


def packed(export: Export, limit_bytes: int) -> tuple[str, bytes, int]:
    """The export as a file of at most `limit_bytes`: its name, its bytes, how many requests are not in it.

    Plain if that fits, else zipped; if that is too big as well, without the oldest half of the requests, and
    so on. Takes a moment for thousands of requests: call it in a thread.
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
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FILE_NAME}.json", text)
    return sink.getvalue()


def _json(export: Export) -> str:
    return json.dumps(_readable(asdict(export)), ensure_ascii=False, indent=2)


def _readable(value: object, name: str = "") -> object:
    """Ids as texts, which no program rounds; moments in ISO 8601, UTC."""
    if isinstance(value, dict):
        return {key: _readable(inner, key) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_readable(inner) for inner in value]
    if not isinstance(value, int):
        # Half a character, which JSON can carry and UTF-8 cannot, never comes this far: no prompt has one.
        return value
    if name.endswith("_at"):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")
    if name.endswith("_id"):
        return str(value)
    return bool(value) if name in _YES_OR_NO else value


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count} {one}" if count == 1 else f"{count} {more or one + 's'}"
