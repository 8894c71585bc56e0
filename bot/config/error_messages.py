"""Describe wrong settings, one line for each mistake. No line shows a value, which may be a secret."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from bot.config.environment import is_file_only, printable, variable, variables
from bot.config.field_types import CONFLICT_ERROR, PLACEHOLDER_ERROR
from bot.config.secret_files import FILE_SUFFIX, is_secret, secret_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_WRONG = {
    "missing": "missing; must be",
    PLACEHOLDER_ERROR: "is the placeholder of the example; must be",
    CONFLICT_ERROR: "replaces the older key without an s, which is set, too: delete one; must be",
}
"""What is wrong, by the type of pydantic's error."""


def unknown_in_file(
    sections: Mapping[str, type[BaseModel]], data: Mapping[str, object], file_name: str
) -> Iterable[str]:
    """Describe each section or key of the file that is unknown, and each section that is no table."""
    dotted = [f"{section}.{key}" for section, keys in sections.items() for key in keys.model_fields]
    for name, table in data.items():
        if name not in sections:
            suggestion = _did_you_mean(name, [*sections, *dotted])
            yield f"{printable(name)}: unknown section in {file_name}{suggestion}"
        elif not isinstance(table, dict):
            yield f"{name}: must be a section, written [{name}] in {file_name}"
        else:
            known = sections[name].model_fields
            for key in table:
                if key not in known:
                    yield f"{name}.{printable(key)}: unknown key in {file_name}{_did_you_mean(key, known)}"


def unknown_in_environment(sections: Mapping[str, type[BaseModel]], names: Iterable[str]) -> Iterable[str]:
    """Describe each of our variables that is unknown; pydantic-settings would ignore it."""
    known = [*variables(sections), *secret_variables(sections)]
    for name in names:
        if name.upper() not in known:
            yield f"{printable(name)}: unknown environment variable{_did_you_mean(name.upper(), known)}"


def wrong_values(
    sections: Mapping[str, type[BaseModel]],
    error: ValidationError,
    file_name: str,
    places: Mapping[tuple[str, str], str],
) -> Iterable[tuple[tuple[str, str], str]]:
    """Describe each wrong value, after its section and key; `places` are those of values from other files.

    Unknown keys are left out, as `unknown_in_file` describes them.
    """
    for mistake in error.errors(include_url=False, include_input=False, include_context=False):
        section, key = (str(part) for part in (*mistake["loc"], "", "")[:2])
        field = sections[section].model_fields.get(key)
        if field is None:
            continue
        if is_file_only(field):
            yield (section, key), _in_table(mistake, file_name)
            continue
        wrong = _WRONG.get(mistake["type"], "must be")
        name = variable(section, key)
        in_file = f", or the file that {name}{FILE_SUFFIX} names" if is_secret(field) else ""
        anywhere = f"{file_name} key {section}.{key}, or environment {name}{in_file}"
        location = places.get((section, key), anywhere)
        yield (section, key), f"{section}.{key}: {wrong} {field.description} ({location})"


def _in_table(mistake: ErrorDetails, file_name: str) -> str:
    """Describe a mistake in one of several tables, by its number and key. They hold no secrets."""
    section, key, *rest = mistake["loc"]
    number = [f"number {int(rest[0]) + 1}"] if rest else []
    inner = [".".join(printable(str(part)) for part in rest[1:])] if rest[1:] else []
    where = ", ".join((f"{section}.{key}", *number, *inner))
    return f"{where}: {mistake['msg'].removeprefix('Value error, ')} ({file_name} only)"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
