"""How an image becomes a file that is small enough: a ladder of formats, then of sizes. Computes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALLEST_LIMIT_BYTES = 2048
"""Every picture can be made to fit into this."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to encode, in the words of Pillow; a ladder of them ends with the smallest file."""

    format: str
    extension: str
    options: Mapping[str, int]


# Level 4: a third of the time of Pillow's own 6, for a few percent more bytes.
_PNG = Encoding("PNG", "png", {"compress_level": 4})
_JPEG_95 = Encoding("JPEG", "jpg", {"quality": 95, "subsampling": 0})
_JPEG_92, _JPEG_85, _JPEG_75 = (Encoding("JPEG", "jpg", {"quality": quality}) for quality in (92, 85, 75))
_WEBP_90, _WEBP_75 = (Encoding("WEBP", "webp", {"quality": quality, "method": 2}) for quality in (90, 75))
PHOTO_FALLBACKS = (_JPEG_95, _JPEG_92, _JPEG_85)
DRAWING_FALLBACKS = (_PNG, _JPEG_92, _JPEG_85)
ALPHA_FALLBACKS = (_PNG, _WEBP_90, _WEBP_75)
UPLOAD_FALLBACKS = (_JPEG_92, _JPEG_85, _JPEG_75)
_SHRINK = 0.8


class _OverflowError(Exception):
    """More was written than the limit allows."""


class _Capped:
    """The part of a file that Pillow writes to, which stops an encoder as soon as its result is too big."""

    def __init__(self, sink: BinaryIO, limit_bytes: int) -> None:
        self._sink = sink
        self._left_bytes = limit_bytes

    def write(self, data: bytes) -> int:
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise _OverflowError
        return self._sink.write(data)


def encode(
    image: Image.Image, ladder: Sequence[Encoding], sink: BinaryIO, limit_bytes: int
) -> tuple[Encoding, tuple[int, int]]:
    """Writes the image to `sink` by the first rung that fits into the limit, else ever smaller by the last.

    Whatever the image, it ends: the limit is at least `SMALLEST_LIMIT_BYTES`.

    Returns:
        The rung taken, and the width and height in pixels.

    Raises:
        ValueError: the limit is smaller than that.
        OSError: from `sink`.
    """
    if limit_bytes < SMALLEST_LIMIT_BYTES:
        raise ValueError(f"no picture fits into {limit_bytes} bytes")
    for rung in ladder:
        if _fits(image, rung, sink, limit_bytes):
            return rung, image.size
    width, height = image.size
    scale = 1.0
    while True:
        scale *= _SHRINK
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
        if _fits(image, ladder[-1], sink, limit_bytes):
            return ladder[-1], image.size


def _fits(image: Image.Image, rung: Encoding, sink: BinaryIO, limit_bytes: int) -> bool:
    sink.seek(0)
    sink.truncate()
    try:
        # Pillow's types ask for a whole file, its encoders for `write` alone.
        image.save(cast("BinaryIO", _Capped(sink, limit_bytes)), rung.format, **rung.options)
    except _OverflowError:
        return False
    return True
