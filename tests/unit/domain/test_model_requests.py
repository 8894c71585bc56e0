"""Whatever is accepted for any model has a body that Rivya takes; what Rivya refuses is refused first."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import (
    ANY_FORMAT,
    MAX_NUMBER,
    MODELS,
    PROMPT_LIMIT,
    SIZES,
    ImageModel,
    Parameter,
    nearest_size,
)
from bot.domain.jobs import Preset, Reference, Request, UploadedReference
from bot.domain.model_settings import (
    SETTINGS_LIMIT,
    SettingsRefused,
    join,
    read_settings,
    settable,
)
from bot.jobs.requests.request_options import resolve
from bot.jobs.requests.validation import validate_request
from bot.rivya.models import create_body
from sandbox.fake_rivya.errors import ApiError
from sandbox.fake_rivya.model_catalog import MODELS as FAKE_MODELS
from sandbox.fake_rivya.request_validation import CreateRequest, parse_create
from tests.support.factories import make_request
from tests.support.model_settings import on_step, settings_of

NO_DATABASE = sqlite3.connect(":memory:")
"""A request whose options are all given needs nothing of it."""
ANY_MODEL = st.sampled_from(list(MODELS.values()))
LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"])
"""Also those that are two in UTF-16."""


def limit_of(model: ImageModel) -> int:
    return min(model.prompt_limit, PROMPT_LIMIT)


@st.composite
def prompts(draw: st.DrawFn, model: ImageModel) -> str:
    """A prompt of any length that the model takes, often the longest."""
    letters = draw(st.text(LETTERS, min_size=1, max_size=20))
    length = draw(st.just(limit_of(model)) | st.integers(1, limit_of(model)))
    return (letters * (1 + length // len(letters)))[:length]


@st.composite
def requests(draw: st.DrawFn) -> tuple[ImageModel, Request]:
    """A request as it may stand in an old row: with any size and format, whatever the model has."""
    model = draw(ANY_MODEL)
    prompt, preset = draw(prompts(model)), None
    if len(prompt) > 3 and draw(st.booleans()):
        preset = Preset("words", before=prompt[0], after=prompt[-1])
        prompt = prompt[2:-2] or "x"
    size_bytes = draw(st.sampled_from([1, model.reference_limit_bytes]))
    references = tuple(
        Reference(f"https://cdn/{number}.png", "r.png", "image/png", size_bytes)
        for number in range(draw(st.integers(0, model.reference_count)))
    )
    request = replace(
        make_request(prompt=prompt, references=references),
        model=model.model_id,
        size=draw(st.sampled_from(sorted(SIZES))),
        format=draw(st.sampled_from(["png", "jpeg", ANY_FORMAT])),
        preset=preset,
    )
    return model, request


def at_the_defaults(model: ImageModel) -> Request:
    return replace(make_request(), model=model.model_id, size=model.sizes[0], format=model.file_formats[0])


def resolved(request: Request, model: ImageModel) -> Request:
    request = resolve(NO_DATABASE, request, model)
    validate_request(request, model)
    return request


def body_of(request: Request, model: ImageModel) -> dict[str, Any]:
    uploaded = [
        UploadedReference(reference.url.replace("cdn", "f"), "image/png", "r.png")
        for reference in request.references
    ]
    text = create_body(
        model,
        prompt=request.full_prompt,
        size=request.size,
        format=request.format,
        references=uploaded,
        client_request_id="job-1",
        settings=request.settings,
    )
    body: dict[str, Any] = json.loads(text)
    return body


def sent(body: dict[str, Any]) -> CreateRequest:
    return parse_create(json.dumps(body).encode(), FAKE_MODELS)


@given(requests())
def test_rivya_takes_every_accepted_request_as_it_was_meant(drawn: tuple[ImageModel, Request]) -> None:
    model, request = drawn
    accepted = resolved(request, model)
    taken = sent(body_of(accepted, model))
    assert (taken.model.model_id, taken.prompt) == (model.model_id, request.full_prompt)
    assert taken.size == model.params(nearest_size(request.size, model.sizes), "png")[model.shapes.parameter]
    if request.format in model.file_formats:
        assert accepted.format == request.format
        assert model.formats is None or taken.output_format == request.format
    assert [item.url for item in taken.references] == [
        reference.url.replace("cdn", "f") for reference in request.references
    ]
    assert taken.model.cost(taken.params) == model.cost_credits
    for name, parameter in model.parameters.items():
        assert parameter.fixed is None or taken.params[name] == parameter.fixed


@given(ANY_MODEL, LETTERS)
def test_one_character_beyond_the_limit_is_refused_by_us_first(model: ImageModel, letter: str) -> None:
    full = replace(make_request(prompt=letter * limit_of(model)), model=model.model_id)
    with pytest.raises(MemberError) as refused:
        resolved(replace(full, prompt=full.prompt + "x"), model)
    assert (refused.value.reason, refused.value.data["limit"]) == (
        MemberReason.PROMPT_TOO_LONG,
        limit_of(model),
    )
    longest = body_of(resolved(full, model), model)
    assert sent(longest).prompt == full.prompt
    longest["prompt"] = "x" * (FAKE_MODELS[model.model_id].prompt_limit + 1)
    with pytest.raises(ApiError):
        sent(longest)


@given(ANY_MODEL)
@example(MODELS["z-image"])
@example(MODELS["nano-banana-2"])
def test_a_reference_too_many_or_too_large_is_refused_by_us_first(model: ImageModel) -> None:
    limit_bytes = model.reference_limit_bytes + bool(model.reference_count)
    reference = Reference("https://cdn/r.png", "r.png", "image/png", limit_bytes)
    request = replace(at_the_defaults(model), references=(reference,))
    with pytest.raises(MemberError) as refused:
        resolved(request, model)
    expected = MemberReason.REFERENCE_TOO_BIG if model.reference_count else MemberReason.REFERENCE_UNSUPPORTED
    assert refused.value.reason is expected
    good = replace(reference, size_bytes=1)
    most = replace(request, references=(good,) * model.reference_count)
    assert len(sent(body_of(resolved(most, model), model)).references) == model.reference_count
    beyond = replace(request, references=(good,) * (model.reference_count + 1))
    with pytest.raises(MemberError) as refused:
        resolved(beyond, model)
    many, none = MemberReason.TOO_MANY_REFERENCES, MemberReason.REFERENCE_UNSUPPORTED
    assert refused.value.reason is (many if model.reference_count else none)
    with pytest.raises(ApiError):
        sent(body_of(beyond, model))
    assert limit_bytes - bool(model.reference_count) == FAKE_MODELS[model.model_id].reference_limit_bytes


def beyond(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Any value just outside of a parameter."""
    if parameter.options:
        return st.sampled_from(parameter.options).map(lambda option: f"{option} ") | st.sampled_from(
            [1, True]
        )
    if parameter.text:
        return st.sampled_from([1, 0.5, False])
    low, step = parameter.minimum or 0, parameter.step
    high = MAX_NUMBER if parameter.maximum is None else parameter.maximum
    values: list[Any] = [on_step(low, step, -1), low + step / 2, math.inf, math.nan]
    values.append(on_step(high, step, 1))
    return st.sampled_from(values)


@given(ANY_MODEL, st.data())
def test_any_settings_at_once_are_taken_and_only_some_move_the_price(
    model: ImageModel, data: st.DataObject
) -> None:
    chosen = data.draw(settings_of(model))
    typed = join(chosen)
    if len(typed) <= SETTINGS_LIMIT:
        assert read_settings(model, typed) == chosen
    taken = sent(body_of(replace(at_the_defaults(model), settings=chosen), model))
    assert {name: taken.params[name] for name, _ in chosen} == dict(chosen)
    if not model.price_settings(chosen):
        assert taken.model.cost(taken.params) == model.cost_credits


@given(ANY_MODEL.filter(lambda model: bool(model.parameters)), st.data())
def test_one_step_beyond_a_setting_is_refused_by_us_and_by_rivya(
    model: ImageModel, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(model.parameters)))
    value = data.draw(beyond(model.parameters[name]))
    assert not model.parameters[name].allows(value)
    if name in settable(model) and not model.parameters[name].text and value is not True:
        with pytest.raises(SettingsRefused):
            read_settings(model, f'{name}="{value}"')
    body = body_of(at_the_defaults(model), model)
    body["params"][name] = value
    with pytest.raises(ApiError):
        sent(body)
