"""Pictures in messages: where they are, whatever kind of message it is.

A file that is shown in an embed or in a component is not listed among a message's attachments
(https://github.com/discord/discord-api-docs/issues/8277), so all three are looked through, and so is what a
forwarded message holds.
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

    Serves = Callable[[str], bool]
    Addresses = tuple[str | None, ...]

AVATAR_PIXELS: Final = 1024
_NAME_WITHOUT: Final = "picture"


def images_in(message: discord.Message, serves: Serves) -> list[Reference]:
    """Every picture in a message that could be a reference, in the order in which people see them.

    `serves` tells which addresses are Discord's own. Of a picture from elsewhere Discord's copy is taken:
    nothing is ever fetched from a stranger's address.
    """
    found = {}
    for urls, reference in _all_in(message):
        url = next((url for url in urls if url and serves(url)), None)
        if url is not None:
            found[url] = replace(reference, url=url)
    return list(found.values())


def avatar_of(person: discord.Member | discord.User) -> Reference:
    """What somebody looks like in this server, as a still picture."""
    asset = person.display_avatar.replace(format="png", size=AVATAR_PIXELS)
    return Reference(asset.url, f"{person.id}.png", "image/png", 0)


def posted_url(message: discord.Message, filename: str) -> str | None:
    """Where the file of that name is that was posted in a message; None if it is not there."""
    urls = (url for candidates, _ in _all_in(message) for url in candidates if url)
    return next((url for url in urls if _name(url) == filename), None)


def _all_in(message: discord.Message) -> Iterator[tuple[Addresses, Reference]]:
    """Every picture, with the addresses that it can be had from."""
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
            yield from map(_medium, (embed.image, embed.thumbnail))


def _in_components(components: Iterable[object]) -> Iterator[tuple[Addresses, Reference]]:
    for component in components:
        match component:
            case discord.MediaGalleryComponent(items=items):
                yield from (_medium(item.media) for item in items)
            case discord.ThumbnailComponent(media=media) | discord.FileComponent(media=media):
                yield _medium(media)
            case discord.SectionComponent(children=children, accessory=accessory):
                yield from _in_components((*children, accessory))
            case discord.Container(children=children):
                yield from _in_components(children)


def _name(url: str) -> str:
    """The last part of an address, whatever else is in it."""
    return url.partition("?")[0].rpartition("/")[2]


def _medium(medium: object) -> tuple[Addresses, Reference]:
    urls: Addresses = (getattr(medium, "url", None), getattr(medium, "proxy_url", None))
    name = next((_name(url) for url in urls if url), "") or _NAME_WITHOUT
    return urls, Reference("", name, getattr(medium, "content_type", None), 0)


def delivered_message(message: discord.Message, filename: str, way: DeliveryMethod) -> DeliveredMessage:
    """Where a picture has come to rest. The signature of its address is left out: Discord renews it.

    https://discord.com/developers/docs/reference#signed-attachment-cdn-urls
    """
    url = posted_url(message, filename)
    return DeliveredMessage(
        message.channel.id, message.id, way, None if url is None else url.partition("?")[0]
    )
