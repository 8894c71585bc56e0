"""Who may use a command, and where: asked again in code, since a server's settings can open any command.

Owns the checks before a command. Never imports anything of ours but errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord

from bot.errors import MemberError, MemberReason

if TYPE_CHECKING:
    from collections.abc import Iterable

NEEDED_TO_POST: Final = ("view_channel", "send_messages", "attach_files")
NEEDED_IN_THREADS: Final = ("view_channel", "send_messages_in_threads", "attach_files")


def guild_id_of(interaction: discord.Interaction) -> int:
    """The server this happens in.

    Raises:
        MemberError: GUILD_ONLY.
    """
    if interaction.guild_id is None:
        raise MemberError(MemberReason.GUILD_ONLY)
    return interaction.guild_id


def channel_id_of(interaction: discord.Interaction) -> int:
    """The channel or thread this happens in.

    Raises:
        MemberError: CHANNEL_UNUSABLE, in a kind of channel the library does not know.
    """
    if interaction.channel_id is None:
        raise MemberError(MemberReason.CHANNEL_UNUSABLE, missing=NEEDED_TO_POST[:1])
    return interaction.channel_id


def require_manage_guild(interaction: discord.Interaction) -> None:
    """Admins only.

    Raises:
        MemberError: NOT_ALLOWED.
    """
    if not interaction.permissions.manage_guild:
        raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_guild",))


def missing_permissions(interaction: discord.Interaction) -> tuple[str, ...]:
    """What the bot itself lacks to post a picture here once the interaction's token has died."""
    needed = NEEDED_IN_THREADS if isinstance(interaction.channel, discord.Thread) else NEEDED_TO_POST
    permissions = _own_permissions(interaction)
    return () if permissions is None else tuple(_lacking(permissions, needed))


def missing_in(channel: discord.abc.GuildChannel | discord.Thread) -> tuple[str, ...]:
    """What the bot itself lacks to write a message in another channel."""
    needed = NEEDED_IN_THREADS if isinstance(channel, discord.Thread) else NEEDED_TO_POST
    return tuple(_lacking(channel.permissions_for(channel.guild.me), needed[:2]))


def _own_permissions(interaction: discord.Interaction) -> discord.Permissions | None:
    """What the bot may do here; None if nobody can say.

    discord.py reads none at all where an event does not tell. Then the cached server is asked, unless it
    knows of no permissions either: the token alone brings most pictures home.
    """
    told, guild, channel = interaction.app_permissions, interaction.guild, interaction.channel
    if told.value:
        return told
    if guild is None or isinstance(channel, discord.DMChannel | discord.GroupChannel | None):
        return None
    return channel.permissions_for(guild.me) if guild.me.guild_permissions.value else None


def _lacking(permissions: discord.Permissions, needed: Iterable[str]) -> Iterable[str]:
    return (name for name in needed if not getattr(permissions, name))
