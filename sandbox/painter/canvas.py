"""Draw shapes in a box with coordinates from -1 to 1, and shade them with light from the upper left."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

_CURVE_STEPS = 10


@dataclass(frozen=True, slots=True)
class Box:
    """A square on the picture, in pixels: its centre and half its side."""

    x: float
    y: float
    half: float


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Mix two colours; `share` (0 to 1) is that of `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def darker(colour: Colour, share: float = 0.35) -> Colour:
    """Mix the colour with a dark blue."""
    return mix(colour, (24, 20, 44), share)


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    """Mix the colour with a warm white."""
    return mix(colour, (255, 246, 222), share)


def curve(points: list[Point]) -> list[Point]:
    """Return a closed smooth line through the points (a Catmull-Rom spline)."""
    count = len(points)
    line: list[Point] = []
    for i in range(count):
        a, b, c, d = (points[(i + k - 1) % count] for k in range(4))
        for step in range(_CURVE_STEPS):
            t = step / _CURVE_STEPS
            line.append((_spline(a[0], b[0], c[0], d[0], t), _spline(a[1], b[1], c[1], d[1], t)))
    return line


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t
    )


class Canvas:
    """Draws shapes on a separate layer; `composite` shades the layer and pastes it onto the picture."""

    def __init__(self, picture: Image.Image, box: Box, *, mirrored: bool = False) -> None:
        self._picture = picture
        self._box = box
        self._sign = -1 if mirrored else 1
        self._margin = box.half * 1.35
        side = max(2, math.ceil(self._margin * 2))
        self._layer = Image.new("RGBA", (side, side))
        self._draw = ImageDraw.Draw(self._layer)

    def blob(self, colour: Colour, *points: Point) -> None:
        """Fill a smooth shape through the points."""
        self._draw.polygon([self._at(*point) for point in curve(list(points))], fill=colour)

    def shape(self, colour: Colour, *points: Point) -> None:
        """Fill a polygon."""
        self._draw.polygon([self._at(*point) for point in points], fill=colour)

    def oval(self, colour: Colour, x: float, y: float, rx: float, ry: float | None = None) -> None:
        """Fill an ellipse around a point; a circle without `ry`."""
        left, top = self._at(x, y)
        wide, high = rx * self._box.half, (rx if ry is None else ry) * self._box.half
        self._draw.ellipse((left - wide, top - high, left + wide, top + high), fill=colour)

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        """Draw a line with round corners; `width` is in units of the box."""
        pixels = max(2, round(width * self._box.half))
        self._draw.line([self._at(*point) for point in points], fill=colour, width=pixels, joint="curve")

    def composite(self, light: float = 1.0) -> None:
        """Shade what was drawn since the last call, and paste it; `light` scales the shading."""
        alpha = self._layer.getchannel("A")
        small = alpha.reduce(4)
        soft = small.filter(ImageFilter.GaussianBlur(max(1.0, self._box.half * 0.028)))
        shift = max(1, round(self._box.half * 0.03))
        for dx, colour, share in ((-shift, (30, 20, 60), 0.62), (shift, (255, 236, 190), 0.5)):
            inside = ImageChops.invert(ImageChops.offset(soft, dx, dx)).point(
                lambda v, s=share * light: int(v * s)
            )
            mask = ImageChops.multiply(inside.resize(alpha.size, Image.Resampling.BILINEAR), alpha)
            tone = Image.new("RGBA", self._layer.size, (*colour, 255))
            tone.putalpha(mask)
            self._layer.alpha_composite(tone)
        corner = (round(self._box.x - self._margin), round(self._box.y - self._margin))
        self._picture.paste(self._layer, corner, alpha)
        self._layer = Image.new("RGBA", self._layer.size)
        self._draw = ImageDraw.Draw(self._layer)

    def _at(self, x: float, y: float) -> Point:
        return (self._margin + self._sign * x * self._box.half, self._margin + y * self._box.half)
