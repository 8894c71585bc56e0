"""Translations are complete, have the same placeholders and markup, and are accepted by Discord."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from cogs.text.translation import CATALOGUES, CommandTranslator, language_of, languages
from tests.support.glossary import Glossary
from tests.tools.update_translations import (
    COGS,
    TERMS,
    command_payloads,
    forms,
    has_plural_forms_of,
    template,
    untranslated,
    updated,
    written,
)

FILES = sorted(CATALOGUES.glob("*.po"))
COMMAND_NAME_FORM = re.compile(r"[-_'\w]{1,32}")
"""https://discord.com/developers/docs/interactions/application-commands#application-command-object"""
LONGEST_MENU_TEXT = 100
LARGEST_COMMAND = 8000
SUBCOMMAND, GROUP = 1, 2
MENTIONED = re.compile(r"`/([^`]+?)(?: [a-z_]+:[^`]*)?`")
MARKUP = re.compile(r"\*\*|`|^### |^-# |^> |^- |\n|<#|<@", re.MULTILINE)
WORDS = re.compile(r"[^\W\d_]{2,}[ ,]+[^\W\d_]{2,}")
SHOWN = {"label", "placeholder"}
"""Keyword arguments whose value is shown to people, even if it is one word."""
MARKED = {"gettext", "gettext_noop", "ngettext", "locale_str"}


def read(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=file.stem.replace("-", "_"), abort_invalid=True)


def english(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def language(file: Path) -> str:
    return file.stem


@pytest.fixture
def locale(language: str) -> str:
    """Return the first of Discord's locales that the catalogue serves: commands are the same in all."""
    return next(locale.value for locale in discord.Locale if language_of(locale.value) == language)


@pytest.fixture
def catalogue(file: Path) -> Catalog:
    return read(file)


def test_there_is_a_language_besides_english() -> None:
    assert FILES
    assert languages() == {"en", *(file.stem for file in FILES)}


async def test_a_catalogue_has_every_message_and_no_other(file: Path, catalogue: Catalog) -> None:
    current = await template()
    current_ids = {(message.context, message.id) for message in current if message.id}
    catalogue_ids = {(message.context, message.id) for message in catalogue if message.id}
    assert catalogue_ids - current_ids == set(), "run `make messages`"
    assert current_ids - catalogue_ids == set(), "run `make messages`, then translate what is new"
    assert untranslated(catalogue) == []
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []
    assert file.read_text("utf-8") == written(file, updated(file, current))


def test_a_translation_has_the_same_placeholders(catalogue: Catalog) -> None:
    wrong = []
    for message in catalogue:
        own = set().union(*map(placeholders, english(message)))
        texts = forms(message)
        # With several plural forms a form may leave out the number; a single form must have it.
        free = {"n"} if len(texts) > 1 else set()
        wrong += [form for form in texts if placeholders(form) - own or own - placeholders(form) - free]
    assert wrong == []


def test_a_translation_has_the_same_markup(catalogue: Catalog) -> None:
    wrong = []
    for message in catalogue:
        if message.id:
            marks = [Counter(MARKUP.findall(form)) for form in english(message)]
            wrong += [form for form in forms(message) if Counter(MARKUP.findall(form)) not in marks]
    assert wrong == []


def test_a_translation_has_the_words_of_its_glossary(file: Path, catalogue: Catalog) -> None:
    glossary = Glossary.of(file)
    missing = set(TERMS) - set(glossary.terms)
    assert missing == set(), "the comment at the top of the file lists no word for these"
    assert [line for message in catalogue if message.id for line in glossary.breaches(message)] == []


@pytest.mark.parametrize(
    ("english", "translation", "found"),
    [
        ("Two pictures of {member}", "Dos imágenes de {member}", []),
        ("A picture", "Una Imagen", []),
        ("A picture", "Un dibujo", ["`imagen` for `picture`: Un dibujo"]),
        (
            ("A picture", "{n} pictures"),
            ("Una imagen", "{n} dibujos"),
            ["`imagen` for `picture`: {n} dibujos"],
        ),
        ("{picture}, `/pictures`, picturesque", "{picture}, `/dibujos`, pintoresco", []),
        ("Ask for it", "Pídalo usted", ["never `usted`: Pídalo usted"]),
        ("Ask for it", "Pídelo al ajusted", []),
    ],
)
def test_words_against_the_glossary_are_found(
    tmp_path: Path, english: Any, translation: Any, found: list[str]
) -> None:
    file = tmp_path / "es.po"
    file.write_text(
        "# Spanish.\n#\n#   picture = imagen, imágenes\n#   never: usted, ustedes\n\n# a = b\n", "utf-8"
    )
    assert list(Glossary.of(file).breaches(Message(english, translation))) == found


def test_the_plural_forms_are_those_of_the_language(catalogue: Catalog) -> None:
    assert catalogue.locale is not None
    assert has_plural_forms_of(catalogue.locale, catalogue.num_plurals, catalogue.plural_expr)


def walk_commands(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a command and all commands below it."""
    yield command
    for option in command.get("options", ()):
        if option["type"] in {SUBCOMMAND, GROUP}:
            yield from walk_commands(option)


def name_in(locale: str, part: dict[str, Any]) -> str:
    name: str = (part.get("name_localizations") or {}).get(locale, part["name"])
    return name


async def test_translated_command_names_are_valid_and_unique(locale: str) -> None:
    """https://discord.com/developers/docs/interactions/application-commands#localization"""
    slash = [
        command for command in await command_payloads(CommandTranslator()) if command.get("type", 1) == 1
    ]
    assert slash
    for branch in [
        {"name": "", "options": slash},
        *(each for command in slash for each in walk_commands(command)),
    ]:
        options = branch.get("options", ())
        names, translated = (
            [option["name"] for option in options],
            [name_in(locale, option) for option in options],
        )
        assert len(set(translated)) == len(translated), (branch["name"], translated)
        for name, own in zip(translated, names, strict=True):
            assert COMMAND_NAME_FORM.fullmatch(name), name
            assert name == name.lower(), name
            assert name not in set(names) - {own}, (branch["name"], name)


async def test_translated_command_texts_fit(locale: str) -> None:
    def texts(part: dict[str, Any]) -> Iterator[str]:
        for field in ("name", "description"):
            translated = (part.get(f"{field}_localizations") or {}).get(locale, "")
            yield max(part.get(field, ""), translated, key=len)
        for inner in (*part.get("options", ()), *part.get("choices", ())):
            yield from texts(inner)

    commands = await command_payloads(CommandTranslator())
    assert commands
    for command in commands:
        shown = list(texts(command))
        assert max(map(len, shown)) <= LONGEST_MENU_TEXT, max(shown, key=len)


async def commands_in(locale: str) -> set[str]:
    """Return the full name of every command in one locale."""

    def walk(branch: dict[str, Any], before: str) -> Iterator[str]:
        name = f"{before}{name_in(locale, branch)}"
        yield name
        for option in branch.get("options", ()):
            if option["type"] in {SUBCOMMAND, GROUP}:
                yield from walk(option, f"{name} ")

    return {name for command in await command_payloads(CommandTranslator()) for name in walk(command, "")}


async def test_texts_name_only_commands_that_exist(catalogue: Catalog, locale: str) -> None:
    own, translated = await commands_in("en-US"), await commands_in(locale)
    wrong = []
    for message in catalogue:
        for texts, names in ((english(message), own), (forms(message), translated)):
            wrong += [name for form in texts for name in MENTIONED.findall(form) if name not in names]
    assert wrong == []


def skipped_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes that are marked for translation or not shown to people: docstrings, logs, errors ..."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in MARKED:
                yield from (inner for part in node.args for inner in ast.walk(part))
            case (
                ast.Raise()
                | ast.Assert()
                | ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "re")))
                | ast.Call(func=ast.Attribute(attr="command" | "describe" | "ContextMenu"))
                | ast.Call(func=ast.Name(id="cast" | "_require"))
            ):
                yield from ast.walk(node)
            case ast.ClassDef(keywords=keywords):
                yield from (inner for part in keywords for inner in ast.walk(part))
            case ast.Expr(value=ast.Constant() as docstring):
                yield docstring


