"""The card and the form of every model, and what a choice on the card makes of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from discord import ui

from bot.domain.image_models import MODELS, ImageModel
from bot.domain.jobs import Preset, Reference
from bot.domain.model_catalog import ModelCatalog
from bot.domain.model_settings import settable
from bot.domain.prices import Quote
from bot.jobs.requests.draft_choices import (
    for_model,
    for_models,
    lost_settings,
    with_format,
    with_pictures,
    with_setting,
    with_size,
)
from bot.jobs.requests.drafts import Draft, draft_from
from cogs.imagine import form
from cogs.imagine.draft_card_views import card_view
from cogs.text.translation import use_locale
from cogs.ui.discord_limits import CHOICES, FORM_PARTS
from tests.support.factories import make_request

CATALOG = ModelCatalog(MODELS, tuple(MODELS))
NANO, IDEOGRAM = MODELS["nano-banana-2"], MODELS["ideogram-v3"]
EVERY_MODEL = pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.model_id)


def draft_of(model: ImageModel, **changes: object) -> Draft:
    draft = draft_from(replace(make_request(), model=model.model_id, settings=()))
    return replace(for_model(draft, model), **changes)  # type: ignore[arg-type]  # each test has its own


def lists(
    draft: Draft, catalog: ModelCatalog = CATALOG, unusable: Mapping[str, str] | None = None
) -> list[ui.Select[ui.LayoutView]]:
    view = card_view(draft, catalog, [Quote(4)] * max(len(draft.models), 1), unusable or {})
    return [each for each in view.walk_children() if isinstance(each, ui.Select)]


@EVERY_MODEL
@pytest.mark.parametrize("locale", ["en-US", "id", "es-ES"])
def test_every_model_has_a_card_that_discord_takes(model: ImageModel, locale: str) -> None:
    with use_locale(locale):
        found = lists(draft_of(model))
    choices = [each for each in settable(model).values() if each.options]
    assert len(found) == 2 + (len(model.file_formats) > 1) + len(choices)
    for each in found:
        assert 1 <= len(each.options) <= CHOICES
        assert sum(option.default for option in each.options) == 1


@pytest.mark.parametrize("place", [0, 5, 39])
def test_of_more_models_than_a_list_has_room_for_the_chosen_one_is_in_it(place: int) -> None:
    own = {f"m{number}": replace(IDEOGRAM, model_id=f"m{number}") for number in range(40)}
    models = lists(draft_of(own[f"m{place}"]), ModelCatalog(own, tuple(own)))[0]
    assert len(models.options) == CHOICES
    assert [option.value for option in models.options if option.default] == [f"m{place}"]
    denied = {f"m{number}": "not allowed" for number in range(10)}
    models = lists(draft_of(own[f"m{place}"]), ModelCatalog(own, tuple(own)), denied)[0]
    assert len(models.options) == CHOICES
    assert [option.value for option in models.options if option.default] == [f"m{place}"]
    assert {option.value for option in models.options} & denied.keys() <= {f"m{place}"}


@EVERY_MODEL
@pytest.mark.parametrize("prompt", ["a fox", "fox " * 1200, "🦊" * 5000])
@pytest.mark.parametrize("with_extras", [False, True])
def test_every_model_has_a_form_that_keeps_what_it_does_not_show(
    model: ImageModel, prompt: str, with_extras: bool
) -> None:
    draft = draft_of(model, prompt=prompt)
    if with_extras:
        draft = replace(
            draft,
            references=(Reference("https://cdn/r.png", "r.png", "image/png", 5),),
            preset=Preset("Oil", "oil", ""),
            settings=(("seed", "not a number"),),
        )
    shown = form.composition_form(draft, model)
    assert len(shown.children) <= FORM_PARTS
    components = shown.to_dict()["components"]
    data = {"components": [_filled(part) for part in components], "resolved": {}}
    again = form.apply_input(draft, form.read(data), model)
    assert again == replace(draft, settings=again.settings)
    assert [str(value) for _, value in again.settings] == [str(value) for _, value in draft.settings]


@EVERY_MODEL
@pytest.mark.parametrize("pictures", [1, 4])
@pytest.mark.parametrize("prompt", ["a fox", "🦊" * 5000])
@pytest.mark.parametrize("after_card", [False, True])
def test_the_number_of_pictures_comes_back_from_every_form(
    model: ImageModel, pictures: int, prompt: str, after_card: bool
) -> None:
    for limit in (4, 1) if pictures == 1 else (4,):
        draft = draft_of(model, prompt=prompt, pictures=pictures, picture_limit=limit)
        shown = form.composition_form(draft, model, after_card=after_card)
        assert len(shown.children) <= FORM_PARTS
        components = shown.to_dict()["components"]
        ids = {part["component"]["custom_id"] for part in components}
        assert limit > 1 or form.PICTURES not in ids
        assert form.PICTURES in ids or "4 pictures" in str(components) or pictures == 1
        data = {"components": [_filled(part) for part in components], "resolved": {}}
        assert form.apply_input(draft, form.read(data), model) == draft


def test_a_number_above_the_limit_of_the_server_becomes_one_that_can_be_asked_for() -> None:
    draft = draft_of(NANO, pictures=4, picture_limit=2)
    components = form.composition_form(draft, NANO).to_dict()["components"]
    data = {"components": [_filled(part) for part in components], "resolved": {}}
    assert form.apply_input(draft, form.read(data), NANO).pictures == 2
    assert [with_pictures(draft, typed).pictures for typed in ("1", "2", "3", "0", "x")] == [1, 2, 4, 4, 4]


@pytest.mark.parametrize("locale", ["en-US", "id", "es-ES"])
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_the_card_of_a_comparison_is_one_that_discord_takes(locale: str, limit: int) -> None:
    models = [
        MODELS[name] for name in ("ideogram-v3", "nano-banana-2", "flux-2-flex", "google-imagen4-ultra")
    ]
    draft = for_models(draft_of(IDEOGRAM, pictures=4, picture_limit=limit), models)
    assert (draft.pictures, len(draft.models)) == (1, 4)
    with use_locale(locale):
        chosen, size = lists(draft)[:2]
    assert chosen.max_values == limit
    assert {option.value for option in chosen.options if option.default} == {
        model.model_id for model in models[:limit]
    }
    assert size.max_values == 1
    assert with_pictures(draft, "2") is draft
    plain = for_models(draft, [NANO])
    assert (plain.model, plain.models) == (NANO.model_id, ())


def _filled(part: object) -> object:
    """Return a part of a form as it is sent in by somebody who changes nothing."""
    assert isinstance(part, dict)
    component = dict(part["component"])
    options = component.get("options", ())
    chosen = [option["value"] for option in options if option.get("default")]
    if component["type"] == 21:  # a radio group has one value
        component["value"] = chosen[0]
    elif options:
        component["values"] = chosen
    return {**part, "component": component}


def test_a_choice_that_the_model_does_not_take_changes_nothing() -> None:
    draft = draft_of(NANO, settings=(("resolution", "2K"),))
    assert with_size(draft, NANO, "circle") is draft
    assert with_format(draft, NANO, "gif") is draft
    for name, value in (("resolution", "9K"), ("seed", "1"), ("", "")):
        assert with_setting(draft, NANO, name, value) is draft
    assert with_setting(draft, NANO, "resolution", "4K").settings == (("resolution", "4K"),)
    assert with_size(draft, NANO, "portrait_8_1").size == "portrait_8_1"
    assert with_format(draft, NANO, "png").format == "png"


def test_a_choice_keeps_what_was_typed_with_mistakes() -> None:
    draft = draft_of(NANO, settings=(("colour", "red"), ("Resolution", "9K")))
    changed = with_setting(draft, NANO, "resolution", "4K")
    assert changed.settings == (("colour", "red"), ("resolution", "4K"))


def test_another_model_takes_the_nearest_size_and_what_it_knows_of_the_settings() -> None:
    draft = draft_of(IDEOGRAM, size="landscape_16_9", settings=(("style", "DESIGN"), ("seed", 5)))
    seedream = for_model(draft, MODELS["seedream-3-0"])
    assert (seedream.size, seedream.settings) == ("landscape_16_9", (("seed", 5),))
    assert lost_settings(draft, seedream) == (("style", "DESIGN"),)
    image = for_model(draft, MODELS["4o-image"])
    assert (image.size, image.asked_size, image.settings) == ("landscape_3_2", "landscape_16_9", ())
    assert for_model(image, IDEOGRAM).size == "landscape_16_9"  # as it was asked for
