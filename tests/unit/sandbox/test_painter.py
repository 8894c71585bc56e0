"""The painter: the right size and format, the same picture twice, and something to recognise in it."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.painter import SIZES, paint
from sandbox.painter.glyphs import find_glyph, render
from sandbox.painter.prompt_parser import Subject, parse_prompt
from sandbox.painter.scenery import draw_scenery
from sandbox.painter.sky import draw_weather
from sandbox.painter.subjects import draw_subjects
from sandbox.painter.vocabulary import COLOURS, subject_names


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


def subjects(prompt: str) -> tuple[Subject, ...]:
    return parse_prompt(prompt, random.Random(1)).subjects


def emoji_of(prompt: str) -> list[str]:
    return [subject.emoji for subject in subjects(prompt)]


@pytest.mark.parametrize(("size", "pixels"), SIZES.items())
def test_every_size_has_its_pixels(size: str, pixels: tuple[int, int]) -> None:
    assert opened(paint("a boat", size, "png")).size == pixels


@pytest.mark.parametrize("output_format", ["png", "jpeg"])
def test_the_format_is_the_one_asked_for(output_format: str) -> None:
    assert opened(paint("a boat", "square", output_format)).format == output_format.upper()


def test_the_same_prompt_paints_the_same_bytes() -> None:
    first = paint("three owls at night", "square", "png")
    paint.cache_clear()
    render.cache_clear()
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


def test_a_prompt_that_names_nothing_has_colours_and_no_subjects() -> None:
    scene = parse_prompt("existential dread in teal", random.Random(1))
    assert (scene.is_empty, scene.subjects, scene.palette[0]) == (True, (), COLOURS["teal"])


@pytest.mark.parametrize(
    ("prompt", "emoji"),
    [
        ("two foxes and a robot", "🦊🦊🤖"),
        ("Wolves in the snow", "🐺"),
        ("a rose house", "🏠"),
        ("a rose", "🌹"),
        ("a catalogue of dogma", ""),
        ("seven hundred words", ""),
        ("three puppies, a goose and mice", "🐕🐕🐕🪿🐁"),
        ("a 🦊 and a 🦉", "🦊🦉"),
        ("dua ekor kucing", "🐈🐈"),
        ("kucing-kucing di taman", "🐈🐈🐈"),
        ("kupu-kupu", "🦋"),
        ("kudanya di pantai", "🐎"),
        ("ten cats and twenty cats", "🐈"),
        ("balon merah dan balon biru", "🎈🎈"),
        ("two snowmen", "☃☃"),
        ("many dogs and many owls", "🐕🐕🐕🐕🐕"),
    ],
)
def test_subjects_are_read_from_the_prompt(prompt: str, emoji: str) -> None:
    assert "".join(emoji_of(prompt)) == emoji


@pytest.mark.parametrize(
    ("prompt", "emoji"),
    [
        ("a polar bear", ["🐻\u200d❄"]),
        ("polar bears", ["🐻\u200d❄"]),
        ("seekor burung hantu", ["🦉"]),
        ("a water buffalo", ["🐃"]),
        ("seekor kucing hitam", ["🐈\u200d⬛"]),
    ],
)
def test_the_longest_name_counts(prompt: str, emoji: list[str]) -> None:
    assert emoji_of(prompt) == emoji


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [
        ("a fox", "seekor rubah"),
        ("a giraffe on a bicycle", "jerapah di atas sepeda"),
        ("an owl", "burung hantu"),
        ("a blue boat", "perahu biru"),
        ("an orange cat and a white rabbit", "kucing oranye dan kelinci putih"),
        ("a tree", "sebuah pohon"),
        ("a pink elephant", "gajah merah muda"),
    ],
)
def test_english_and_indonesian_words_name_the_same_subjects(english: str, indonesian: str) -> None:
    assert subjects(english) == subjects(indonesian) != ()


def test_the_font_has_a_glyph_for_every_name() -> None:
    assert [emoji for emoji in subject_names().values() if not find_glyph(emoji)] == []


@pytest.mark.parametrize("name", ["flag", "sun", "beach", "mountain", "ok", "eyes", "one"])
def test_scenery_and_signs_are_no_subjects(name: str) -> None:
    assert emoji_of(name) == []


def test_a_subject_has_its_own_colour_or_the_one_that_is_named() -> None:
    own, blue = (
        ImageStat.Stat(picture, picture.getchannel("A")).mean
        for picture in (render("🦊", 64), render("🦊", 64, COLOURS["blue"]))
    )
    assert own[0] > 1.5 * own[2]
    assert blue[2] > 1.3 * blue[0]


def test_a_fox_is_orange_on_the_canvas() -> None:
    picture = opened(paint("a fox in the snow", "square", "png"))
    red, _, blue = mean(picture, (0.4, 0.5, 0.6, 0.6))
    assert red > 1.5 * blue


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("a giraffe riding a red bicycle", Subject("🚲", COLOURS["red"], (Subject("🦒"),))),
        ("a cat wearing a crown", Subject("🐈", None, (Subject("👑"),))),
        ("two cats on a boat", Subject("⛵", None, (Subject("🐈"), Subject("🐈")))),
        ("a cat with a hat on a horse", Subject("🐎", None, (Subject("🐈", None, (Subject("🎩"),)),))),
    ],
)
def test_what_is_ridden_carries_its_riders_and_a_head_its_hat(prompt: str, subject: Subject) -> None:
    assert subjects(prompt) == (subject,)


def test_a_rider_is_above_what_it_rides() -> None:
    picture = opened(paint("a blue cat on a red car in the snow", "square", "png"))
    top, bottom = (mean(picture, (0.42, y, 0.58, y + 0.12)) for y in (0.42, 0.72))
    assert top[2] > top[0]
    assert bottom[0] > bottom[2]


@pytest.mark.parametrize(
    ("plain", "crewed"), [("a white rabbit", "a white rabbit with a top hat"), ("a boat", "a cat on a boat")]
)
def test_hats_and_passengers_are_drawn(plain: str, crewed: str) -> None:
    pictures = []
    for prompt in (plain, crewed):
        picture = blank()
        draw_subjects(picture, parse_prompt(prompt, random.Random(1)), random.Random(1), share=0.66)
        pictures.append(picture)
    assert changed_pixels(*pictures) > 400


def test_a_colour_belongs_to_the_noun_beside_it() -> None:
    scene = parse_prompt("a black cow by a turquoise lake with a dog", random.Random(1))
    assert [subject.colour is not None for subject in scene.subjects] == [True, False]
    assert scene.water == COLOURS["turquoise"]
    scene = parse_prompt("sapi hitam di danau toska dengan anjing", random.Random(1))
    assert [subject.colour is not None for subject in scene.subjects] == [True, False]
    assert scene.water == COLOURS["turquoise"]


BACKGROUND = (128, 128, 128)


def blank() -> Image.Image:
    return Image.new("RGB", (200, 200), BACKGROUND)


def changed_pixels(picture: Image.Image, other: Image.Image) -> int:
    difference = ImageChops.difference(picture, other).convert("L").point(lambda value: 255 * (value > 0))
    return int(ImageStat.Stat(difference).sum[0] / 255)


@pytest.mark.parametrize("word", ["starry", "sun", "moon", "rainbow", "cloudy", "rain", "snowy"])
def test_weather_is_drawn_onto_the_picture(word: str) -> None:
    picture = blank()
    draw_weather(picture, parse_prompt(f"a {word} day", random.Random(1)), random.Random(1))
    assert changed_pixels(picture, blank()) > 100


@pytest.mark.parametrize("mood", ["winter", "night", "autumn"])
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
    picture = opened(paint(prompt, "square", "png", data.getvalue())).convert("RGB")
    assert changed_pixels(picture, reference) > 100_000
