"""Read the data of an error. Any of it may be missing: that of a failure is read from JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cogs.text.terms import permission_names

Data = Mapping[str, object]

MAX_MENTIONS: Final = 10
"""How many roles or channels a sentence lists."""


def number_in(data: Data, name: str) -> int | None:
    """Return a number; None if there is none of that name."""
    value = data.get(name)
    return value if isinstance(value, int) else None


def missing_permissions_in(data: Data) -> str:
    """Return the names of the missing permissions; empty if they are not said."""
    names = data.get("missing")
    return permission_names(str(name) for name in names) if isinstance(names, tuple | list) else ""


def mentions_in(data: Data, name: str, mention: Callable[[int], str]) -> str:
    """Return a list of mentions of what has these ids, at most `MAX_MENTIONS`; empty if there are none."""
    ids = data.get(name)
    mentions = [mention(each) for each in ids if isinstance(each, int)] if isinstance(ids, list) else []
    return ", ".join([*mentions[:MAX_MENTIONS], *(["…"] if len(mentions) > MAX_MENTIONS else [])])
