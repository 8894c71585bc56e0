"""The table of models: what it says of five of them, and that Rivya takes what is made from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.image_models import ANY_FORMAT, MODELS, SIZES, ImageModel, Parameter, Value, nearest_size
from bot.domain.jobs import UploadedReference
from bot.rivya.models import create_body
from sandbox.fake_rivya.errors import ApiError
from sandbox.fake_rivya.model_catalog import MODELS as FAKE_MODELS
from sandbox.fake_rivya.request_validation import CreateRequest, parse_create

ALL = list(MODELS.values())
PARAMETERS = [
    pytest.param(model, name, each, id=f"{model.model_id}-{name}")
    for model in ALL
    for name, each in model.parameters.items()
]


def sent(
    model: ImageModel, prompt: str = "a fox", references: int = 0, params: Mapping[str, Value] | None = None
) -> CreateRequest:
    """Send a request to the fake Rivya, with the default size and format."""
    body = json.loads(
        create_body(
            model,
            prompt=prompt,
            size=model.sizes[0],
            format=model.file_formats[0],
            references=[UploadedReference(f"https://f/{n}", "image/png") for n in range(references)],
            client_request_id="job-1",
        )
    )
    body["params"] |= params or {}
    return parse_create(json.dumps(body).encode(), FAKE_MODELS)


SIZES_OF_QWEN = ["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
SIZES_OF_WAN = [
    *("square_hd", "landscape_16_9", "landscape_4_3", "landscape_21_9"),
    *("portrait_4_3", "portrait_16_9", "landscape_8_1", "portrait_8_1"),
]


@pytest.mark.parametrize(
    ("model_id", "cost_credits", "prompt_limit", "references", "megabytes", "sizes", "formats"),
    [
        ("qwen-image", 4, 5000, 1, 10, SIZES_OF_QWEN, ["png", "jpeg"]),
        ("4o-image", 3, 5000, 0, 10, ["square_hd", "landscape_3_2", "portrait_3_2"], [ANY_FORMAT]),
        ("gpt-image-1-5", 4, 5000, 16, 10, ["square_hd", "portrait_3_2", "landscape_3_2"], [ANY_FORMAT]),
        ("wan-2-7-image-pro", 12, 5000, 9, 20, SIZES_OF_WAN, [ANY_FORMAT]),
        ("ideogram-v3", 7, 5000, 0, 10, SIZES_OF_QWEN, [ANY_FORMAT]),
    ],
)
def test_five_models_are_as_their_pages_say(
    model_id: str,
    cost_credits: int,
    prompt_limit: int,
    references: int,
    megabytes: int,
    sizes: list[str],
    formats: list[str],
) -> None:
    model = MODELS[model_id]
    assert (model.cost_credits, model.prompt_limit) == (cost_credits, prompt_limit)
    assert (model.reference_count, model.reference_limit_bytes) == (references, megabytes * 1_000_000)
    assert (list(model.sizes), list(model.file_formats)) == (sizes, formats)


def test_the_table_has_every_model_of_rivya_at_its_price() -> None:
    assert {each.model_id: each.cost_credits for each in ALL} == {
        spec.model_id: spec.base_credits for spec in FAKE_MODELS.values()
    }


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.model_id)
def test_rivya_takes_every_size_and_format(model: ImageModel) -> None:
    asked = set()
    for size in model.sizes:
        for file_format in model.file_formats:
            body = create_body(
                model,
                prompt="a fox",
                size=size,
                format=file_format,
                references=(),
                client_request_id="job-1",
            )
            request = parse_create(body.encode(), FAKE_MODELS)
            asked.add((request.size, request.output_format))
            assert file_format in {ANY_FORMAT, request.output_format}
    assert len(asked) == len(model.sizes) * len(model.file_formats)  # no two are the same for Rivya


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.model_id)
def test_rivya_takes_a_prompt_and_references_up_to_the_limits_and_not_beyond(model: ImageModel) -> None:
    assert sent(model, "x" * model.prompt_limit).prompt
    if FAKE_MODELS[model.model_id].prompt_limit == model.prompt_limit:  # else the page names no limit
        with pytest.raises(ApiError):
            sent(model, "x" * (model.prompt_limit + 1))
    assert sent(model, references=model.reference_count).model.model_id == model.model_id
    with pytest.raises(ApiError):
        sent(model, references=model.reference_count + 1)


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.model_id)
def test_a_request_at_the_defaults_costs_what_the_table_says(model: ImageModel) -> None:
    request = sent(model)
    assert request.model.cost(request.params) == model.cost_credits


@pytest.mark.parametrize(("model", "name", "parameter"), PARAMETERS)
def test_rivya_takes_what_a_parameter_allows_and_refuses_what_it_does_not(
    model: ImageModel, name: str, parameter: Parameter
) -> None:
    allowed, refused = samples(parameter)
    for value in allowed:
        assert parameter.allows(value)
        assert sent(model, params={name: value}).params[name] == value
    for value in refused:
        assert not parameter.allows(value)
        with pytest.raises(ApiError):
            sent(model, params={name: value})


@pytest.mark.parametrize(("model", "name", "parameter"), PARAMETERS)
def test_only_parameters_that_are_said_to_move_the_price_do(
    model: ImageModel, name: str, parameter: Parameter
) -> None:
    allowed, _ = samples(parameter)
    requests = [sent(model, params={name: value}) for value in allowed]
    prices = {request.model.cost(request.params) for request in requests}
    assert (len(prices) > 1) == parameter.moves_price


def samples(parameter: Parameter) -> tuple[list[Value], list[Value]]:
    """Return values at the bounds of a parameter, and values just beyond."""
    if parameter.options:
        return [*parameter.options], [f"{parameter.options[0]}x", 1, 0.5]
    if parameter.text:
        return ["", "fog, rain", "42"], [1, 0.5]
    low = parameter.minimum or 0
    high = low + 1000 * parameter.step if parameter.maximum is None else parameter.maximum
    allowed: list[Value] = [low, low + parameter.step, high]
    beyond: list[Value] = [low - parameter.step, low + parameter.step / 2, "1"]
    return allowed, beyond if parameter.maximum is None else [*beyond, high + parameter.step]


def test_what_is_about_safety_is_always_sent_and_is_the_strictest() -> None:
    fixed = {
        (model.model_id, name): each.fixed
        for model in ALL
        for name, each in model.parameters.items()
        if each.fixed is not None
    }
    assert fixed == {
        ("qwen2-image", "nsfw_checker"): "true",
        ("seedream-4-0", "nsfw_checker"): "true",
        ("flux-kontext-pro", "safetyTolerance"): 0,
        ("flux-kontext-max", "safetyTolerance"): 0,
    }
    for (model_id, name), value in fixed.items():
        assert sent(MODELS[model_id]).params[name] == value


def test_what_an_admin_loosens_is_what_the_pages_have_by_themselves() -> None:
    loose = {
        (model.model_id, name): each.loose
        for model in ALL
        for name, each in model.parameters.items()
        if each.loose is not None
    }
    assert loose == {
        ("qwen2-image", "nsfw_checker"): "false",
        ("seedream-4-0", "nsfw_checker"): "false",
        ("flux-kontext-pro", "safetyTolerance"): 2,
        ("flux-kontext-max", "safetyTolerance"): 2,
    }
    for model in ALL:
        strict, loosened = (model.params("square", "png", loose_safety=each) for each in (False, True))
        changed = {name for name in strict if strict[name] != loosened[name]}
        assert changed == {name for model_id, name in loose if model_id == model.model_id}
        assert model.can_loosen is bool(changed)


@pytest.mark.parametrize(
    "parameter", [{"options": ("a", "b"), "loose": "a"}, {"options": ("a", "b"), "fixed": "a", "loose": "c"}]
)
def test_a_parameter_is_loosened_from_a_fixed_value_to_an_allowed_one(parameter: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="loose"):
        Parameter(**parameter)


@given(st.sampled_from(sorted(SIZES)), st.sampled_from(ALL))
def test_the_nearest_size_is_one_on_offer_and_no_other_is_nearer(size: str, model: ImageModel) -> None:
    nearest = nearest_size(size, model.sizes)
    assert nearest in model.sizes
    wanted, found = SIZES[size], SIZES[nearest]
    if size in model.sizes:
        assert nearest == size
    elif wanted is None or found is None:
        assert nearest == model.sizes[0]
    else:
        for other in filter(None, map(SIZES.get, model.sizes)):
            assert abs(stretch(wanted) - stretch(found)) <= abs(stretch(wanted) - stretch(other)) + 1e-9


def stretch(ratio: tuple[int, int]) -> float:
    return math.log(ratio[0] / ratio[1])


def test_a_square_of_old_rows_is_a_square_everywhere() -> None:
    assert all(nearest_size("square", model.sizes) in {"square", "square_hd"} for model in ALL)


def test_a_request_keeps_a_size_that_the_model_lacks() -> None:
    assert MODELS["z-image"].params("landscape_21_9", "png") == {"aspect_ratio": "landscape_21_9"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": ("a", "b"), "text": True},
        {"options": ("a", "b"), "minimum": 1},
        {"text": True, "maximum": 1},
        {"options": ("a", "b"), "fixed": "c"},
        {"minimum": 0, "maximum": 6, "fixed": 7},
        {"minimum": True},
        {"step": math.nan},
        {"step": 0},
        {"minimum": 0, "fixed": 0, "step": -1},
    ],
)
def test_a_parameter_of_two_kinds_or_with_a_wrong_value_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Parameter(**wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("options", [("1:1", "square_hd"), ("1:1", "7:5"), ("1:1", "1:1"), (), ("1:1", "")])
def test_a_model_whose_sizes_have_no_shape_or_repeat_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        replace(MODELS["z-image"], shapes={"parameter": "aspect_ratio", "options": options})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["image_size", "output_format", "referenceMediaItems"])
def test_a_parameter_cannot_take_the_place_of_size_format_or_references(name: str) -> None:
    with pytest.raises(ValueError, match="that of the size, the format or the references"):
        replace(MODELS["qwen-image"], parameters={name: Parameter(text=True)})


def test_the_settings_that_move_the_price_are_compared_whatever_their_order_and_without_defaults() -> None:
    ideogram, flux = MODELS["ideogram-v3"], MODELS["flux-2-pro"]
    assert ideogram.price_settings((("seed", 4), ("rendering_speed", "TURBO"))) == (
        ("rendering_speed", "TURBO"),
    )
    assert ideogram.price_settings((("rendering_speed", "BALANCED"), ("style", "REALISTIC"))) == ()
    assert flux.price_settings((("gone", "4K"), ("resolution", "2K"))) == (("resolution", "2K"),)
    two = replace(
        flux,
        parameters={
            "a": Parameter(default=1, minimum=1, moves_price=True),
            "b": Parameter(minimum=1, moves_price=True),
        },
    )
    assert two.price_settings((("b", 1), ("a", 2))) == (("a", 2), ("b", 1))
    assert two.price_settings((("b", 1), ("a", 1))) == (("b", 1),)
