"""Write a PNG anew with the chunks that decide its pixels.

A browser ignores a side chunk whose checksum or length is wrong; Pillow refuses the picture for it. The
chunks: https://www.w3.org/TR/png-3/#11Chunks
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bot.images.containers.reduced import (
    PARTS_LIMIT,
    PROFILE_LIMIT_BYTES,
    AnimatedError,
    BrokenContainerError,
    Reduced,
    used_info,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_USED: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"iCCP", b"eXIf", b"IEND"})
_RESUMED: Final = re.compile(rb"PLTE|tRNS|IDAT")
"""Chunks with which reading goes on behind one whose length is wrong."""
_RESUME_LIMIT, _RESUME_ATTEMPTS = 4, 32
"""How often that is done, and at how many places: each may cost a checksum over the whole file."""
_UNPACKED_LIMIT_BYTES, _UNPACKED_AT_ONCE_BYTES = 400_000_000, 1 << 16
_ZEROS: Final = 16
"""So many zeros at the end of a cut file were never written, but allocated."""
_MAX_FRAMES: Final = 1 << 31
_GREY, _COLOUR, _PALETTE = 0, 2, 3
_DEEP_BITS: Final = 16


class _Chunk(NamedTuple):
    name: bytes
    data: memoryview
    is_valid: bool
    """Whether it is complete and its checksum right."""
    is_cut: bool
    """Whether the file ends within its data."""


def reduce_png(data: bytes) -> Reduced:
    """Return the PNG with header, palette, transparency and pixels only.

    Raises:
        BrokenContainerError: the header or the palette is missing, or its checksum is wrong.
        AnimatedError: the picture has several frames.
    """
    found: dict[bytes, memoryview] = {}
    pixels: list[memoryview] = []
    is_checked = True
    for chunk in _chunks(data):
        if chunk.name == b"IDAT":
            if not pixels and _frames(found) > 1:
                raise AnimatedError
            pixels.append(chunk.data)
            is_checked &= chunk.is_valid or chunk.is_cut
        elif chunk.is_valid and (not pixels or chunk.name == b"eXIf"):
            found.setdefault(chunk.name, chunk.data)
        elif chunk.name in {b"IHDR", b"PLTE"}:
            raise BrokenContainerError(f"a broken {chunk.name.decode()}")
    header = found.get(b"IHDR", b"")
    if len(header) < 13:  # noqa: PLR2004  # its length in the standard
        raise BrokenContainerError("no header")
    depth, colour_type = header[8], header[9]
    written = [SIGNATURE, *_written(b"IHDR", header)]
    if colour_type == _PALETTE:
        if b"PLTE" not in found:
            raise BrokenContainerError("no palette")
        written += _written(b"PLTE", found[b"PLTE"])
    transparency, transparent = _transparency(found, depth, colour_type)
    if transparency is not None:
        written += _written(b"tRNS", transparency)
    exif = bytes(found.get(b"eXIf", b""))
    return Reduced(
        b"".join((*written, *_written(b"IDAT", *pixels), *_written(b"IEND"))),
        used_info(exif=exif, icc_profile=_profile(bytes(found.get(b"iCCP", b"")))),
        transparent=transparent,
        is_unusable=partial(_is_damaged, b"" if is_checked else b"".join(pixels)),
    )


def _written(name: bytes, *bodies: bytes | memoryview) -> tuple[bytes | memoryview, ...]:
    """Return the parts of a chunk. They are copied only once: the pixels may have 10 MB."""
    checksum = zlib.crc32(name)
    for body in bodies:
        checksum = zlib.crc32(body, checksum)
    return struct.pack(">I", sum(map(len, bodies))), name, *bodies, struct.pack(">I", checksum)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Yield the chunks that are used, to the end of the file if its end chunk is missing."""
    view, place, resumed = memoryview(data), len(SIGNATURE), 0
    for _ in range(PARTS_LIMIT):
        head = _head(data, place)
        if head is None:
            return
        length, name = head
        body = view[place + 8 : place + 8 + length]
        is_cut = len(body) < length
        if is_cut and body[-_ZEROS:] == bytes(_ZEROS):
            body = body[: len(bytes(body).rstrip(b"\0"))]
        chunk = _Chunk(name, body, _is_valid(view, place, length), is_cut)
        if name in _USED:
            yield chunk
        if name == b"IEND":
            return
        end = place + 12 + length
        if not chunk.is_valid and _head(data, end) is None:
            resumed += 1
            if resumed > _RESUME_LIMIT:
                return
            end = _next_readable(data, place + 8)
        place = end
    raise BrokenContainerError("too many chunks")


