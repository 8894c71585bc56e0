"""Discord's ids: which numbers may be one, and what stands where no one guild is meant."""

from __future__ import annotations

import re
from typing import Final

ALL_GUILDS: Final = 0
"""Stands for all guilds where a guild's id would stand, in rows as well."""
MAX_ID: Final = 2**63 - 1
"""The highest number that both a snowflake and SQLite can be."""


def parse_id(typed: str) -> int | None:
    """An id as somebody typed it; None for anything else. Numbers of Discord's own options are too small."""
    digits = typed.strip()
    if not re.fullmatch("[0-9]{1,19}", digits):
        return None
    return number if 0 < (number := int(digits)) <= MAX_ID else None
