"""How single values are read out of JSON that somebody else wrote: what is not understood is None."""

from __future__ import annotations

import re
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | None"

_MESSAGE_LIMIT = 500
_COUNT_LIMIT = 1_000_000_000
"""More than any task costs or wallet holds: beyond it we have misread something."""
_COUNT_DIGITS = 10
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def as_object(value: Json) -> dict[str, Json]:
    """Return the object, or an empty one in its place."""
    return value if isinstance(value, dict) else {}


def first_present(fields: dict[str, Json], *spellings: str) -> Json:
    """Return the first of these keys that is there and not null."""
    return next((fields[key] for key in spellings if fields.get(key) is not None), None)


def text(value: Json) -> str | None:
    """Return text that says something and can be written as UTF-8: JSON can carry half a surrogate pair."""
    if not isinstance(value, str) or not value.strip() or _LONE_SURROGATE.search(value):
        return None
    return value


def message(value: Json) -> str | None:
    """Return the first 500 characters of a message of theirs: it may end up in a reply to a member."""
    words = text(value)
    return words and words[:_MESSAGE_LIMIT]


def as_token(value: Json) -> str | None:
    """Return a code or an id of at most 128 plain characters, fit for a log line."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def as_count(value: Json) -> int | None:
    """Return a whole number of credits or characters, up to a milliard: as 4, 4.0 or "4"."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) <= _COUNT_DIGITS else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _COUNT_LIMIT else None
