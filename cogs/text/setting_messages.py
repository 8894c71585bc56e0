"""The settings of models in messages: what was chosen, and why a request is refused because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.image_models import MAX_NUMBER
from bot.domain.model_settings import TEXT_LIMIT, Mistake, join
from cogs.text.escaping import code_span, escape
from cogs.text.terms import FILENAME_UNITS, model_text
from cogs.text.translation import gettext, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.domain.image_models import Parameter
    from bot.domain.model_settings import SettingMistake, SettingValues
    from cogs.text.error_data import Data

SETTINGS_UNITS: Final = 500
"""How much of all settings a message repeats."""
_TYPED_UNITS: Final = 60
"""How much of one name or value a message repeats."""
_MISTAKES_SHOWN: Final = 10
_CHOICES_SHOWN: Final = 25


def settings_text(settings: SettingValues) -> str:
    """Return settings as they are typed."""
    return code_span(join(settings), SETTINGS_UNITS)


def chosen_settings(settings: SettingValues) -> str:
    """Return the sentence that says with which settings a picture will be made; "" without any."""
    return gettext("With the settings {settings}.", settings=settings_text(settings)) if settings else ""


def settings_refused(data: Data) -> str:
    """Return the sentence for SETTINGS_REFUSED: each mistake, and what is allowed instead."""
    model, mistakes, preset = data.get("model"), data.get("mistakes"), data.get("preset")
    if not isinstance(model, str) or not isinstance(mistakes, tuple):
        return gettext("The model does not take these settings. Please change them, and try again.")
    name, names = model_text(model), _codes(data.get("names"))
    lines = [f"- {_mistake(each)}" for each in mistakes[:_MISTAKES_SHOWN]]
    if len(mistakes) > len(lines):
        lines.append("- …")
    unknown = any(each.mistake in {Mistake.UNKNOWN, Mistake.NO_PAIR} for each in mistakes)
    if not names:
        others = gettext("{model} has no settings.", model=name)
    else:
        others = gettext("{model} has these settings: {names}.", model=name, names=names) if unknown else ""
    by = ""
    if isinstance(preset, str):
        by = gettext("The preset {name} has settings, too.", name=escape(preset, FILENAME_UNITS))
    title = gettext(
        "{model} does not take the settings as they are. Please change them, and try again.", model=name
    )
    return "\n".join(filter(None, (title, others, by, *lines)))


def _mistake(each: SettingMistake) -> str:
    name, value = (code_span(text, _TYPED_UNITS) for text in (each.name, each.value))
    if each.mistake is Mistake.UNKNOWN:
        return gettext("There is no setting {name}.", name=name)
    if each.mistake is Mistake.TWICE:
        return gettext("{name} is there twice.", name=name)
    if each.mistake is Mistake.NO_PAIR or each.parameter is None:
        return gettext(
            "{words}: a name and a value are needed, such as `seed=42`. Put a value with a comma in quotes.",
            words=name or value,
        )
    allowed = allowed_text(each.parameter)
    if not value:
        return gettext("{name} needs a value: {allowed}.", name=name, allowed=allowed)
    return gettext("{name} has to be {allowed}, not {value}.", name=name, value=value, allowed=allowed)


def allowed_text(parameter: Parameter) -> str:
    """Return which values a parameter takes."""
    if parameter.options:
        return gettext("one of {choices}", choices=_codes(parameter.options))
    if parameter.text:
        return gettext("a text of at most {n} characters", n=number(TEXT_LIMIT))
    low = -MAX_NUMBER if parameter.minimum is None else parameter.minimum
    high = MAX_NUMBER if parameter.maximum is None else parameter.maximum
    bounds = {"low": f"{low:.16g}", "high": f"{high:.16g}"}
    if float(parameter.step).is_integer():
        return gettext("a whole number from {low} to {high}", **bounds)
    return gettext("a number from {low} to {high} in steps of {step}", step=f"{parameter.step:g}", **bounds)


def _codes(names: object) -> str:
    words: Sequence[object] = names if isinstance(names, tuple) else ()
    return ", ".join(_shown(code_span(str(each), _TYPED_UNITS) for each in words))


def _shown(words: Iterable[str]) -> list[str]:
    shown = list(words)
    return shown if len(shown) <= _CHOICES_SHOWN else [*shown[:_CHOICES_SHOWN], "…"]
