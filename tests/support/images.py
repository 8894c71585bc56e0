"""Small pictures to send and to deliver."""

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
    """A picture of one colour as a file, of any kind that Pillow writes; `options` are for `Image.save`."""
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind, **options)
    return data.getvalue()
