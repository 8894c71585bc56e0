"""Write to a server as a whole: in which channels the bot may write, and a message in the first of them."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Final

import structlog

from bot.background.alert_notifier import NotificationFailed
from cogs.ui.context import missing_permissions_in
from cogs.ui.discord_limits import NONCE_CHARACTERS
from cogs.ui.operator_channel import translate_send_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import discord

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 5
"""How many channels are tried: what keeps the bot out of these, such as a time-out, keeps it out of all."""


def writable_channels(guild: discord.Guild, *, public: bool = False) -> Iterator[discord.TextChannel]:
    """Yield the channels in which the bot may write: that of system messages first, then the upper ones.

    With `public`, of the others only those that everybody in the server sees.
    """
    system = guild.system_channel
    if system is not None and not missing_permissions_in(system):
        yield system
    for channel in guild.text_channels:
        is_hidden = not channel.permissions_for(guild.default_role).view_channel
        if channel != system and not missing_permissions_in(channel) and not (public and is_hidden):
            yield channel


async def post_in_first(
    client: discord.Client,
    channels: Iterable[discord.TextChannel],
    view: discord.ui.LayoutView,
    nonce: str,
) -> bool:
    """Post a view in the first channel that takes it; False if none does.

    Raises:
        TransientError: Discord is out of reach.
    """
    for channel in islice(channels, ATTEMPTS):
        try:
            with translate_send_errors(client):
                await channel.send(view=view, nonce=nonce)
        except NotificationFailed as error:
            log.info("channel closed", channel_id=channel.id, error=str(error))
        else:
            return True
    return False


def message_nonce(*identity: object) -> str:
    """Return the nonce of a message, the same for every attempt, by which Discord finds the first one.

    `identity` is what no other message has.

    https://discord.com/developers/docs/resources/message#create-message
    """
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:NONCE_CHARACTERS]
