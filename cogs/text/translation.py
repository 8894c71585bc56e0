"""In which language things are said: the member's for what only they read, the server's for what all read.

Every word for people goes through `gettext` or `count`, at the moment it is said and never when a module is
loaded. English is what stands in the code; each other language is one gettext catalogue in `cogs/locale`,
named after Discord's locale or the language alone, such as `id.po` (read by Babel:
https://babel.pocoo.org/en/latest/messages.html). What a catalogue lacks is said in English.

The language is a context variable, as a task has one reader: each command, click and delivery sets it where
it begins.
"""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Final

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from discord import app_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    import discord

CATALOGUES: Final = Path(__file__).parents[1] / "locale"
ENGLISH: Final = "en"
COMMAND_NAME: Final = "name"
"""The context of names of commands and of their options: a name is lower case and stands alone."""
_NAMES: Final = frozenset({
    app_commands.TranslationContextLocation.command_name,
    app_commands.TranslationContextLocation.group_name,
    app_commands.TranslationContextLocation.parameter_name,
})  # fmt: skip
_current: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


def gettext(message: str, /, **facts: object) -> str:
    """A message in the language that is spoken; `facts` fill its `{names}`."""
    said = _catalogue(_current.get()).gettext(message)
    return said.format(**facts) if facts else said


def ngettext(one: str, many: str, number: int, /, **facts: object) -> str:
    """A message about a number of things, in the form that the language has for it; `{n}` is the number."""
    return _catalogue(_current.get()).ngettext(one, many, number).format(n=number, **facts)


def gettext_noop(message: str) -> str:
    """Mark a message that is said later: a table filled when its module is loaded has no reader yet."""
    return message


def number(value: float) -> str:
    """A number the way the language writes it: `12,345` or `12.345`."""
    return format_decimal(value, locale=current_locale())


def current_locale() -> Locale:
    """What Babel knows of the language that is spoken: its numbers, its months."""
    return Locale.parse(_current.get(), sep="-")


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Speak the language of one of Discord's locales, such as `id` or `en-GB`, until the end of the block."""
    token = _current.set(language_of(locale))
    try:
        yield
    finally:
        _current.reset(token)


def use_member_locale(interaction: discord.Interaction) -> None:
    """Speak the member's language from here to the end of this task."""
    _current.set(language_of(str(interaction.locale)))


def language_of(locale: str) -> str:
    """The language spoken to a locale of Discord's: its own, that of its first part, else English."""
    return next((tongue for tongue in (locale, locale.partition("-")[0]) if tongue in languages()), ENGLISH)


@cache
def languages() -> frozenset[str]:
    """Every language there is; a file that Babel has no locale for is none."""
    found = {ENGLISH}
    for file in CATALOGUES.glob("*.po"):
        with suppress(UnknownLocaleError, ValueError):
            Locale.parse(file.stem, sep="-")
            found.add(file.stem)
    return frozenset(found)


@cache
def _catalogue(tongue: str) -> NullTranslations:
    if tongue == ENGLISH:
        return NullTranslations()
    with (CATALOGUES / f"{tongue}.po").open("rb") as file:
        catalogue = read_po(file, locale=tongue.replace("-", "_"), abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


class CommandTranslator(app_commands.Translator):
    """Names, descriptions and choices of commands, in every language, for Discord's menus."""

    async def load(self) -> None:
        """Read the catalogues now, and not while somebody waits."""
        for tongue in languages():
            _catalogue(tongue)

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """One text for one locale; None where that is the English one."""
        tongue = language_of(locale.value)
        if tongue == ENGLISH:
            return None
        catalogue, message = _catalogue(tongue), string.message
        if context.location in _NAMES:
            said = catalogue.pgettext(COMMAND_NAME, message)
        else:
            said = catalogue.gettext(message)
        return None if said == message else said
