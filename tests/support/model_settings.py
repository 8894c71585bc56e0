"""Settings of models, drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.domain.image_models import ImageModel, Parameter, Value
from bot.domain.model_settings import SettingValues, settable

_DELIMITED = st.text("\",= “”'x", min_size=3, max_size=10)
"""Values of what decides where a value ends, which are rare among all characters."""


def on_step(low: float, step: float, number: int) -> float:
    """Return the number that is so many steps above the lowest one."""
    value = round(low + number * step, 6)
    return int(value) if value == int(value) else value


@st.composite
def settings_of(draw: st.DrawFn, model: ImageModel) -> SettingValues:
    """Any of the settings that a member may choose, at any of their values."""
    return tuple(
        (name, draw(_values_of(parameter), label=name))
        for name, parameter in settable(model).items()
        if draw(st.booleans(), label=f"sets {name}")
    )


def _values_of(parameter: Parameter) -> st.SearchStrategy[Value]:
    if parameter.options:
        return st.sampled_from(parameter.options)
    if parameter.text:
        return st.text(st.characters(codec="utf-8"), min_size=1, max_size=50) | _DELIMITED
    low, step = parameter.minimum or 0, parameter.step
    high = low + 10**12 if parameter.maximum is None else parameter.maximum
    return st.integers(0, round((high - low) / step)).map(lambda number: on_step(low, step, number))
