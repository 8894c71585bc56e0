"""Discord's limits. discord.py checks few of them, and Discord refuses what exceeds them.

Every view, form, command and list of choices is checked here. `fixed_choices` makes choices that are checked
with their command, `autocomplete_choices` makes and cuts those that are completed; options of a select menu
are checked with their view or form. What exceeds a limit and was not cut before is a bug. Lengths are in
UTF-16 units, the largest measure that Discord may count by.

https://discord.com/developers/docs/components/reference and
https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import discord
from discord import app_commands, ui
from discord.enums import ComponentType

from bot.domain.errors import ContractViolation
from cogs.text.escaping import single_line, utf16_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Part = Mapping[str, Any]

ValueT = TypeVar("ValueT", bound=str)

CONTENT_UNITS: Final = 2000
VIEW_TEXT_UNITS: Final = 4000
"""All texts of one view together."""
VIEW_PARTS: Final = 40
"""Components of one view, nested ones included."""
ALT_TEXT_UNITS: Final = 1024
TEXT_INPUT_UNITS: Final = 4000
CHOICES: Final = 25
CHOICE_UNITS: Final = 100
FILES: Final = 10
FILES_BYTES: Final = 25 * 1024 * 1024
"""All files of one request: https://discord.com/developers/docs/resources/message#create-message"""
FORM_PARTS: Final = 5
FORM_TITLE_UNITS: Final = 45
FORM_DESCRIPTION_UNITS: Final = 100
"""Of the label of a field."""
COMMAND_UNITS: Final = 8000
NONCE_CHARACTERS: Final = 25
"""Of a message: https://discord.com/developers/docs/resources/message#create-message"""
TOKEN_LIFE_SECONDS: Final = 14.5 * 60
"""How long we use an interaction's token: Discord's 15 minutes, less half a minute for a request under way.
https://discord.com/developers/docs/interactions/receiving-and-responding"""

_TEXTS: Final[Mapping[str, int]] = {
    "label": 80,
    "custom_id": 100,
    "url": 512,
    "placeholder": 150,
    "description": ALT_TEXT_UNITS,
}
"""UTF-16 units of a component's texts, by the name of the field."""
_OF_FORMS: Final[Mapping[str, int]] = {
    "label": 45,
    "description": FORM_DESCRIPTION_UNITS,
    "placeholder": 100,
    "custom_id": 100,
}
_OF_OPTIONS: Final[Mapping[str, int]] = {"label": 100, "value": 100, "description": 100}
_PARTS: Final[Mapping[ComponentType, tuple[str, int, int]]] = {
    ComponentType.action_row: ("components", 1, 5),
    ComponentType.section: ("components", 1, 3),
    ComponentType.media_gallery: ("items", 1, 10),
    ComponentType.select: ("options", 1, 25),
    ComponentType.radio_group: ("options", 2, 10),
    ComponentType.checkbox_group: ("options", 1, 10),
}
"""The field that holds a component's parts, and how many it takes, at least and at most."""
_COMMAND_NAME: Final = re.compile(r"[-_'\w]{1,32}")
_MENU_NAME: Final = re.compile(r".{1,32}", re.DOTALL)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def wrap(container: ui.Container[ui.LayoutView]) -> ui.LayoutView:
    """Return a view of one container.

    Raises:
        ContractViolation: `bug`; it exceeds a limit.
    """
    view = ui.LayoutView(timeout=None)
    try:
        view.add_item(container)
    except ValueError as error:  # more than 40 components
        raise ContractViolation("bug", f"more than Discord takes: {error}") from error
    # ComponentRouter handles the buttons. A view that is not stopped stays in memory, for good or, after a
    # private answer, for 15 minutes (discord.py 2.7.1, ui/view.py).
    view.stop()
    return validate_view(view)


def validate_view(view: ui.LayoutView) -> ui.LayoutView:
    """Return the view.

    Raises:
        ContractViolation: `bug`; it exceeds a limit.
    """
    every = list(all_components(cast("Any", view).to_components()))
    _require(len(every) <= VIEW_PARTS, f"{len(every)} components in a view")
    texts = [part["content"] for part in every if part["type"] == ComponentType.text_display.value]
    _require(all(texts), "an empty text in a view")
    _require(sum(map(utf16_length, texts)) <= VIEW_TEXT_UNITS, "too much text in a view")
    for part in every:
        _check_part(part, _TEXTS)
    ids = [part["custom_id"] for part in every if part.get("custom_id") is not None]
    _require(len(ids) == len(set(ids)), "the same custom_id twice in a view")
    return view


def validate_modal(form: ui.Modal) -> ui.Modal:
    """Return the form.

    Raises:
        ContractViolation: `bug`; it exceeds a limit.
    """
    payload = form.to_dict()
    _require(1 <= utf16_length(payload["title"]) <= FORM_TITLE_UNITS, "title of a form")
    _require(1 <= len(payload["components"]) <= FORM_PARTS, "parts of a form")
    for part in all_components(payload["components"]):
        _check_part(part, _OF_FORMS)
        if part["type"] == ComponentType.text_input.value:
            _require(utf16_length(part.get("value") or "") <= TEXT_INPUT_UNITS, "value of a text input")
    return form


async def validate_commands(tree: app_commands.CommandTree[Any], guild: discord.Object | None = None) -> None:
    """Check every command of a guild, or every global one, in all languages of the tree's translator.

    Raises:
        ContractViolation: `bug`; it exceeds a limit.
    """
    assert tree.translator is not None
    for command in tree.get_commands(guild=guild):
        validate_command(await command.get_translated_payload(tree, tree.translator))


