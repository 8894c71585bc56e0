"""Read single values from foreign JSON; anything unexpected is None."""

from __future__ import annotations

import math
import re
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | None"

_MESSAGE_LIMIT = 500
_COUNT_LIMIT = 1_000_000_000
"""More than any task costs or any wallet holds, so a larger number is not one of credits."""
_COUNT_DIGITS = 10
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def as_object(value: Json) -> dict[str, Json]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def first_present(fields: dict[str, Json], *spellings: str) -> Json:
    """Return the value of the first of these keys that exists and is not null."""
    return next((fields[key] for key in spellings if fields.get(key) is not None), None)


def text(value: Json) -> str | None:
    """Return text that is not blank and can be encoded as UTF-8: JSON may hold half a surrogate pair."""
    if not isinstance(value, str) or not value.strip():
        return None
    # Whether text is ASCII is known without a search, and a picture as a `data:` URL is long.
    return None if not value.isascii() and _LONE_SURROGATE.search(value) else value


def message(value: Json) -> str | None:
    """Return at most 500 characters of a message of Rivya's, which may be shown to a member."""
    found = text(value)
    return found and found[:_MESSAGE_LIMIT]


def as_token(value: Json) -> str | None:
    """Return a code or an id of at most 128 ASCII letters, digits and `_.:-`, safe for a log line."""
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def as_count(value: Json) -> int | None:
    """Return a whole number from 0 to 1,000,000,000, written as 4, 4.0 or "4"."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) <= _COUNT_DIGITS else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _COUNT_LIMIT else None


def as_seconds(value: Json) -> float | None:
    """Return a finite number that is not negative, such as 4 or 4.5."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if 0 <= value < math.inf else None
