"""Paints a picture a person can recognise from a prompt: scenery, emoji as its subjects, a style a model."""

from __future__ import annotations

import functools
import hashlib
import io
import random
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageEnhance, ImageOps

from sandbox.painter.abstract import compose
from sandbox.painter.prompt_parser import Scene, parse_prompt, without
from sandbox.painter.scenery import draw_scenery
from sandbox.painter.signature import sign, stamp
from sandbox.painter.sky import draw_weather, tint
from sandbox.painter.styles import style_of
from sandbox.painter.subjects import draw_subjects

SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
    "portrait_3_2": (682, 1024),
    "landscape_3_2": (1024, 682),
    "landscape_21_9": (1024, 438),
    "auto": (1024, 1024),
}
"""Width and height in pixels of each named size. Inferred: the documentation gives no pixels."""
_SIDE = 1024
"""The longer side of a picture whose size is a ratio."""
_REFERENCE_DETAIL = 1.5
"""A picture over a reference keeps more of it."""

_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Manner:
    """How to paint, beside what."""

    model_id: str = "qwen-image"
    """Whose style it is."""
    seed: str = ""
    """Another seed is another picture of the same prompt."""
    negative_prompt: str = ""
    """What its words name is left out."""
    detail: float = 1.0
    """More keeps more of the picture in the style's lines, strokes or pieces."""
    enlargement: int = 1
    """How many times as wide and as high as `SIZES` says."""
    watermark: str = ""
    """Written across the picture."""


QWEN: Final = Manner()


@functools.lru_cache(maxsize=16)
def paint(
    prompt: str, size: str, output_format: str, reference: bytes | None = None, manner: Manner = QWEN
) -> bytes:
    """Paint the prompt, over the reference if there is one; the same bytes for the same input.

    Takes less than a second, and a few if it is enlarged four times.

    Args:
        prompt: what to paint; words the painter does not know become colours and shapes.
        size: a key of `SIZES`, or a ratio such as `16:9`.
        output_format: `png` or `jpeg`.
        reference: a picture Pillow can read; it stays visible, cropped to the size.
        manner: the style, and what else a model can be told.

    Raises:
        ValueError: there is no such size.
        OSError: the reference is no picture.
    """
    pixels = _pixels(size)
    dice = random.Random(hashlib.sha256((prompt + manner.seed).encode()).digest())
    scene = parse_prompt(prompt, dice)
    if manner.negative_prompt:
        scene = without(scene, manner.negative_prompt)
    detail = manner.detail
    if reference is not None:
        source = _over_reference(reference, pixels, scene, dice)
        detail *= _REFERENCE_DETAIL
    elif scene.is_empty:
        source = compose(pixels, scene, dice)
    else:
        source = draw_scenery(pixels, scene, dice)
        draw_subjects(source, scene, dice, share=0.66)
    picture = sign(style_of(manner.model_id).apply(source, dice, detail), prompt)
    if manner.watermark:
        picture = stamp(picture, manner.watermark)
    larger = (pixels[0] * manner.enlargement, pixels[1] * manner.enlargement)
    return _encode(picture.resize(larger, Image.Resampling.BICUBIC), output_format)


def _encode(picture: Image.Image, output_format: str) -> bytes:
    buffer = io.BytesIO()
    if output_format == "png":
        picture.save(buffer, "PNG", compress_level=1)
    else:
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _pixels(size: str) -> tuple[int, int]:
    if size in SIZES:
        return SIZES[size]
    width, height = map(int, size.split(":"))
    longer = max(width, height)
    return width * _SIDE // longer, height * _SIDE // longer


def _over_reference(
    reference: bytes, size: tuple[int, int], scene: Scene, dice: random.Random
) -> Image.Image:
    with Image.open(io.BytesIO(reference)) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    source = ImageEnhance.Color(ImageOps.fit(upright, size)).enhance(1.25)
    source = tint(source, scene)
    draw_weather(source, scene, dice)
    draw_subjects(source, scene, dice, share=0.46)
    return source
