"""Where finished pictures can be shown from: their own message, or the picture store.

The address of a picture in a message is put into a card as it is: Discord signs it anew for whoever looks
(https://discord.com/developers/docs/reference#signed-attachment-cdn-urls).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bot.images import processing
from cogs.ui.discord_limits import attachments

if TYPE_CHECKING:
    from collections.abc import Iterable

    import discord

    from bot.jobs.history import HistoryItem
    from bot.storage.picture_store import PictureStore

THUMBNAIL_PIXELS: Final = 512


class ImageSources:
    """Finds something to show for each picture."""

    def __init__(self, picture_store: PictureStore) -> None:
        self._picture_store = picture_store

    async def thumbnails(self, items: Iterable[HistoryItem]) -> tuple[dict[str, str], list[discord.File]]:
        """Addresses for a page of pictures, by job, and the files that go with them, small ones.

        Raises:
            OperatorError: `disk`.
        """
        addresses: dict[str, str] = {}
        files: dict[str, bytes] = {}
        for item in items:
            if (url := _public(item)) is not None:
                addresses[item.job.job_id] = url
            elif (data := await self._kept(item)) is not None:
                name = f"{item.job.job_id}.jpg"
                files[name] = await asyncio.to_thread(processing.thumbnail, data, THUMBNAIL_PIXELS)
                addresses[item.job.job_id] = f"attachment://{name}"
        return addresses, attachments(files)

    async def full_size(self, item: HistoryItem) -> tuple[str | None, list[discord.File]]:
        """An address for one picture, and the file that goes with it; None if there is nothing to show.

        Raises:
            OperatorError: `disk`.
        """
        if (url := _public(item)) is not None:
            return url, []
        if (data := await self._kept(item)) is None:
            return None, []
        return f"attachment://{item.filename}", attachments({item.filename: data})

    async def _kept(self, item: HistoryItem) -> bytes | None:
        return None if item.kept_sha256 is None else await self._picture_store.read(item.kept_sha256)


def _public(item: HistoryItem) -> str | None:
    """Where everybody could see it; of a private picture the address dies with its message."""
    delivered = item.job.delivered_message
    if delivered is None or item.job.request.destination.private:
        return None
    return delivered.url
