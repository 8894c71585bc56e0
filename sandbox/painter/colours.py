"""Colours as Pillow takes them, and how light and shade change them."""

from __future__ import annotations

from PIL import ImageColor

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
Point = tuple[float, float]
"""Pixels from the left and from the top."""


def parse_colour(text: str) -> Colour:
    """The colour that `#rrggbb` stands for."""
    red, green, blue, *_ = ImageColor.getrgb(text)
    return (red, green, blue)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0 to 1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def darker(colour: Colour, share: float = 0.35) -> Colour:
    """The colour in the shade."""
    return mix(colour, (24, 20, 44), share)


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    """The colour in the light."""
    return mix(colour, (255, 246, 222), share)