def validate_command(payload: Part) -> None:
    """Check the payload of a command, in the longest of its languages.

    Raises:
        ContractViolation: `bug`; it exceeds a limit.
    """
    total = sum(_command_units(part) for part in _branches(payload))
    _require(total <= COMMAND_UNITS, f"/{payload['name']} is {total} units in all")
    for part in _branches(payload):
        is_menu = part is payload and payload.get("type", 1) != 1
        for name in _languages(part, "name"):
            _require(
                (_MENU_NAME if is_menu else _COMMAND_NAME).fullmatch(name) is not None or "value" in part,
                f"name {name}",
            )
            _require(utf16_length(name) <= CHOICE_UNITS, f"name {name}")
        for description in _languages(part, "description"):
            _require(utf16_length(description) <= CHOICE_UNITS, f"description {description}")
        _require(
            utf16_length(str(part.get("value", ""))) <= CHOICE_UNITS, f"value of the choice {part['name']}"
        )
        for parts in ("options", "choices"):
            _require(len(part.get(parts, ())) <= CHOICES, f"{parts} of {part['name']}")


def fixed_choices(names: Mapping[ValueT, str]) -> list[app_commands.Choice[str]]:
    """Make the choices of an option from their English names by value; `validate_commands` checks them."""
    return [
        app_commands.Choice(name=app_commands.locale_str(name), value=value) for value, name in names.items()
    ]


def autocomplete_choices(pairs: Iterable[tuple[str, str]]) -> list[app_commands.Choice[str]]:
    """Make choices for an option that is being typed from pairs of a name and a value.

    Names become one line and are cut. An empty name, a value that is too long, and whatever follows the last
    choice that Discord takes are left out; `pairs` is read no further than that.
    """
    lines = ((single_line(name, CHOICE_UNITS), value) for name, value in pairs)
    fitting = ((name, value) for name, value in lines if name and utf16_length(value) <= CHOICE_UNITS)
    return [app_commands.Choice(name=name, value=value) for name, value in islice(fitting, CHOICES)]


def attachments(files: Mapping[str, bytes]) -> list[discord.File]:
    """Return new files, by filename and content; discord.py closes those that it sends.

    Raises:
        ContractViolation: `bug`; they exceed a limit.
    """
    _require(len(files) <= FILES, f"{len(files)} files")
    _require(sum(map(len, files.values())) <= FILES_BYTES, "files too big together")
    for name in files:
        _require(_FILE_NAME.fullmatch(name) is not None, f"file name {name}")
    return [discord.File(_SharedBytes(data), name) for name, data in files.items()]


class KeptAttachment(discord.Attachment):
    """A file that a message has already, and keeps when it is edited.

    An edit with attachments drops every file that it does not list, and takes those it has by their id alone:
    https://discord.com/developers/docs/resources/message#edit-message
    """

    def __init__(self, attachment_id: int, filename: str) -> None:
        # Not by discord.py's: it wants all that Discord says of a file, and of those that a component shows
        # Discord lists none: https://github.com/discord/discord-api-docs/issues/8277
        self.id = attachment_id
        self.filename = filename

    def to_dict(self) -> Any:
        """Return what an edit says of it; `attachment://` and its name go on to show it."""
        return {"id": str(self.id), "filename": self.filename}


class _SharedBytes(io.BytesIO):
    """A file of bytes that stay shared: for its length aiohttp asks for a buffer, which would be a copy."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data = data

    def getbuffer(self) -> memoryview:
        return memoryview(self._data)


def _require(fits: bool, what: str) -> None:  # noqa: FBT001  # reads as an assertion
    if not fits:
        raise ContractViolation("bug", f"more than Discord takes: {what}")


def all_components(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield every component of a payload, the outer ones before those in them."""
    for part in parts:
        yield part
        yield from all_components(part.get("components", ()))
        for name in ("accessory", "component"):
            if inner := part.get(name):
                yield from all_components([inner])


def _check_part(part: Part, texts: Mapping[str, int]) -> None:
    kind = ComponentType(part["type"])
    for name, most in texts.items():
        text = part.get(name)
        _require(not isinstance(text, str) or utf16_length(text) <= most, f"{name} of {kind.name}: {text}")
    if kind is ComponentType.button:
        _require(bool(part.get("label")), "a button without a label")  # screen readers need it
    if kind in _PARTS:
        name, least, most = _PARTS[kind]
        count = len(part.get(name, ()))
        _require(least <= count <= most, f"{count} {name} of {kind.name}")
    for item in part.get("items", ()):
        _require(utf16_length(item.get("description") or "") <= ALT_TEXT_UNITS, "alt text")
    for option in part.get("options", ()):
        for name, most in _OF_OPTIONS.items():
            _require(utf16_length(option.get(name) or "") <= most, f"{name} of an option")


def _branches(payload: Part) -> Iterator[Part]:
    """Yield a command, its options and their choices, the outer ones first."""
    yield payload
    for name in ("options", "choices"):
        for inner in payload.get(name, ()):
            yield from _branches(inner)


def _languages(part: Part, field: str) -> list[str]:
    localised = cast("Mapping[str, str]", part.get(f"{field}_localizations") or {})
    return [*([part[field]] if part.get(field) else []), *localised.values()]


def _command_units(part: Part) -> int:
    longest = sum(
        max(map(utf16_length, _languages(part, field)), default=0) for field in ("name", "description")
    )
    return longest + utf16_length(str(part.get("value", "")))
