"""The settings of a model beside size and format, as members type them: `seed=42, quality=high`.

A name is that of the model's parameter in any case, with or without `_`, `-` and spaces. A value with a comma
in it is written in quotes; between `"`, a `"` of its own is written twice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.errors import MemberError, MemberReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.domain.image_models import ImageModel, Parameter, Value

SettingValues = tuple[tuple[str, "Value"], ...]
"""Names and values of parameters, in the order of the model's table; or, of settings that no model has taken,
as they were typed."""
SETTINGS_LIMIT: Final = 1000
"""Of all settings of a request as they are typed, in characters."""
_SEED: Final = "seed"
"""The name of that parameter in every model that has one, as `fold_name` returns it."""
_NUMBER_LIMIT: Final = 30
"""Of a number as it is typed, in characters."""
TEXT_LIMIT: Final = 500
"""Of a value that is a text, in characters."""
_QUOTES: Final = {'"': '"', "“": "”", "'": "'", "„": "“", "«": "»"}
_PAIR: Final = re.compile(r"\s*(?P<name>[^=:,]*?)\s*[=:]\s*")
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"(?!")')


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


def settings_error(
    model: ImageModel, mistakes: tuple[SettingMistake, ...], preset: str | None = None
) -> MemberError:
    """Return the error for a member; `preset` is the name of one whose settings are among them."""
    return MemberError(
        MemberReason.SETTINGS_REFUSED,
        model=model.name,
        names=tuple(settable(model)),
        mistakes=mistakes,
        preset=preset,
    )


def settable(model: ImageModel) -> dict[str, Parameter]:
    """Return the parameters that members may set, by name."""
    return {name: each for name, each in model.parameters.items() if each.fixed is None}


def settable_by_all(models: Sequence[ImageModel]) -> dict[str, Parameter]:
    """Return the parameters of the first model that all others have, too, with the same options."""
    first, *others = map(settable, models)
    return {
        name: parameter
        for name, parameter in first.items()
        if all(name in other and other[name].options == parameter.options for other in others)
    }


def read_settings(model: ImageModel, text: str) -> SettingValues:
    """Read settings for a model.

    Raises:
        SettingsRefused: with every mistake.
    """
    return check_settings(model, split(text))


def check_settings(model: ImageModel, pairs: Iterable[tuple[str, Value]]) -> SettingValues:
    """Return settings as the model has them, from names and values as they were typed or read before.

    Raises:
        SettingsRefused: with every mistake.
    """
    names = {fold_name(name): name for name in settable(model)}
    found: dict[str, Value] = {}
    mistakes = []
    for typed, raw in pairs:
        name, text = names.get(fold_name(typed)), str(raw)
        if not typed or (name is None and not text):
            mistakes.append(SettingMistake(Mistake.NO_PAIR, typed, text))
            continue
        if name is None:
            mistakes.append(SettingMistake(Mistake.UNKNOWN, typed, text))
            continue
        parameter = model.parameters[name]
        value = read_value(parameter, text)
        if name in found:
            mistakes.append(SettingMistake(Mistake.TWICE, typed, text, parameter))
        elif value is None:
            mistakes.append(SettingMistake(Mistake.VALUE, typed, text, parameter))
        else:
            found[name] = value
    if mistakes:
        raise SettingsRefused(tuple(mistakes))
    return tuple((name, found[name]) for name in model.parameters if name in found)


def without_seed(values: SettingValues) -> SettingValues:
    """Return settings without the number from which a model paints the same picture again."""
    return tuple(each for each in values if fold_name(each[0]) != _SEED)


def merge(pairs: Sequence[tuple[str, Value]], others: Sequence[tuple[str, Value]]) -> SettingValues:
    """Return all settings; where both have a name, that of the first counts."""
    chosen = {fold_name(name) for name, _ in pairs}
    return (*(each for each in others if fold_name(each[0]) not in chosen), *pairs)


def read_value(parameter: Parameter, text: str) -> Value | None:
    """Return the value that a text means for a parameter; None if the model does not take it."""
    if parameter.options:
        return next((each for each in parameter.options if each.casefold() == text.casefold()), None)
    if parameter.text:
        return text if 0 < len(text) <= TEXT_LIMIT else None
    value = _read_number(text)
    return value if value is not None and parameter.allows(value) else None


def _read_number(text: str) -> int | float | None:
    """Return the number that is typed with a point or a comma; None if it is none."""
    if len(text) > _NUMBER_LIMIT:
        return None
    try:
        # A float may not hold a long whole number exactly.
        number = int(text) if _WHOLE.fullmatch(text) else float(text.replace(",", "."))
    except ValueError:
        return None
    return int(number) if isinstance(number, float) and number.is_integer() else number


def split(text: str) -> SettingValues:
    """Return names and values as they were typed, without quotes; a part without `=` has no value."""
    return tuple((name, value or "") for name, value in _parts(text))


def _parts(text: str) -> list[tuple[str, str | None]]:
    """Return each part of a text as a name and a value; None if it has no `=`."""
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
    return ", ".join(f"{name}={_quoted(str(value))}" if value != "" else name for name, value in values)


def to_json(values: SettingValues) -> str | None:
    """Return settings for a column, where numbers stay numbers; None if there are none."""
    return json.dumps(values, separators=(",", ":")) if values else None


def from_json(text: str | None) -> SettingValues:
    """Return the settings in a column."""
    return () if text is None else tuple((name, value) for name, value in json.loads(text))


def complete(parameters: Mapping[str, Parameter], typed: str) -> list[str]:
    """Return how settings may go on that were typed so far: with the names and the choices that are left."""
    parts = _parts(typed)
    ends = typed.rstrip(" \n")[-1:] in {"", ","}
    name, value = ("", None) if ends else parts.pop()
    used = {fold_name(each) for each, _ in parts}
    left = {each: parameter for each, parameter in parameters.items() if fold_name(each) not in used}
    begun = join(tuple((each, text or "") for each, text in parts))
    if value is None:
        return [_joined(begun, each) for each in _continuations(left) if fold_name(name) in fold_name(each)]
    known = next((each for each in left if fold_name(each) == fold_name(name)), None)
    if known is None:
        return []
    options = left.pop(known).options
    chosen = [each for each in options if value.casefold() in each.casefold()]
    finished = read_value(parameters[known], value)
    if finished is None:
        return [_joined(begun, f"{known}={each}") for each in chosen]
    whole = _joined(begun, f"{known}={_quoted(str(finished))}")
    return [whole, *(_joined(whole, each) for each in _continuations(left))]


def _continuations(parameters: Mapping[str, Parameter]) -> list[str]:
    """Return each name with `=`, and with each of its choices."""
    return [
        text
        for name, each in parameters.items()
        for text in ([f"{name}={option}" for option in each.options] or [f"{name}="])
    ]


def _joined(begun: str, rest: str) -> str:
    return f"{begun}, {rest}" if begun else rest


def _value(text: str) -> tuple[str, str]:
    """Return the value at the start of a text, and what follows it."""
    if match := _QUOTED.match(text):
        return match[1].replace('""', '"'), text[match.end() :].partition(",")[2]
    if text[:1] in _QUOTES and text[0] != '"' and (end := text.find(_QUOTES[text[0]], 1)) > 0:
        return text[1:end], text[end + 1 :].partition(",")[2]
    value, _, rest = text.partition(",")
    return value.strip(), rest


def _quoted(value: str) -> str:
    """Return a value between quotes if it needs them."""
    if value == value.strip() and "," not in value and value[:1] not in _QUOTES:
        return value
    doubled = value.replace('"', '""')
    return f'"{doubled}"'


def fold_name(name: str) -> str:
    """Return a name without what may be left out of it."""
    return re.sub(r"[\s_-]", "", name).casefold()
