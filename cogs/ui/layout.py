"""Build views of Components V2: one container of texts, pictures and rows of buttons.

A message that was sent as V2 has to stay V2, without content and embeds, so every edit of a reply is built
here:
https://discord.com/developers/docs/components/using-message-components
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import ui

from cogs.text.escaping import escape, truncate, utf16_length
from cogs.text.translation import ngettext
from cogs.ui.discord_limits import VIEW_TEXT_UNITS, attachments, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Button = ui.Button[ui.LayoutView]
    Row = ui.ActionRow[ui.LayoutView]

PROMPT_UNITS: Final = 300
"""How much of a prompt a view quotes; the alt text holds more."""
QUOTED_UNITS: Final = 2400
"""The longest text that is quoted whole: a view holds 4000 units in all."""
TEXT_FILE: Final = "prompt.txt"
ACCENT: Final = 0xC2703D
"""The colour at the edge of every view."""


def subtext(line: str) -> str:
    """Format a line as small print."""
    return f"-# {line}"


def row(*buttons: Button) -> Row:
    """Put up to five buttons side by side."""
    return ui.ActionRow(*buttons)


def quote_or_attach(text: str) -> tuple[str | ui.File[ui.LayoutView], list[discord.File]]:
    """Return all of a member's text as a part of a view: quoted, or a file component if it is too long.

    Also returns the attachment of that component.
    """
    quoted = escape(text, max(utf16_length(text), 1))
    if utf16_length(quoted) <= QUOTED_UNITS:
        return f"> {quoted}" if quoted else "", []
    return ui.File(f"attachment://{TEXT_FILE}"), attachments({TEXT_FILE: text.encode("utf-8", "replace")})


def build_view(*parts: str | ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """Put texts, pictures and rows of buttons into a container.

    Empty texts are left out, and texts are cut where the sum exceeds Discord's limit.

    Raises:
        ContractViolation: `bug`; another limit is exceeded: see `discord_limits.wrap`.
    """
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=ACCENT)
    room = VIEW_TEXT_UNITS
    for part in parts:
        if not isinstance(part, str):
            container.add_item(part)
        elif text := truncate(part, room):
            container.add_item(ui.TextDisplay(text))
            room -= utf16_length(text)
    return wrap(container)


def titled_view(title: str, lines: Sequence[str], room: int) -> str:
    """Return lines under a title, as many as fit into `room` units; empty without lines."""
    return "\n".join([f"**{title}**", *fit_lines(lines, room)]) if lines else ""


def more_lines(left_out: int) -> str:
    """Return the last line of a list that has no room for all."""
    return ngettext("- and {n} more", "- and {n} more", left_out)


def fit_lines(lines: Sequence[str], room: int, more: Callable[[int], str] = more_lines) -> list[str]:
    """Return the first lines that fit into `room` units, and a line that says how many are left out."""
    shown: list[str] = []
    for line in lines:
        room -= utf16_length(line) + 1
        if room < 0:
            return [*shown, more(len(lines) - len(shown))]
        shown.append(line)
    return shown
