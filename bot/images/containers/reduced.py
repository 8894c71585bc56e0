"""A picture file without what its pixels do not need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROFILE_LIMIT_BYTES: Final = 10 << 20
"""The largest colour profile that is used; the pixels of a picture with a larger one stay as they are."""
PARTS_LIMIT: Final = 200_000
"""The most chunks, segments or blocks that are read: millions of empty ones would take seconds."""


class BrokenContainerError(Exception):
    """The file lacks a part without which no decoder can show the picture, or has far too many parts."""


class AnimatedError(Exception):
    """The file has several frames."""


def used_info(*, exif: bytes | None, icc_profile: bytes | None) -> dict[str, bytes]:
    """Return the metadata that are there, without a profile that is too large."""
    info = {"exif": exif, "icc_profile": icc_profile}
    return {name: value for name, value in info.items() if value and len(value) <= PROFILE_LIMIT_BYTES}


@dataclass(frozen=True, slots=True)
class Reduced:
    """A file that is written anew, and what was taken out of it but decides how the picture looks."""

    data: bytes
    info: Mapping[str, bytes] = field(default_factory=dict)
    """The metadata that decide how the pixels look, as Pillow names them: `exif` and `icc_profile`."""
    transparent: tuple[int, ...] | None = None
    """The transparent colour of a PNG of 16 bits: one sample for grey, three for colours."""
    is_unusable: Callable[[], bool] = lambda: False
    """Tells whether pixels are missing or take far too long, where no decoder says so. It decodes, too:
    check the size before."""
