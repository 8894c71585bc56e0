"""Update the catalogues in `cogs/locale` from the code: `make messages`.

Messages are the arguments of `gettext`, `ngettext` and `gettext_noop` in the code, and the names and
descriptions of the commands. New messages are added untranslated, unused ones are removed.
`make messages LANGUAGE=es` makes the catalogue of a new language first.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import io
import re
import sys
from collections.abc import Iterator, Sequence
from gettext import c2py
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import discord
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import PoFileError, read_po, write_po
from babel.plural import to_gettext
from discord import app_commands
from pydantic import SecretStr

from bot.app import open_app
from bot.config.settings import EVERY_MODEL, DatabaseSettings, DiscordSettings, RivyaSettings, Settings
from cogs.text.translation import CATALOGUES, COMMAND_NAME, language_of

COGS = CATALOGUES.parent
OPERATOR_GUILD = 1
KEYWORDS = {"gettext": 1, "gettext_noop": 1, "ngettext": 2}
"""Functions that take a message, with the number of arguments that are texts."""
NAMES = {
    app_commands.TranslationContextLocation.command_name,
    app_commands.TranslationContextLocation.group_name,
    app_commands.TranslationContextLocation.parameter_name,
}
TERMS = (
    *("alert", "ceiling", "channel", "credit", "grant", "limit", "message", "picture", "preset", "prompt"),
    *("reason", "reference", "refund", "request", "role", "server", "thread", "wallet"),
)
"""The terms of the product, for which every catalogue lists its words."""
NUMBERS = range(10_000)
"""Numbers whose plural forms are compared."""
LINE = re.compile(r'#.*|(?:msgctxt |msgid |msgid_plural |msgstr |msgstr\[\d\] )?"(?:[^"\\]|\\.)*"')
"""One line of a catalogue."""
HEAD = """\
# {name}.
#
# One word for one thing, which tests hold the messages to: English = translation, another form of it.
{terms}
#   never:
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural_forms};\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


class RecordingTranslator(app_commands.Translator):
    """Translates nothing and records the requested messages, with their contexts."""

    def __init__(self) -> None:
        self.requested: set[tuple[str | None, str]] = set()

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        self.requested.add((COMMAND_NAME if context.location in NAMES else None, string.message))
        return None


async def command_payloads(translator: app_commands.Translator) -> list[dict[str, Any]]:
    """Return the payload of every command, as it is synced to Discord where every model is offered."""
    with TemporaryDirectory() as folder:
        settings = Settings(
            discord=DiscordSettings(token=SecretStr("none"), operator_guild=OPERATOR_GUILD),
            rivya=RivyaSettings(api_key=SecretStr("none"), models=(EVERY_MODEL,)),
            database=DatabaseSettings(path=Path(folder, "bot.sqlite3")),
        )
        async with open_app(settings) as app, app.client as client:
            await client.on_setup(client)
            return [
                await command.get_translated_payload(client.tree, translator)
                for guild in (None, discord.Object(OPERATOR_GUILD))
                for command in client.tree.get_commands(guild=guild)
            ]


async def command_messages() -> set[tuple[str | None, str]]:
    """Return context and text of every name, description and choice of the commands."""
    translator = RecordingTranslator()
    await command_payloads(translator)
    return translator.requested


