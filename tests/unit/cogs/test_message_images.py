"""Which picture of a message becomes the reference, and what is said of one without a picture."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.domain.errors import MemberReason
from cogs.text.error_messages import member_reason
from cogs.text.translation import use_locale
from cogs.ui.message_images import images_in, other_kind_in

HOST = "https://cdn.discordapp.com/attachments/1/2"


def message(**parts: Any) -> discord.Message:
    """Return a message as Discord sends it."""
    state = discord.Client(intents=discord.Intents(guilds=True))._connection
    channel = discord.PartialMessageable(state=state, id=1)
    author = {"id": "5", "username": "mira", "discriminator": "0", "avatar": None}
    data: Any = {
        "id": "7",
        "type": 0,
        "channel_id": "1",
        "author": author,
        "content": "",
        "components": [],
        "attachments": [],
        "embeds": [],
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "pinned": False,
        "tts": False,
        "timestamp": "2026-11-30T00:00:00+00:00",
        "edited_timestamp": None,
    }
    return discord.Message(state=state, channel=channel, data=data | parts)


def attachment(name: str, content_type: str | None = None) -> dict[str, Any]:
    data = {"id": "9", "filename": name, "size": 10, "url": f"{HOST}/{name}", "proxy_url": f"{HOST}/{name}"}
    return data if content_type is None else data | {"content_type": content_type}


def media(name: str, content_type: str | None = None) -> dict[str, Any]:
    data = {"url": f"{HOST}/{name}", "proxy_url": f"{HOST}/{name}", "width": 1, "height": 1}
    return data if content_type is None else data | {"content_type": content_type}


def gallery(*items: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 12, "id": 1, "items": [{"media": item} for item in items]}]}


def file_component(item: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 13, "id": 1, "file": item}]}


def attachments(*files: dict[str, Any]) -> dict[str, Any]:
    return {"attachments": list(files)}


def forwarded(**parts: Any) -> dict[str, Any]:
    inner = {"type": 0, "content": "", "attachments": [], "embeds": [], "mentions": [], "mention_roles": []}
    times = {"timestamp": "2026-11-30T00:00:00+00:00", "edited_timestamp": None}
    return {"message_snapshots": [{"message": inner | times | parts}]}


def names(parts: dict[str, Any]) -> list[str]:
    found = images_in(message(**parts), lambda url: url.startswith("https://cdn.discordapp.com/"))
    return [reference.filename for reference in found]


STICKER = {"id": "3", "name": "wave", "format_type": 3}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            attachments(attachment("a.png", "image/png"), attachment("b.jpg")),
            ["a.png", "b.jpg"],
        ),
        (attachments(attachment("a.mp4", "video/mp4"), attachment("b.png", "image/png")), ["b.png"]),
        (attachments(attachment("model.blend"), attachment("render.png", "image/png")), ["render.png"]),
        (attachments(attachment("model.blend")), ["model.blend"]),
        (attachments(attachment("paper.pdf", "application/pdf"), attachment("unnamed")), ["unnamed"]),
        (attachments(attachment("a", "image/jpg")), ["a"]),
        (attachments(attachment("a", "IMAGE/PNG; x=1")), ["a"]),
        (attachments(attachment("a.png", "application/octet-stream")), ["a.png"]),
        (attachments(attachment("a", "application/octet-stream")), ["a"]),
        (gallery(media("a.mp4", "video/mp4"), media("b.png", "image/png")), ["b.png"]),
        (gallery(media("a.mp4"), media("b.png")), ["b.png"]),
        (file_component(media("paper.pdf", "application/pdf")), []),
        (file_component(media("paper.pdf")), []),
        (file_component(media("a.webp")), ["a.webp"]),
        ({"embeds": [{"type": "rich", "image": media("render.php")}]}, ["picture"]),
        ({"embeds": [{"type": "image", "thumbnail": media("a.png")}]}, ["a.png"]),
        ({"embeds": [{"type": "video", "video": media("a.mp4"), "thumbnail": media("a.jpg")}]}, ["a.jpg"]),
        ({"embeds": [{"type": "video", "video": media("watch")}]}, []),
        ({"sticker_items": [STICKER], **attachments(attachment("a.png"))}, ["a.png"]),
        (forwarded(attachments=[attachment("a.mov", "video/quicktime"), attachment("b.gif")]), ["b.gif"]),
    ],
)
def test_the_pictures_of_a_message_are_found(parts: dict[str, Any], expected: list[str]) -> None:
    assert names(parts) == expected


def test_a_picture_on_another_site_is_not_fetched_from_there() -> None:
    elsewhere = {"url": "https://example.org/a.png", "proxy_url": f"{HOST}/copy/a.png"}
    (found,) = images_in(
        message(embeds=[{"type": "image", "image": elsewhere}]), lambda url: url.startswith(HOST)
    )
    assert found.url == f"{HOST}/copy/a.png"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "There is no picture in this message."),
        ({"sticker_items": [STICKER]}, "only a sticker"),
        (forwarded(sticker_items=[STICKER]), "only a sticker"),
        (attachments(attachment("clip.mp4", "video/mp4")), "only a video"),
        (gallery(media("clip.webm")), "only a video"),
        ({"embeds": [{"type": "video", "video": media("watch")}]}, "only a video"),
        (attachments(attachment("voice-message.ogg", "audio/ogg")), "only a sound"),
        (attachments(attachment("paper.pdf", "application/pdf")), "only a document in this message (PDF)"),
        (
            file_component(media("notes.txt", "text/plain; charset=utf-8")),
            "only a document in this message (TXT)",
        ),
        (attachments(attachment("all.zip", "application/zip")), "only a file (ZIP)"),
        (attachments(attachment("a.svg", "image/svg+xml")), "only a file (SVG)"),
        ({"embeds": [{"type": "rich", "title": "words"}]}, "There is no picture in this message."),
    ],
)
def test_a_message_without_a_picture_is_told_what_it_has(parts: dict[str, Any], words: str) -> None:
    assert names(parts) == []
    kind = other_kind_in(message(**parts))
    assert words in member_reason(MemberReason.NO_PICTURE_THERE, {"kind": kind})


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("MP4", "is a video"),
        ("video", "is a video"),
        ("audio/ogg", "is a sound"),
        ("PDF", "is a document (PDF)"),
        ("text", "not a picture that can be used (text)"),
        ("BMP", "not a picture that can be used (BMP)"),
        ("unknown", "not a picture that can be used. Attach"),
    ],
)
def test_a_reference_that_is_no_picture_is_named(kind: str, words: str) -> None:
    assert words in member_reason(MemberReason.REFERENCE_TYPE, {"kind": kind})


def test_a_kind_that_is_a_word_is_translated() -> None:
    with use_locale("id"):
        assert "(teks)" in member_reason(MemberReason.REFERENCE_TYPE, {"kind": "text"})
        assert "(arsip)" in member_reason(MemberReason.REFERENCE_TYPE, {"kind": "archive"})
