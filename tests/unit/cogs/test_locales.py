"""Which language each of Discord's locales has, and what a member of it reads."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from babel import Locale
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from cogs.text.translation import (
    CATALOGUES,
    COMMAND_NAME,
    CommandTranslator,
    current_locale,
    gettext,
    language_of,
    languages,
    ngettext,
    number,
    use_locale,
)
from tests.tools.update_translations import command_payloads

LOCALES = [locale.value for locale in discord.Locale]
NAMES = sorted({name for locale in LOCALES for name in (locale, locale.partition("-")[0])})
"""Every name that a catalogue may have."""


@pytest.mark.parametrize(
    ("locale", "catalogues", "language"),
    [
        ("es-ES", {"es"}, "es"),
        ("es-419", {"es"}, "es"),
        ("es-419", {"es", "es-419"}, "es-419"),
        ("es-ES", {"es", "es-419"}, "es"),
        ("es-ES", {"es-419"}, "en"),
        ("pt-BR", {"pt"}, "pt"),
        ("pt-BR", {"pt", "pt-BR"}, "pt-BR"),
        ("sv-SE", {"sv"}, "sv"),
        ("zh-CN", {"zh-CN"}, "zh-CN"),
        ("zh-TW", {"zh-CN"}, "en"),
        ("en-GB", {"en-GB"}, "en-GB"),
        ("en-US", {"en-GB"}, "en"),
        ("de", {"es"}, "en"),
        ("", {"es"}, "en"),
        ("../es", {"es"}, "en"),
    ],
)
def test_a_locale_has_its_own_catalogue_or_that_of_its_language(
    locale: str, catalogues: set[str], language: str
) -> None:
    assert language_of(locale, catalogues) == language


@given(locale=st.sampled_from(LOCALES), catalogues=st.sets(st.sampled_from(NAMES)))
def test_an_exact_catalogue_comes_before_that_of_the_language_and_english_last(
    locale: str, catalogues: set[str]
) -> None:
    own = [name for name in (locale, locale.partition("-")[0]) if name in catalogues]
    assert language_of(locale, catalogues) == (own or ["en"])[0]


@pytest.mark.parametrize("locale", LOCALES)
def test_numbers_and_dates_are_those_of_the_locale_if_its_language_is_there(locale: str) -> None:
    with use_locale(locale):
        if language_of(locale) == "en" and not locale.startswith("en"):
            assert current_locale() == Locale("en")
        else:
            assert current_locale() == Locale.parse(locale, sep="-")


@given(locale=st.sampled_from(LOCALES) | st.text(max_size=12))
def test_any_locale_can_be_used(locale: str) -> None:
    with use_locale(locale):
        assert gettext("no limit")
        assert number(1234.5)


@pytest.mark.parametrize("locale", LOCALES)
async def test_commands_are_registered_in_every_locale_that_has_a_language(locale: str) -> None:
    def parts(part: dict[str, Any]) -> list[dict[str, Any]]:
        return [part, *(inner for option in part.get("options", ()) for inner in parts(option))]

    translations = read_translations(language_of(locale))
    for part in [each for command in await payloads() for each in parts(command)]:
        for field, context in (("name", COMMAND_NAME), ("description", None)):
            if english := part.get(field):
                shown = (part.get(f"{field}_localizations") or {}).get(locale, english)
                assert shown == translations.get((context, english), english)


def read_translations(language: str) -> dict[tuple[str | None, str], str]:
    """Return the translation of each context and message of a catalogue; none for English."""
    if language == "en":
        return {}
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        messages = [each for each in read_po(file) if isinstance(each.id, str)]
    return {(each.context, str(each.id)): str(each.string) for each in messages}


async def payloads() -> list[dict[str, Any]]:
    if not PAYLOADS:
        PAYLOADS.extend(await command_payloads(CommandTranslator()))
    return PAYLOADS


PAYLOADS: list[dict[str, Any]] = []
"""Made once for all locales: an application is opened for them."""


def test_the_locale_ends_with_its_block() -> None:
    with use_locale("id"):
        assert number(1234.5) == "1.234,5"
        with use_locale("en-US"):
            assert number(1234.5) == "1,234.5"
        assert number(1234.5) == "1.234,5"
    assert number(1234.5) == "1,234.5"


def test_a_missing_translation_is_in_english() -> None:
    with use_locale("id"):
        assert gettext("Never {what} before.", what="seen") == "Never seen before."
        assert ngettext("{n} thing never seen", "{n} things never seen", 1) == "1 thing never seen"


def test_there_is_a_catalogue_for_a_locale_of_discord() -> None:
    """A catalogue that no locale uses, such as `pt-br.po`, would be read by nobody."""
    assert languages() - {"en"} <= {language_of(locale) for locale in LOCALES}
