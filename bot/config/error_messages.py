"""What is said about wrong settings: one readable line a mistake, and no line shows a value."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel, ValidationError

PREFIX = "BOT_"
"""Every environment variable that is ours begins with it; one that does and is unknown is a mistake."""


def unknown_in_file(
    sections: Mapping[str, type[BaseModel]], data: Mapping[str, object], file_name: str
) -> Iterable[str]:
    """One line for each section or key of the file that does not exist, or is no section where one stands."""
    dotted = [f"{section}.{key}" for section, keys in sections.items() for key in keys.model_fields]
    for name, table in data.items():
        if name not in sections:
            yield f"{_shown(name)}: unknown section in {file_name}{_did_you_mean(name, [*sections, *dotted])}"
        elif not isinstance(table, dict):
            yield f"{name}: must be a section, written [{name}] in {file_name}"
        else:
            known = sections[name].model_fields
            for key in table:
                if key not in known:
                    yield f"{name}.{_shown(key)}: unknown key in {file_name}{_did_you_mean(key, known)}"


def unknown_in_environment(
    sections: Mapping[str, type[BaseModel]], environ: Mapping[str, str]
) -> Iterable[str]:
    """One line for each variable that begins like ours but is none; pydantic-settings would let it pass."""
    known = [_variable(section, key) for section, keys in sections.items() for key in keys.model_fields]
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{_shown(name)}: unknown environment variable{_did_you_mean(name.upper(), known)}"


def wrong_values(
    sections: Mapping[str, type[BaseModel]], error: ValidationError, file_name: str
) -> Iterable[str]:
    """One line a wrong key; unknown names are left out here, they have their line already."""
    for mistake in error.errors(include_url=False, include_input=False, include_context=False):
        section, key = (str(part) for part in (*mistake["loc"], "", "")[:2])
        field = sections[section].model_fields.get(key)
        if field is None:
            continue
        wrong = "missing; must be" if mistake["type"] == "missing" else "must be"
        where = f"{file_name} key {section}.{key}, or environment {_variable(section, key)}"
        yield f"{section}.{key}: {wrong} {field.description} ({where})"


def _variable(section: str, key: str) -> str:
    return f"{PREFIX}{section}__{key}".upper()


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(name: str) -> str:
    """A quoted TOML key may hold line ends, and a mistake is one line."""
    return name if name.isprintable() else ascii(name)
