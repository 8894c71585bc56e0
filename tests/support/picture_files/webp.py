"""WebP files, sound, odd and broken."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.support.picture_files.model import (
    ANIMATED,
    BLUE,
    CLEAR,
    GREEN,
    RED,
    SWAPPED,
    UNREADABLE,
    Answer,
    PictureFile,
    Shown,
    drawing,
    exif,
    half_clear,
    photo,
    saved,
)

NOISE = random.Random(8).randbytes(9000)
PLAIN = saved(photo(), "WEBP", quality=90)
LOSSLESS = saved(photo(), "WEBP", lossless=True)
CANVAS = struct.pack("<I", 95)[:3] + struct.pack("<I", 63)[:3]


def chunk(name: bytes, body: bytes, *, length: int | None = None) -> bytes:
    """Return a chunk, if need be with another length than the right one."""
    length = len(body) if length is None else length
    return name + struct.pack("<I", length) + body + b"\0" * (len(body) & 1)


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def extended(flags: int, *chunks: bytes, length: int | None = None) -> bytes:
    """Return a file with a head that announces metadata."""
    return riff(chunk(b"VP8X", bytes((flags, 0, 0, 0)) + CANVAS), *chunks, length=length)


def files() -> Iterator[PictureFile]:
    for name, data, answer in (*sound(), *metadata(), *broken()):
        yield PictureFile(f"WebP, {name}", data, answer)


def sound() -> Iterator[tuple[str, bytes, Answer]]:
    yield "plain", PLAIN, Shown()
    yield "without loss", LOSSLESS, Shown()
    yield "an alpha channel", saved(half_clear(), "WEBP"), Shown(RED, CLEAR)
    yield "an alpha channel without loss", saved(half_clear(), "WEBP", lossless=True), Shown(RED, CLEAR)
    yield "rubbish behind it", PLAIN + NOISE, Shown()
    yield "another WebP behind it", PLAIN + LOSSLESS, Shown()


def metadata() -> Iterator[tuple[str, bytes, Answer]]:
    pixels = PLAIN[12:]
    yield "a profile", extended(0x20, chunk(b"ICCP", SWAPPED), pixels), Shown(GREEN, BLUE)
    yield "a profile that is none", extended(0x20, chunk(b"ICCP", NOISE), pixels), Shown()
    yield (
        "a profile of 5 MB",
        extended(0x20, chunk(b"ICCP", SWAPPED + bytes(5 << 20)), pixels),
        Shown(GREEN, BLUE),
    )
    yield "EXIF with an orientation", extended(8, pixels, chunk(b"EXIF", exif(6))), Shown(is_upright=True)
    yield "EXIF without its head", extended(8, pixels, chunk(b"EXIF", exif(6)[6:])), Shown(is_upright=True)
    yield "EXIF that is none", extended(8, pixels, chunk(b"EXIF", NOISE)), Shown()
    yield "EXIF announced but missing", extended(8, pixels), Shown()
    yield "EXIF that is there unannounced", riff(pixels, chunk(b"EXIF", NOISE)), Shown()
    yield "cut in its EXIF", extended(8, pixels, chunk(b"EXIF", exif(1)))[:-30], Shown()
    yield "EXIF longer than the file", extended(8, pixels, chunk(b"EXIF", NOISE, length=99_999)), Shown()
    yield "XMP of 2 MB", extended(4, pixels, chunk(b"XMP ", b"<x/>" * 500_000)), Shown()
    yield "an unknown chunk", extended(0, chunk(b"what", NOISE), pixels), Shown()
    yield "an unknown chunk before the head", riff(chunk(b"what", NOISE), pixels), Shown()


def broken() -> Iterator[tuple[str, bytes, Answer]]:
    pixels = PLAIN[12:]
    yield "a length longer than the file", riff(pixels, length=len(PLAIN) + 4000), Shown()
    yield "the length 0", riff(pixels, length=0), Shown()
    yield "the greatest length", riff(pixels, length=0xFFFFFFFF), Shown()
    yield "its length in the wrong order", b"RIFF" + PLAIN[4:8][::-1] + PLAIN[8:], Shown()
    yield "cut in half", PLAIN[: len(PLAIN) // 2], UNREADABLE
    yield "cut in half, with a right length", riff(pixels[: len(pixels) // 2]), UNREADABLE
    yield "cut in half, both lengths right", riff(chunk(b"VP8 ", pixels[8 : len(pixels) // 2])), UNREADABLE
    yield "cut in half, without loss", LOSSLESS[: len(LOSSLESS) // 2], UNREADABLE
    yield "cut without loss, both lengths right", riff(chunk(b"VP8L", LOSSLESS[20:-300])), UNREADABLE
    yield "no pixels", extended(0), UNREADABLE
    yield "a head alone", PLAIN[:12], UNREADABLE
    yield "300,000 chunks", riff(chunk(b"VP8 ", b"") * 300_000), UNREADABLE
    yield (
        "another size in its head",
        riff(chunk(b"VP8X", bytes(4) + CANVAS[3:] + CANVAS[:3]), pixels),
        UNREADABLE,
    )
    yield (
        "animated",
        saved(photo(), "WEBP", save_all=True, append_images=[drawing("L").convert("RGB")]),
        ANIMATED,
    )
    one_frame = b"\0" * 6 + CANVAS + struct.pack("<I", 40)
    yield (
        "an animation of one frame",
        extended(2, chunk(b"ANIM", bytes(6)), chunk(b"ANMF", one_frame + pixels)),
        Shown(),
    )
