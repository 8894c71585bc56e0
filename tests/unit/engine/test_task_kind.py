"""Which tasks count as of one kind."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.jobs import Reference
from bot.domain.model_catalog import default_catalog
from bot.engine.polling.task_kind import MAX_KINDS, TaskKind, kind_of
from tests.support.factories import make_request

CATALOG = default_catalog()


def test_a_reference_makes_another_kind() -> None:
    reference = Reference("https://cdn.example/fox.png", "fox.png", "image/png", 200)
    assert kind_of(make_request(), CATALOG) == TaskKind("qwen-image", with_reference=False)
    assert kind_of(make_request(reference=reference), CATALOG) == TaskKind("qwen-image", with_reference=True)


def test_settings_that_move_the_price_make_another_kind_and_others_do_not() -> None:
    request = replace(
        make_request(), model="ideogram-v3", settings=(("rendering_speed", "TURBO"), ("seed", 42))
    )
    assert kind_of(request, CATALOG) == TaskKind(
        "ideogram-v3", with_reference=False, settings=(("rendering_speed", "TURBO"),)
    )
    usual = replace(
        make_request(), model="ideogram-v3", settings=(("rendering_speed", "BALANCED"), ("seed", 42))
    )
    assert kind_of(usual, CATALOG) == TaskKind("ideogram-v3", with_reference=False)


def test_a_model_that_is_gone_has_a_kind() -> None:
    request = replace(make_request(), model="gone", settings=(("quality", "high"),))
    assert kind_of(request, CATALOG) == TaskKind("gone", with_reference=False)


def test_every_kind_of_the_known_models_has_room() -> None:
    kinds = 0
    for model in CATALOG.known:
        moving = [each for each in model.parameters.values() if each.moves_price and each.fixed is None]
        kinds += (1 + sum(len(each.options) - 1 for each in moving)) * (2 if model.reference_count else 1)
    assert 23 <= kinds <= MAX_KINDS
