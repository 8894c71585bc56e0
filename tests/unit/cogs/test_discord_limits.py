"""Discord's limits are checked before sending: each one at the limit and one past it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord import ui

from bot.domain.errors import ContractViolation
from cogs.operator.commands import Operator
from cogs.text.escaping import utf16_length
from cogs.text.translation import CommandTranslator
from cogs.ui import discord_limits
from cogs.ui.layout import build_view
from tests.tools.update_translations import COGS, command_payloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

View = ui.LayoutView
Button = ui.Button[View]


def view(*items: ui.Item[Any]) -> View:
    created: View = View(timeout=None)
    for item in items:
        created.add_item(item)
    return created


def row(*items: ui.Item[Any]) -> ui.ActionRow[View]:
    return ui.ActionRow(*items)


def button(**options: Any) -> Button:
    return ui.Button(**({"label": "Again", "custom_id": "kuas:x"} | options))


def link(url: str) -> Button:
    return ui.Button(label="Open", url=url)


def gallery(count: int, alt: str = "a fox") -> ui.MediaGallery[View]:
    media = ["https://example.org/a.png"] * count
    created: ui.MediaGallery[View] = ui.MediaGallery()
    for url in media:
        # discord.py checks this limit itself when items are added by its method.
        created._underlying.items.append(discord.MediaGalleryItem(url, description=alt))
    return created


def select(count: int = 2, **options: Any) -> ui.Select[View]:
    created: ui.Select[View] = ui.Select(custom_id="kuas:s", placeholder=options.get("placeholder"))
    label, description = options.get("label", "A"), options.get("description")
    created._underlying.options = [  # for the same reason
        discord.SelectOption(label=label, value=str(number), description=description)
        for number in range(count)
    ]
    return created


def text_view(*contents: str) -> View:
    return view(*(ui.TextDisplay[View](content) for content in contents))


def form(**options: Any) -> ui.Modal:
    created = ui.Modal(title=options.get("title", "A form"), custom_id="kuas:form:1")
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id="prompt", placeholder=options.get("placeholder"), default=options.get("value")
    )
    for _ in range(options.get("parts", 1)):
        created._children.append(  # for the same reason
            ui.Label(
                text=options.get("label", "Prompt"), description=options.get("description"), component=field
            )
        )
    return created


def command(**changes: Any) -> dict[str, Any]:
    return {"name": "imagine", "description": "Paint", "type": 1, "options": []} | changes


def option(**changes: Any) -> dict[str, Any]:
    return {"name": "size", "description": "Which", "type": 3} | changes


def make_command(**changes: Any) -> Callable[[], None]:
    return lambda: discord_limits.validate_command(command(**changes))


def make_view(*items: ui.Item[Any]) -> Callable[[], object]:
    return lambda: discord_limits.validate_view(view(*items))


def make_form(**options: Any) -> Callable[[], object]:
    return lambda: discord_limits.validate_modal(form(**options))


def make_files(count: int, size: int = 1, name: str = "{}.png") -> Callable[[], object]:
    return lambda: discord_limits.attachments({name.format(number): b"x" * size for number in range(count)})


MENU = {"type": 3, "description": ""}
LIMITS: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "text of a view": (
        lambda: discord_limits.validate_view(text_view("x" * 4000)),
        lambda: discord_limits.validate_view(text_view("x" * 4001)),
    ),
    "text of a view, in UTF-16 units": (
        lambda: discord_limits.validate_view(text_view("🦊" * 2000)),
        lambda: discord_limits.validate_view(text_view("🦊" * 2001)),
    ),
    "texts of a view together": (
        lambda: discord_limits.validate_view(text_view("x" * 2000, "y" * 2000)),
        lambda: discord_limits.validate_view(text_view("x" * 2000, "y" * 2001)),
    ),
    "an empty text": (
        lambda: discord_limits.validate_view(text_view("x")),
        lambda: discord_limits.validate_view(text_view("x", "")),
    ),
    "label of a button": (make_view(row(button(label="x" * 80))), make_view(row(button(label="x" * 81)))),
    "a button that is an emoji alone": (
        make_view(row(button(emoji="🦊"))),
        make_view(row(button(label=None, emoji="🦊"))),
    ),
    "address of a button": (
        make_view(row(link("https://example.org/" + "x" * 492))),
        make_view(row(link("https://example.org/" + "x" * 493))),
    ),
    "custom_id": (
        make_view(row(button(custom_id="x" * 100))),
        make_view(row(button(custom_id="x" * 101))),
    ),
    "a custom_id twice": (
        make_view(row(button(), button(custom_id="kuas:y"))),
        make_view(row(button(), button())),
    ),
    "pictures of a gallery": (make_view(gallery(10)), make_view(gallery(11))),
    "a gallery without pictures": (make_view(gallery(1)), make_view(gallery(0))),
    "alternative text": (make_view(gallery(1, "x" * 1024)), make_view(gallery(1, "x" * 1025))),
    "options of a select": (make_view(row(select(25))), make_view(row(select(26)))),
    "a select without options": (make_view(row(select(1))), make_view(row(select(0)))),
    "placeholder of a select": (
        make_view(row(select(placeholder="x" * 150))),
        make_view(row(select(placeholder="x" * 151))),
    ),
    "label of an option": (
        make_view(row(select(label="x" * 100))),
        make_view(row(select(label="x" * 101))),
    ),
    "description of an option": (
        make_view(row(select(description="x" * 100))),
        make_view(row(select(description="x" * 101))),
    ),
    "title of a form": (make_form(title="x" * 45), make_form(title="x" * 46)),
    "a form without a title": (make_form(title="x"), make_form(title="")),
    "fields of a form": (make_form(parts=5), make_form(parts=6)),
    "a form without fields": (make_form(parts=1), make_form(parts=0)),
    "label of a field": (make_form(label="x" * 45), make_form(label="x" * 46)),
    "description of a field": (make_form(description="x" * 100), make_form(description="x" * 101)),
    "placeholder of a field": (make_form(placeholder="x" * 100), make_form(placeholder="x" * 101)),
    "value of a field": (make_form(value="x" * 4000), make_form(value="x" * 4001)),
    "name of a command": (make_command(name="x" * 32), make_command(name="x" * 33)),
    "a name with a space": (make_command(name="a_b"), make_command(name="a b")),
    "name of a menu": (
        make_command(name="Use it " + "x" * 25, **MENU),
        make_command(name="x" * 33, **MENU),
    ),
    "name of a command in another language": (
        make_command(name_localizations={"id": "x" * 32}),
        make_command(name_localizations={"id": "x" * 33}),
    ),
    "description of a command": (make_command(description="x" * 100), make_command(description="x" * 101)),
    "description in another language": (
        make_command(description_localizations={"id": "x" * 100}),
        make_command(description_localizations={"id": "x" * 101}),
    ),
    "options of a command": (make_command(options=[option()] * 25), make_command(options=[option()] * 26)),
    "choices of an option": (
        make_command(options=[option(choices=[{"name": "a", "value": "a"}] * 25)]),
        make_command(options=[option(choices=[{"name": "a", "value": "a"}] * 26)]),
    ),
    "name of a choice": (
        make_command(options=[option(choices=[{"name": "x" * 100, "value": "a"}])]),
        make_command(options=[option(choices=[{"name": "x" * 101, "value": "a"}])]),
    ),
    "value of a choice": (
        make_command(options=[option(choices=[{"name": "a", "value": "x" * 100}])]),
        make_command(options=[option(choices=[{"name": "a", "value": "x" * 101}])]),
    ),
    "a command in all": (
        make_command(name="x" * 30, options=[option(name="n" * 10, description="x" * 90)] * 25),
        make_command(
            options=[
                option(choices=[{"name": "x" * 100, "value": "y" * 100}] * 20, description="x" * 100)
                for _ in range(2)
            ]
        ),
    ),
    "files": (make_files(10), make_files(11)),
    "bytes of files together": (make_files(5, 5 * 1024 * 1024), make_files(5, 5 * 1024 * 1024 + 1)),
    "name of a file": (make_files(1, name="a_b-{}.png"), make_files(1, name="a b{}.png")),
    "length of a file's name": (make_files(1, name="x" * 99 + "{}"), make_files(1, name="x" * 100 + "{}")),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_the_limit_is_accepted_and_one_more_is_refused(limit: str) -> None:
    fits, too_much = LIMITS[limit]
    fits()
    with pytest.raises(ContractViolation, match="more than Discord takes"):
        too_much()


def test_build_view_checks_the_limits() -> None:
    with pytest.raises(ContractViolation):
        build_view("a fox", gallery(1, "x" * 1025))
    with pytest.raises(ContractViolation):
        build_view("a fox", *(row(button(custom_id=f"kuas:{number}")) for number in range(20)))


async def test_a_built_view_is_not_kept_for_dispatching() -> None:
    assert build_view("a fox", row(button())).is_finished()


def test_a_view_has_at_most_forty_components() -> None:
    build_view(*"x" * 39)  # and the container
    with pytest.raises(ContractViolation):
        build_view(*"x" * 40)


def test_autocomplete_choices_are_cut_or_left_out() -> None:
    long = [(f"{'n' * 120}{number}", f"v{number}") for number in range(30)]
    choices = discord_limits.autocomplete_choices([("", "no name"), ("too long a value", "v" * 101), *long])
    assert [choice.value for choice in choices] == [f"v{n}" for n in range(25)]
    assert all(utf16_length(choice.name) <= discord_limits.CHOICE_UNITS for choice in choices)


def test_a_choice_is_one_line_and_no_choice_after_the_last_is_made() -> None:
    made: list[int] = []

    def pairs() -> Iterator[tuple[str, str]]:
        for place in range(1000):
            made.append(place)
            yield f"a\n\u202efox  {place}", str(place)

    assert [choice.name for choice in discord_limits.autocomplete_choices(pairs())][:2] == [
        "a fox 0",
        "a fox 1",
    ]
    assert len(made) == discord_limits.CHOICES


def test_no_list_of_choices_is_made_elsewhere() -> None:
    elsewhere = [path for path in COGS.rglob("*.py") if path != Path(discord_limits.__file__)]
    assert [path for path in elsewhere if "app_commands.Choice(" in path.read_text("utf-8")] == []


async def test_the_operators_own_commands_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operator.wallet, "description", "x" * 101)
    with pytest.raises(ContractViolation, match="description xxx"):
        await command_payloads(CommandTranslator())


def test_a_picture_is_sent_from_the_bytes_that_are_there() -> None:
    data = b"a picture" * 1000
    (file,) = discord_limits.attachments({"fox.png": data})
    assert isinstance(file.fp, io.BytesIO)
    with file.fp.getbuffer() as buffer:
        assert buffer.obj is data
    assert file.fp.read() == data
