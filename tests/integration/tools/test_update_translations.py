"""`make messages` makes catalogues and brings them up to date without losing a translator's work."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest
from babel import Locale
from babel.messages.pofile import read_po

from tests.tools.update_translations import (
    TERMS,
    has_plural_forms_of,
    is_of_discord,
    main,
    plural_forms,
)


def test_a_new_catalogue_has_every_message_and_the_plural_forms_of_its_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pt-BR"], tmp_path) == 1
    with (tmp_path / "pt-BR.po").open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    assert len(catalogue) > 800
    assert capsys.readouterr().out == f"pt-BR.po: {len(catalogue)} messages, {len(catalogue)} to translate\n"
    assert (str(catalogue.locale), catalogue.num_plurals) == ("pt_BR", 2)
    assert all(f"{term} =" in catalogue.header_comment for term in TERMS)


def test_translations_comments_and_marks_of_a_catalogue_are_kept(tmp_path: Path) -> None:
    main(["de"], tmp_path)
    file = tmp_path / "de.po"
    text = file.read_text("utf-8")
    for message, translation in (("Delete", "Löschen"), ("Older", "Älter")):
        text = text.replace(f'msgid "{message}"\nmsgstr ""', f'msgid "{message}"\nmsgstr "{translation}"')
    text = text.replace('msgid "Older"', '#, fuzzy\nmsgid "Older"').replace("#   never:", "#   never: Sie")
    text += '\nmsgid "Gone from the code"\nmsgstr "Weg"\n'
    file.write_text(
        text.replace('msgid "Delete"', 'msgid "Newer"\nmsgstr "Neuer"\n\n# A button.\nmsgid "Delete"', 1)
    )
    main([], tmp_path)
    once = file.read_text("utf-8")
    places = "pictures/buttons.py pictures/group_buttons.py"
    assert f'# A button.\n#: {places}\nmsgid "Delete"\nmsgstr "Löschen"' in once
    assert '#, fuzzy\nmsgid "Older"\nmsgstr "Älter"' in once
    assert "#   never: Sie\nmsgid" in once
    assert "Gone from the code" not in once
    main([], tmp_path)
    assert file.read_text("utf-8") == once


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("xx", "'xx' is none of Discord's locales, which are bg, cs, "),
        ("pt-br", "'pt-br' is none of Discord's locales, which are "),
        ("es_419", "'es_419' is none of Discord's locales, which are "),
        ("../es", "'../es' is none of Discord's locales, which are "),
        ("it", "There is it.po already; without a language, it is brought up to date."),
    ],
)
def test_a_language_that_cannot_be_made_is_explained(tmp_path: Path, language: str, sentence: str) -> None:
    (tmp_path / "it.po").write_text("kept", "utf-8")
    with pytest.raises(SystemExit) as ended:
        main([language], tmp_path)
    assert str(ended.value).startswith(sentence)
    assert [file.name for file in tmp_path.iterdir()] == ["it.po"]
    assert (tmp_path / "it.po").read_text("utf-8") == "kept"


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ('msgid "Delete"\nmsgstr Löschen\n', 6),
        ('msgid "Delete"\nmsgstr "Löschen\n', 6),
        ('msgid "Delete"\nmsgstr "Mit "Löschen" löschen"\n', 6),
        ('msgid "Delete"\nmsgstr "Löschen"\nLöschen\n', 7),
        ('msgid "Delete"\nmsgid "Edit"\nmsgstr "Löschen"\n', 5),
    ],
)
def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, lines: str, number: int) -> None:
    broken = f'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n{lines}'
    (tmp_path / "de.po").write_text(broken, "utf-8")
    with pytest.raises(SystemExit) as ended:
        main([], tmp_path)
    assert str(ended.value).startswith(f"de.po, line {number}: ")
    assert (tmp_path / "de.po").read_text("utf-8") == broken


@pytest.mark.parametrize("locale", [locale.value for locale in discord.Locale])
def test_every_locale_of_discord_has_plural_forms(locale: str) -> None:
    forms, _, expression = plural_forms(Locale.parse(locale, sep="-")).partition("; plural=")
    count = int(forms.removeprefix("nplurals="))
    assert has_plural_forms_of(Locale.parse(locale, sep="-"), count, expression)
    assert is_of_discord(locale)


@pytest.mark.parametrize(
    ("language", "forms", "expression", "right"),
    [
        ("es", 2, "(n != 1)", True),
        ("es", 2, "(n > 1)", False),
        ("es", 1, "0", False),
        ("id", 1, "0", True),
        ("id", 2, "(n != 1)", False),
        ("pl", 2, "(n != 1)", False),
        ("de", 3, "(n != 1)", False),
    ],
)
def test_wrong_plural_forms_are_found(language: str, forms: int, expression: str, right: bool) -> None:
    assert has_plural_forms_of(Locale(language), forms, expression) is right
