"""Encode an image within a size limit: try encodings in turn, then scale the image down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALLEST_LIMIT_BYTES = 2048
"""Any picture can be encoded within this limit, if need be as a few pixels."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A format and its options, as Pillow names them."""

    format: str
    extension: str
    options: Mapping[str, int]


# Level 4 takes a third of the time of Pillow's default 6, for a few percent more bytes.
_PNG = Encoding("PNG", "png", {"compress_level": 4})
_JPEG_95 = Encoding("JPEG", "jpg", {"quality": 95, "subsampling": 0})
_JPEG_92, _JPEG_85, _JPEG_75 = (Encoding("JPEG", "jpg", {"quality": quality}) for quality in (92, 85, 75))
_WEBP_90, _WEBP_75 = (Encoding("WEBP", "webp", {"quality": quality, "method": 2}) for quality in (90, 75))
PHOTO_FALLBACKS = (_JPEG_95, _JPEG_92, _JPEG_85)
DRAWING_FALLBACKS = (_PNG, _JPEG_92, _JPEG_85)
ALPHA_FALLBACKS = (_PNG, _WEBP_90, _WEBP_75)
UPLOAD_FALLBACKS = (_JPEG_92, _JPEG_85, _JPEG_75)
"""Each of these lists begins with the best encoding and ends with the one that gives the smallest file."""
_SHRINK = 0.8


class _OverflowError(Exception):
    """The encoded image is larger than the limit."""


class _Capped:
    """A file for Pillow to write to, which stops the encoder as soon as the limit is passed."""

    def __init__(self, sink: BinaryIO, limit_bytes: int) -> None:
        self._sink = sink
        self._left_bytes = limit_bytes

    def write(self, data: bytes) -> int:
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise _OverflowError
        return self._sink.write(data)


def encode(
    image: Image.Image, encodings: Sequence[Encoding], sink: BinaryIO, limit_bytes: int
) -> tuple[Encoding, tuple[int, int]]:
    """Write the image to `sink` in the first encoding that fits into `limit_bytes`.

    If none fits, the image is scaled down by a fifth until the last one does.

    Returns:
        The encoding used, and the width and height in pixels.

    Raises:
        ValueError: `limit_bytes` is smaller than `SMALLEST_LIMIT_BYTES`, into which any image fits.
        OSError: from `sink`.
    """
    if limit_bytes < SMALLEST_LIMIT_BYTES:
        raise ValueError(f"no picture fits into {limit_bytes} bytes")
    for encoding in encodings:
        if _fits(image, encoding, sink, limit_bytes):
            return encoding, image.size
    width, height = image.size
    scale = 1.0
    while True:
        scale *= _SHRINK
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
        if _fits(image, encodings[-1], sink, limit_bytes):
            return encodings[-1], image.size


def _fits(image: Image.Image, encoding: Encoding, sink: BinaryIO, limit_bytes: int) -> bool:
    sink.seek(0)
    sink.truncate()
    try:
        # Pillow's types ask for a complete file object; its encoders only call `write`.
        image.save(cast("BinaryIO", _Capped(sink, limit_bytes)), encoding.format, **encoding.options)
    except _OverflowError:
        return False
    return True
