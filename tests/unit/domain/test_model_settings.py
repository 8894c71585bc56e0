"""The settings that members type: what is read from them, and what is wrong with them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.image_models import MAX_NUMBER, MODELS, ImageModel, Parameter
from bot.domain.model_settings import (
    TEXT_LIMIT,
    Mistake,
    SettingsRefused,
    SettingValues,
    check_settings,
    complete,
    from_json,
    join,
    merge,
    read_settings,
    settable,
    split,
    to_json,
)
from bot.rivya.models import create_body
from sandbox.fake_rivya.model_catalog import MODELS as FAKE_MODELS
from sandbox.fake_rivya.request_validation import parse_create
from tests.support.model_settings import settings_of

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
        (IDEOGRAM, 'negative_prompt="a ""b"", c"', (("negative_prompt", 'a "b", c'),)),
        (IDEOGRAM, 'negative_prompt="fog, rain', None),
        (IDEOGRAM, "seed=9007199254740991", (("seed", 2**53 - 1),)),
        (IDEOGRAM, " seed = +7 , ", (("seed", 7),)),
        (SEEDREAM, "guidance_scale=2.5", (("guidance_scale", 2.5),)),
        (SEEDREAM, "guidance_scale=3.0, seed=0", (("guidance_scale", 3), ("seed", 0))),
        (SEEDREAM, 'guidance_scale="2,5"', (("guidance_scale", 2.5),)),
        (KONTEXT, "enable_translation=FALSE", (("enableTranslation", "false"),)),
    ],
)
def test_settings_are_read(model: ImageModel, text: str, values: SettingValues | None) -> None:
    if values is None:  # the quote is never closed, so the comma ends the value
        with pytest.raises(SettingsRefused):
            read_settings(model, text)
        return
    assert read_settings(model, text) == values


@pytest.mark.parametrize(
    ("model", "text", "mistakes"),
    [
        (IDEOGRAM, "seed", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "high", [(Mistake.NO_PAIR, "high")]),
        (IDEOGRAM, "=5", [(Mistake.NO_PAIR, "")]),
        (IDEOGRAM, "colour=red", [(Mistake.UNKNOWN, "colour")]),
        (IDEOGRAM, "seed=-1", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=1.5", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=nan, style=manga", [(Mistake.VALUE, "seed"), (Mistake.VALUE, "style")]),
        (IDEOGRAM, "seed=inf", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=9007199254740992", [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=" + "9" * 5000, [(Mistake.VALUE, "seed")]),
        (IDEOGRAM, "seed=1e400", [(Mistake.VALUE, "seed")]),
        (MODELS["seedream-4-0"], "max_images=7", [(Mistake.VALUE, "max_images")]),
        (MODELS["seedream-4-0"], "max_images=0", [(Mistake.VALUE, "max_images")]),
        (MODELS["seedream-4-0"], "max_images=1.5", [(Mistake.VALUE, "max_images")]),
        (MODELS["qwen2-image"], "nsfw_checker=false", [(Mistake.UNKNOWN, "nsfw_checker")]),
        (MODELS["wan-2-7-image"], "watermark=false", [(Mistake.UNKNOWN, "watermark")]),
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


@given(st.data())
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from([each for each in MODELS.values() if settable(each)]))
    values = data.draw(settings_of(model))
    assert read_settings(model, join(values)) == values
    assert check_settings(model, values) == values
    assert from_json(to_json(values)) == values


@given(st.text())
def test_any_text_is_split_or_refused_and_never_breaks(text: str) -> None:
    split(text)
    for model in (IDEOGRAM, MODELS["qwen-image"]):
        with contextlib.suppress(SettingsRefused):
            assert read_settings(model, join(read_settings(model, text))) == read_settings(model, text)


EVERY_SETTING = [
    pytest.param(model, name, id=f"{model.model_id}-{name}")
    for model in MODELS.values()
    for name in settable(model)
]


def body_with(model: ImageModel, settings: SettingValues) -> bytes:
    """Return the body of a create call with settings and the model's defaults."""
    return create_body(
        model,
        prompt="a fox",
        size=model.sizes[0],
        format=model.file_formats[0],
        references=(),
        client_request_id="job-1",
        settings=settings,
    ).encode()


