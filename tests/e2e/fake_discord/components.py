"""Validate the components of a message: https://discord.com/developers/docs/components/reference.

Has every component type that a message can hold. As Discord does, it refuses unknown types and fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from tests.e2e.fake_discord.errors import malformed

Component = dict[str, Any]


class Type(IntEnum):
    """https://discord.com/developers/docs/components/reference#component-object-component-types"""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17


SELECTS = {
    *(Type.STRING_SELECT, Type.USER_SELECT, Type.ROLE_SELECT, Type.MENTIONABLE_SELECT, Type.CHANNEL_SELECT),
}
LINK, PREMIUM = 5, 6
"""Button styles."""

MAX_COMPONENTS = 40
MAX_TEXT = 4000
MAX_GALLERY_ITEMS = 10
MAX_ALT_TEXT_LENGTH = 1024
MAX_CUSTOM_ID_LENGTH = 100
MAX_LABEL_LENGTH = 80

_TOP = {
    *(Type.ACTION_ROW, Type.SECTION, Type.TEXT_DISPLAY, Type.MEDIA_GALLERY, Type.FILE, Type.SEPARATOR),
    Type.CONTAINER,
}
_CHILDREN = {
    Type.CONTAINER: _TOP - {Type.CONTAINER},
    Type.SECTION: {Type.TEXT_DISPLAY},
    Type.ACTION_ROW: {Type.BUTTON, *SELECTS},
}
_SELECT_FIELDS = {
    *("custom_id", "options", "placeholder", "min_values", "max_values"),
    *("disabled", "channel_types", "default_values", "required"),
}
_FIELDS = {
    Type.ACTION_ROW: {"components"},
    Type.BUTTON: {"style", "label", "custom_id", "url", "emoji", "disabled", "sku_id"},
    Type.SECTION: {"components", "accessory"},
    Type.TEXT_DISPLAY: {"content"},
    Type.THUMBNAIL: {"media", "description", "spoiler"},
    Type.MEDIA_GALLERY: {"items"},
    Type.FILE: {"file", "spoiler"},
    Type.SEPARATOR: {"divider", "spacing"},
    Type.CONTAINER: {"components", "accent_color", "spoiler"},
} | dict.fromkeys(SELECTS, _SELECT_FIELDS)

_MAX_CHILDREN = {
    Type.ACTION_ROW: ("components", 5),
    Type.SECTION: ("components", 3),
    Type.MEDIA_GALLERY: ("items", MAX_GALLERY_ITEMS),
}


def walk(components: list[Component]) -> Iterator[Component]:
    """Yield every component, parents before their children."""
    for component in components:
        yield component
        yield from walk(component.get("components", []))
        if accessory := component.get("accessory"):
            yield from walk([accessory])


def texts(components: list[Component]) -> list[str]:
    """Return the content of every text display."""
    return [part["content"] for part in walk(components) if part["type"] == Type.TEXT_DISPLAY]


def media(components: list[Component]) -> Iterator[Component]:
    """Yield every unfurled media item: a dict with a `url`."""
    for component in walk(components):
        match component["type"]:
            case Type.MEDIA_GALLERY:
                yield from (item["media"] for item in component["items"])
            case Type.THUMBNAIL:
                yield component["media"]
            case Type.FILE:
                yield component["file"]


def check(components: list[Component], filenames: set[str]) -> None:
    """Validate the components of a V2 message whose attachments have these names.

    Raises:
        RefusedError: 50035.
    """
    every = list(walk(components))
    if len(every) > MAX_COMPONENTS:
        raise malformed(f"components: {len(every)}, at most {MAX_COMPONENTS}")
    _check_nesting(components, _TOP)
    for component in every:
        _check_one(component)
    characters = sum(map(len, texts(components)))
    if characters > MAX_TEXT:
        raise malformed(f"components: {characters} characters of text, at most {MAX_TEXT}")
    ids = [component["custom_id"] for component in every if "custom_id" in component]
    if len(ids) != len(set(ids)):
        raise malformed("components: custom_id is not unique")
    for item in media(components):
        scheme, _, name = item.get("url", "").partition("://")
        if scheme == "attachment" and name not in filenames:
            raise malformed(f"components: no attachment is called {name}")
        if scheme not in {"attachment", "https", "http"}:
            raise malformed("components: url is not an address")


def _check_nesting(components: list[Component], allowed: set[Type]) -> None:
    for component in components:
        if component["type"] not in allowed:
            raise malformed(f"components: type {component['type']} is not allowed here")
        _check_nesting(component.get("components", []), _CHILDREN.get(component["type"], set()))


def _check_one(component: Component) -> None:
    kind = component["type"]
    if unknown := set(component) - _FIELDS[kind] - {"type", "id"}:
        raise malformed(f"components: type {kind} has no {', '.join(sorted(unknown))}")
    if "custom_id" in component:
        _check_length("custom_id", component["custom_id"], MAX_CUSTOM_ID_LENGTH)
    if kind in _MAX_CHILDREN:
        name, most = _MAX_CHILDREN[kind]
        if not 1 <= len(component[name]) <= most:
            raise malformed(f"components: type {kind} has 1 to {most} {name}")
    match kind:
        case Type.BUTTON:
            _check_button(component)
        case Type.TEXT_DISPLAY:
            _check_length("content", component["content"], MAX_TEXT)
        case Type.MEDIA_GALLERY:
            for item in component["items"]:
                if item.get("description") is not None:
                    _check_length("description", item["description"], MAX_ALT_TEXT_LENGTH)


def _check_button(button: Component) -> None:
    if (button["style"] == LINK) != ("url" in button):
        raise malformed("components: a link button, and no other, has a url")
    if button["style"] not in {LINK, PREMIUM} and "custom_id" not in button:
        raise malformed("components: a button needs a custom_id")
    if len(button.get("label") or "") > MAX_LABEL_LENGTH:
        raise malformed(f"components: a label has at most {MAX_LABEL_LENGTH} characters")
    if not (button.get("label") or button.get("emoji") or "sku_id" in button):
        raise malformed("components: a button needs a label or an emoji")


def _check_length(name: str, text: object, most: int) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        raise malformed(f"components: {name} has 1 to {most} characters")
