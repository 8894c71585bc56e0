"""PNG files, sound, odd and broken."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Iterator

from tests.support.picture_files.model import (
    ANIMATED,
    BLUE,
    CLEAR,
    GREEN,
    RED,
    SIZE,
    SWAPPED,
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

WIDTH, HEIGHT = SIZE
NOISE = random.Random(5).randbytes(2_000_000)
PLAIN = saved(photo(), "PNG")
END = PLAIN[-12:]
BODY = PLAIN[33:-12]
"""The chunks of the pixels."""
HALF_CLEAR = Shown(RED, CLEAR)


def chunk(name: bytes, data: bytes, *, length: int | None = None, checksum: int | None = None) -> bytes:
    """Return a chunk, if need be with another length or checksum than the right one."""
    right = zlib.crc32(name + data)
    length = len(data) if length is None else length
    return (
        struct.pack(">I", length) + name + data + struct.pack(">I", right if checksum is None else checksum)
    )


def png(
    width: int, height: int, pixels: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """Build a PNG by hand; `extra` is put between header and pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(pixels, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def rows(left: bytes, right: bytes) -> bytes:
    """Return the uncompressed pixels of a picture with two halves."""
    return (b"\0" + left * (WIDTH // 2) + right * (WIDTH // 2)) * HEIGHT


def packed_rows(depth: int, left: int, right: int) -> bytes:
    """Return the same for samples of 1, 2 or 4 bits."""
    in_byte = 8 // depth
    repeated = sum(1 << (depth * place) for place in range(in_byte))
    half = WIDTH // 2 // in_byte
    return (b"\0" + bytes([left * repeated]) * half + bytes([right * repeated]) * half) * HEIGHT


def before(extra: bytes) -> bytes:
    """Put chunks between header and pixels."""
    return PLAIN[:33] + extra + PLAIN[33:]


def behind(extra: bytes) -> bytes:
    """Put chunks between pixels and end."""
    return PLAIN[:-12] + extra + END


def files() -> Iterator[PictureFile]:
    for name, data, answer in (*metadata(), *lengths(), *pixels(), *transparency(), *frames()):
        yield PictureFile(f"PNG, {name}", data, answer)


def text(words: bytes, *, name: bytes = b"zTXt") -> bytes:
    packed = zlib.compress(words)
    return chunk(name, b"Comment\0\0" + packed if name == b"zTXt" else b"Comment\0\1\0\0\0" + packed)


def metadata() -> Iterator[tuple[str, bytes, Shown]]:
    wrong = {"checksum": 12345}
    exchanged = Shown(GREEN, BLUE)
    packed = zlib.compress(SWAPPED + NOISE[:1_400_000])
    profile = b"name\0\0" + zlib.compress(SWAPPED)
    yield "plain", PLAIN, Shown()
    yield "a profile", before(chunk(b"iCCP", profile)), exchanged
    yield "a profile of 1.4 MB", before(chunk(b"iCCP", b"name\0\0" + packed)), exchanged
    yield (
        "a profile of 200 MB of zeros",
        before(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200 << 20)))),
        Shown(),
    )
    yield "a profile that is not compressed", before(chunk(b"iCCP", b"name\0\0" + SWAPPED)), Shown()
    yield "a profile compressed in another way", before(chunk(b"iCCP", b"name\0\7" + packed)), Shown()
    yield "a profile without a name", before(chunk(b"iCCP", b"\0")), Shown()
    yield "an empty profile", before(chunk(b"iCCP", b"")), Shown()
    yield "a profile that is cut", before(chunk(b"iCCP", profile[:-40])), Shown()
    yield "a wrong checksum of a profile", before(chunk(b"iCCP", profile, **wrong)), Shown()
    yield "2 MB of compressed text", before(text(bytes(2 << 20))), Shown()
    yield "2 MB of text", before(chunk(b"tEXt", b"Comment\0" + NOISE)), Shown()
    yield "2 MB of international text", before(text(bytes(2 << 20), name=b"iTXt")), Shown()
    yield "2 MB of text behind the pixels", behind(text(bytes(2 << 20))), Shown()
    yield "90 texts of 1 MB", before(text(bytes(1 << 20)) * 90), Shown()
    yield "a text in no encoding", before(chunk(b"iTXt", b"a\0\0\0\xff\0\xfe\0\xff\xfe\xfd")), Shown()
    yield "a text that is not compressed", before(chunk(b"zTXt", b"a\0\0what")), Shown()
    for name in (b"tEXt", b"gAMA", b"pHYs", b"bKGD", b"tIME", b"abCd"):
        yield f"a wrong checksum of {name.decode()}", before(chunk(name, bytes(9), **wrong)), Shown()
        yield f"the same behind the pixels, {name.decode()}", behind(chunk(name, bytes(9), **wrong)), Shown()
    yield "a wrong checksum of EXIF", before(chunk(b"eXIf", exif(6)[6:], **wrong)), Shown()
    yield "EXIF with an orientation", before(chunk(b"eXIf", exif(6)[6:])), Shown(is_upright=True)
    yield "EXIF behind the pixels", behind(chunk(b"eXIf", exif(6)[6:])), Shown(is_upright=True)
    yield "EXIF that is none", before(chunk(b"eXIf", b"MM\0*" + b"\xff" * 60)), Shown()
    yield "an unknown chunk", before(chunk(b"quAx", NOISE[:500])), Shown()


