"""Find the pictures of a message: in its attachments, embeds and components, and in what it forwards.

A file that an embed or a component shows is not listed among the attachments:
https://github.com/discord/discord-api-docs/issues/8277
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import discord

from bot.domain.jobs import DeliveredMessage, Reference
from bot.images.processing import REFERENCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bot.domain.jobs import DeliveryMethod

    Urls = tuple[str | None, ...]

AVATAR_PIXELS: Final = 1024
_DEFAULT_NAME: Final = "picture"


def images_in(message: discord.Message, is_discord_url: Callable[[str], bool]) -> list[Reference]:
    """Return every picture that could be a reference, in the order of display.

    Of a picture on another site, the URL of Discord's copy is returned: nothing is fetched from elsewhere.
    """
    found = {}
    for urls, reference in _all_in(message):
        url = next((url for url in urls if url and is_discord_url(url)), None)
        if url is not None:
            found[url] = replace(reference, url=url)
    return list(found.values())


def avatar_of(person: discord.Member | discord.User) -> Reference:
    """Return the avatar that somebody has in this server, as a PNG without animation."""
    asset = person.display_avatar.replace(format="png", size=AVATAR_PIXELS)
    return Reference(asset.url, f"{person.id}.png", "image/png", 0)


def posted_url(message: discord.Message, filename: str) -> str | None:
    """Return the URL of the file of that name in a message; None if there is none."""
    urls = (url for candidates, _ in _all_in(message) for url in candidates if url)
    return next((url for url in urls if _name(url) == filename), None)


def _all_in(message: discord.Message) -> Iterator[tuple[Urls, Reference]]:
    """Yield every picture without its URL, and its URLs, the original before Discord's copy."""
    parts: Iterable[discord.Message | discord.MessageSnapshot] = (message, *message.message_snapshots)
    for part in parts:
        for attachment in part.attachments:
            if attachment.content_type is None or attachment.content_type in REFERENCE_TYPES:
                yield (
                    (attachment.url,),
                    Reference("", attachment.filename, attachment.content_type, attachment.size),
                )
        yield from _in_components(part.components)
        for embed in part.embeds:
            yield from map(_media_item, (embed.image, embed.thumbnail))


def _in_components(components: Iterable[object]) -> Iterator[tuple[Urls, Reference]]:
    for component in components:
        match component:
            case discord.MediaGalleryComponent(items=items):
                yield from (_media_item(item.media) for item in items)
            case discord.ThumbnailComponent(media=media) | discord.FileComponent(media=media):
                yield _media_item(media)
            case discord.SectionComponent(children=children, accessory=accessory):
                yield from _in_components((*children, accessory))
            case discord.Container(children=children):
                yield from _in_components(children)


def _name(url: str) -> str:
    """Return the filename at the end of a URL."""
    return url.partition("?")[0].rpartition("/")[2]


def _media_item(media: object) -> tuple[Urls, Reference]:
    urls: Urls = (getattr(media, "url", None), getattr(media, "proxy_url", None))
    name = next((_name(url) for url in urls if url), "") or _DEFAULT_NAME
    return urls, Reference("", name, getattr(media, "content_type", None), 0)


def delivered_message(message: discord.Message, filename: str, method: DeliveryMethod) -> DeliveredMessage:
    """Return where a picture was posted. The signature of its URL is left out, since Discord renews it.

    https://discord.com/developers/docs/reference#signed-attachment-cdn-urls
    """
    url = posted_url(message, filename)
    return DeliveredMessage(
        message.channel.id, message.id, method, None if url is None else url.partition("?")[0]
    )
