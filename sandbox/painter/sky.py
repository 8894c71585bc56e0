"""Draw the sky by the mood of the scene: sun, moon and stars, clouds, a rainbow, rain and snow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sandbox.painter.colours import Colour, lighter, mix, parse_colour

if TYPE_CHECKING:
    import random

    from sandbox.painter.prompt_parser import Scene


@dataclass(frozen=True, slots=True)
class Mood:
    """Colours of one kind of light."""

    top: Colour
    middle: Colour
    low: Colour
    far: Colour
    """Of mountains and woods."""
    ground: Colour
    sea: Colour
    disc: Colour
    """Of the sun or the moon."""


def _mood(*colours: str) -> Mood:
    """Read the colours, in the order of the fields."""
    return Mood(*map(parse_colour, colours))


MOODS = {
    "day": _mood("#4a90ce", "#92c6e2", "#f4e6c2", "#6886a0", "#7ea452", "#3a88a8", "#ffeca8"),
    "sunset": _mood("#5c5494", "#e27c62", "#fcce7a", "#7a527c", "#967846", "#7e628c", "#ffe8a0"),
    "night": _mood("#121842", "#243870", "#546896", "#222e58", "#2c4a4c", "#1e3a68", "#faf0ce"),
    "storm": _mood("#525c6e", "#7e8894", "#b8bab4", "#586472", "#667a5c", "#4c6676", "#e2e0d2"),
    "winter": _mood("#7a9ec8", "#b6cee4", "#f2e4de", "#849aba", "#e8ecf4", "#78a0be", "#fff4d6"),
    "autumn": _mood("#7098ba", "#cec6b2", "#fadea4", "#96644a", "#b8863a", "#5a7882", "#ffe6a0"),
    "space": _mood("#0c0a26", "#2e1a54", "#682e70", "#422a60", "#70587c", "#322864", "#ecc496"),
}
DARK = {"night", "space"}
"""Moods that always have stars and a moon."""


def draw_weather(picture: Image.Image, scene: Scene, dice: random.Random) -> None:
    """Draw what the prompt has in the sky onto the picture, with rain and snow."""
    mood, features = MOODS[scene.mood], scene.features
    dark = scene.mood in DARK
    draw = ImageDraw.Draw(picture)
    if dark or "stars" in features:
        _stars(draw, picture.size, dice)
    if dark or features & {"sun", "moon"}:
        draw_disc(picture, mood, dice, crescent=scene.mood == "night")
    if "rainbow" in features:
        _rainbow(picture)
    for _ in range(4 if "clouds" in features else 0):
        draw_cloud(picture, mood, dice)
    if features & {"rain", "snowfall"}:
        _fall(draw, picture.size, dice, snow="snowfall" in features)


def tint(picture: Image.Image, scene: Scene) -> Image.Image:
    """Return the picture darkened in a dark mood, otherwise tinted with the first colour of the prompt."""
    mood = MOODS[scene.mood]
    if scene.mood in DARK:
        light = Image.new("RGB", picture.size, lighter(mood.middle, 0.3))
        return Image.blend(picture, ImageChops.multiply(picture, light), 0.85)
    return Image.blend(picture, Image.new("RGB", picture.size, mix(scene.palette[0], mood.low, 0.5)), 0.16)


def _stars(draw: ImageDraw.ImageDraw, size: tuple[int, int], dice: random.Random) -> None:
    width, height = size
    for _ in range(90):
        x, y = dice.uniform(0, width), dice.uniform(0, height * 0.6)
        r = dice.uniform(0.8, 2.8) * max(width, height) / 1024
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 246, 214))


def draw_sky(size: tuple[int, int], mood: Mood) -> Image.Image:
    """Return the sky as a vertical gradient."""
    column = Image.new("RGB", (1, 64))
    for y in range(64):
        t = y / 40
        colour = mix(mood.top, mood.middle, t) if t < 1 else mix(mood.middle, mood.low, min(1.0, t - 1) * 1.5)
        column.putpixel((0, y), colour)
    return column.resize(size, Image.Resampling.BICUBIC)


def draw_disc(picture: Image.Image, mood: Mood, dice: random.Random, *, crescent: bool) -> None:
    """Draw the sun or the moon with a glow, on the left or the right."""
    width, height = picture.size
    x, y, r = width * dice.choice((0.2, 0.78)), height * dice.uniform(0.15, 0.24), min(width, height) * 0.085
    glow = Image.new("L", picture.size)
    pen = ImageDraw.Draw(glow)
    for ring in range(5, 0, -1):
        big = r * (1 + ring * 0.42)
        pen.ellipse((x - big, y - big, x + big, y + big), fill=24 + (5 - ring) * 24)
    picture.paste(Image.new("RGB", picture.size, mix(mood.disc, mood.middle, 0.25)), mask=glow)
    mask = Image.new("L", picture.size)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
    if crescent:
        pen.ellipse((x - r * 0.45, y - r * 1.15, x + r * 1.55, y + r * 0.8), fill=70)
    picture.paste(Image.new("RGB", picture.size, mood.disc), mask=mask)


def draw_cloud(picture: Image.Image, mood: Mood, dice: random.Random) -> None:
    """Draw one cloud at a random place."""
    width, height = picture.size
    mask = Image.new("L", picture.size)
    pen = ImageDraw.Draw(mask)
    x, y, wide = (
        dice.uniform(0, width),
        height * dice.uniform(0.06, 0.4),
        min(width, height) * dice.uniform(0.1, 0.2),
    )
    for k in range(6):
        r = wide * (0.34 - abs(k - 2.5) * 0.07)
        cx, cy = x + wide * (k - 2.5) * 0.3, y - r * dice.uniform(0.1, 0.5)
        pen.ellipse((cx - r, cy - r * 0.8, cx + r, cy + r * 0.7), fill=200)
    picture.paste(
        Image.new("RGB", picture.size, lighter(mood.low, 0.4)), mask=mask.filter(ImageFilter.GaussianBlur(3))
    )


def _rainbow(picture: Image.Image) -> None:
    width, height = picture.size
    layer = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(layer)
    bands = ("#d64646", "#ec923c", "#f6d85a", "#68b260", "#4e84ce", "#8258b0")
    for k, colour in enumerate(map(parse_colour, bands)):
        r = width * (0.52 - 0.022 * k)
        middle = (width / 2, height * 0.72)
        box = (middle[0] - r, middle[1] - r, middle[0] + r, middle[1] + r)
        draw.arc(box, 180, 360, fill=(*colour, 190), width=max(3, round(width * 0.024)))
    picture.paste(layer, mask=layer.getchannel("A"))


def _fall(draw: ImageDraw.ImageDraw, size: tuple[int, int], dice: random.Random, *, snow: bool) -> None:
    width, height = size
    for _ in range(170):
        x, y = dice.uniform(0, width), dice.uniform(0, height)
        r = max(width, height) * dice.uniform(0.002, 0.006)
        if snow:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=(252, 252, 255))
        else:
            draw.line([(x, y), (x - 4 * r, y + 12 * r)], fill=(196, 206, 220), width=2)
