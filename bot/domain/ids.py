"""Discord's ids, and the id that stands for all guilds."""

from __future__ import annotations

import re
from typing import Final

ALL_GUILDS: Final = 0
"""Stands for all guilds in place of a guild's id, in rows as well."""
THE_COMMAND_LINE: Final = 0
"""Stands for the command line in place of the id of a Discord user who acts, in rows as well."""
MAX_ID: Final = 2**63 - 1
"""The highest number that SQLite stores; a snowflake has 64 bits without a sign."""


def parse_id(typed: str) -> int | None:
    """Return the id in a text, or None if it is none.

    Ids are typed as text, since an integer option of a command ends at 2**53:
    https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type
    """
    digits = typed.strip()
    if not re.fullmatch("[0-9]{1,19}", digits):
        return None
    return number if 0 < (number := int(digits)) <= MAX_ID else None