def untranslatable_texts(source: str) -> list[str]:
    """Return the texts for people that are not marked for translation."""
    tree = ast.parse(source)
    skipped = set(skipped_nodes(tree))
    shown = {word.value for word in ast.walk(tree) if isinstance(word, ast.keyword) and word.arg in SHOWN}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped
        if WORDS.search(node.value) or (node in shown and node.value)
    ]


@pytest.mark.parametrize(
    "path",
    sorted(COGS.rglob("*.py")),
    ids=lambda path: str(path.relative_to(COGS)),
)
def test_every_text_for_people_is_marked_for_translation(path: Path) -> None:
    assert untranslatable_texts(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = gettext('two words')", []),
        ("x = 'two words'", ["two words"]),
        ("x = f'{a} two words'", [" two words"]),
        ("'a docstring of words'\nlog.info('two words')\nraise E('two words')", []),
        ("x = {'a': gettext_noop('two words'), 'b': 'two words'}", ["two words"]),
        ("gettext('fine', fact='two words')", ["two words"]),
        ("Button(label='Next')", ["Next"]),
        ("Button(label=gettext('Next'), custom_id='next')", []),
    ],
)
def test_unmarked_texts_are_found(source: str, found: list[str]) -> None:
    assert untranslatable_texts(source) == found


def counted_characters(part: dict[str, Any]) -> int:
    """Return what Discord counts of a part of a command: of each text the longest of all languages.

    https://discord.com/developers/docs/interactions/application-commands#slash-commands
    """
    texts = [
        (part.get(field, ""), *(part.get(f"{field}_localizations") or {}).values())
        for field in ("name", "description")
    ]
    inner = [*part.get("options", ()), *part.get("choices", ())]
    own = sum(max(map(len, each)) for each in texts) + len(str(part.get("value", "")))
    return own + sum(map(counted_characters, inner))


async def test_a_command_fits_with_the_longest_text_of_all_languages() -> None:
    commands = await command_payloads(CommandTranslator())
    assert counted_characters(commands[0]) > sum(len(commands[0][each]) for each in ("name", "description"))
    for command in commands:
        assert counted_characters(command) <= LARGEST_COMMAND, command["name"]
