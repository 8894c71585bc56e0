"""The permissions that the bot needs, by discord.py's names, and the invitation that asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from collections.abc import Iterable


def invitation(application_id: int) -> str:
    """Return the address that adds the bot to a server with no more permissions than it uses.

    Those that a picture takes in channels and threads, and the one to find messages posted before.
    """
    needed = {*needed_to_post(in_thread=False), *needed_to_post(in_thread=True), "read_message_history"}
    permissions = discord.Permissions(**dict.fromkeys(needed, True))
    return discord.utils.oauth_url(
        application_id, permissions=permissions, scopes=("bot", "applications.commands")
    )


def needed_to_write(*, in_thread: bool) -> tuple[str, ...]:
    """Return what a message takes."""
    return ("view_channel", "send_messages_in_threads" if in_thread else "send_messages")


def needed_to_post(*, in_thread: bool) -> tuple[str, ...]:
    """Return what a message with a picture takes, once the token of its interaction has expired."""
    return (*needed_to_write(in_thread=in_thread), "attach_files")


def lacking(permissions: discord.Permissions, needed: Iterable[str]) -> tuple[str, ...]:
    """Return the needed permissions that are not granted."""
    return tuple(name for name in needed if not getattr(permissions, name))
