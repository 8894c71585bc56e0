"""Text that other people wrote, made safe for a message of the bot: one line, no markup, no mention, cut."""

from __future__ import annotations

import re
from typing import Final

import discord

QUOTE_UNITS: Final = 300
"""How much of somebody else's text a sentence repeats, in UTF-16 units."""

# `<` opens mentions, timestamps, custom emoji and links; the rest is Discord's markdown. The library's own
# escape_markdown leaves `<` alone, and everything between `[` and the last `)`.
_MARKUP: Final = re.compile(r"([\\*_~`|<>\[\]#])")
# What begins a list at the start of a line, also of a quoted one.
_LIST_MARKER: Final = re.compile(r"^(\d+(?=\.\s)|(?=-\s))")
# Control characters, and the marks that turn the direction of all text after them.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
# The commas of Latin, of Chinese and Japanese, and of Arabic.
_COMMAS: Final = re.compile("[,\uff0c\u3001\uff64\u060c]")
# What an operator's text may link to: web addresses, and mentions of users.
_LINKS: Final = re.compile(r"(https?://[^\s<>]+|<@[0-9]{17,20}>)")


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 units, the largest measure that Discord could count by."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def truncate(text: str, limit: int) -> str:
    """Cut to `limit` UTF-16 units; an ellipsis stands for what was cut.

    Lone surrogates, which JSON can carry, are dropped.
    """
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= 2 * limit:
        return encoded.decode("utf-16-le", "ignore")
    return encoded[: 2 * max(limit - 1, 0)].decode("utf-16-le", "ignore") + "…"[:limit]


def shorten(text: str, limit: int) -> str:
    """Cut to `limit` UTF-16 units without an ellipsis, for what is compared and not read.

    Lone surrogates are dropped.
    """
    return text.encode("utf-16-le", "surrogatepass")[: 2 * limit].decode("utf-16-le", "ignore")


def single_line(text: str, limit: int) -> str:
    """Turn line breaks, control characters and runs of spaces into one space; cut to `limit` UTF-16 units.

    Lone surrogates are dropped, as by `truncate`.
    """
    whole = shorten(text, utf16_length(text))
    return truncate(" ".join(_UNSAFE.sub(" ", whole).split()), limit)


def split_list(text: str, limit: int) -> list[str]:
    """Return the parts of a text between commas, each as one line of `limit` UTF-16 units; empty ones too."""
    return [single_line(part, limit) for part in _COMMAS.split(text)]


def escape(text: str, limit: int) -> str:
    """Return one line that shows as it was typed, without live markup or mentions.

    It is cut to `limit` UTF-16 units before the escaping, which may double its length.
    """
    escaped = _LIST_MARKER.sub(r"\1\\", _MARKUP.sub(r"\\\1", single_line(text, limit)))
    return discord.utils.escape_mentions(escaped)


def code_span(text: str, limit: int) -> str:
    """Return one line in Discord's format for code, as it was typed but for backticks; empty for no text.

    Discord shows code as it is: backslashes of `escape` would be read and copied.
    """
    shown = single_line(text.replace("`", ""), limit)
    return f"`{shown}`" if shown else ""


def escape_with_links(text: str) -> str:
    """Return the operator's one line as it was typed, with its web addresses and mentions of users alive."""
    parts = _LINKS.split(text)
    return "".join(part if index % 2 else _escape_between(part) for index, part in enumerate(parts))


def _escape_between(text: str) -> str:
    """Escape a part of a line, whose spaces at its ends stay."""
    return _MARKUP.sub(r"\\\1", discord.utils.escape_mentions(_UNSAFE.sub(" ", text)))
