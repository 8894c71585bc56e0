"""The settings that members type: what is read from them, and what is wrong with them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.image_models import MODELS, ImageModel, Parameter
from bot.domain.model_settings import (
    TEXT_LIMIT,
    Mistake,
    SettingsRefused,
    SettingValues,
    join,
    read_settings,
    settable,
    split,
)

IDEOGRAM, SEEDREAM, KONTEXT = (MODELS[each] for each in ("ideogram-v3", "seedream-3-0", "flux-kontext-pro"))


@pytest.mark.parametrize(
    ("model", "text", "values"),
    [
        (IDEOGRAM, "", ()),
        (IDEOGRAM, " , ,", ()),
        (IDEOGRAM, "seed=42", (("seed", 42),)),
        (IDEOGRAM, "Style: realistic", (("style", "REALISTIC"),)),
        (IDEOGRAM, "seed=7,rendering speed=turbo", (("rendering_speed", "TURBO"), ("seed", 7))),
        (IDEOGRAM, 'negative_prompt="fog, rain", seed=1', (("seed", 1), ("negative_prompt", "fog, rain"))),
        (IDEOGRAM, "negative prompt=“fog, rain”", (("negative_prompt", "fog, rain"),)),
        (IDEOGRAM, "negativePrompt=it's foggy", (("negative_prompt", "it's foggy"),)),
        (IDEOGRAM, "negative-prompt=a=b", (("negative_prompt", "a=b"),)),
        (IDEOGRAM, "negative_prompt='fog", (("negative_prompt", "'fog"),)),
        (SEEDREAM, "guidance_scale=2.5", (("guidance_scale", 2.5),)),
        (SEEDREAM, "guidance_scale=3.0, seed=0", (("guidance_scale", 3), ("seed", 0))),
        (KONTEXT, "enable_translation=FALSE", (("enableTranslation", "false"),)),
    ],
)
def test_settings_are_read(model: ImageModel, text: str, values: SettingValues) -> None:
    assert read_settings(model, text) == values


@pytest.mark.parametrize(
    ("model", "text", "mistakes"),
    [
        (IDEOGRAM, "seed", [(Mistake.NO_PAIR, "seed")]),
        (IDEOGRAM, "=5", [(Mistake.NO_PAIR, "")]),
        (IDEOGRAM, "colour=red", [(Mistake.UNKNOWN, "colour")]),
        (IDEOGRAM, "seed=-1", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=1.5", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=nan, style=manga", [(Mistake.VALUE, "seed"), (Mistake.VALUE, "style")]),
        (IDEOGRAM, "seed=inf", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=1, SEED=2", [(Mistake.TWICE, "SEED")]),
        (IDEOGRAM, "seed=", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "negative_prompt=" + "x" * (TEXT_LIMIT + 1), [(Mistake.VALUE, "negative_prompt")]),
        (SEEDREAM, "guidance_scale=10.1", [(Mistake.VALUE, "guidance_scale")]),
        (SEEDREAM, "seed=2147483648", [(Mistake.VALUE, "seed")]),
        (KONTEXT, "safetyTolerance=6", [(Mistake.UNKNOWN, "safetyTolerance")]),
    ],
)
def test_each_mistake_is_named(model: ImageModel, text: str, mistakes: list[tuple[Mistake, str]]) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings(model, text)
    assert [(each.mistake, each.name) for each in refused.value.mistakes] == mistakes


def allowed(parameter: Parameter) -> st.SearchStrategy[str | int | float]:
    if parameter.options:
        return st.sampled_from(parameter.options)
    if parameter.text:
        text = st.text(st.characters(codec="utf-8", exclude_characters='"”»'), min_size=1, max_size=50)
        return text.filter(lambda value: value == value.strip())
    lowest = parameter.minimum or 0
    highest = lowest + 1000 * parameter.step if parameter.maximum is None else parameter.maximum
    steps = round((highest - lowest) / parameter.step)
    return st.integers(0, steps).map(lambda step: _number(lowest + step * parameter.step))


def _number(value: float) -> float:
    rounded = round(value, 6)
    return int(rounded) if float(rounded).is_integer() else rounded


@given(st.data())
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from([each for each in MODELS.values() if settable(each)]))
    names = data.draw(st.sets(st.sampled_from(sorted(settable(model)))))
    values = tuple(
        (name, data.draw(allowed(parameter))) for name, parameter in settable(model).items() if name in names
    )
    assert read_settings(model, join(values)) == values


@given(st.text())
def test_any_text_is_split_or_refused_and_never_breaks(text: str) -> None:
    split(text)
    for model in (IDEOGRAM, MODELS["qwen-image"]):
        with contextlib.suppress(SettingsRefused):
            assert read_settings(model, join(read_settings(model, text))) == read_settings(model, text)
