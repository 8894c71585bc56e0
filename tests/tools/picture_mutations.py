"""Damage picture files: each number of a seed gives the same file in every run."""

from __future__ import annotations

import random
import re
import struct
import zlib
from functools import cache

from tests.support.picture_files import picture_files

MAX_SOURCE_BYTES = 60_000
"""Larger files are large by their metadata, which costs time and finds nothing new."""
HEIC_EVERY = 200
"""One of so many files is a HEIC: each of them costs a process."""
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@cache
def sources() -> dict[bool, list[tuple[str, bytes]]]:
    """Return name and content of the files to damage: by whether they are HEIC."""
    found: dict[bool, list[tuple[str, bytes]]] = {True: [], False: []}
    for file in picture_files():
        if len(file.data) <= MAX_SOURCE_BYTES:
            found[file.name.startswith("HEIC")].append((file.name, file.data))
    return found


def mutated(seed: int, number: int) -> tuple[str, bytes]:
    """Return the name of a file, and its damaged content."""
    rng = random.Random(f"{seed} {number}")
    files = sources()[number % HEIC_EVERY == 0]
    name, source = rng.choice(files)
    data = bytearray(source)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        rng.choice((_set_byte, _flip_bit, _set_number, _cut, _remove, _repeat, _insert, _exchange))(data, rng)
    if rng.random() < 0.1:
        other = rng.choice(files)[1]
        data += other[rng.randrange(len(other)) :]
    if name.startswith("PNG") and rng.random() < 0.7:
        # Else nearly every damage ends at a checksum.
        data = with_right_checksums(data)
    return name, bytes(data)


def with_right_checksums(data: bytearray) -> bytearray:
    """Write the right checksum behind each chunk of a PNG, as far as there are chunks."""
    place = 8
    while (head := re.compile(rb"(.{4})[A-Za-z]{4}", re.DOTALL).match(data, place)) is not None:
        (length,) = struct.unpack(">I", head[1])
        end = place + 8 + length
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return data


def _place(data: bytearray, rng: random.Random) -> int:
    """Return a place in the file; the heads are damaged more often than the pixels."""
    return rng.randrange(min(len(data), 400) if rng.random() < 0.4 else len(data)) if data else 0


def _set_byte(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    data[place : place + 1] = bytes((rng.randrange(256),))


def _flip_bit(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    data[place : place + 1] = bytes(value ^ (1 << rng.randrange(8)) for value in data[place : place + 1])


def _set_number(data: bytearray, rng: random.Random) -> None:
    place, value = _place(data, rng), rng.choice((*EDGES, rng.randrange(10_000)))
    width = rng.choice((2, 4))
    order = ">" if rng.random() < 0.5 else "<"
    packed = struct.pack(order + ("H" if width == 2 else "I"), value & ((1 << (8 * width)) - 1))
    data[place : place + width] = packed


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) + rng.choice((0, 0, 400)) :]


def _span(data: bytearray, rng: random.Random) -> tuple[int, int]:
    place = _place(data, rng)
    return place, place + rng.choice((1, 2, 4, 12, rng.randrange(1, 600)))


def _remove(data: bytearray, rng: random.Random) -> None:
    start, end = _span(data, rng)
    del data[start:end]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start, end = _span(data, rng)
    data[start:start] = data[start:end] * rng.choice((1, 2, 50))


def _insert(data: bytearray, rng: random.Random) -> None:
    place, length = _place(data, rng), rng.choice((1, 4, 40))
    data[place:place] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))


def _exchange(data: bytearray, rng: random.Random) -> None:
    (start, end), to = _span(data, rng), _place(data, rng)
    part = data[start:end]
    data[to : to + len(part)] = part
