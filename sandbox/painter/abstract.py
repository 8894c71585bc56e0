"""An abstract composition for prompts without known words, in colours that depend on the prompt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from sandbox.painter.colours import Colour, darker, lighter, mix

if TYPE_CHECKING:
    import random

    from sandbox.painter.prompt_parser import Scene


def compose(size: tuple[int, int], scene: Scene, dice: random.Random) -> Image.Image:
    """Draw rings, triangles, lines and dots on diagonal bands."""
    width, height = size
    palette = [
        *scene.palette,
        lighter(scene.palette[0], 0.5),
        (236, 196, 120),
        darker(scene.palette[-1], 0.5),
    ]
    picture = Image.new("RGB", size, lighter(palette[0], 0.72))
    draw = ImageDraw.Draw(picture)
    for band in range(9):
        top = height * band / 9
        tone = mix(lighter(palette[0], 0.75), lighter(palette[-3], 0.45), band / 9)
        draw.polygon([(0, top), (width, top - height * 0.08), (width, height), (0, height)], fill=tone)
    side = min(size)
    x, y = width * dice.uniform(0.32, 0.42), height * dice.uniform(0.36, 0.46)
    _rings(draw, (x, y), side * 0.34, palette, dice)
    for _ in range(4):
        _triangle(draw, size, dice.choice(palette), dice)
    x, y = width * dice.uniform(0.64, 0.76), height * dice.uniform(0.6, 0.7)
    _rings(draw, (x, y), side * 0.2, palette[::-1], dice)
    for _ in range(7):
        _lines(draw, size, darker(dice.choice(palette), 0.6), dice)
    for _ in range(9):
        x, y, r = dice.uniform(0, width), dice.uniform(0, height), side * dice.uniform(0.012, 0.045)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=dice.choice(palette))
    return picture


def _rings(
    draw: ImageDraw.ImageDraw,
    middle: tuple[float, float],
    radius: float,
    palette: list[Colour],
    dice: random.Random,
) -> None:
    """Draw concentric discs, each of four differently coloured quarters."""
    x, y = middle
    turn = dice.uniform(0, 90)
    for ring in range(6):
        r = radius * (1 - ring / 6)
        for quarter in range(4):
            colour = palette[(ring * 3 + quarter * (1 + ring % 2)) % len(palette)]
            start = turn + quarter * 90 + ring * 13
            draw.pieslice((x - r, y - r, x + r, y + r), start, start + 91, fill=colour)


def _triangle(draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour, dice: random.Random) -> None:
    x, y = dice.uniform(0.1, 0.9) * size[0], dice.uniform(0.2, 0.95) * size[1]
    angle, reach = dice.uniform(0, 2 * math.pi), min(size) * dice.uniform(0.16, 0.36)
    corners = [
        (x + math.cos(angle + k) * reach, y + math.sin(angle + k) * reach * 0.8) for k in (0, 2.3, 3.6)
    ]
    draw.polygon(corners, fill=colour)


def _lines(draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: Colour, dice: random.Random) -> None:
    x, y, angle = dice.uniform(0, size[0]), dice.uniform(0, size[1]), dice.uniform(0, math.pi)
    reach = min(size) * dice.uniform(0.15, 0.45)
    end = (x + math.cos(angle) * reach, y + math.sin(angle) * reach)
    draw.line([(x, y), end], fill=colour, width=max(3, round(min(size) * 0.008)))
