"""Each model paints in a style of its own, and shows what it was told beside the prompt."""

from __future__ import annotations

import io
import itertools
import random
import time

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.fake_rivya.manner import manner_of
from sandbox.fake_rivya.model_catalog import MODELS
from sandbox.painter import Manner, paint
from sandbox.painter.prompt_parser import Subject, parse_prompt, without
from sandbox.painter.styles import STYLES, style_of

PROMPT = "a red fox and a blue bird in a forest at night"
DISTINCT = 6
"""Mean difference of a channel, 0 to 255, from which two pictures are clearly not the same."""


def painted(model_id: str, size: str = "square", **options: object) -> Image.Image:
    manner = Manner(model_id=model_id, **options)  # type: ignore[arg-type]  # by name
    picture = Image.open(io.BytesIO(paint(PROMPT, size, "png", None, manner)))
    picture.load()
    return picture


def difference(picture: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(picture, other)).mean)


def test_every_model_has_a_style_that_is_unlike_all_others() -> None:
    assert STYLES.keys() == MODELS.keys()
    pictures = {model_id: painted(model_id) for model_id in STYLES}
    alike = [
        (one, other)
        for one, other in itertools.combinations(pictures, 2)
        if difference(pictures[one], pictures[other]) < DISTINCT
    ]
    assert alike == []


@pytest.mark.parametrize("model_id", STYLES)
def test_a_style_keeps_every_shape_and_takes_few_seconds_of_the_processor(model_id: str) -> None:
    for size, pixels in (("8:1", (1024, 128)), ("1:8", (128, 1024)), ("16:9", (1024, 576))):
        began = time.thread_time()
        assert painted(model_id, size).size == pixels
        assert time.thread_time() - began < 5


@pytest.mark.parametrize("model_id", STYLES)
def test_a_style_paints_the_same_bytes_again(model_id: str) -> None:
    first = paint(PROMPT, "square", "png", None, Manner(model_id=model_id))
    paint.cache_clear()
    assert paint(PROMPT, "square", "png", None, Manner(model_id=model_id)) == first


@pytest.mark.parametrize("model_id", STYLES)
def test_a_style_paints_over_a_reference_of_one_colour(model_id: str) -> None:
    data = io.BytesIO()
    Image.new("RGB", (40, 30), (90, 90, 90)).save(data, "PNG")
    file = paint("nothing much", "square", "jpeg", data.getvalue(), Manner(model_id=model_id, detail=1.6))
    assert Image.open(io.BytesIO(file)).size == (512, 512)


def test_a_model_that_the_table_lacks_always_has_the_same_style() -> None:
    assert style_of("new-model") is style_of("new-model")
    assert style_of("new-model") in STYLES.values()


def test_another_seed_is_another_picture_and_the_same_one_the_same() -> None:
    assert painted("ideogram-v3", seed="7") == painted("ideogram-v3", seed="7")
    assert difference(painted("ideogram-v3", seed="7"), painted("ideogram-v3", seed="8")) > 1


def test_what_the_negative_prompt_names_is_left_out() -> None:
    scene = parse_prompt(PROMPT, random.Random(1))
    assert {subject.emoji for subject in scene.subjects} == {"🦊", "🐦"}
    spared = without(scene, "birds, forest, night")
    assert [subject.emoji for subject in spared.subjects] == ["🦊"]
    assert (scene.mood, spared.mood) == ("night", "day")
    assert "forest" in scene.features
    assert "forest" not in spared.features
    ridden = parse_prompt("a giraffe riding a bicycle", random.Random(1))
    assert without(ridden, "giraffe").subjects == (Subject("🚲"),)
    assert without(scene, "existential dread") == scene
    assert difference(painted("ideogram-v3"), painted("ideogram-v3", negative_prompt="bird")) > 1


@pytest.mark.parametrize(
    ("model_id", "params", "manner"),
    [
        ("qwen-image", {"image_size": "square", "output_format": "png"}, Manner()),
        ("gpt-image-2", {"resolution": "4K"}, Manner("gpt-image-2", enlargement=4)),
        ("seedream-4-0", {"image_resolution": "2K"}, Manner("seedream-4-0", enlargement=2)),
        ("seedream-4-5", {"quality": "high"}, Manner("seedream-4-5", detail=1.6)),
        ("grok-imagine", {"enable_pro": "true"}, Manner("grok-imagine", detail=1.6)),
        ("ideogram-v3", {"rendering_speed": "TURBO"}, Manner("ideogram-v3", detail=0.6)),
        ("ideogram-v3", {"style": "DESIGN", "seed": 0}, Manner("gpt-image-2", seed="0")),
        ("ideogram-v3", {"style": "AUTO", "expand_prompt": "true"}, Manner("ideogram-v3")),
        ("seedream-3-0", {"guidance_scale": 10}, Manner("seedream-3-0", detail=2.0)),
        ("wan-2-7-image", {"watermark": "true"}, Manner("wan-2-7-image", watermark="wan-2-7-image")),
        ("wan-2-7-image", {"watermark": "false"}, Manner("wan-2-7-image")),
        ("flux-kontext-pro", {"watermark": "Kuas"}, Manner("flux-kontext-pro", watermark="Kuas")),
        ("google-imagen4-ultra", {"seed": "a text"}, Manner("google-imagen4-ultra", seed="a text")),
        ("nano-banana-2", {"google_search": "true"}, Manner("nano-banana-2")),
    ],
)
def test_parameters_say_how_a_picture_is_painted(
    model_id: str, params: dict[str, object], manner: Manner
) -> None:
    assert manner_of(model_id, params) == manner


def test_every_picture_of_one_task_is_another_one() -> None:
    seeds = {manner_of("seedream-4-0", {"seed": 3}, number).seed for number in range(6)}
    assert len(seeds) == 6


def test_detail_enlargement_and_watermark_are_seen() -> None:
    usual = painted("nano-banana")
    for options in ({"detail": 0.6}, {"detail": 1.6}, {"watermark": "Kuas"}):
        assert difference(usual, painted("nano-banana", **options)) > 0.3
    assert painted("nano-banana", enlargement=4).size == (2048, 2048)
