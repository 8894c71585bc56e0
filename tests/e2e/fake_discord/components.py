"""Which components a message may have: https://discord.com/developers/docs/components/reference.

Knows every kind a message can hold; a kind or a field it has never heard of is refused, as Discord does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.e2e.fake_discord.errors import malformed

Component = dict[str, Any]

ACTION_ROW, BUTTON, STRING_SELECT = 1, 2, 3
SECTION, TEXT_DISPLAY, THUMBNAIL, MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
SELECTS = {STRING_SELECT, 5, 6, 7, 8}
LINK, PREMIUM = 5, 6

MOST_COMPONENTS = 40
MOST_TEXT = 4000
MOST_GALLERY_ITEMS = 10
LONGEST_ALT_TEXT = 1024
LONGEST_CUSTOM_ID = 100
LONGEST_LABEL = 80

_TOP = {ACTION_ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER}
_INSIDE = {
    CONTAINER: _TOP - {CONTAINER},
    SECTION: {TEXT_DISPLAY},
    ACTION_ROW: {BUTTON, *SELECTS},
}
_SELECT_FIELDS = {
    *("custom_id", "options", "placeholder", "min_values", "max_values"),
    *("disabled", "channel_types", "default_values", "required"),
}
_FIELDS = {
    ACTION_ROW: {"components"},
    BUTTON: {"style", "label", "custom_id", "url", "emoji", "disabled", "sku_id"},
    SECTION: {"components", "accessory"},
    TEXT_DISPLAY: {"content"},
    THUMBNAIL: {"media", "description", "spoiler"},
    MEDIA_GALLERY: {"items"},
    FILE: {"file", "spoiler"},
    SEPARATOR: {"divider", "spacing"},
    CONTAINER: {"components", "accent_color", "spoiler"},
} | dict.fromkeys(SELECTS, _SELECT_FIELDS)

_MOST_PARTS = {
    ACTION_ROW: ("components", 5),
    SECTION: ("components", 3),
    MEDIA_GALLERY: ("items", MOST_GALLERY_ITEMS),
}


def walk(components: list[Component]) -> Iterator[Component]:
    """Every component, the outer before the inner."""
    for component in components:
        yield component
        yield from walk(component.get("components", []))
        if accessory := component.get("accessory"):
            yield from walk([accessory])


def media(components: list[Component]) -> Iterator[Component]:
    """Every place of a file or a picture: a dict with a `url`."""
    for component in walk(components):
        match component["type"]:
            case 12:
                yield from (item["media"] for item in component["items"])
            case 11:
                yield component["media"]
            case 13:
                yield component["file"]


def check(components: list[Component], filenames: set[str]) -> None:
    """Refuse what Discord refuses of a V2 message whose attachments have these names.

    Raises:
        RefusedError: 50035.
    """
    every = list(walk(components))
    if len(every) > MOST_COMPONENTS:
        raise malformed(f"components: {len(every)}, at most {MOST_COMPONENTS}")
    _check_nesting(components, _TOP)
    for component in every:
        _check_one(component)
    texts = [len(component["content"]) for component in every if component["type"] == TEXT_DISPLAY]
    if sum(texts) > MOST_TEXT:
        raise malformed(f"components: {sum(texts)} characters of text, at most {MOST_TEXT}")
    ids = [component["custom_id"] for component in every if "custom_id" in component]
    if len(ids) != len(set(ids)):
        raise malformed("components: custom_id is not unique")
    for place in media(components):
        scheme, _, name = place.get("url", "").partition("://")
        if scheme == "attachment" and name not in filenames:
            raise malformed(f"components: no attachment is called {name}")
        if scheme not in {"attachment", "https", "http"}:
            raise malformed("components: url is not an address")


def _check_nesting(components: list[Component], allowed: set[int]) -> None:
    for component in components:
        if component["type"] not in allowed:
            raise malformed(f"components: type {component['type']} may not stand here")
        _check_nesting(component.get("components", []), _INSIDE.get(component["type"], set()))


def _check_one(component: Component) -> None:
    kind = component["type"]
    if strange := set(component) - _FIELDS[kind] - {"type", "id"}:
        raise malformed(f"components: type {kind} has no {', '.join(sorted(strange))}")
    if "custom_id" in component:
        _bounded("custom_id", component["custom_id"], LONGEST_CUSTOM_ID)
    if kind in _MOST_PARTS:
        name, most = _MOST_PARTS[kind]
        if not 1 <= len(component[name]) <= most:
            raise malformed(f"components: type {kind} has 1 to {most} {name}")
    match kind:
        case 2:
            _check_button(component)
        case 10:
            _bounded("content", component["content"], MOST_TEXT)
        case 12:
            for item in component["items"]:
                if item.get("description") is not None:
                    _bounded("description", item["description"], LONGEST_ALT_TEXT)


def _check_button(button: Component) -> None:
    if (button["style"] == LINK) != ("url" in button):
        raise malformed("components: a link button, and no other, has a url")
    if button["style"] not in {LINK, PREMIUM} and "custom_id" not in button:
        raise malformed("components: a button needs a custom_id")
    if len(button.get("label") or "") > LONGEST_LABEL:
        raise malformed(f"components: a label has at most {LONGEST_LABEL} characters")
    if not (button.get("label") or button.get("emoji") or "sku_id" in button):
        raise malformed("components: a button shows a label or an emoji")


def _bounded(name: str, text: object, most: int) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        raise malformed(f"components: {name} has 1 to {most} characters")
