"""Write a WebP anew with the chunks that decide its pixels.

The chunks: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from bot.images.containers.reduced import PARTS_LIMIT, BrokenContainerError, Reduced, used_info

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIXELS: Final = frozenset({b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"})
_HEAD_BYTES: Final = 12


def reduce_webp(data: bytes) -> Reduced:
    """Return the WebP with its frames and their transparency only.

    The size in its head is not believed; a frame whose own size is beyond the file stays cut.

    Raises:
        BrokenContainerError: there are far too many chunks.
    """
    written: list[bytes] = []
    metadata: dict[bytes, bytes] = {}
    for name, body, head in _chunks(data):
        if name in _PIXELS:
            written.append(head + body + b"\0" * (len(body) & 1))
        elif name in {b"EXIF", b"ICCP"}:
            metadata.setdefault(name, body)
    parts = b"WEBP" + b"".join(written)
    return Reduced(
        b"RIFF" + struct.pack("<I", len(parts)) + parts,
        used_info(exif=metadata.get(b"EXIF"), icc_profile=metadata.get(b"ICCP")),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield the name, the body and the head of each chunk; the last body may be cut."""
    place = _HEAD_BYTES
    for _ in range(PARTS_LIMIT):
        if len(data) - place < 8:  # noqa: PLR2004  # name and size
            return
        name, length = struct.unpack_from("<4sI", data, place)
        yield name, data[place + 8 : place + 8 + length], data[place : place + 8]
        place += 8 + length + (length & 1)
    raise BrokenContainerError("too many chunks")
