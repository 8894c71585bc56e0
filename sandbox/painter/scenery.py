"""Draw the scenery: mountains, woods, towns, meadows and the sea, under a sky."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from sandbox.painter.colours import Colour, Point, darker, lighter, mix
from sandbox.painter.sky import DARK, MOODS, Mood, draw_cloud, draw_disc, draw_sky, draw_weather

if TYPE_CHECKING:
    import random

    from sandbox.painter.prompt_parser import Scene


_HORIZON = 0.64
_LIT_SHARE = 0.6


def draw_scenery(size: tuple[int, int], scene: Scene, dice: random.Random) -> Image.Image:
    """Draw everything behind the subjects."""
    mood, features = MOODS[scene.mood], scene.features
    picture = draw_sky(size, mood)
    if scene.mood not in DARK and not features & {"sun", "moon"}:
        draw_disc(picture, mood, dice, crescent=False)
    for _ in range(4 if scene.mood in {"day", "winter", "autumn"} else 0):
        draw_cloud(picture, mood, dice)
    draw_weather(picture, scene, dice)
    draw = ImageDraw.Draw(picture)
    if "mountain" in features:
        _mountains(picture, mood, dice)
    elif not features & {"sea", "city"}:
        _ridge(draw, size, mix(mood.far, mood.low, 0.45), 0.52, 0.05, dice)
    if "city" in features:
        _city(draw, size, mood, dice, lit=scene.mood in {"night", "sunset", "space"})
    if "sea" in features:
        _sea(draw, size, mood, scene.water or mood.sea, dice)
    else:
        _ridge(draw, size, mix(mood.ground, mood.far, 0.35), 0.62, 0.03, dice)
        if "forest" in features:
            _forest(draw, size, mood, dice)
        _ridge(draw, size, mood.ground, 0.71, 0.02, dice)
        _grass(draw, size, mood, dice, flowers="flowers" in features or scene.mood == "day")
    return picture


def _ridge(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    colour: Colour,
    level: float,
    swing: float,
    dice: random.Random,
) -> None:
    """Draw a line of hills; `level` and `swing` are shares of the height."""
    width, height = size
    phase = dice.uniform(0, 6)
    line: list[Point] = [
        (
            width * k / 40,
            height * (level + swing * (math.sin(phase + k / 5) + 0.5 * math.sin(phase * 2 + k / 2.3))),
        )
        for k in range(41)
    ]
    draw.polygon([(0, height), *line, (width, height)], fill=colour)


def _mountains(picture: Image.Image, mood: Mood, dice: random.Random) -> None:
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for row, (fade, low) in enumerate(((0.5, 0.28), (0.2, 0.36))):
        colour = mix(mood.far, mood.low, fade)
        for k in range(4 - row):
            x = width * ((k + 0.5 * row + 0.3) / (4 - row) + dice.uniform(-0.06, 0.06))
            top, half = height * (low + dice.uniform(-0.06, 0.06)), width * dice.uniform(0.2, 0.3)
            foot = height * 0.7
            draw.polygon([(x - half, foot), (x, top), (x + half, foot)], fill=lighter(colour, 0.16))
            draw.polygon([(x, top), (x + half, foot), (x + half * 0.1, foot)], fill=darker(colour, 0.22))
            snow, drop = 0.27, (foot - top)
            cap = [
                (0, 0),
                (snow, snow),
                (0.1, snow * 0.72),
                (0.02, snow * 1.1),
                (-0.12, snow * 0.75),
                (-snow, snow),
            ]
            draw.polygon([(x + half * u, top + drop * v) for u, v in cap], fill=lighter(mood.low, 0.6))


def _forest(draw: ImageDraw.ImageDraw, size: tuple[int, int], mood: Mood, dice: random.Random) -> None:
    width, height = size
    for k in range(26):
        x, tall = width * (k + dice.random()) / 26, height * dice.uniform(0.16, 0.3)
        foot = height * (0.7 + 0.02 * dice.random())
        colour = mix(darker(mood.ground, dice.uniform(0.3, 0.55)), mood.far, 0.25)
        for tier in range(3):
            top, half = foot - tall * (1 - tier * 0.26), tall * (0.16 + 0.07 * tier)
            draw.polygon(
                [(x, top), (x - half, top + tall * 0.44), (x + half, top + tall * 0.44)], fill=colour
            )
            draw.polygon(
                [(x, top), (x - half, top + tall * 0.44), (x - half * 0.3, top + tall * 0.44)],
                fill=lighter(colour, 0.14),
            )


def _city(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], mood: Mood, dice: random.Random, *, lit: bool
) -> None:
    width, height = size
    for k in range(14):
        x, wide = width * k / 13 - width * 0.04, width * dice.uniform(0.06, 0.1)
        top = height * dice.uniform(0.28, 0.52)
        colour = mix(mood.far, mood.low, dice.uniform(0, 0.35))
        draw.rectangle((x, top, x + wide, height * 0.75), fill=colour)
        pane = wide / 7
        for row in range(9):
            for column in range(3):
                px, py = x + pane * (1 + 2 * column), top + pane * (1.5 + 2.6 * row)
                glow = (255, 214, 120) if lit and dice.random() < _LIT_SHARE else darker(colour, 0.25)
                draw.rectangle((px, py, px + pane, py + pane * 1.4), fill=glow)


def _sea(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], mood: Mood, sea: Colour, dice: random.Random
) -> None:
    width, height = size
    top = height * _HORIZON
    for k in range(24):
        y = top + (height - top) * k / 24
        draw.rectangle((0, y, width, height), fill=mix(mix(sea, mood.low, 0.5), darker(sea, 0.25), k / 24))
    for _ in range(150):
        depth = dice.random()
        y, x = top + (height - top) * depth, dice.uniform(0, width)
        long, thick = width * (0.02 + 0.06 * depth), max(1.0, height * 0.006 * (0.4 + depth))
        tone = dice.choice((lighter(sea, 0.45), mix(mood.middle, sea, 0.4)))
        draw.chord((x - long, y - thick * 2, x + long, y + thick * 2), 190, 350, fill=tone)


def _grass(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], mood: Mood, dice: random.Random, *, flowers: bool
) -> None:
    width, height = size
    for _ in range(420):
        depth = dice.random()
        x, y = dice.uniform(0, width), height * (0.73 + 0.29 * depth)
        long = height * 0.03 * (0.4 + depth)
        tone = mix(lighter(mood.ground, 0.3), darker(mood.ground, 0.4), dice.random())
        draw.line(
            [(x, y), (x + dice.uniform(-0.5, 0.5) * long, y - long)], fill=tone, width=max(2, round(long / 5))
        )
    petals: tuple[Colour, ...] = ((236, 96, 88), (250, 210, 90), (244, 240, 230), (206, 130, 196))
    for _ in range(46 if flowers else 0):
        depth = dice.random()
        x, y, r = dice.uniform(0, width), height * (0.76 + 0.24 * depth), height * 0.008 * (0.5 + depth)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=dice.choice(petals))
