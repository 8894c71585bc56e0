"""What an interaction tells: server, channel, roles, and the permissions of the member and of the bot.

Permissions are checked in code although commands declare them: a server's settings can open any command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord

from bot.discord_client.permissions import lacking, needed_to_post, needed_to_write
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import Destination, RequestContext
from cogs.text.terms import mention
from cogs.text.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Callable

MANAGERS_ONLY: Final = "managers_only"
"""Key of a command's `extras`: it needs Manage Server, in a group whose other commands are for everybody.

Discord has such permissions for whole groups only.
"""


def guild_id_of(interaction: discord.Interaction) -> int:
    """Return the id of the server.

    Raises:
        MemberError: GUILD_ONLY.
    """
    if interaction.guild_id is None:
        raise MemberError(MemberReason.GUILD_ONLY)
    return interaction.guild_id


def channel_id_of(interaction: discord.Interaction) -> int:
    """Return the id of the channel or thread.

    Raises:
        MemberError: CHANNEL_UNUSABLE; the event names none.
    """
    if interaction.channel_id is None:
        raise MemberError(MemberReason.CHANNEL_UNUSABLE, missing=("view_channel",))
    return interaction.channel_id


def require_manage_guild(interaction: discord.Interaction) -> int:
    """Return the id of the server; refuse members without Manage Server.

    Raises:
        MemberError: GUILD_ONLY, NOT_ALLOWED.
    """
    guild_id = guild_id_of(interaction)
    if not interaction.permissions.manage_guild:
        raise MemberError(MemberReason.NOT_ALLOWED, missing=("manage_guild",))
    return guild_id


def missing_permissions(interaction: discord.Interaction) -> tuple[str, ...]:
    """Return what the bot lacks to post a picture here once the interaction's token has expired."""
    permissions = _own_permissions(interaction)
    needed = needed_to_post(in_thread=isinstance(interaction.channel, discord.Thread))
    return () if permissions is None else lacking(permissions, needed)


def missing_permissions_in(channel: discord.abc.GuildChannel | discord.Thread) -> tuple[str, ...]:
    """Return what the bot lacks to write a message in a channel or thread."""
    needed = needed_to_write(in_thread=isinstance(channel, discord.Thread))
    return lacking(channel.permissions_for(channel.guild.me), needed)


def destination_of(interaction: discord.Interaction, *, private: bool = False) -> Destination:
    """Return where the result goes; `private` if only the member may see it.

    Raises:
        MemberError: GUILD_ONLY, CHANNEL_UNUSABLE.
    """
    return Destination(
        guild_id=guild_id_of(interaction),
        channel_id=channel_id_of(interaction),
        user_id=interaction.user.id,
        application_id=interaction.application_id,
        interaction_id=interaction.id,
        interaction_token=interaction.token,
        upload_limit_bytes=interaction.filesize_limit,
        locale=str(interaction.locale),
        private=private,
        guild_locale=str(interaction.guild_locale or discord.Locale.american_english),
    )


def request_context(interaction: discord.Interaction) -> RequestContext:
    """Return what access rules look at: the member's roles, the channel with those above it, permissions."""
    channel = interaction.channel
    parent, parent_id = channel, None
    if isinstance(channel, discord.Thread):
        parent, parent_id = channel.parent, channel.parent_id
    category_id = parent.category_id if isinstance(parent, discord.abc.GuildChannel) else None
    channel_ids = (interaction.channel_id, parent_id, category_id)
    return RequestContext(
        role_ids=role_ids_of(interaction.user),
        channel_ids=tuple(channel_id for channel_id in channel_ids if channel_id is not None),
        age_restricted=not isinstance(channel, discord.abc.PrivateChannel | None) and channel.is_nsfw(),
        missing_permissions=missing_permissions(interaction),
    )


def _own_permissions(interaction: discord.Interaction) -> discord.Permissions | None:
    """Return what the bot may do here; None if that is unknown.

    An event without `app_permissions` reads as one with none, so then they are computed from the cached
    server, unless that yields none either. Unknown permissions refuse nothing: the token alone delivers most
    pictures.
    """
    guild, channel = interaction.guild, interaction.channel
    if interaction.app_permissions.value:
        return interaction.app_permissions
    if guild is None or isinstance(channel, discord.DMChannel | discord.GroupChannel | None):
        return None
    return channel.permissions_for(guild.me) if guild.me.guild_permissions.value else None


def not_a_member(person: discord.Member | discord.User) -> str:
    """Say why this person cannot be given credits or rights; empty for a member."""
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
    """Return a member's roles without @everyone; none for somebody who is not a member."""
    if not isinstance(person, discord.Member):
        return ()
    # Not `roles`, which leaves out those that are not cached: their limits would not hold.
    return tuple(person._roles)  # noqa: SLF001  # see above


def guild_names(interaction: discord.Interaction) -> Callable[[int], str | None]:
    """Return a function for the name of a guild, which is None if the bot is not in it."""

    def name_of(guild_id: int) -> str | None:
        guild = interaction.client.get_guild(guild_id)
        return None if guild is None else guild.name

    return name_of
