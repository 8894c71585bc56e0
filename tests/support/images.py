"""Make small picture files."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def make_picture(
    kind: str = "PNG",
    size: tuple[int, int] = (64, 48),
    colour: str | tuple[int, int, int] = "orange",
    **options: Any,
) -> bytes:
    """Return a picture file of one colour, in any format that Pillow writes; `options` go to `Image.save`."""
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind, **options)
    return data.getvalue()
