"""The sentences about words in a request that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.text.escaping import escape
from cogs.text.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Mapping

EXCERPT_UNITS: Final = 60


def prompt_refused(data: Mapping[str, object]) -> str:
    """Return that Rivya refuses the prompt, or that it has `half` a character."""
    if data.get("half"):
        return gettext(
            "The prompt has half a character in it, as is left of an emoji that was cut. Please delete it or"
            " type it anew."
        )
    return gettext("Rivya does not paint this prompt. Please say it in other words.")


def word_blocked(data: Mapping[str, object]) -> str:
    """Return that `word` is blocked, and which `preset` adds it if it is not the member's own."""
    word = escape(str(data.get("word") or ""), EXCERPT_UNITS)
    if preset := data.get("preset"):
        return gettext(
            "The word “{word}” is blocked in this server, and the preset “{preset}” brings it in. Use"
            " `/imagine` with another preset or without one, or ask someone with Manage Server to change it.",
            word=word,
            preset=escape(str(preset), EXCERPT_UNITS),
        )
    return gettext(
        "The word “{word}” is blocked in this server. Please say it in other words.",
        word=word,
    )
