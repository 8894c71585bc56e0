"""The words that a catalogue has for the terms of the product, as the comment at its top lists them.

A line `picture = imagen, imágenes` is for each message whose English has the word, also as a plural: one of
the translations, or of their beginnings, must be in it. A line `never: usted, ustedes` lists whole words that
no message may have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Message

from tests.tools.update_translations import forms

TERM = re.compile(r"#\s+([^=:]+?) = (.+)")
NEVER = re.compile(r"#\s+never: (.+)")
NOT_WORDS = re.compile(r"\{\w*\}|`[^`]*`")
"""Placeholders, commands and names of options, whose words are no terms."""


@dataclass(frozen=True)
class Glossary:
    terms: dict[str, tuple[str, ...]]
    never: tuple[str, ...]

    @classmethod
    def of(cls, file: Path) -> Glossary:
        """Read the glossary of a catalogue."""
        comment = [
            line for line in file.read_text("utf-8").partition("\n\n")[0].splitlines() if line[:1] == "#"
        ]
        terms = {match[1]: tuple(match[2].split(", ")) for match in map(TERM.fullmatch, comment) if match}
        never = [word for match in map(NEVER.fullmatch, comment) if match for word in match[1].split(", ")]
        return cls(terms, tuple(never))

    def breaches(self, message: Message) -> Iterator[str]:
        """Yield what is wrong with the words of one translation."""
        english = NOT_WORDS.sub("", message.id if isinstance(message.id, str) else message.id[-1])
        for form in forms(message):
            shown = NOT_WORDS.sub("", form).casefold()
            for term, translations in self.terms.items():
                if has_word(english, term, "s?") and not any(
                    each.casefold() in shown for each in translations
                ):
                    yield f"`{translations[0]}` for `{term}`: {form}"
            yield from (f"never `{word}`: {form}" for word in self.never if has_word(shown, word))


def has_word(text: str, word: str, ending: str = "") -> bool:
    """Return whether a text has a whole word, or several in a row; `ending` is a pattern."""
    return re.search(rf"\b{re.escape(word)}{ending}\b", text, re.IGNORECASE) is not None
