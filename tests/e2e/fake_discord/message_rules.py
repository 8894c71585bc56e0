"""Validate the body of a message and apply it.

https://discord.com/developers/docs/resources/message#create-message and #edit-message
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from tests.e2e.fake_discord import components
from tests.e2e.fake_discord.components import Component
from tests.e2e.fake_discord.errors import RefusedError, malformed
from tests.e2e.fake_discord.state import (
    COMPONENTS_V2,
    EPHEMERAL,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Attachment,
    Message,
    State,
)

MAX_CONTENT_LENGTH = 2000
MAX_NONCE_LENGTH = 25
MAX_ATTACHMENTS = 10
MAX_EMBEDS = 10
_FIELDS = {
    *("content", "embeds", "components", "attachments", "flags", "tts", "nonce", "enforce_nonce"),
    *("allowed_mentions", "message_reference"),
}
_FILE_NAME = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Body:
    """A request body: the JSON, and the name and content of each `files[n]` by its number."""

    payload: dict[str, Any]
    files: dict[int, tuple[str, bytes]]


def apply_body(state: State, message: Message, body: Body) -> None:
    """Create or edit the message. An error leaves it unchanged.

    Raises:
        RefusedError: 50035, 50006, 40005.
    """
    payload = body.payload
    state.violations += [f"message field {name}" for name in sorted(set(payload) - _FIELDS)]
    flags = _flags(message, payload)
    content = payload.get("content", message.content) or ""
    if len(content) > MAX_CONTENT_LENGTH:
        raise malformed(f"content: at most {MAX_CONTENT_LENGTH} characters")
    if len(payload.get("embeds") or ()) > MAX_EMBEDS:
        raise malformed(f"embeds: at most {MAX_EMBEDS}")
    if len(str(payload.get("nonce") or "")) > MAX_NONCE_LENGTH:
        raise malformed(f"nonce: at most {MAX_NONCE_LENGTH} characters")
    attachments = _attachments(state, message, body)
    parts = message.components if payload.get("components") is None else payload["components"]
    if flags & COMPONENTS_V2:
        if content or payload.get("embeds"):
            raise malformed("flags: a message of components has no content and no embeds")
        components.check(_with_filenames(parts, message), {item.filename for item in attachments})
    elif any(part["type"] != components.Type.ACTION_ROW for part in parts):
        raise malformed("components: a plain message has only action rows")
    if not (content or payload.get("embeds") or parts or attachments):
        raise RefusedError(50006)
    message.flags, message.content, message.attachments = flags, content, attachments
    message.components = _resolve(state, parts, attachments)
    message.notified = _notified(message, payload)


def message_payload(state: State, message: Message) -> dict[str, Any]:
    """Return the message object. As in Discord's, `attachments` leaves out what a component shows."""
    in_components = {item.get("attachment_id") for item in components.media(message.components)}
    return {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "type": 0,
        "content": message.content,
        "author": state.bot_user(),
        "attachments": [
            {
                "id": str(item.id),
                "filename": item.filename,
                "size": len(item.data),
                "url": "",
                "proxy_url": "",
            }
            for item in message.attachments
            if str(item.id) not in in_components
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
    requested = payload.get("flags") or 0
    if requested & ~(COMPONENTS_V2 | EPHEMERAL | SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS):
        raise malformed("flags: only some can be set")
    # EPHEMERAL can be set only when a message is created, and COMPONENTS_V2 cannot be removed.
    return message.flags & (EPHEMERAL | COMPONENTS_V2) | requested & ~EPHEMERAL


def _attachments(state: State, message: Message, body: Body) -> list[Attachment]:
    listed = {str(item["id"]): item for item in body.payload.get("attachments") or ()}
    if body.payload.get("attachments") is None:
        attachments = list(message.attachments)
    else:
        attachments = [item for item in message.attachments if str(item.id) in listed]
    known = {str(item.id) for item in message.attachments} | {str(number) for number in body.files}
    if unknown := sorted(set(listed) - known):
        raise malformed(f"attachments: there is no file {', '.join(unknown)}")
    for number, (filename, data) in body.files.items():
        if len(data) > state.upload_limit_bytes:
            raise RefusedError(40005)
        details = listed.get(str(number), {})
        name = details.get("filename") or filename
        if not _FILE_NAME.fullmatch(name):
            raise malformed(f"attachments: {name!r} is not a plain filename")
        if len(details.get("description") or "") > components.MAX_ALT_TEXT_LENGTH:
            raise malformed(
                f"attachments: at most {components.MAX_ALT_TEXT_LENGTH} characters of description"
            )
        attachments.append(Attachment(state.new_id(), name, data, details.get("description")))
    if len(attachments) > MAX_ATTACHMENTS:
        raise malformed(f"attachments: at most {MAX_ATTACHMENTS}")
    return attachments


def _with_filenames(parts: list[Component], message: Message) -> list[Component]:
    """Replace the URLs of the message's own attachments by `attachment://`, so that `check` knows them."""
    copied = copy.deepcopy(parts)
    names = {str(item.id): item.filename for item in message.attachments}
    for item in components.media(copied):
        if item.get("attachment_id") in names:
            item["url"] = f"attachment://{names[item['attachment_id']]}"
    return copied


def _resolve(state: State, parts: list[Component], attachments: list[Attachment]) -> list[Component]:
    """Replace `attachment://` by URLs, and number the components, as Discord does."""
    resolved = copy.deepcopy(parts)
    by_name = {item.filename: item for item in attachments}
    for item in components.media(resolved):
        scheme, _, name = item["url"].partition("://")
        if scheme == "attachment":
            item |= {
                "url": f"https://cdn.discordapp.com/attachments/{by_name[name].id}/{name}",
                "attachment_id": str(by_name[name].id),
            }
    for number, component in enumerate(components.walk(resolved), start=1):
        component.setdefault("id", number)
    return resolved


def _notified(message: Message, payload: dict[str, Any]) -> list[int]:
    """Return the mentioned users, once each, that `allowed_mentions` does not leave out."""
    texts = [message.content, *components.texts(message.components)]
    found = [int(user_id) for text in texts for user_id in re.findall(r"<@!?(\d+)>", text)]
    mentioned = list(dict.fromkeys(found))
    allowed = payload.get("allowed_mentions")
    if allowed is None or "users" in allowed.get("parse", ()):
        return mentioned
    return [user_id for user_id in mentioned if str(user_id) in map(str, allowed.get("users", ()))]
