"""Text of strangers, made fit to stand in a message: no markup, no mention, no line break, not too long."""

from __future__ import annotations

import re
from typing import Final

import discord

# `<` opens mentions, timestamps, custom emoji and links; the rest is Discord's markdown. The library's own
# escape_markdown leaves `<` alone, and everything between `[` and the last `)`.
_MARKUP: Final = re.compile(r"([\\*_~`|<>\[\]#])")
# At the start of a line, also of a quoted one: a list.
_LISTED: Final = re.compile(r"^(\d+(?=\.\s)|(?=-\s))")
# Control characters, and the marks that turn the direction of all text after them.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


def utf16_length(text: str) -> int:
    """The length in UTF-16 units: the largest measure Discord could count by."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def truncate(text: str, limit: int) -> str:
    """At most `limit` units; an ellipsis shows a cut. Lone surrogates, which JSON can carry, are dropped."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= 2 * limit:
        return encoded.decode("utf-16-le", "ignore")
    return encoded[: 2 * max(limit - 1, 0)].decode("utf-16-le", "ignore") + "…"[:limit]


def single_line(text: str, limit: int) -> str:
    """One line without control characters, at most `limit` units long."""
    return truncate(" ".join(_UNSAFE.sub(" ", text).split()), limit)


def escape(text: str, limit: int) -> str:
    """One line that shows as typed and does nothing; `limit` is before the escaping, which may double it."""
    return discord.utils.escape_mentions(_LISTED.sub(r"\1\\", _MARKUP.sub(r"\\\1", single_line(text, limit))))
