"""How texts of strangers are compared, and which signs in them nobody sees."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Hangul fillers and the empty braille cell: letters and signs by category, and blank."""
_ACCENTS: Final = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u0591-\u05c7\u064b-\u065f\u0670]"
)
"""Of Latin, Greek and Cyrillic, and vowel points of Hebrew and Arabic, which may be left out; marks of other
scripts are parts of their words."""
_INVISIBLE: Final = re.compile(
    f"[{BLANK_LETTERS}\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
"""Signs that nobody sees and that are not of category Cf: https://unicode.org/reports/tr44/#Default_Ignorable"""
_OF_WORDS: Final = frozenset("LMN")
"""The first letters of the categories of what words are made of: letters, marks, digits."""


def fold_text(text: str) -> str:
    """A text as it is compared: no accents, no capitals, no look-alike widths, single spaces between words.

    Letters of another width or style become plain (https://unicode.org/reports/tr15/); invisible characters
    go, so that none can stand inside a word, and every other sign counts as a space.
    """
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    seen = "".join(sign for sign in _INVISIBLE.sub("", bare) if unicodedata.category(sign) != "Cf")
    plain = unicodedata.normalize("NFKC", seen.casefold())
    return " ".join(
        "".join(sign if unicodedata.category(sign)[0] in _OF_WORDS else " " for sign in plain).split()
    )
