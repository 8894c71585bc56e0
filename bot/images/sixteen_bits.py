"""Pictures of 16 bits a sample, of which Pillow keeps 8, or keeps 16 without the transparency."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from collections.abc import Iterable

_STRIP_ROWS: Final = 256
"""So many rows are compared at once, to bound the memory."""


def to_8_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of mode `I;16` in mode `L`. Pillow would clip values above 255."""
    return image.point(lambda value: value * (1 / 256)).convert("L")


def with_transparency(image: Image.Image, data: bytes, transparent: tuple[int, ...]) -> Image.Image:
    """Return the decoded image of a PNG of 16 bits with an alpha channel: one colour is transparent.

    `data` is the PNG; `transparent` has one sample for grey, three for colours.
    """
    if len(transparent) == 1:
        alpha = _grey_opacity(image, transparent[0])
        image = to_8_bits(image)
    else:
        low = Image.open(io.BytesIO(data), formats=("PNG",))
        # Read as if the lower byte came first, the samples keep the lower byte and lose the higher one.
        low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]
        samples = [value >> 8 for value in transparent] + [value & 0xFF for value in transparent]
        alpha = _differing((*image.split(), *low.split()), samples)
    image.putalpha(alpha)
    return image


def _grey_opacity(image: Image.Image, transparent: int) -> Image.Image:
    alpha = Image.new("L", image.size)
    for top in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height)))
        raw = strip.tobytes()  # the lower byte first
        planes = [Image.frombytes("L", strip.size, raw[first::2]) for first in (0, 1)]
        alpha.paste(_differing(planes, [transparent & 0xFF, transparent >> 8]), (0, top))
    return alpha


def _differing(planes: Iterable[Image.Image], samples: list[int]) -> Image.Image:
    """Return 255 where a plane differs from its sample, and 0 where all are equal."""
    alpha: Image.Image | None = None
    for plane, sample in zip(planes, samples, strict=True):
        differs = plane.point([0 if value == sample else 255 for value in range(256)])
        alpha = differs if alpha is None else ImageChops.lighter(alpha, differs)
    assert alpha is not None  # there is at least one plane
    return alpha
