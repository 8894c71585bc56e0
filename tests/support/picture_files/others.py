"""GIF, AVIF and HEIC files, sound, odd and broken."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.support.picture_files.model import (
    ANIMATED,
    CLEAR,
    RED,
    TOO_LARGE,
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

NOISE = random.Random(9).randbytes(9000)
GIF = saved(drawing(), "GIF", interlace=0)
AVIF = saved(photo(), "AVIF", quality=90)


def files() -> Iterator[PictureFile]:
    for kind, rows in (("GIF", gif()), ("AVIF", avif())):
        for name, data, answer in rows:
            yield PictureFile(f"{kind}, {name}", data, answer)


def gif() -> Iterator[tuple[str, bytes, Answer]]:
    picture = GIF.index(b"\x2c")
    colours = 13 + 3 * (2 << (GIF[10] & 7))

    def before(extra: bytes) -> bytes:
        return GIF[:picture] + extra + GIF[picture:]

    def with_bytes(at: int, value: bytes) -> bytes:
        return GIF[:at] + value + GIF[at + len(value) :]

    yield "plain", GIF, Shown()
    yield "interlaced", saved(drawing(), "GIF", interlace=1), Shown()
    yield "of 1989", b"GIF89a" + GIF[6:], Shown()
    yield "one transparent colour", saved(half_clear(), "GIF"), Shown(RED, CLEAR)
    yield "no end", GIF.removesuffix(b"\x3b"), Shown()
    yield "no end of its pixels", GIF.removesuffix(b"\0\x3b"), Shown()
    yield "rubbish behind it", GIF + NOISE, Shown()
    yield "rubbish for its end", GIF[:-1] + NOISE, Shown()
    yield "a comment in no encoding", before(b"\x21\xfe\xff" + NOISE[:255] + b"\0"), Shown()
    yield "2 MB of comments", before(b"\x21\xfe" + (b"\xff" + NOISE[:255]) * 8000 + b"\0"), Shown()
    yield "300,000 extensions", before(b"\x21\x77\0" * 300_000), UNREADABLE
    yield "an unknown extension", before(b"\x21\x77\4what\0"), Shown()
    yield "an application without data", before(b"\x21\xff\x0bNETSCAPE2.0\0"), Shown()
    yield "half a control", before(b"\x21\xf9\1\0\0"), Shown()
    yield "zeros before its pixels", before(bytes(40)), Shown()
    yield "a screen smaller than the picture", with_bytes(6, struct.pack("<HH", 8, 8)), Shown()
    yield "a screen of no size", with_bytes(6, bytes(4)), Shown()
    yield (
        "its colours in the picture",
        (
            GIF[:10]
            + b"\0"
            + GIF[11:13]
            + GIF[colours : picture + 9]
            + bytes([0x80 | (GIF[10] & 7)])
            + GIF[13:colours]
            + GIF[picture + 10 :]
        ),
        Shown(),
    )
    yield "animated", saved(drawing(), "GIF", save_all=True, append_images=[photo("L")]), ANIMATED
    yield "cut in half", GIF[: (picture + len(GIF)) // 2], UNREADABLE
    yield "no pixels", GIF[:picture] + b"\x3b", UNREADABLE
    yield "a head alone", GIF[:13], UNREADABLE
    yield "900 megapixels", with_bytes(picture + 5, struct.pack("<HH", 30_000, 30_000)), TOO_LARGE


def avif() -> Iterator[tuple[str, bytes, Answer]]:
    with_exif = saved(photo(), "AVIF", exif=exif(6))
    place = with_exif.index(b"Fruit Phone")
    size = AVIF.index(b"ispe") + 8
    yield "plain", AVIF, Shown()
    yield "an alpha channel", saved(half_clear(), "AVIF"), Shown(RED, CLEAR)
    yield "EXIF with an orientation", with_exif, Shown(is_upright=True)
    yield (
        "EXIF that is none",
        with_exif[: place - 40] + NOISE[:40] + with_exif[place:],
        Shown(is_upright=True),
    )
    yield "rubbish behind it", AVIF + NOISE, Shown()
    yield "named mif1", AVIF.replace(b"ftypavif", b"ftypmif1", 1), Shown()
    yield "animated", saved(photo(), "AVIF", save_all=True, append_images=[drawing()]), ANIMATED
    yield "cut in half", AVIF[: len(AVIF) // 2], UNREADABLE
    yield "cut in its last bytes", AVIF[:-40], UNREADABLE
    yield "64 megapixels", AVIF[:size] + struct.pack(">II", 8000, 8000) + AVIF[size + 8 :], TOO_LARGE
