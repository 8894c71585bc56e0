"""Check a PNG as nearly all are, without unpacking its pixels: that takes three quarters of decoding it.

A decoder can fail at three things: a chunk that is damaged, data that does not inflate to the size in the
header, and a row with an unknown filter. All of that is checked here, of files that have nothing unusual:
https://www.w3.org/TR/png-3/#5DataRep
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">IIBBBBB")
_FRAME_BYTES: Final = 12
"""Length, name and checksum of a chunk."""
_CHANNELS: Final = {0: 1, 2: 3, 6: 4}
"""By colour type: grey, colour, colour with transparency. One with a palette depends on another chunk."""
_DEPTH: Final = 8
_USUAL: Final = {
    b"sRGB": range(1, 2),
    b"gAMA": range(4, 5),
    b"cHRM": range(32, 33),
    b"pHYs": range(9, 10),
    b"tIME": range(7, 8),
    b"tEXt": range(1, 65_536),
    b"eXIf": range(1, 65_536),
}
"""Chunks beside header and pixels that no decoder stumbles over, and their lengths in bytes."""
_CHUNKS_LIMIT: Final = 10_000
_AT_ONCE_BYTES: Final = 1 << 20
_LAST_FILTER: Final = 4


class _Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour_type: int
    compression: int
    filtering: int
    interlacing: int


def size_if_sound(data: bytes, *, side_limit: int, pixel_limit: int) -> tuple[int, int] | None:
    """Return width and height of a PNG that is plain and sound; None if a decoder has to judge."""
    if not data.startswith(_SIGNATURE):
        return None
    chunks = _chunks(memoryview(data))
    name, body = next(chunks, (b"", memoryview(b"")))
    if name != b"IHDR" or len(body) != _HEADER.size:
        return None
    header = _Header(*_HEADER.unpack(body))
    size = header.width, header.height
    plain = (header.depth, header.compression, header.filtering, header.interlacing) == (_DEPTH, 0, 0, 0)
    if not plain or header.colour_type not in _CHANNELS or max(size) > side_limit:
        return None
    if not 0 < header.width * header.height <= pixel_limit:
        return None
    pixels = _pixels(chunks)
    row_bytes = 1 + header.width * _CHANNELS[header.colour_type]
    return size if pixels and _fill(pixels, row_bytes, header.height) else None


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield names and bodies of the chunks, up to the first that is damaged; the last is an empty name."""
    place = len(_SIGNATURE)
    for _ in range(_CHUNKS_LIMIT):
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + _FRAME_BYTES + length
        if end > len(data) or zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(
            data[end - 4 : end], "big"
        ):
            return
        yield bytes(data[place + 4 : place + 8]), data[place + 8 : end - 4]
        place = end
        if place == len(data):
            yield b"", data[place:]
            return


def _pixels(chunks: Iterable[tuple[bytes, memoryview]]) -> list[memoryview]:
    """Return the bodies of the pixels' chunks; none if there is anything unusual among or behind them."""
    pixels: list[memoryview] = []
    before = b""
    for name, body in chunks:
        if before == b"IEND":
            return [] if name else pixels
        if name == b"IDAT" and (before == b"IDAT" or not pixels):
            pixels.append(body)
        elif name == b"IEND" and not body:
            pass
        elif len(body) not in _USUAL.get(name, ()):
            return []
        before = name
    return []


def _fill(pixels: Iterable[memoryview], row_bytes: int, rows: int) -> bool:
    """Return whether the data inflates to so many rows, and no more, that begin with known filters."""
    inflating, place = zlib.decompressobj(), 0
    for chunk in pixels:
        packed: bytes | memoryview = chunk
        while len(packed):
            if inflating.eof:  # something follows the end of the data
                return False
            try:
                unpacked = inflating.decompress(packed, _AT_ONCE_BYTES)
            except zlib.error:
                return False
            filters = unpacked[-place % row_bytes :: row_bytes]
            place += len(unpacked)
            if place > row_bytes * rows or max(filters, default=0) > _LAST_FILTER:
                return False
            packed = inflating.unconsumed_tail
    return inflating.eof and not inflating.unused_data and place == row_bytes * rows
