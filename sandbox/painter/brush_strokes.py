"""Turn a flat picture into brush strokes: wide ones first, then finer ones over the details, then relief."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    import random

    from sandbox.painter.colours import Colour, Point

_REFERENCE_SIDE = 1024
_FLAT = 10
"""With a smaller difference in brightness around it, a spot has no edge for strokes to follow."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """One size of brush, in pixels of a picture that is 1024 pixels wide."""

    radius: float
    threshold: int
    """Smallest colour difference (0 to 765) between canvas and source that gets a stroke."""
    jitter: int
    length: float


_LOOSE = (_Layer(20, 0, 16, 2.6), _Layer(10, 26, 12, 2.8), _Layer(4.5, 44, 7, 2.4), _Layer(2.4, 72, 3, 2.0))
_FAITHFUL = (_Layer(14, 0, 12, 2.6), _Layer(7, 24, 9, 2.6), _Layer(3.4, 40, 6, 2.2), _Layer(2.2, 90, 3, 2.0))


def apply_strokes(source: Image.Image, dice: random.Random, *, loose: bool) -> Image.Image:
    """Repaint the source in strokes; `loose` uses wider brushes, which keep less detail."""
    scale = max(source.size) / _REFERENCE_SIDE
    canvas = Image.blend(
        source.filter(ImageFilter.GaussianBlur(24 * scale)), Image.new("RGB", source.size, (150, 90, 50)), 0.2
    )
    relief = Image.new("L", source.size, 128)
    for layer in _LOOSE if loose else _FAITHFUL:
        _paint_layer(source, canvas, relief, layer, scale, dice)
    light = relief.filter(ImageFilter.Kernel((3, 3), (-1, -1, 0, -1, 0, 1, 0, 1, 1), scale=3, offset=128))
    light = Image.blend(light.filter(ImageFilter.GaussianBlur(0.6)), Image.new("L", source.size, 128), 0.35)
    return ImageChops.overlay(canvas, Image.merge("RGB", (light, light, light)))


def _paint_layer(
    source: Image.Image,
    canvas: Image.Image,
    relief: Image.Image,
    layer: _Layer,
    scale: float,
    dice: random.Random,
) -> None:
    step = max(2.0, layer.radius * scale * 1.25)
    columns, rows = math.ceil(source.width / step), math.ceil(source.height / step)
    wanted = source.resize((columns, rows), Image.Resampling.BOX)
    there = canvas.resize((columns, rows), Image.Resampling.BOX)
    colours = _pixels(wanted)
    grey = wanted.convert("L").filter(ImageFilter.GaussianBlur(1)).tobytes()
    needed = [
        cell
        for cell, (a, b) in enumerate(zip(colours, _pixels(there), strict=True))
        if abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]) >= layer.threshold
    ]
    dice.shuffle(needed)
    paint, height = ImageDraw.Draw(canvas), ImageDraw.Draw(relief)
    turn, phase = dice.uniform(2, 4), dice.uniform(0, 6)
    for cell in needed:
        row, column = divmod(cell, columns)
        angle = _direction(grey, columns, rows, column, row)
        if angle is None:
            u, v = column / columns, row / rows
            angle = 0.9 * math.sin(turn * math.pi * u + phase) * math.cos(
                turn * math.pi * v
            ) + 0.25 * math.sin(9 * v)
        x, y = (column + dice.random()) * step, (row + dice.random()) * step
        shift = dice.randint(-layer.jitter, layer.jitter)
        red, green, blue = colours[cell]
        warm = dice.randint(-layer.jitter, layer.jitter) // 2
        outline = _stroke((x, y), angle, layer.radius * scale, layer.length * dice.uniform(0.7, 1.2), dice)
        paint.polygon(outline, fill=(red + shift + warm, green + shift, blue + shift - warm))
        height.polygon(outline, fill=dice.randint(96, 160))
        if layer.radius > _BRISTLES_FROM:
            _bristles(paint, height, outline, (red + shift, green + shift, blue + shift), dice)


_BRISTLES_FROM = 6


def _bristles(
    paint: ImageDraw.ImageDraw,
    height: ImageDraw.ImageDraw,
    outline: list[Point],
    colour: Colour,
    dice: random.Random,
) -> None:
    """Draw two thin lines along the stroke, one lighter and one darker than it."""
    half = len(outline) // 2
    near, far = outline[:half], outline[: half - 1 : -1]
    for share, tone in ((0.3, 14), (0.68, -14)):
        bend = share + dice.uniform(-0.12, 0.12)
        trace = [
            (a[0] + (b[0] - a[0]) * bend, a[1] + (b[1] - a[1]) * bend) for a, b in zip(near, far, strict=True)
        ]
        paint.line(trace, fill=(colour[0] + tone, colour[1] + tone, colour[2] + tone), width=1)
        height.line(trace, fill=128 + 4 * tone, width=2)


def _stroke(middle: Point, angle: float, radius: float, length: float, dice: random.Random) -> list[Point]:
    """Return the outline of a slightly bent stroke that narrows at its end."""
    x, y = middle
    bend = dice.uniform(-0.35, 0.35)
    near: list[Point] = []
    far: list[Point] = []
    for along, width in ((-1.0, 0.55), (-0.75, 0.95), (0.0, 1.0), (0.7, 0.8), (1.0, 0.3)):
        turned = angle + bend * along
        px, py = (
            x + math.cos(turned) * along * radius * length,
            y + math.sin(turned) * along * radius * length,
        )
        nx, ny = -math.sin(turned) * radius * width, math.cos(turned) * radius * width
        near.append((px + nx, py + ny))
        far.append((px - nx, py - ny))
    return near + far[::-1]


def _direction(grey: bytes, columns: int, rows: int, column: int, row: int) -> float | None:
    """Return the angle of the edge through a spot, None if there is no edge."""
    here = row * columns + column
    if not (0 < column < columns - 1 and 0 < row < rows - 1):
        return None
    dx = grey[here + 1] - grey[here - 1]
    dy = grey[here + columns] - grey[here - columns]
    if abs(dx) + abs(dy) < _FLAT:
        return None
    return math.atan2(dx, -dy)


def _pixels(picture: Image.Image) -> list[Colour]:
    flat = picture.tobytes()
    return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