def code_messages() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the file and the message, or the pair of singular and plural, of every call in cogs.

    Babel's own extractor takes parts of f-strings for messages, and misses calls inside them.
    """
    for path in sorted(COGS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
                texts = list(filter(None, map(_text, node.args[: KEYWORDS[node.func.id]])))
                if len(texts) == KEYWORDS[node.func.id]:
                    yield str(path.relative_to(COGS)), texts[0] if len(texts) == 1 else tuple(texts)


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


async def template() -> Catalog:
    """Return a catalogue of all messages."""
    catalogue = Catalog()
    for name, message in code_messages():
        catalogue.add(message, locations=[(name, 0)])
    for context, message in sorted(await command_messages(), key=str):
        catalogue.add(message, context=context)
    return catalogue


def updated(file: Path, wanted: Catalog) -> Catalog:
    """Return a language's catalogue with exactly the wanted messages, and its own translations of them.

    SystemExit if the file is no catalogue: rewriting it would lose what cannot be read. Babel alone takes a
    letter for a quotation mark that is missing.
    """
    for lineno, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if line.strip() and not LINE.fullmatch(line.strip()):
            sys.exit(f"{file.name}, line {lineno}: it should be in quotation marks: {line.strip()}")
    try:
        with file.open("rb") as opened:
            known = read_po(opened, locale=file.stem.replace("-", "_"), abort_invalid=True)
    except PoFileError as error:
        sys.exit(f"{file.name}, line {error.lineno + 1}: {error.args[0]}: {str(error.line).strip()}")
    fresh = Catalog(locale=known.locale, header_comment=known.header_comment, fuzzy=False)
    # Keeps the plural forms of the file: Babel's are wrong for some languages.
    fresh.mime_headers = known.mime_headers
    for message in sorted(wanted, key=lambda each: (each.context or "", str(each.id))):
        if message.id:
            old = known.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
            translation = old.string if old is not None and isinstance(old.id, type(message.id)) else None
            fresh.add(
                message.id,
                translation,
                context=message.context,
                locations=[(name, 0) for name, _ in message.locations],
                flags={"fuzzy"} if translation and old is not None and old.fuzzy else (),
                user_comments=() if old is None else old.user_comments,
            )
    return fresh


def written(file: Path, catalogue: Catalog) -> str:
    """Return the text of a catalogue file: the header of `file`, and the messages."""
    header, body = file.read_text("utf-8").partition("\n\n")[0].rstrip(), io.BytesIO()
    write_po(body, catalogue, width=110, include_lineno=False, omit_header=True)
    return f"{header}\n\n{body.getvalue().decode().lstrip()}"


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the messages without a translation or one of its plural forms, and those marked as fuzzy."""
    return [
        str(message.id) for message in catalogue if message.id and (message.fuzzy or not all(forms(message)))
    ]


def forms(message: Message) -> tuple[str, ...]:
    """Return all plural forms of a translation; one empty form if there is none."""
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


def has_plural_forms_of(locale: Locale, forms: int, expression: str) -> bool:
    """Return whether gettext's plural forms are one for each form that CLDR has for whole numbers."""
    form_of = c2py(expression)
    by_category: dict[str, set[int]] = {}
    for n in NUMBERS:
        by_category.setdefault(locale.plural_form(n), set()).add(form_of(n))
    used = [form for found in by_category.values() for form in found]
    return sorted(used) == list(range(forms)) and len(by_category) == forms


def plural_forms(locale: Locale) -> str:
    """Return the value of `Plural-Forms`: gettext's usual one, or CLDR's where Babel has a wrong one."""
    usual = get_plural(locale)
    if has_plural_forms_of(locale, usual.num_plurals, usual.plural_expr):
        return f"nplurals={usual.num_plurals}; plural={usual.plural_expr}"
    return to_gettext(locale.plural_form).rstrip(";")


def is_of_discord(language: str) -> bool:
    """Return whether a catalogue of this name serves a locale of Discord's."""
    return any(language_of(locale.value, {language}) == language for locale in discord.Locale)


def create(language: str, folder: Path) -> None:
    """Make an empty catalogue; SystemExit if there is one, or if no locale of Discord's would use it."""
    file = folder / f"{language}.po"
    if not is_of_discord(language):
        known = ", ".join(sorted(locale.value for locale in discord.Locale))
        sys.exit(f"{language!r} is none of Discord's locales, which are {known}; the part before - will do.")
    if file.exists():
        sys.exit(f"There is {file.name} already; without a language, it is brought up to date.")
    locale = Locale.parse(language, sep="-")
    head = HEAD.format(
        name=locale.english_name,
        terms="\n".join(f"#   {term} =" for term in TERMS),
        language=language.replace("-", "_"),
        plural_forms=plural_forms(locale),
    )
    file.write_text(head, "utf-8")


def main(arguments: Sequence[str] | None = None, folder: Path = CATALOGUES) -> int:
    """Rewrite every catalogue; returns 1 if a message is untranslated."""
    parser = argparse.ArgumentParser(description="Bring the catalogues in cogs/locale up to date.")
    parser.add_argument("language", nargs="?", help="make a catalogue for it first, such as es or pt-BR")
    if language := parser.parse_args(arguments).language:
        create(language, folder)
    wanted, missing = asyncio.run(template()), 0
    for file in sorted(folder.glob("*.po")):
        catalogue = updated(file, wanted)
        file.write_text(written(file, catalogue), "utf-8")
        blank = untranslated(catalogue)
        print(f"{file.name}: {len(catalogue)} messages, {len(blank)} to translate")
        missing += len(blank)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
