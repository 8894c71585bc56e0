"""One picture file, its right answer, and the pictures that most of them show."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image, ImageChops, ImageCms

from bot.domain.errors import MemberReason

SIZE = (96, 64)
RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
CLEAR = (0, 0, 0, 0)
"""Any transparent pixel; its colour is not compared."""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SWAPPED = SRGB.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")
"""A profile that exchanges red and green."""
UNREADABLE, ANIMATED, TOO_LARGE = (
    MemberReason.REFERENCE_UNREADABLE,
    MemberReason.REFERENCE_ANIMATED,
    MemberReason.REFERENCE_TOO_LARGE,
)


@dataclass(frozen=True)
class Shown:
    """The picture is taken: its size, and the colours of its left and its right half from top to bottom."""

    left: tuple[int, ...] = RED
    right: tuple[int, ...] = BLUE
    size: tuple[int, int] = SIZE
    is_upright: bool = False
    """Whether an orientation of 6 was applied: red is above, blue below."""


Answer = Shown | MemberReason


@dataclass(frozen=True)
class PictureFile:
    name: str
    data: bytes
    answer: Answer = Shown()


def photo(mode: str = "RGB") -> Image.Image:
    """Return a picture whose left half is red and whose right half is blue, with the noise of a photo."""
    image = Image.new("RGB", SIZE, RED)
    image.paste(BLUE, (SIZE[0] // 2, 0, *SIZE))
    noise = Image.frombytes(
        "RGB", SIZE, bytes(value % 24 for value in random.Random(3).randbytes(3 * 96 * 64))
    )
    return ImageChops.add(image, noise).convert(mode)


def drawing(mode: str = "RGB") -> Image.Image:
    """Return the same picture without noise."""
    image = Image.new("RGB", SIZE, RED)
    image.paste(BLUE, (SIZE[0] // 2, 0, *SIZE))
    return image.convert(mode)


def half_clear() -> Image.Image:
    """Return the picture with a transparent right half."""
    image = photo("RGBA")
    image.paste((0, 0, 255, 0), (SIZE[0] // 2, 0, *SIZE))
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    values = Image.Exif()
    values[ExifTags.Base.Make] = "Fruit Phone"
    values[ExifTags.Base.Orientation] = orientation
    values.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (6.0, 12.0, 0.0)
    return values.tobytes()