@pytest.mark.parametrize(("model", "name"), EVERY_SETTING)
def test_rivya_takes_each_setting_at_its_bounds_and_one_step_beyond_is_refused_here(
    model: ImageModel, name: str
) -> None:
    inside, beyond = bounds(model.parameters[name])
    for typed in inside:
        values = read_settings(model, f"{name}={typed}")
        sent = parse_create(body_with(model, values), FAKE_MODELS).params[name]
        assert (sent,) == tuple(value for _, value in values)
        assert type(sent) is type(values[0][1])
    for typed in beyond:
        with pytest.raises(SettingsRefused) as refused:
            read_settings(model, f"{name}={typed}")
        assert [each.mistake for each in refused.value.mistakes] == [Mistake.VALUE]


def bounds(parameter: Parameter) -> tuple[list[str], list[str]]:
    """Return values at the bounds of a parameter, as they are typed, and values one step beyond."""
    if parameter.options:
        return [*parameter.options], [f"{each}x" for each in parameter.options]
    if parameter.text:
        return ["x", "42", "x" * TEXT_LIMIT], ["", "x" * (TEXT_LIMIT + 1)]
    low, step = parameter.minimum or 0, parameter.step
    high = MAX_NUMBER if parameter.maximum is None else parameter.maximum
    middle = [low, round(low + step, 6), high]
    return list(map(str, middle)), [str(low - step), str(round(high + step, 6)), str(low + step / 2)]


def test_what_is_always_sent_cannot_be_replaced_by_settings_of_an_older_row() -> None:
    model = MODELS["seedream-4-0"]
    body = body_with(model, (("max_images", 6), ("nsfw_checker", "false"), ("image_size", "square")))
    params = parse_create(body, FAKE_MODELS).params
    assert (params["max_images"], params["nsfw_checker"]) == (6, "true")
    assert params["image_size"] == "square_hd"


def test_of_two_settings_with_one_name_the_first_counts() -> None:
    assert merge((("Seed", "1"),), (("seed", "2"), ("style", "AUTO"))) == (("style", "AUTO"), ("Seed", "1"))


IDEOGRAM_NAMES = [
    *("rendering_speed=BALANCED", "rendering_speed=TURBO", "rendering_speed=QUALITY"),
    *("style=AUTO", "style=GENERAL", "style=REALISTIC", "style=DESIGN"),
    *("expand_prompt=true", "expand_prompt=false", "seed=", "negative_prompt="),
]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", IDEOGRAM_NAMES),
        ("  ", IDEOGRAM_NAMES),
        ("ren", IDEOGRAM_NAMES[:3]),
        ("Prompt", ["expand_prompt=true", "expand_prompt=false", "negative_prompt="]),
        ("turbo", ["rendering_speed=TURBO"]),
        ("style=", IDEOGRAM_NAMES[3:7]),
        ("style=re", ["style=REALISTIC"]),
        ("style=realistic, rend", [f"style=realistic, {each}" for each in IDEOGRAM_NAMES[:3]]),
        (
            'negative_prompt="fog, rain", see',
            ['negative_prompt="fog, rain", seed='],
        ),
        ("seed=", []),
        ("seed=abc", []),
        ("unknown=", []),
        ("nothing", []),
        ("seed=1, seed=", []),
        ("seed=42,", [f"seed=42, {each}" for each in IDEOGRAM_NAMES if each != "seed="]),
        ("seed=42", ["seed=42", *(f"seed=42, {each}" for each in IDEOGRAM_NAMES if each != "seed=")]),
    ],
)
def test_the_next_name_or_value_is_offered(typed: str, offered: list[str]) -> None:
    assert complete(settable(IDEOGRAM), typed) == offered


@given(st.text(max_size=60))
def test_whatever_was_typed_can_be_completed(text: str) -> None:
    for model in MODELS.values():
        assert all(isinstance(each, str) for each in complete(settable(model), text))
