"""Who is the operator: the application's owner or, of a team, its admins and developers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bot.domain.errors import MemberError, MemberReason
from cogs.text.terms import BOT_OWNER

if TYPE_CHECKING:
    import discord
    from discord.ext import commands


async def is_operator(interaction: discord.Interaction, guild_id: int) -> bool:
    """Return whether the operator uses the bot, in the operator's own guild `guild_id`."""
    client = cast("commands.Bot", interaction.client)
    return interaction.guild_id == guild_id and await client.is_owner(interaction.user)


async def require_owner(interaction: discord.Interaction) -> None:
    """Let only the operator pass, in any guild and in direct messages.

    Raises:
        MemberError: NOT_ALLOWED.
    """
    client = cast("commands.Bot", interaction.client)
    if not await client.is_owner(interaction.user):
        raise MemberError(MemberReason.NOT_ALLOWED, missing=(BOT_OWNER,))


async def require_operator(interaction: discord.Interaction, guild_id: int) -> None:
    """Let only the operator pass.

    Raises:
        MemberError: NOT_ALLOWED.
    """
    if not await is_operator(interaction, guild_id):
        raise MemberError(MemberReason.NOT_ALLOWED, missing=(BOT_OWNER,))