def lengths() -> Iterator[tuple[str, bytes, Answer]]:
    for name in (
        b"pHYs",
        b"sRGB",
        b"gAMA",
        b"cHRM",
        b"sBIT",
        b"acTL",
        b"tIME",
        b"tRNS",
        b"hIST",
        b"oFFs",
        b"sTER",
    ):
        yield f"an empty {name.decode()}", before(chunk(name, b"")), Shown()
        yield f"one byte of {name.decode()}", before(chunk(name, b"\1")), Shown()
    words = b"Comment\0" + b"a few words" * 9
    for length in (0, 20, 101, 160, len(words) + 12, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
        yield f"the length {length} of a text", before(chunk(b"tEXt", words, length=length)), Shown()
    for length in (20, 160, 0xFFFFFFFF):
        yield f"the length {length} of a last text", behind(chunk(b"tEXt", words, length=length)), Shown()
    yield "cut in its last text", behind(chunk(b"tEXt", words))[:-40], Shown()
    yield "300,000 chunks", before(chunk(b"quAx", b"") * 300_000), UNREADABLE
    yield "zeros between chunks", before(bytes(64)), UNREADABLE


def pixels() -> Iterator[tuple[str, bytes, Answer]]:
    yield "interlaced", _interlaced(), Shown()
    packed = zlib.compress(rows(bytes(RED), bytes(BLUE)))
    head = PLAIN[:33]
    yield (
        "the pixels byte by byte",
        head
        + b"".join(chunk(b"IDAT", packed[at : at + 1]) + chunk(b"IDAT", b"") for at in range(len(packed)))
        + END,
        Shown(),
    )
    yield (
        "a text among the pixels",
        head + chunk(b"IDAT", packed[:50]) + text(b"hm") + chunk(b"IDAT", packed[50:]) + END,
        Shown(),
    )
    yield "a wrong checksum of the pixels", head + chunk(b"IDAT", packed, checksum=1) + END, Shown()
    yield "more pixels than its size", png(*SIZE, rows(bytes(RED), bytes(BLUE)) * 3), Shown()
    yield "a window declared too small", head + chunk(b"IDAT", b"\x08\x1d" + packed[2:]) + END, Shown()
    yield "no end", PLAIN[:-12], Shown()
    yield "a wrong checksum of the end", PLAIN[:-4] + b"oops", Shown()
    yield "rubbish behind it", PLAIN + NOISE[:9000], Shown()
    yield "a ZIP behind it", PLAIN + b"PK\3\4" + NOISE[:900], Shown()
    yield "another PNG behind it", PLAIN + saved(drawing("L"), "PNG"), Shown()
    yield "a palette of colours it does not use", before(chunk(b"PLTE", bytes(7))), Shown()
    yield "cut in half", PLAIN[: len(PLAIN) // 2], UNREADABLE
    yield "cut in its last row", PLAIN[:-150], UNREADABLE
    yield "cut, with a right end", PLAIN[: len(PLAIN) // 2] + END, UNREADABLE
    yield "cut, with a right checksum and end", head + chunk(b"IDAT", packed[:-60]) + END, UNREADABLE
    yield "zeros for the rest", PLAIN[: len(PLAIN) // 2] + bytes(len(PLAIN) // 2), UNREADABLE
    yield "no pixels", head + END, UNREADABLE
    yield "a wrong checksum of the header", PLAIN[:29] + b"oops" + PLAIN[33:], UNREADABLE
    yield "a header alone", head, UNREADABLE
    yield "line ends of text", PLAIN.replace(b"\r\n", b"\n", 1), UNREADABLE
    yield (
        "as Apple packs it",
        PLAIN[:8] + chunk(b"CgBI", b"\x50\0\x20\2") + head[8:] + chunk(b"IDAT", packed[2:-4]) + END,
        UNREADABLE,
    )
    yield "no width", png(0, 5, b""), UNREADABLE
    yield "900 megapixels", png(30_000, 30_000, bytes(30_000), depth=1, colour=0), TOO_LARGE


def transparency() -> Iterator[tuple[str, bytes, Answer]]:
    palette = chunk(b"PLTE", bytes((*RED, *BLUE)))
    indexes = rows(b"\0", b"\1")
    yield "an alpha channel", saved(half_clear(), "PNG"), HALF_CLEAR
    yield (
        "16 bits of grey",
        png(*SIZE, rows(b"\x80\0", b"\xff\xff"), depth=16, colour=0),
        Shown((128,) * 3, (255,) * 3),
    )
    yield (
        "16 bits of grey, one transparent",
        png(*SIZE, rows(b"\x80\0", b"\x80\1"), depth=16, colour=0, extra=chunk(b"tRNS", b"\x80\1")),
        Shown((128,) * 3, CLEAR),
    )
    red, blue = (b"".join(bytes((value, 7)) for value in colour) for colour in (RED, BLUE))
    yield "16 bits of colour", png(*SIZE, rows(red, blue), depth=16), Shown()
    yield (
        "16 bits of colour, one transparent",
        png(*SIZE, rows(red, blue), depth=16, extra=chunk(b"tRNS", blue)),
        HALF_CLEAR,
    )
    near = red[:-1] + b"\x08"
    yield (
        "16 bits of colour, two close together",
        png(*SIZE, rows(red, near), depth=16, extra=chunk(b"tRNS", near)),
        HALF_CLEAR,
    )
    yield (
        "16 bits with alpha",
        png(*SIZE, rows(red + b"\xff\xff", blue + b"\0\0"), depth=16, colour=6),
        HALF_CLEAR,
    )
    yield (
        "16 bits of grey with alpha",
        png(*SIZE, rows(b"\x80\0\xff\xff", bytes(4)), depth=16, colour=4),
        Shown((128,) * 3, CLEAR),
    )
    yield (
        "8 bits of colour, one transparent",
        png(
            *SIZE,
            rows(bytes(RED), bytes(BLUE)),
            extra=chunk(b"tRNS", bytes((0, RED[0], 0, RED[1], 0, RED[2]))),
        ),
        Shown(CLEAR, BLUE),
    )
    for depth in (1, 2, 4):
        most = (1 << depth) - 1
        yield (
            f"{depth} bits of grey, one transparent",
            png(
                *SIZE,
                packed_rows(depth, 0, most),
                depth=depth,
                colour=0,
                extra=chunk(b"tRNS", bytes((0, most))),
            ),
            Shown((0,) * 3, CLEAR),
        )
    yield "a palette", png(*SIZE, indexes, colour=3, extra=palette), Shown()
    yield (
        "a palette, one transparent",
        png(*SIZE, indexes, colour=3, extra=palette + chunk(b"tRNS", b"\xff\0")),
        HALF_CLEAR,
    )
    yield (
        "more transparent colours than colours",
        png(*SIZE, indexes, colour=3, extra=palette + chunk(b"tRNS", bytes(300))),
        Shown(),
    )
    yield (
        "a wrong checksum of the transparency",
        png(*SIZE, indexes, colour=3, extra=palette + chunk(b"tRNS", b"\xff\0", checksum=1)),
        Shown(),
    )
    yield "no palette", png(*SIZE, indexes, colour=3), UNREADABLE
    yield (
        "a wrong checksum of the palette",
        png(*SIZE, indexes, colour=3, extra=chunk(b"PLTE", bytes((*RED, *BLUE)), checksum=1)),
        UNREADABLE,
    )


def frames() -> Iterator[tuple[str, bytes, Answer]]:
    animated = saved(photo(), "PNG", save_all=True, append_images=[drawing("L").convert("RGB")])
    count = re.search(rb"acTL(.{8})", animated, re.DOTALL)
    assert count is not None
    control = chunk(b"acTL", count[1])
    assert control in animated
    yield "animated", animated, ANIMATED
    yield "animated, with a picture before", before(chunk(b"acTL", struct.pack(">II", 1, 0))), ANIMATED
    yield (
        "an animation of one frame",
        animated.replace(control, chunk(b"acTL", struct.pack(">II", 1, 0))),
        Shown(),
    )
    yield "an animation of no frame", before(chunk(b"acTL", bytes(8))), Shown()
    yield (
        "an animation with a wrong checksum",
        animated.replace(control, chunk(b"acTL", count[1], checksum=1)),
        Shown(),
    )


def _interlaced() -> bytes:
    """Return the picture in the seven passes of Adam7: https://www.w3.org/TR/png-3/#8InterlaceMethods"""
    colours, passes = drawing().tobytes(), b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for row in range(y, HEIGHT, dy):
            places = (3 * (row * WIDTH + column) for column in range(x, WIDTH, dx))
            passes += b"\0" + b"".join(colours[place : place + 3] for place in places)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    return PLAIN[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(passes)) + END
