"""The style of each model: a technique, and how colours are changed before it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops, ImageEnhance

from sandbox.painter import prints, techniques

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from sandbox.painter.colours import Colour


@dataclass(frozen=True, slots=True)
class Style:
    """How a model paints."""

    technique: Callable[[Image.Image, random.Random, float], Image.Image]
    saturation: float = 1.0
    tint: Colour | None = None
    """Laid over the colours before they are painted."""
    detail: float = 1.0

    def apply(self, picture: Image.Image, dice: random.Random, detail: float = 1.0) -> Image.Image:
        """Return the picture in this style; a higher `detail` keeps more of it."""
        graded = picture
        if self.saturation != 1:
            graded = ImageEnhance.Color(graded).enhance(self.saturation)
        if self.tint is not None:
            graded = ImageChops.soft_light(graded, Image.new("RGB", graded.size, self.tint))
        return self.technique(graded, dice, self.detail * detail)


STYLES: Final[Mapping[str, Style]] = MappingProxyType(
    {
        "qwen-image": Style(techniques.oil),
        "qwen2-image": Style(techniques.pointillism, saturation=1.3),
        "z-image": Style(techniques.pencil),
        "4o-image": Style(techniques.coloured_pencil, saturation=1.4),
        "nano-banana": Style(prints.pixels),
        "nano-banana-2": Style(prints.cross_stitch),
        "nano-banana-pro": Style(prints.bricks),
        "gpt-image-1-5": Style(prints.comic),
        "gpt-image-2": Style(prints.poster, saturation=1.25),
        "grok-imagine": Style(techniques.neon, saturation=1.4),
        "flux-2-pro": Style(techniques.photo),
        "flux-2-flex": Style(techniques.cinema),
        "flux-kontext-pro": Style(prints.cut_paper),
        "flux-kontext-max": Style(prints.stained_glass),
        "wan-2-7-image": Style(techniques.ink_wash),
        "wan-2-7-image-pro": Style(techniques.coloured_ink),
        "seedream-3-0": Style(techniques.watercolour, saturation=1.2),
        "seedream-4-0": Style(techniques.watercolour, saturation=0.7, tint=(230, 120, 60)),
        "seedream-4-5": Style(techniques.gouache, saturation=1.15),
        "seedream-5-lite": Style(techniques.pen_and_wash),
        "ideogram-v3": Style(prints.risograph),
        "google-imagen4-fast": Style(prints.low_poly),
        "google-imagen4-ultra": Style(prints.low_poly, saturation=1.2, tint=(120, 110, 190), detail=2.2),
    }
)
"""By the id of the model."""


def style_of(model_id: str) -> Style:
    """Return the style of a model; of one that is not in the table, always the same one of those."""
    if model_id in STYLES:
        return STYLES[model_id]
    return list(STYLES.values())[zlib.crc32(model_id.encode()) % len(STYLES)]
