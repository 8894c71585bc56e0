"""Where a picture came to rest, as far as its message says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.jobs import DeliveredMessage
from cogs.ui.message_images import posted_url

if TYPE_CHECKING:
    import discord


def delivered_message(message: discord.Message, filename: str, way: str) -> DeliveredMessage:
    """Where a picture has come to rest. The signature of its address is left out: Discord renews it.

    https://discord.com/developers/docs/reference#signed-attachment-cdn-urls
    """
    url = posted_url(message, filename)
    return DeliveredMessage(
        message.channel.id, message.id, way, None if url is None else url.partition("?")[0]
    )
