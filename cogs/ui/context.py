"""Who may use a command, and where: asked again in code, since a server's settings can open any command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord

from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import Destination, RequestContext
from cogs.text.terms import mention
from cogs.text.translation import gettext

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


def missing_permissions_in(channel: discord.abc.GuildChannel | discord.Thread) -> tuple[str, ...]:
    """What the bot itself lacks to write a message in another channel."""
    needed = NEEDED_IN_THREADS if isinstance(channel, discord.Thread) else NEEDED_TO_POST
    return tuple(_lacking(channel.permissions_for(channel.guild.me), needed[:2]))


def destination_of(interaction: discord.Interaction, *, private: bool = False) -> Destination:
    """Where the result of this interaction goes.

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
    """As whom and where somebody asks."""
    channel = interaction.channel
    above = channel.parent if isinstance(channel, discord.Thread) else None
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else None
    places = (interaction.channel_id, parent_id, _category_id(above or channel))
    return RequestContext(
        role_ids=role_ids_of(interaction.user),
        channel_ids=tuple(place for place in places if place is not None),
        age_restricted=not isinstance(channel, discord.abc.PrivateChannel | None) and channel.is_nsfw(),
        missing_permissions=missing_permissions(interaction),
    )


def _category_id(channel: object) -> int | None:
    return channel.category_id if isinstance(channel, discord.abc.GuildChannel) else None


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
