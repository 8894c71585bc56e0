"""Paint a recognisable picture of a prompt with Pillow, by a table of known words."""

from __future__ import annotations

import functools
import hashlib
import io
import random

from PIL import Image, ImageEnhance, ImageOps

from sandbox.painter.abstract import compose
from sandbox.painter.brush_strokes import apply_strokes
from sandbox.painter.canvas import Box
from sandbox.painter.prompt_parser import Scene, parse_prompt
from sandbox.painter.scenery import draw_scenery
from sandbox.painter.signature import sign
from sandbox.painter.sky import draw_weather, tint
from sandbox.painter.subjects import draw_subject

SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""Width and height in pixels. Inferred from the names: the documentation gives no pixels."""

_JPEG_QUALITY = 90
_CENTRED_FROM = 0.5
"""A single subject with a smaller share of the picture is moved aside."""


@functools.lru_cache(maxsize=16)
def paint(prompt: str, size: str, output_format: str, reference: bytes | None = None) -> bytes:
    """Paint the prompt, over the reference if there is one; the same input gives the same bytes.

    Blocks for about a second.

    Args:
        prompt: what to paint; without any known word the picture is abstract.
        size: a key of `SIZES`.
        output_format: `png` or `jpeg`.
        reference: a picture file that Pillow can read; cropped to the size, it stays visible.

    Raises:
        KeyError: `size` is unknown.
        OSError: `reference` is no picture.
    """
    width, height = SIZES[size]
    dice = random.Random(hashlib.sha256(prompt.encode()).digest())
    scene = parse_prompt(prompt, dice)
    if reference is not None:
        source = _over_reference(reference, (width, height), scene, dice)
    elif scene.is_empty:
        source = compose((width, height), scene, dice)
    else:
        source = draw_scenery((width, height), scene, dice)
        _place_subjects(source, scene, dice, share=0.66)
    picture = sign(apply_strokes(source, dice, loose=reference is None), prompt)
    buffer = io.BytesIO()
    if output_format == "png":
        picture.save(buffer, "PNG", compress_level=1)
    else:
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _over_reference(
    reference: bytes, size: tuple[int, int], scene: Scene, dice: random.Random
) -> Image.Image:
    with Image.open(io.BytesIO(reference)) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    source = ImageEnhance.Color(ImageOps.fit(upright, size)).enhance(1.25)
    source = tint(source, scene)
    draw_weather(source, scene, dice)
    _place_subjects(source, scene, dice, share=0.46)
    return source


def _place_subjects(source: Image.Image, scene: Scene, dice: random.Random, *, share: float) -> None:
    """Draw the subjects in a row, flying ones higher; a single one over a reference is moved aside."""
    width, height = source.size
    subjects = scene.subjects
    slot = width / max(1, len(subjects))
    side = min(height * share, slot * 0.92, width * share * 1.1)
    aside = dice.choice((-0.22, 0.22)) if len(subjects) == 1 and share < _CENTRED_FROM else 0.0
    for number, subject in enumerate(subjects):
        middle = slot * (number + 0.5 + aside) + dice.uniform(-0.04, 0.04) * slot
        base = height * (0.62 if subject.flies else 0.9) - (number % 2) * side * 0.07
        draw_subject(source, subject, Box(middle, base - side / 2, side / 2), scene.mood, dice)
