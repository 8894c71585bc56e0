"""The catalogue: which models are offered, what they cost now, and which one takes the place of another."""

from __future__ import annotations

import pytest

from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import ANY_FORMAT, MODELS, QWEN_IMAGE
from bot.domain.model_catalog import LiveModel, ModelCatalog, cheaper, default_catalog
from bot.domain.prices import PriceList, ShownPrice

OFFERED = ("qwen-image", "flux-2-pro", "z-image", "seedream-4-5")


@pytest.fixture
def catalog() -> ModelCatalog:
    return ModelCatalog(MODELS, OFFERED)


def live(*model_ids: str) -> list[LiveModel]:
    """The list of Rivya, at the prices of the table."""
    return [LiveModel(each, MODELS[each].cost_credits, None, "available") for each in model_ids or OFFERED]


def test_before_the_list_is_read_the_table_holds(catalog: ModelCatalog) -> None:
    assert catalog.default is QWEN_IMAGE
    assert [model.model_id for model in catalog.offered] == list(OFFERED)
    assert catalog.require("flux-2-pro") is MODELS["flux-2-pro"]
    assert catalog.cheapest_credits == 1
    assert not catalog.is_offered("nano-banana")
    assert default_catalog().offered == (QWEN_IMAGE,)


def test_sizes_and_formats_are_those_of_all_offered_models(catalog: ModelCatalog) -> None:
    assert catalog.sizes[: len(QWEN_IMAGE.sizes)] == QWEN_IMAGE.sizes
    assert set(catalog.sizes) == {size for model in catalog.offered for size in model.sizes}
    assert catalog.file_formats == ("png", "jpeg")
    assert ModelCatalog(MODELS, ["z-image"]).file_formats == (ANY_FORMAT,)


def test_a_price_of_rivya_is_used_at_once(catalog: ModelCatalog) -> None:
    catalog.update([*live("qwen-image", "z-image", "seedream-4-5"), LiveModel("flux-2-pro", 6)])
    assert catalog.require("flux-2-pro").cost_credits == 6
    assert [entry.table_credits for entry in catalog.entries() if entry.model.name == "Flux 2 Pro"] == [5]
    catalog.update(live())
    assert catalog.require("flux-2-pro").cost_credits == 5


def test_a_prompt_limit_only_shrinks(catalog: ModelCatalog) -> None:
    catalog.update([LiveModel("qwen-image", 4, 800), LiveModel("z-image", 1, 9000)])
    assert catalog.require("qwen-image").prompt_limit == 800
    assert catalog.require("z-image").prompt_limit == 1000
    catalog.update([LiveModel("qwen-image")])
    assert catalog.require("qwen-image") == QWEN_IMAGE


@pytest.mark.parametrize("gone", ["z-image", "flux-2-pro"])
def test_a_model_that_rivya_does_not_have_now_is_refused_and_another_named(
    catalog: ModelCatalog, gone: str
) -> None:
    rest = [each for each in live() if each.model_id != gone]
    for now in (rest, [*rest, LiveModel(gone, None, None, "coming_soon")]):
        catalog.update(now)
        with pytest.raises(MemberError) as refused:
            catalog.require(gone)
        assert refused.value.reason is MemberReason.MODEL_UNAVAILABLE
        assert refused.value.data == {"model": MODELS[gone].name, "nearest": "Qwen Image"}
    assert catalog.find(gone) == MODELS[gone]


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("nano-banana", "qwen-image"),  # 3 credits, with references: z-image takes none
        ("4o-image", "qwen-image"),  # 3 credits, without references
        ("flux-2-flex", "seedream-4-5"),  # 14
        ("removed-from-the-settings", "qwen-image"),
    ],
)
def test_the_nearest_model_takes_references_and_costs_about_as_much(
    catalog: ModelCatalog, wanted: str, nearest: str
) -> None:
    assert catalog.offered_or_nearest(wanted).model_id == nearest


def test_with_nothing_available_there_is_no_nearest_and_forms_have_the_default(catalog: ModelCatalog) -> None:
    catalog.update([LiveModel(model_id, status="studio_only") for model_id in MODELS])
    assert catalog.nearest("z-image") is None
    assert catalog.offered_or_nearest("z-image") == QWEN_IMAGE
    with pytest.raises(MemberError) as refused:
        catalog.require("qwen-image")
    assert refused.value.data == {"model": "Qwen Image", "nearest": None}


@pytest.mark.parametrize("listed", [[], [LiveModel("something-else", 3)]])
def test_a_list_without_any_known_model_changes_nothing(
    catalog: ModelCatalog, listed: list[LiveModel]
) -> None:
    catalog.update([LiveModel("qwen-image", 7)])
    catalog.update(listed)
    assert catalog.default.cost_credits == 7


def test_the_price_list_has_the_available_models_the_default_first(catalog: ModelCatalog) -> None:
    assert [price.credits for price in catalog.price_list.prices] == [4, 5, 1, 7]
    assert [price.can_rise for price in catalog.price_list.prices] == [False, True, False, True]
    catalog.update([LiveModel("qwen-image"), LiveModel("flux-2-pro", 6)])
    assert [(price.model_name, price.credits) for price in catalog.price_list.prices] == [
        ("Qwen Image", 4),
        ("Flux 2 Pro", 6),
    ]
    assert catalog.cheapest_credits == 4


def test_with_one_model_its_price_has_neither_a_name_nor_a_range() -> None:
    assert ModelCatalog(MODELS, ["nano-banana-pro"]).price_list == PriceList((ShownPrice(8),))


@pytest.mark.parametrize(
    ("left", "name"),
    [(6, "Flux 2 Pro"), (4, "Qwen Image"), (3, "Z Image"), (0, None)],
)
def test_a_cheaper_model_is_the_closest_that_credits_are_enough_for(
    catalog: ModelCatalog, left: int, name: str | None
) -> None:
    found = cheaper(MODELS["seedream-4-5"], left, catalog.available)
    assert (None if found is None else found.name) == name


def test_no_other_model_is_cheaper_than_the_cheapest(catalog: ModelCatalog) -> None:
    assert cheaper(MODELS["z-image"], 100, catalog.available) is None
