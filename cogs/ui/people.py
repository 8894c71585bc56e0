"""Whom a command names: a member of this server, somebody who is none, a bot; and which roles they have."""

from __future__ import annotations

import discord

from cogs.text.terms import mention
from cogs.text.translation import gettext


def not_a_member(person: discord.Member | discord.User) -> str:
    """Why nothing can be allowed to this person; empty for a member."""
    if person.bot:
        return gettext(
            "{person} is a bot, and bots ask for no pictures. Choose a member.", person=mention(person.id)
        )
    if not isinstance(person, discord.Member):
        return gettext(
            "{person} is not a member of this server (any more). Choose a member.", person=mention(person.id)
        )
    return ""


def role_ids_of(person: discord.Member | discord.User) -> tuple[int, ...]:
    """The roles somebody has here, without @everyone, which everybody has; none for who is no member."""
    if not isinstance(person, discord.Member):
        return ()
    # Not `roles`: it leaves out what the cache does not know, and with a role its limit would be forgotten.
    return tuple(person._roles)  # noqa: SLF001  # see above
