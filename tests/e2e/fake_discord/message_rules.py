"""What Discord takes as a message, and what it makes of it.

https://discord.com/developers/docs/resources/message#create-message and #edit-message
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from tests.e2e.fake_discord import components
from tests.e2e.fake_discord.errors import RefusedError, malformed
from tests.e2e.fake_discord.state import COMPONENTS_V2, EPHEMERAL, Attachment, Message, State

LONGEST_CONTENT = 2000
LONGEST_NONCE = 25
MOST_ATTACHMENTS = 10
MOST_EMBEDS = 10
_FIELDS = {
    *("content", "embeds", "components", "attachments", "flags", "tts", "nonce", "enforce_nonce"),
    *("allowed_mentions", "message_reference"),
}
_FILE_NAME = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Body:
    """What came in: the JSON, and the files of a multipart body by their number."""

    payload: dict[str, Any]
    files: dict[int, tuple[str, bytes]]


def write(state: State, message: Message, body: Body) -> None:
    """Lay the body over the message, which may be new. Nothing is changed if it is refused.

    Raises:
        RefusedError: 50035, 50006, 40005.
    """
    payload = body.payload
    state.surprises += [f"message field {name}" for name in sorted(set(payload) - _FIELDS)]
    flags = _flags(message, payload)
    content = payload.get("content", message.content) or ""
    if len(content) > LONGEST_CONTENT:
        raise malformed(f"content: at most {LONGEST_CONTENT} characters")
    if len(payload.get("embeds") or ()) > MOST_EMBEDS:
        raise malformed(f"embeds: at most {MOST_EMBEDS}")
    if len(str(payload.get("nonce") or "")) > LONGEST_NONCE:
        raise malformed(f"nonce: at most {LONGEST_NONCE} characters")
    attachments = _attachments(state, message, body)
    shown = message.components if payload.get("components") is None else payload["components"]
    if flags & COMPONENTS_V2:
        if content or payload.get("embeds"):
            raise malformed("flags: a message of components has no content and no embeds")
        components.check(_named(shown, message), {item.filename for item in attachments})
    elif any(part["type"] != components.ACTION_ROW for part in shown):
        raise malformed("components: only action rows stand at the top of a plain message")
    if not (content or payload.get("embeds") or shown or attachments):
        raise RefusedError(50006)
    message.flags, message.content, message.attachments = flags, content, attachments
    message.components = _resolved(state, shown, attachments)
    message.pinged = _pinged(message, payload)


def public(message: Message, application_id: int) -> dict[str, Any]:
    """The message as Discord tells it; what a component shows is not listed as an attachment again."""
    shown = {place.get("attachment_id") for place in components.media(message.components)}
    return {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "type": 0,
        "content": message.content,
        "author": {"id": str(application_id), "username": "Kuas", "discriminator": "0001", "avatar": None},
        "attachments": [
            {
                "id": str(item.id),
                "filename": item.filename,
                "size": len(item.data),
                "url": "",
                "proxy_url": "",
            }
            for item in message.attachments
            if str(item.id) not in shown
        ],
        "embeds": [],
        "components": message.components,
        "flags": message.flags,
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "pinned": False,
        "tts": False,
        "nonce": message.nonce,
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": "2026-01-01T00:00:00+00:00" if message.edits else None,
    }


def _flags(message: Message, payload: dict[str, Any]) -> int:
    asked = payload.get("flags") or 0
    if asked & ~(COMPONENTS_V2 | EPHEMERAL | 1 << 2 | 1 << 12):
        raise malformed("flags: only some can be set")
    # Whether a message is private is settled when it is made; one of components stays one.
    return message.flags & (EPHEMERAL | COMPONENTS_V2) | asked & ~EPHEMERAL


def _attachments(state: State, message: Message, body: Body) -> list[Attachment]:
    told = {str(item["id"]): item for item in body.payload.get("attachments") or ()}
    if body.payload.get("attachments") is None:
        kept = list(message.attachments)
    else:
        kept = [item for item in message.attachments if str(item.id) in told]
    known = {str(item.id) for item in message.attachments} | {str(number) for number in body.files}
    if strange := sorted(set(told) - known):
        raise malformed(f"attachments: there is no file {', '.join(strange)}")
    for number, (filename, data) in body.files.items():
        if len(data) > state.upload_limit_bytes:
            raise RefusedError(40005)
        about = told.get(str(number), {})
        name = about.get("filename") or filename
        if not _FILE_NAME.fullmatch(name):
            raise malformed(f"attachments: {name!r} is no plain file name")
        if len(about.get("description") or "") > components.LONGEST_ALT_TEXT:
            raise malformed(f"attachments: at most {components.LONGEST_ALT_TEXT} characters of description")
        kept.append(Attachment(state.new_id(), name, data, about.get("description")))
    if len(kept) > MOST_ATTACHMENTS:
        raise malformed(f"attachments: at most {MOST_ATTACHMENTS}")
    return kept


def _named(shown: list[dict[str, Any]], message: Message) -> list[dict[str, Any]]:
    """Components that are there already name their file by its address: put its name back, to be checked."""
    copied = copy.deepcopy(shown)
    names = {str(item.id): item.filename for item in message.attachments}
    for place in components.media(copied):
        if place.get("attachment_id") in names:
            place["url"] = f"attachment://{names[place['attachment_id']]}"
    return copied


def _resolved(
    state: State, shown: list[dict[str, Any]], attachments: list[Attachment]
) -> list[dict[str, Any]]:
    resolved = copy.deepcopy(shown)
    by_name = {item.filename: item for item in attachments}
    for place in components.media(resolved):
        scheme, _, name = place["url"].partition("://")
        if scheme == "attachment":
            place |= {
                "url": f"https://cdn.discordapp.com/attachments/{by_name[name].id}/{name}",
                "attachment_id": str(by_name[name].id),
            }
    for number, component in enumerate(components.walk(resolved), start=1):
        component.setdefault("id", number)
    return resolved


def _pinged(message: Message, payload: dict[str, Any]) -> list[int]:
    """Channel messages call everybody they mention unless `allowed_mentions` says less."""
    texts = [message.content]
    texts += [part["content"] for part in components.walk(message.components) if part["type"] == 10]
    found = [int(user_id) for text in texts for user_id in re.findall(r"<@!?(\d+)>", text)]
    mentioned = list(dict.fromkeys(found))  # once each, however often they are named
    allowed = payload.get("allowed_mentions")
    if allowed is None or "users" in allowed.get("parse", ()):
        return mentioned
    return [user_id for user_id in mentioned if str(user_id) in map(str, allowed.get("users", ()))]
