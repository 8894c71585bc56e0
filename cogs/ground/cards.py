"""What all cards are made of: Components V2, built anew each time.

A reply that has once become a V2 message must stay one, without content and embeds, so whatever follows a
deferred answer is a card from here: https://discord.com/developers/docs/components/using-message-components

Owns the frame of a card. Never imports anything of ours but text.
"""

from __future__ import annotations

from typing import Final, cast

from discord import ui

from cogs.ground.text import shorten, units

CARD_TEXT_UNITS: Final = 4000
"""All texts of one message together: https://discord.com/developers/docs/components/reference#text-display"""
ALT_TEXT_UNITS: Final = 1024
PROMPT_UNITS: Final = 300
"""How much of a prompt a card quotes; the alt text holds more."""
ACCENT: Final = 0xC2703D
"""The colour of a wet brush, on the edge of every card."""


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
