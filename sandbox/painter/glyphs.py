"""Renders emoji with HarfBuzz, from the Noto Color Emoji font that SimCord's wheel brings along."""

from __future__ import annotations

import functools
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uharfbuzz as hb  # type: ignore[import-untyped]
from PIL import Image, ImageOps, ImageStat

from sandbox.painter.colours import darker, lighter

if TYPE_CHECKING:
    from sandbox.painter.colours import Colour

_TINT = 0.82
"""The share of a named colour in a glyph; the rest is the glyph's own."""
_DARKEST, _LIGHTEST = 70, 215
"""The greys (0 to 255) between which a glyph's median becomes the named colour."""


@functools.lru_cache(maxsize=64)
def render(emoji: str, side: int, colour: Colour | None = None) -> Image.Image:
    """Render an emoji without its margins; treat the picture as read-only, for it is cached.

    Args:
        emoji: one character or sequence that the font has a glyph for.
        side: of the square around the glyph, in pixels; the picture may be a few pixels smaller.
        colour: tints the glyph; its outlines stay dark and its highlights bright.
    """
    glyph = find_glyph(emoji)
    extents = _font().get_glyph_extents(glyph)
    scale = side / max(extents.width, -extents.height)
    painter = hb.RasterPaint()
    painter.transform = (scale, 0, 0, scale, 0, 0)
    painter.set_glyph_extents(extents)
    painter.paint_glyph(_font(), glyph)
    raster = painter.render()
    size = (raster.extents.width, raster.extents.height)
    # The rows run upwards, and the colours are multiplied by their opacity.
    bitmap = Image.frombytes("RGBa", size, bytes(raster.buffer), "raw", "BGRa", raster.extents.stride, -1)
    picture = bitmap.convert("RGBA")
    picture = picture.crop(picture.getbbox())
    return _tint(picture, colour) if colour else picture


def find_glyph(emoji: str) -> int:
    """Return the number of the emoji's glyph, 0 if the font has none."""
    buffer = hb.Buffer()
    buffer.add_str(emoji)
    buffer.guess_segment_properties()
    hb.shape(_font(), buffer)
    first, *others = (info.codepoint for info in buffer.glyph_infos)
    return 0 if others else int(first)


@functools.cache
def _font() -> Any:
    # Found through the wheel's metadata: to import SimCord takes longer than to paint a picture.
    folder = distribution("simcord").locate_file("simcord/preview/static/fonts")
    (file,) = Path(str(folder)).glob("noto-color-emoji-*.ttf")
    return hb.Font(hb.Face(hb.Blob.from_file_path(str(file))))


def _tint(picture: Image.Image, colour: Colour) -> Image.Image:
    grey, alpha = picture.convert("L"), picture.getchannel("A")
    median = round(ImageStat.Stat(grey, alpha).median[0])
    middle = min(_LIGHTEST, max(_DARKEST, median))
    toned = ImageOps.colorize(
        grey,
        black=darker(colour, 0.95),
        mid=colour,
        white=lighter(colour, 0.95 if median < _LIGHTEST else 0.35),  # a polar bear is all white
        blackpoint=middle // 2,
        midpoint=middle,
        whitepoint=max(middle + 1, 245),
    )
    tinted = Image.blend(picture.convert("RGB"), toned, _TINT)
    tinted.putalpha(alpha)
    return tinted
