"""Fold texts for comparison: case, accents, look-alike letters and invisible characters; emoji are kept."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Hangul fillers and the empty braille cell: letters and symbols by category, but blank."""
JOINER: Final = "\u200d"
"""Makes one emoji of several: https://unicode.org/reports/tr51/#Emoji_ZWJ_Sequences"""
_ACCENTS: Final = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20e2\u20e4-\u20ff\ufe20-\ufe2f\u0591-\u05c7\u064b-\u065f"
    "\u0670]|(?<![#*])\u20e3"
)
"""Accents of Latin, Greek and Cyrillic, and the optional vowel points of Hebrew and Arabic. Marks of other
scripts belong to their words. The box of a keycap stays on `#` and `*`, which are punctuation without it."""
_TAGGED_FLAG: Final = "\U0001f3f4(?:{})\U000e007f".format(
    "|".join("".join(chr(0xE0000 + ord(char)) for char in place) for place in ("gbeng", "gbsct", "gbwls"))
)
"""The flags of England, Scotland and Wales: https://unicode.org/reports/tr51/#valid-emoji-tag-sequences"""
_INVISIBLE: Final = re.compile(
    f"({_TAGGED_FLAG})|[{BLANK_LETTERS}\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
"""Invisible characters not in category Cf: https://unicode.org/reports/tr44/#Default_Ignorable_Code_Point.
Among them are those that choose between an emoji and its plain form. The tags of a flag are group 1."""
_SIGN: Final = (
    "[\xa9\xae\u2190-\u21ff\u2300-\u2307\u230c-\u2328\u232b-\u23ff\u25a0-\u2767\u2794-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001f0ff\U0001f10d-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
"""Emoji and the pictorial signs in their blocks, with code points that Unicode keeps free for more. Ranges,
not categories: Python may be older than an emoji, and what is stored must not depend on its version."""
_TONE: Final = "[\U0001f3fb-\U0001f3ff]"
_PART: Final = f"(?:{_TAGGED_FLAG}|{_SIGN}{_TONE}?)"
_FLAG_LETTER: Final = "[\U0001f1e6-\U0001f1ff]"
_EMOJI: Final = re.compile(f"({_FLAG_LETTER}{{1,2}}|[#*]\u20e3|{_PART}(?:{JOINER}+{_PART})*|{_TONE})")
_SKIN: Final = re.compile(f"(?<={_SIGN}){_TONE}")
_JOINERS: Final = re.compile(f"{JOINER}+")
_PLAIN_SIGNS: Final = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2012\u2013\u2014\u2015\u2212"), "-"),
}
"""Quotes and dashes that keyboards put in place of the plain ones."""


def fold_text(text: str) -> str:
    """Return a text as it is compared: casefolded, without accents, with single spaces between words.

    Letters of another width or style become plain ones (https://unicode.org/reports/tr15/). Invisible
    characters are removed, since they could split a word. An emoji is a word of its own, without its skin
    tone; one that is joined of several has `JOINER` between them. Any other character that no word is made of
    becomes a space.
    """
    return _fold(text, "LMN")


def fold_with_signs(text: str) -> str:
    """Return a text as `fold_text` does, with all its signs; quotes and dashes become plain ones."""
    return _fold(text, "LMNPS").translate(_PLAIN_SIGNS)


def search_terms(text: str) -> list[str]:
    """Return what has to be in a text that was folded by `fold_with_signs`: words, emoji, and signs.

    Signs within a word divide it, as in `fold_text`; those around it or by themselves are searched.
    """
    terms = []
    for piece in fold_with_signs(text).split():
        words = fold_text(piece).split()
        terms += words
        if words != [piece]:
            divided = "".join(char if fold_text(char) else " " for char in piece)
            begin, end = len(piece) - len(divided.lstrip()), len(divided.rstrip())
            terms += filter(None, (piece[:begin], piece[max(begin, end) :]))
    return terms


def has_emoji(folded: str) -> bool:
    """Return whether there is an emoji in a folded text."""
    return _EMOJI.search(folded) is not None


def without_emoji(folded: str) -> str:
    """Return a folded text without its emoji."""
    return " ".join(_EMOJI.sub(" ", folded).split())


def _fold(text: str, categories: str) -> str:
    """Fold a text, and turn what is not in these major categories (unless it is an emoji) into spaces."""
    visible = _ACCENTS.sub("", _INVISIBLE.sub(r"\1", unicodedata.normalize("NFKD", text)))
    bare = "".join(char for char in visible if char == JOINER or not _is_dropped(char))
    # With a group in the pattern, `split` returns the texts between emoji at even places, emoji at odd ones.
    parts = _EMOJI.split(bare)
    parts[::2] = [_plain(part, categories) for part in parts[::2]]
    parts[1::2] = [_JOINERS.sub(JOINER, _SKIN.sub("", emoji)) for emoji in parts[1::2]]
    return " ".join(" ".join(parts).split())


def _is_dropped(char: str) -> bool:
    # Formats, of which tags are left only within a flag, and lone surrogates, which are in no stored text.
    return unicodedata.category(char) in {"Cf", "Cs"} and not "\U000e0020" <= char <= "\U000e007f"


def _plain(text: str, categories: str) -> str:
    plain = unicodedata.normalize("NFKC", text.replace(JOINER, "").casefold())
    return "".join(char if unicodedata.category(char)[0] in categories else " " for char in plain)
