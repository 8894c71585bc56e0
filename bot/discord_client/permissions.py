"""The permissions that the bot needs in a channel, by discord.py's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import discord


def needed_to_write(*, in_thread: bool) -> tuple[str, ...]:
    """Return what a message takes."""
    return ("view_channel", "send_messages_in_threads" if in_thread else "send_messages")


def needed_to_post(*, in_thread: bool) -> tuple[str, ...]:
    """Return what a message with a picture takes, once the token of its interaction has expired."""
    return (*needed_to_write(in_thread=in_thread), "attach_files")


def lacking(permissions: discord.Permissions, needed: Iterable[str]) -> tuple[str, ...]:
    """Return the needed permissions that are not granted."""
    return tuple(name for name in needed if not getattr(permissions, name))
