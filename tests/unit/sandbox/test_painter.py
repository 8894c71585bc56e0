"""The painter: the right size and format, the same picture twice, and something to recognise in it."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.painter import SIZES, paint
from sandbox.painter.prompt_parser import parse_prompt


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def mean(picture: Image.Image, box: tuple[float, float, float, float]) -> tuple[float, float, float]:
    """The mean colour of a part, given in shares of the picture."""
    width, height = picture.size
    part = picture.convert("RGB").crop(
        (int(box[0] * width), int(box[1] * height), int(box[2] * width), int(box[3] * height))
    )
    red, green, blue = ImageStat.Stat(part).mean
    return red, green, blue


@pytest.mark.parametrize(("size", "pixels"), SIZES.items())
def test_every_size_has_its_pixels(size: str, pixels: tuple[int, int]) -> None:
    assert opened(paint("a boat", size, "png")).size == pixels


@pytest.mark.parametrize("output_format", ["png", "jpeg"])
def test_the_format_is_the_one_asked_for(output_format: str) -> None:
    assert opened(paint("a boat", "square", output_format)).format == output_format.upper()


def test_the_same_prompt_paints_the_same_bytes() -> None:
    first = paint("three owls at night", "square", "png")
    paint.cache_clear()
    assert paint("three owls at night", "square", "png") == first


def test_another_prompt_paints_another_picture() -> None:
    assert paint("a fox", "square", "png") != paint("a fox!", "square", "png")


def test_the_subject_has_the_colour_the_prompt_gives_it() -> None:
    middle = (0.4, 0.3, 0.6, 0.5)
    red, _, blue = mean(opened(paint("a red heart", "square", "png")), middle)
    assert red > 2 * blue
    red, _, blue = mean(opened(paint("a blue heart", "square", "png")), middle)
    assert blue > 1.5 * red


def test_night_is_darker_than_day() -> None:
    whole = (0.0, 0.0, 1.0, 1.0)
    night = mean(opened(paint("a house at night", "square", "png")), whole)
    winter = mean(opened(paint("a house in winter", "square", "png")), whole)
    assert sum(night) < sum(winter) / 1.5


def test_a_reference_stays_visible_under_the_subject() -> None:
    reference = Image.new("RGB", (640, 480), (30, 160, 60))
    reference.paste((200, 40, 40), (0, 0, 640, 160))
    buffer = io.BytesIO()
    reference.save(buffer, "PNG")
    picture = opened(paint("with a cat", "square", "png", buffer.getvalue()))
    top, bottom = mean(picture, (0, 0, 1, 0.25)), mean(picture, (0, 0.4, 0.15, 0.7))
    assert top[0] > top[1] + 40
    assert bottom[1] > bottom[0] + 40
    alone = opened(paint("with a dog", "square", "png", buffer.getvalue()))
    assert ImageChops.difference(picture.convert("RGB"), alone.convert("RGB")).getbbox() is not None


@pytest.mark.parametrize("prompt", ["", "   ", "狐狸 🦊", "existential dread", "x" * 5000, "a\nb\0c"])
def test_a_prompt_it_does_not_understand_becomes_an_abstract(prompt: str) -> None:
    assert opened(paint(prompt, "square", "png")).size == (512, 512)


def test_a_reference_that_is_no_picture_is_an_error() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        paint("a cat", "square", "png", b"no picture")


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("two foxes and a robot", ["fox", "fox", "robot"]),
        ("Wolves in the snow", ["wolf"]),
        ("a rose house", ["house"]),
        ("a catalogue of dogma", []),
        ("seven hundred words", []),
    ],
)
def test_subjects_are_read_from_the_prompt(prompt: str, names: list[str]) -> None:
    assert [subject.name for subject in parse_prompt(prompt, random.Random(1)).subjects] == names


def test_a_colour_belongs_to_the_noun_it_stands_before() -> None:
    scene = parse_prompt("a black cat by a turquoise lake with a dog", random.Random(1))
    assert [subject.colour is not None for subject in scene.subjects] == [True, False]
    assert scene.water is not None
