"""The form of a request: it takes every prompt that a model takes, and returns it unchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.image_models import MODELS, QWEN_IMAGE, ImageModel
from bot.domain.jobs import Preset, Reference
from bot.jobs.requests.drafts import Draft
from cogs.imagine.form import TEXTS, apply_input, composition_form, fits, read, split
from cogs.text.escaping import utf16_length
from cogs.ui.discord_limits import FORM_PARTS, TEXT_INPUT_UNITS

REFERENCE = Reference(
    url="https://cdn.example/a.png", filename="a" * 300 + ".png", content_type=None, size_bytes=9
)
WORDS = st.text(st.characters(codec="utf-16"), min_size=1, max_size=12)
PROMPTS = st.one_of(
    st.text(st.characters(codec="utf-16"), max_size=QWEN_IMAGE.prompt_limit),
    st.builds(
        lambda words, times, separator: (separator.join(words) * times)[: QWEN_IMAGE.prompt_limit],
        st.lists(WORDS, min_size=1, max_size=40),
        st.integers(1, 400),
        st.sampled_from([" ", "\n", "  ", " \n", ""]),
    ),
)


def draft(prompt: str, **fields: Any) -> Draft:
    defaults: dict[str, Any] = {"model": QWEN_IMAGE.model_id, "private": True, "spoiler": False}
    return Draft(
        draft_id=2**63 - 1,
        guild_id=1,
        user_id=2,
        prompt=prompt,
        size=QWEN_IMAGE.sizes[1],
        format="jpeg",
        **(defaults | fields),
    )


def submit_unchanged(form: dict[str, Any]) -> dict[str, Any]:
    """Return what a client submits for a form in which nothing was changed."""
    components = []
    for part in form["components"]:
        field = part["component"]
        answer: dict[str, Any] = {"type": field["type"], "custom_id": field["custom_id"]}
        chosen = [option["value"] for option in field.get("options", ()) if option.get("default")]
        if "options" not in field:
            answer |= {"value": field.get("value") or ""} if "value" in field else {"values": []}
        elif field["custom_id"] == "format":
            answer["value"] = chosen[0]
        else:
            answer["values"] = chosen
        components.append({"type": part["type"], "component": answer})
    return {"components": components}


@given(PROMPTS)
@example("🦊" * QWEN_IMAGE.prompt_limit)
@example("x" * 3200 + "🦊" * 1800)
@example(("🦊 " * QWEN_IMAGE.prompt_limit)[: QWEN_IMAGE.prompt_limit])
def test_every_prompt_that_a_model_takes_comes_back_unchanged(prompt: str) -> None:
    given = draft(prompt, references=(REFERENCE,))
    form = composition_form(given, QWEN_IMAGE).to_dict()
    assert len(form["components"]) <= FORM_PARTS
    assert apply_input(given, read(submit_unchanged(form)), QWEN_IMAGE) == given


@given(PROMPTS)
def test_a_prompt_is_split_without_losing_a_character(prompt: str) -> None:
    parts = split(prompt)
    assert "".join(separator + text for separator, text in parts) == prompt
    assert all(utf16_length(text) <= TEXT_INPUT_UNITS for _, text in parts)
    assert len(parts) <= TEXTS


def test_a_prompt_is_split_between_words() -> None:
    (_, first), (separator, second) = split(" ".join(f"word{number:04}" for number in range(500)))
    assert (first[-8:-4], separator, second[:4]) == ("word", " ", "word")


def test_a_prompt_longer_than_any_model_takes_does_not_fit() -> None:
    assert fits("x" * 12_000)
    assert not fits("x" * 12_001)


def test_an_unknown_size_changes_nothing() -> None:
    given = draft("a fox")
    answer = submit_unchanged(composition_form(given, QWEN_IMAGE).to_dict())
    (size,) = [part["component"] for part in answer["components"] if part["component"]["custom_id"] == "size"]
    size["values"] = ["as_big_as_a_house"]
    assert apply_input(given, read(answer), QWEN_IMAGE) == given


def test_an_empty_submission_has_empty_fields() -> None:
    typed = read({})
    assert (typed.prompt, typed.size, typed.format, typed.references) == ("", None, None, ())


def test_the_longest_names_fit_the_form() -> None:
    preset = Preset("p" * 32, "before " * 100, "after " * 100)
    form = composition_form(
        draft("x", preset=preset, references=(REFERENCE,)), QWEN_IMAGE, note="n" * 500
    ).to_dict()
    assert next(part["label"] for part in form["components"]) == "Prompt"


def references(count: int) -> tuple[Reference, ...]:
    return tuple(replace(REFERENCE, filename=f"{number}{'🦊' * 200}.png") for number in range(1, count + 1))


@pytest.mark.parametrize(("count", "values"), [(1, {"keep"}), (2, {"keep1", "keep2"}), (9, {"keep"})])
def test_references_can_be_left_out_one_by_one_where_the_form_has_room(count: int, values: set[str]) -> None:
    model = MODELS["nano-banana"]
    given = draft("a fox", model=model.model_id, references=references(count))
    answer = submit_unchanged(composition_form(given, model).to_dict())
    assert apply_input(given, read(answer), model) == given
    (options,) = [
        part["component"] for part in answer["components"] if part["component"]["custom_id"] == "options"
    ]
    assert {value for value in options["values"] if value.startswith("keep")} == values
    options["values"] = sorted(values)[1:]
    assert apply_input(given, read(answer), model).references == given.references[1 : len(values)]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_form_of_every_model_takes_as_many_files_as_it_and_discord_do(model: ImageModel) -> None:
    given = draft("a fox", model=model.model_id, references=references(model.reference_count))
    form = composition_form(given, model).to_dict()
    uploads = [
        part["component"] for part in form["components"] if part["component"]["custom_id"] == "reference"
    ]
    assert [field["max_values"] for field in uploads] == (
        [min(10, model.reference_count)] if model.reference_count else []
    )
