"""Describe wrong settings, one line for each mistake. No line shows a value, which may be a secret."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel, ValidationError

PREFIX = "BOT_"
"""Prefix of all environment variables; an unknown one with it is reported."""


def unknown_in_file(
    sections: Mapping[str, type[BaseModel]], data: Mapping[str, object], file_name: str
) -> Iterable[str]:
    """Describe each section or key of the file that is unknown, and each section that is no table."""
    dotted = [f"{section}.{key}" for section, keys in sections.items() for key in keys.model_fields]
    for name, table in data.items():
        if name not in sections:
            suggestion = _did_you_mean(name, [*sections, *dotted])
            yield f"{_printable(name)}: unknown section in {file_name}{suggestion}"
        elif not isinstance(table, dict):
            yield f"{name}: must be a section, written [{name}] in {file_name}"
        else:
            known = sections[name].model_fields
            for key in table:
                if key not in known:
                    yield f"{name}.{_printable(key)}: unknown key in {file_name}{_did_you_mean(key, known)}"


def unknown_in_environment(
    sections: Mapping[str, type[BaseModel]], environ: Mapping[str, str]
) -> Iterable[str]:
    """Describe each unknown variable that begins with `PREFIX`; pydantic-settings would ignore it."""
    known = [_variable(section, key) for section, keys in sections.items() for key in keys.model_fields]
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{_printable(name)}: unknown environment variable{_did_you_mean(name.upper(), known)}"


def wrong_values(
    sections: Mapping[str, type[BaseModel]], error: ValidationError, file_name: str
) -> Iterable[str]:
    """Describe each wrong value; unknown keys are left out, as `unknown_in_file` describes them."""
    for mistake in error.errors(include_url=False, include_input=False, include_context=False):
        section, key = (str(part) for part in (*mistake["loc"], "", "")[:2])
        field = sections[section].model_fields.get(key)
        if field is None:
            continue
        wrong = "missing; must be" if mistake["type"] == "missing" else "must be"
        location = f"{file_name} key {section}.{key}, or environment {_variable(section, key)}"
        yield f"{section}.{key}: {wrong} {field.description} ({location})"


def _variable(section: str, key: str) -> str:
    return f"{PREFIX}{section}__{key}".upper()


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _printable(name: str) -> str:
    """Escape unprintable characters, so that each message is one line."""
    return name if name.isprintable() else ascii(name)
