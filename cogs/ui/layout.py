"""What all cards are made of: Components V2, built anew each time.

A reply that has once become a V2 message must stay one, without content and embeds, so whatever follows a
deferred answer is a card from here: https://discord.com/developers/docs/components/using-message-components
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from cogs.text.escaping import escape, truncate, utf16_length
from cogs.text.translation import ngettext
from cogs.ui.discord_limits import CARD_TEXT_UNITS, attachments, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Button = ui.Button[ui.LayoutView]
PROMPT_UNITS: Final = 300
"""How much of a prompt a card quotes; the alt text holds more."""
QUOTED_UNITS: Final = 2400
"""How much of a text is quoted whole: a card holds 4000 in all, and the rest has to be said, too."""
TEXT_FILE: Final = "prompt.txt"
ACCENT: Final = 0xC2703D
"""The colour of a wet brush, on the edge of every card."""


def subtext(line: str) -> str:
    """A line in small print."""
    return f"-# {line}"


def row(*buttons: Button) -> ui.ActionRow[ui.LayoutView]:
    """Put up to five buttons side by side."""
    return ui.ActionRow(*buttons)


def quote_or_attach(text: str) -> tuple[str | ui.File[ui.LayoutView], list[discord.File]]:
    """All of a stranger's text as a part of a card: quoted, or as a file where a card has no room for it."""
    quoted = escape(text, max(utf16_length(text), 1))
    if utf16_length(quoted) <= QUOTED_UNITS:
        return f"> {quoted}" if quoted else "", []
    return ui.File(f"attachment://{TEXT_FILE}"), attachments({TEXT_FILE: text.encode("utf-8", "replace")})


def build_view(*parts: str | ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """A frame around texts, pictures and rows of buttons.

    Empty texts are left out, and all texts share Discord's limit. What is else too much for a message is a
    bug, and told as one: see `period_bounds.framed`.
    """
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=ACCENT)
    room = CARD_TEXT_UNITS
    for part in parts:
        if not isinstance(part, str):
            container.add_item(part)
        elif text := truncate(part, room):
            container.add_item(ui.TextDisplay(text))
            room -= utf16_length(text)
    return wrap(container)


def titled_view(title: str, lines: Sequence[str], room: int) -> str:
    """Lines under a title, as many as fit into `room` units; nothing without any."""
    return "\n".join([f"**{title}**", *fit_lines(lines, room)]) if lines else ""


def more_lines(left_out: int) -> str:
    """Stands for lines that a list has no room for."""
    return ngettext("- and {n} more", "- and {n} more", left_out)


def fit_lines(lines: Sequence[str], room: int, more: Callable[[int], str] = more_lines) -> list[str]:
    """The first lines that fit into `room` units, and how many more there are, which `more` says."""
    shown: list[str] = []
    for line in lines:
        room -= utf16_length(line) + 1
        if room < 0:
            return [*shown, more(len(lines) - len(shown))]
        shown.append(line)
    return shown
