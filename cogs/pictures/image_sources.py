"""URLs and files to show finished pictures again, from their message or from the picture store.

The URL of a picture in a message is used without its signature, which Discord renews for each reader:
https://discord.com/developers/docs/reference#signed-attachment-cdn-urls
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cogs.ui.discord_limits import attachments

if TYPE_CHECKING:
    from collections.abc import Iterable

    import discord

    from bot.images.workers import ImageWorkers
    from bot.jobs.history import HistoryItem
    from bot.storage.picture_store import PictureStore

THUMBNAIL_PIXELS: Final = 512


class ImageSources:
    """Finds a URL or a file for each picture."""

    def __init__(self, picture_store: PictureStore, image_workers: ImageWorkers) -> None:
        self._picture_store = picture_store
        self._image_workers = image_workers

    async def thumbnails(self, items: Iterable[HistoryItem]) -> tuple[dict[str, str], list[discord.File]]:
        """Return the URLs of a page of pictures by job id, and the thumbnails that they attach.

        Raises:
            OperatorError: `disk`.
        """
        urls: dict[str, str] = {}
        files: dict[str, bytes] = {}
        for item in items:
            if (url := _public_url(item)) is not None:
                urls[item.job.job_id] = url
            elif (data := await self._stored(item)) is not None:
                name = f"{item.job.job_id}.jpg"
                files[name] = await self._image_workers.thumbnail(data, THUMBNAIL_PIXELS)
                urls[item.job.job_id] = f"attachment://{name}"
        return urls, attachments(files)

    async def full_size(self, item: HistoryItem) -> tuple[str | None, list[discord.File]]:
        """Return the URL of one picture, None if there is nothing to show, and the file that it attaches.

        Raises:
            OperatorError: `disk`.
        """
        if (url := _public_url(item)) is not None:
            return url, []
        if (data := await self._stored(item)) is None:
            return None, []
        return f"attachment://{item.filename}", attachments({item.filename: data})

    async def _stored(self, item: HistoryItem) -> bytes | None:
        return None if item.kept_sha256 is None else await self._picture_store.read(item.kept_sha256)


def _public_url(item: HistoryItem) -> str | None:
    """Return the URL of a public picture; that of a private one expires with its message."""
    delivered = item.job.delivered_message
    if delivered is None or item.job.request.destination.private:
        return None
    return delivered.url
