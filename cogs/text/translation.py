"""Translation: the member's language for what only they read, the server's for what everybody reads.

All text for people goes through `gettext` or `ngettext` when it is shown, never when a module is loaded.
The English text stands in the code. Each other language is one gettext catalogue in `cogs/locale` (read by
Babel: https://babel.pocoo.org/en/latest/messages.html). A catalogue named after a language, such as `es.po`,
serves every locale of Discord's with that language, `es-ES` and `es-419`; one named after a locale, such as
`pt-BR.po`, comes first for that locale. What a catalogue lacks is shown in English.

The current locale is a context variable: each command, click and delivery runs in a task of its own, and
sets the locale where it begins. Numbers and dates are written as that locale does, not only its language.
"""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from discord import app_commands

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import discord

CATALOGUES: Final = Path(__file__).parents[1] / "locale"
ENGLISH: Final = "en"
COMMAND_NAME: Final = "name"
"""The message context of names of commands and options: they are lower case, without spaces."""
_NAMES: Final = frozenset({
    app_commands.TranslationContextLocation.command_name,
    app_commands.TranslationContextLocation.group_name,
    app_commands.TranslationContextLocation.parameter_name,
})  # fmt: skip


class _Current(NamedTuple):
    language: str
    """The name of a catalogue, or English."""
    locale: Locale


_DEFAULT: Final = _Current(ENGLISH, Locale(ENGLISH))
_current: ContextVar[_Current] = ContextVar("locale", default=_DEFAULT)


def gettext(message: str, /, **facts: object) -> str:
    """Translate a message into the current language; `facts` fill its `{names}`."""
    translated = _catalogue(_current.get().language).gettext(message)
    return translated.format(**facts) if facts else translated


def ngettext(one: str, many: str, n: int, /, **facts: object) -> str:
    """Translate a message about `n` things in the plural form for `n`, which fills `{n}` as by `number`."""
    return _catalogue(_current.get().language).ngettext(one, many, n).format(n=number(n), **facts)


def command_name(name: str) -> str:
    """Translate one word of a command's name, or the name of a menu entry, into the current language."""
    return _catalogue(_current.get().language).pgettext(COMMAND_NAME, name)


def gettext_noop(message: str) -> str:
    """Mark a message for the catalogues and return it unchanged; `gettext` translates it when it is shown."""
    return message


def number(value: float) -> str:
    """Write a number as the current locale does: `12,345` or `12.345`."""
    return _number(value, current_locale())


@lru_cache(maxsize=2048)
def _number(value: float, locale: Locale) -> str:
    return format_decimal(value, locale=locale)


def current_locale() -> Locale:
    """Return Babel's data on the current locale, such as its numbers and months."""
    return _current.get().locale


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Use one of Discord's locales, such as `id` or `en-GB`, and its language until the end of the block."""
    token = _current.set(_settings_of(locale))
    try:
        yield
    finally:
        _current.reset(token)


def use_member_locale(interaction: discord.Interaction) -> None:
    """Use the member's locale and language from here to the end of this task."""
    _current.set(_settings_of(str(interaction.locale)))


def language_of(locale: str, among: Collection[str] | None = None) -> str:
    """Return the language for a locale of Discord's: its own, else that of its first part, else English.

    `among` are the names of the catalogues; without them, all there are.
    """
    known = languages() if among is None else among
    candidates = (locale, locale.partition("-")[0])
    return next((language for language in candidates if language in known), ENGLISH)


@cache
def languages() -> frozenset[str]:
    """Return all languages there are; a catalogue whose name is no locale of Babel's is left out."""
    found = {ENGLISH}
    for file in CATALOGUES.glob("*.po"):
        with suppress(UnknownLocaleError, ValueError):
            Locale.parse(file.stem, sep="-")
            found.add(file.stem)
    return frozenset(found)


@lru_cache(maxsize=64)
def _settings_of(locale: str) -> _Current:
    language = language_of(locale)
    same_language = locale.partition("-")[0] == language.partition("-")[0]
    try:
        return _Current(language, Locale.parse(locale if same_language else language, sep="-"))
    except (UnknownLocaleError, ValueError):  # the territory is unknown to Babel
        return _Current(language, Locale.parse(language, sep="-"))


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == ENGLISH:
        return NullTranslations()
    return GNUTranslations(_compiled(language))


def _compiled(language: str) -> io.BytesIO:
    # What Babel reads takes several times the memory of what is kept, so it goes first.
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language.replace("-", "_"), ignore_obsolete=True, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return compiled


class CommandTranslator(app_commands.Translator):
    """Translates names, descriptions and choices of commands for Discord's menus."""

    async def load(self) -> None:
        """Read every catalogue at the start, so that no member waits for it."""
        for language in languages():
            _catalogue(language)

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return one text in one locale; None where that is the English text."""
        language = language_of(locale.value)
        if language == ENGLISH:
            return None
        catalogue, message = _catalogue(language), string.message
        if context.location in _NAMES:
            translated = catalogue.pgettext(COMMAND_NAME, message)
        else:
            translated = catalogue.gettext(message)
        return None if translated == message else translated
