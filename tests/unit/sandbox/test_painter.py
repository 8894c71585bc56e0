"""The painter: the right size and format, the same picture twice, and something to recognise in it."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.painter import SIZES, paint
from sandbox.painter.canvas import Box
from sandbox.painter.prompt_parser import SUBJECTS, Subject, parse_prompt
from sandbox.painter.scenery import draw_scenery
from sandbox.painter.sky import draw_weather
from sandbox.painter.subjects import draw_subject


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
        ("puppies and daisies", ["dog", "flower"]),
        ("six owls and 2 robots", ["owl", "robot", "robot"]),
        ("five cats, four dogs", ["cat", "cat", "cat", "cat", "cat"]),
    ],
)
def test_subjects_are_read_from_the_prompt(prompt: str, names: list[str]) -> None:
    assert [subject.name for subject in parse_prompt(prompt, random.Random(1)).subjects] == names


def test_a_colour_belongs_to_the_noun_it_stands_before() -> None:
    scene = parse_prompt("a black cat by a turquoise lake with a dog", random.Random(1))
    assert [subject.colour is not None for subject in scene.subjects] == [True, False]
    assert scene.water is not None


BACKGROUND = (128, 128, 128)
BLUE = (40, 90, 220)


def canvas() -> Image.Image:
    return Image.new("RGB", (200, 200), BACKGROUND)


def changed_pixels(picture: Image.Image, other: Image.Image) -> int:
    difference = ImageChops.difference(picture, other).convert("L").point(lambda value: 255 * (value > 0))
    return int(ImageStat.Stat(difference).sum[0] / 255)


def bluish_pixels(picture: Image.Image) -> int:
    red, _, blue = picture.split()
    return int(
        ImageStat.Stat(ImageChops.subtract(blue, red).point(lambda value: 255 * (value > 60))).sum[0] / 255
    )


def draw(name: str, colour: tuple[int, int, int] | None, *props: str) -> Image.Image:
    picture = canvas()
    subject = Subject(name, colour, frozenset(props))
    draw_subject(picture, subject, Box(100, 100, 70), "day", random.Random(1))
    return picture


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_subject_is_drawn_in_its_own_colour_or_in_the_given_one(name: str) -> None:
    assert changed_pixels(draw(name, None), canvas()) > 2000
    assert bluish_pixels(draw(name, BLUE)) > bluish_pixels(draw(name, None)) + 300


@pytest.mark.parametrize("prop", ["hat", "crown", "scarf", "glasses"])
def test_only_subjects_with_a_head_wear_something(prop: str) -> None:
    assert changed_pixels(draw("cat", None, prop), draw("cat", None)) > 100
    assert changed_pixels(draw("car", None, prop), draw("car", None)) == 0


@pytest.mark.parametrize("word", ["starry", "sun", "moon", "rainbow", "cloudy", "rain", "snowy"])
def test_weather_is_drawn_onto_the_picture(word: str) -> None:
    picture = canvas()
    draw_weather(picture, parse_prompt(f"a {word} day", random.Random(1)), random.Random(1))
    assert changed_pixels(picture, canvas()) > 100


@pytest.mark.parametrize("mood", ["winter", "night"])
@pytest.mark.parametrize("word", ["mountains", "forest", "sea", "city", "meadow"])
def test_the_scenery_is_that_of_the_prompt(word: str, mood: str) -> None:
    pictures = [
        draw_scenery((200, 200), parse_prompt(f"{mood} {text}", random.Random(1)), random.Random(1))
        for text in ("", word)
    ]
    assert changed_pixels(*pictures) > 400


@pytest.mark.parametrize("prompt", ["at night", "a green evening"])
def test_a_reference_is_tinted_by_the_mood(prompt: str) -> None:
    reference = Image.new("RGB", (512, 512), BACKGROUND)
    data = io.BytesIO()
    reference.save(data, "PNG")
    painted = opened(paint(prompt, "square", "png", data.getvalue())).convert("RGB")
    assert changed_pixels(painted, reference) > 100_000
