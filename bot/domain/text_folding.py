"""Fold texts for comparison: case, accents, look-alike letters and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Hangul fillers and the empty braille cell: letters and symbols by category, but blank."""
_ACCENTS: Final = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u0591-\u05c7\u064b-\u065f\u0670]"
)
"""Accents of Latin, Greek and Cyrillic, and the optional vowel points of Hebrew and Arabic. Marks of other
scripts belong to their words."""
_INVISIBLE: Final = re.compile(
    f"[{BLANK_LETTERS}\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
"""Invisible characters not in category Cf: https://unicode.org/reports/tr44/#Default_Ignorable_Code_Point"""
_WORD_CATEGORIES: Final = frozenset("LMN")
"""The major categories of letters, marks and numbers."""


def fold_text(text: str) -> str:
    """Return a text as it is compared: casefolded, without accents, with single spaces between words.

    Letters of another width or style become plain ones (https://unicode.org/reports/tr15/). Invisible
    characters are removed, since they could split a word; any other character that no word is made of becomes
    a space.
    """
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    visible = "".join(char for char in _INVISIBLE.sub("", bare) if unicodedata.category(char) != "Cf")
    plain = unicodedata.normalize("NFKC", visible.casefold())
    return " ".join(
        "".join(char if unicodedata.category(char)[0] in _WORD_CATEGORIES else " " for char in plain).split()
    )
