"""Brings the catalogues in `cogs/locale` up to date with the code: `make messages`.

What is said stands in the code, in calls of `gettext`, `ngettext` and `gettext_noop`; what Discord's menus
show is asked of the commands themselves. New messages come untranslated, old ones go, translations stay.
"""

from __future__ import annotations

import ast
import asyncio
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import discord
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from discord import app_commands
from pydantic import SecretStr

from bot.app import open_app
from bot.config.settings import DatabaseSettings, DiscordSettings, RivyaSettings, Settings
from cogs.text.translation import CATALOGUES, COMMAND_NAME

COGS = CATALOGUES.parent
HEADQUARTERS = 1
KEYWORDS = {"gettext": 1, "gettext_noop": 1, "ngettext": 2}
"""What says a message, and how many texts it is."""
NAMES = {
    app_commands.TranslationContextLocation.command_name,
    app_commands.TranslationContextLocation.group_name,
    app_commands.TranslationContextLocation.parameter_name,
}


class RecordingTranslator(app_commands.Translator):
    """Translates nothing and remembers what was asked for, by context."""

    def __init__(self) -> None:
        self.asked: set[tuple[str | None, str]] = set()

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        self.asked.add((COMMAND_NAME if context.location in NAMES else None, string.message))
        return None


async def menus(translator: app_commands.Translator) -> list[dict[str, Any]]:
    """Every command as Discord would be told of it."""
    with TemporaryDirectory() as folder:
        settings = Settings(
            discord=DiscordSettings(token=SecretStr("none"), operator_guild=HEADQUARTERS),
            rivya=RivyaSettings(api_key=SecretStr("none")),
            database=DatabaseSettings(path=Path(folder, "bot.sqlite3")),
        )
        async with open_app(settings) as app, app.client as client:
            await client.on_setup(client)
            return [
                await command.get_translated_payload(client.tree, translator)
                for guild in (None, discord.Object(HEADQUARTERS))
                for command in client.tree.get_commands(guild=guild)
            ]


async def shown_in_menus() -> set[tuple[str | None, str]]:
    """Every name, description and choice of every command, with the context of its message."""
    listener = RecordingTranslator()
    await menus(listener)
    return listener.asked


def said_in_code() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """The file and the message, or the pair of singular and plural, of everything said in cogs.

    Babel's own reader of Python takes the texts of f-strings for plain ones, and misses what is said in them.
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
    """All there is to translate."""
    catalogue = Catalog()
    for name, message in said_in_code():
        catalogue.add(message, locations=[(name, 0)])
    for context, message in sorted(await shown_in_menus(), key=str):
        catalogue.add(message, context=context)
    return catalogue


def updated(file: Path, wanted: Catalog) -> Catalog:
    """A language's catalogue with just these messages: what was translated stays as it is."""
    with file.open("rb") as opened:
        known = read_po(opened, locale=file.stem.replace("-", "_"))
    fresh = Catalog(locale=known.locale, header_comment=known.header_comment, fuzzy=False)
    # The plural forms of the file: Babel's own idea of them is wrong for Indonesian, which has one.
    fresh.mime_headers = known.mime_headers
    for message in sorted(wanted, key=lambda each: (each.context or "", str(each.id))):
        if message.id:
            old = known.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
            kept = old.string if old is not None and isinstance(old.id, type(message.id)) else None
            fresh.add(
                message.id,
                kept,
                context=message.context,
                locations=[(name, 0) for name, _ in message.locations],
            )
    return fresh


def written(file: Path, catalogue: Catalog) -> str:
    """The file's own header, and the messages."""
    header, body = file.read_text("utf-8").partition("\n\n")[0], io.BytesIO()
    write_po(body, catalogue, width=110, include_lineno=False, omit_header=True)
    return f"{header}\n\n{body.getvalue().decode().lstrip()}"


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages that a language does not have, or not in all its forms."""
    return [str(message.id) for message in catalogue if message.id and not all(forms(message))]


def forms(message: Message) -> tuple[str, ...]:
    """A translation in all its forms; one empty form if there is none."""
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


def main() -> int:
    """Write every catalogue anew; returns 1 while something is untranslated."""
    wanted, missing = asyncio.run(template()), 0
    for file in sorted(CATALOGUES.glob("*.po")):
        catalogue = updated(file, wanted)
        file.write_text(written(file, catalogue), "utf-8")
        blank = untranslated(catalogue)
        print(f"{file.name}: {len(catalogue)} messages, {len(blank)} to translate")
        missing += len(blank)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
