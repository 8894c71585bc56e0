"""Find the pictures of a message: in its attachments, embeds and components, and in what it forwards.

A file that an embed or a component shows is not listed among the attachments:
https://github.com/discord/discord-api-docs/issues/8277
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import discord

from bot.domain.attachments import FileClass, classify_file, kind_of
from bot.domain.jobs import DeliveredMessage, Reference
from bot.domain.pictures import PostedPicture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bot.domain.jobs import DeliveryMethod

    Urls = tuple[str | None, ...]

AVATAR_PIXELS: Final = 1024
_DEFAULT_NAME: Final = "picture"


def images_in(message: discord.Message, is_discord_url: Callable[[str], bool]) -> list[Reference]:
    """Return every picture that could be a reference, in the order of display.

    Files of which nothing is known are returned only if there is no picture. Of a picture on another site,
    the URL of Discord's copy is returned: nothing is fetched from elsewhere.
    """
    found: dict[FileClass, dict[str, Reference]] = {FileClass.PICTURE: {}, FileClass.UNKNOWN: {}}
    for urls, reference in _all_in(message):
        url = next((url for url in urls if url and is_discord_url(url)), None)
        file_class = classify_file(reference.filename, reference.content_type)
        if url is not None and file_class in found:
            found[file_class].setdefault(url, replace(reference, url=url))
    return list((found[FileClass.PICTURE] or found[FileClass.UNKNOWN]).values())


def other_kind_in(message: discord.Message) -> str:
    """Return the kind of the first file of a message that is no picture; empty if there is none."""
    for _, reference in _all_in(message):
        if classify_file(reference.filename, reference.content_type) is not FileClass.PICTURE:
            return kind_of(reference.filename, reference.content_type)
    return FileClass.STICKER.value if any(part.stickers for part in _parts(message)) else ""


def avatar_of(person: discord.Member | discord.User) -> Reference:
    """Return the avatar that somebody has in this server, as a PNG without animation."""
    asset = person.display_avatar.replace(format="png", size=AVATAR_PIXELS)
    return Reference(asset.url, f"{person.id}.png", "image/png", 0)


def posted_url(message: discord.Message, filename: str) -> str | None:
    """Return the URL of the file of that name in a message; None if there is none."""
    urls = (url for candidates, _ in _all_in(message) for url in candidates if url)
    return next((url for url in urls if _name(url) == filename), None)


def _parts(message: discord.Message) -> tuple[discord.Message | discord.MessageSnapshot, ...]:
    return (message, *message.message_snapshots)


def _all_in(message: discord.Message) -> Iterator[tuple[Urls, Reference]]:
    """Yield every file without its URL, and its URLs, the original before Discord's copy."""
    for part in _parts(message):
        for attachment in part.attachments:
            yield (
                (attachment.url,),
                Reference("", attachment.filename, attachment.content_type, attachment.size),
            )
        yield from _in_components(part.components)
        for embed in part.embeds:
            yield from map(_embed_picture, (embed.image, embed.thumbnail))
            if (video := embed.video.url) is not None:
                yield (video,), Reference("", _name(video), "video/other", 0)


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


def _embed_picture(media: object) -> tuple[Urls, Reference]:
    """Return the picture of an embed. Discord has seen that it is one, whatever its URL ends with."""
    urls, reference = _media_item(media)
    if classify_file(reference.filename, reference.content_type) is not FileClass.PICTURE:
        content_type = reference.content_type or "image/png"
        reference = replace(reference, filename=_DEFAULT_NAME, content_type=content_type)
    return urls, reference


def delivered_message(
    message: discord.Message, filename: str, method: DeliveryMethod, *, more: Sequence[str] = ()
) -> DeliveredMessage:
    """Return where a picture was posted, and those with the filenames `more` beside it.

    The signatures of their URLs are left out, since Discord renews them:
    https://discord.com/developers/docs/reference#signed-attachment-cdn-urls
    """
    url, *others = (_unsigned(posted_url(message, name)) for name in (filename, *more))
    return DeliveredMessage(
        message.channel.id, message.id, method, url, more=tuple(PostedPicture(each) for each in others)
    )


def delivered_pictures(message: discord.Message, method: DeliveryMethod) -> dict[str, DeliveredMessage]:
    """Return where each picture of a gallery was posted, by its filename, with its id in the message."""
    found = {}
    for item in _gallery_items(message.components):
        url = item.media.url.partition("?")[0]
        attachment_id = item.media.attachment_id or _id_in(url)
        if attachment_id is not None:
            found[_name(url)] = DeliveredMessage(message.channel.id, message.id, method, url, attachment_id)
    return found


def _id_in(url: str) -> int | None:
    """Return the id in the address of an attachment, which is `.../channel/id/filename`."""
    part = url.rpartition("/")[0].rpartition("/")[2]
    return int(part) if part.isdecimal() else None


def _gallery_items(components: Iterable[object]) -> Iterator[discord.MediaGalleryItem]:
    for component in components:
        match component:
            case discord.MediaGalleryComponent(items=items):
                yield from items
            case discord.Container(children=children):
                yield from _gallery_items(children)


def _unsigned(url: str | None) -> str | None:
    return None if url is None else url.partition("?")[0]
