"""The settings of a model beside size and format, as members type them: `seed=42, quality=high`.

A name is that of the model's parameter in any case, with or without `_`, `-` and spaces. A value with a comma
in it is written in quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.domain.image_models import ImageModel, Parameter, Value

SettingValues = tuple[tuple[str, "Value"], ...]
"""Names and values of parameters, in the order of the model's table."""
TEXT_LIMIT: Final = 500
"""Of a value that is a text, in characters."""
_QUOTES: Final = {'"': '"', "“": "”", "'": "'", "„": "“", "«": "»"}
_PAIR: Final = re.compile(r"\s*(?P<name>[^=:,]*?)\s*[=:]\s*")


class Mistake(StrEnum):
    """What is wrong with one of the settings."""

    NO_PAIR = "no_pair"
    """There is no name with a value."""
    UNKNOWN = "unknown"
    """The model has no such setting."""
    TWICE = "twice"
    VALUE = "value"
    """The model does not take the value."""


@dataclass(frozen=True, slots=True)
class SettingMistake:
    """One mistake, with what was typed; `parameter` is None if the name is not known."""

    mistake: Mistake
    name: str
    value: str
    parameter: Parameter | None = None


class SettingsRefused(Exception):
    """Settings cannot be taken."""

    def __init__(self, mistakes: tuple[SettingMistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__(", ".join(f"{each.name}: {each.mistake}" for each in mistakes))


def settable(model: ImageModel) -> dict[str, Parameter]:
    """Return the parameters that members may set, by name."""
    return {name: each for name, each in model.parameters.items() if each.fixed is None}


def read_settings(model: ImageModel, text: str) -> SettingValues:
    """Read settings for a model.

    Raises:
        SettingsRefused: with every mistake.
    """
    names = {_fold(name): name for name in settable(model)}
    found: dict[str, Value] = {}
    mistakes = []
    for typed, raw in split(text):
        name = names.get(_fold(typed))
        if name is None or raw is None:
            mistake = Mistake.UNKNOWN if typed and raw is not None else Mistake.NO_PAIR
            mistakes.append(SettingMistake(mistake, typed, raw or ""))
            continue
        parameter = model.parameters[name]
        value = read_value(parameter, raw)
        if name in found:
            mistakes.append(SettingMistake(Mistake.TWICE, typed, raw, parameter))
        elif value is None:
            mistakes.append(SettingMistake(Mistake.VALUE, typed, raw, parameter))
        else:
            found[name] = value
    if mistakes:
        raise SettingsRefused(tuple(mistakes))
    return tuple((name, found[name]) for name in model.parameters if name in found)


def read_value(parameter: Parameter, text: str) -> Value | None:
    """Return the value that a text means for a parameter; None if the model does not take it."""
    if parameter.options:
        return next((each for each in parameter.options if each.casefold() == text.casefold()), None)
    if parameter.text:
        return text if 0 < len(text) <= TEXT_LIMIT else None
    try:
        number = float(text)
    except ValueError:
        return None
    value = int(number) if number.is_integer() else number
    return value if parameter.allows(value) else None


def split(text: str) -> list[tuple[str, str | None]]:
    """Return names and values, without quotes; a part without `=` has no value."""
    pairs: list[tuple[str, str | None]] = []
    rest = text
    while rest.strip(" ,\n"):
        rest = rest.lstrip(" ,\n")
        match = _PAIR.match(rest)
        if match is None:
            part, _, rest = rest.partition(",")
            pairs.append((part.strip(), None))
            continue
        value, rest = _value(rest[match.end() :])
        pairs.append((match["name"], value))
    return pairs


def join(values: SettingValues) -> str:
    """Return settings as they are typed; `read_settings` reads the same from it."""
    return ", ".join(f"{name}={_quoted(str(value))}" for name, value in values)


def _value(text: str) -> tuple[str, str]:
    """Return the value at the start of a text, and what follows it."""
    if text[:1] in _QUOTES and (end := text.find(_QUOTES[text[0]], 1)) > 0:
        return text[1:end], text[end + 1 :].partition(",")[2]
    value, _, rest = text.partition(",")
    return value.strip(), rest


def _quoted(value: str) -> str:
    plain = value == value.strip() and "," not in value and value[:1] not in _QUOTES and value
    if plain:
        return value
    quote = next((each for each in ('"', "“", "«") if _QUOTES[each] not in value), '"')
    return f"{quote}{value}{_QUOTES[quote]}"


def _fold(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()