def _head(data: bytes, place: int) -> tuple[int, bytes] | None:
    """Return the length and name of the chunk at `place`; None if there is none."""
    name = data[place + 4 : place + 8]
    if len(name) < 4 or not name.isalpha():  # noqa: PLR2004  # the length of a name
        return None
    return int.from_bytes(data[place : place + 4], "big"), name


def _is_valid(view: memoryview, place: int, length: int) -> bool:
    end = place + 8 + length
    checksum = view[end : end + 4]
    return len(checksum) == 4 and zlib.crc32(view[place + 4 : end]) == int.from_bytes(checksum, "big")  # noqa: PLR2004


def _next_readable(data: bytes, place: int) -> int:
    """Return where the next chunk begins that is valid and used; the end of the file if none is near."""
    view = memoryview(data)
    for number, match in enumerate(_RESUMED.finditer(data, place + 4)):
        start = match.start() - 4
        if number == _RESUME_ATTEMPTS:
            break
        if _is_valid(view, start, int.from_bytes(data[start : start + 4], "big")):
            return start
    return len(data)


def _frames(found: dict[bytes, memoryview]) -> int:
    """Return how many frames are announced before the first pixels.

    https://www.w3.org/TR/png-3/#apng-frame-based-animation
    """
    control = found.get(b"acTL", b"")
    frames = int.from_bytes(control[:4], "big") if len(control) >= 8 else 0  # noqa: PLR2004  # two numbers
    if not 0 < frames <= _MAX_FRAMES:
        return 1
    # Without a control of its own before it, the picture itself is one more than those announced.
    return frames if b"fcTL" in found else frames + 1


def _transparency(
    found: dict[bytes, memoryview], depth: int, colour_type: int
) -> tuple[bytes | None, tuple[int, ...] | None]:
    """Return the chunk for Pillow, or the colour of 16 bits, for which Pillow has no room; one is None."""
    chunk = bytes(found.get(b"tRNS", b""))
    if colour_type == _PALETTE:
        # libpng ignores one that is longer than the palette.
        return chunk if 0 < len(chunk) <= len(found.get(b"PLTE", b"")) // 3 else None, None
    count = {_GREY: 1, _COLOUR: 3}.get(colour_type, 0)
    if not count or len(chunk) < 2 * count:
        return None, None
    samples = tuple(value & ((1 << depth) - 1) for value in struct.unpack_from(f">{count}H", chunk))
    if depth == _DEEP_BITS:
        return None, samples
    # Pillow scales the pixels of 2 and 4 bits to 8, but not this colour. Of 1 bit it only asks if it is 0.
    scale = 255 // ((1 << depth) - 1) if depth > 1 else 1
    return struct.pack(f">{count}H", *(value * scale for value in samples)), None


def _is_damaged(packed: bytes) -> bool:
    """Tell whether the compressed pixels do not end with a right checksum of their own.

    Pillow does not look at it; but zeros in place of the second half may well be unpacked.
    """
    if not packed:
        return False
    unpacker, left_bytes = zlib.decompressobj(), _UNPACKED_LIMIT_BYTES
    try:
        while packed and left_bytes > 0:
            left_bytes -= len(unpacker.decompress(packed, _UNPACKED_AT_ONCE_BYTES))
            packed = unpacker.unconsumed_tail
    except zlib.error:
        return True
    return not unpacker.eof


def _profile(chunk: bytes) -> bytes | None:
    """Return the colour profile; None if it is broken or too large."""
    packed = chunk.partition(b"\0")[2]
    if not packed.startswith(b"\0"):
        return None
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], PROFILE_LIMIT_BYTES)
    except zlib.error:
        return None
    return profile if unpacker.eof else None
