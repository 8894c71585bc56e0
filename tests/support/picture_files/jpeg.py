"""JPEG files, sound, odd and broken."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from PIL import Image

from tests.support.picture_files.model import (
    BLUE,
    GREEN,
    RED,
    SWAPPED,
    TOO_LARGE,
    UNREADABLE,
    Answer,
    PictureFile,
    Shown,
    drawing,
    exif,
    photo,
    saved,
)

END = b"\xff\xd9"
NOISE = random.Random(6).randbytes(9000)
PLAIN = saved(photo(), "JPEG", quality=92, subsampling=0)
BODY = PLAIN.removesuffix(END)
PROGRESSIVE = saved(photo(), "JPEG", quality=92, progressive=True)
SCANS = [match.start() for match in re.finditer(rb"\xff\xda", PROGRESSIVE)]
FIRST_TABLE = PLAIN.index(b"\xff\xdb")
"""Where the segments of the pixels begin."""
JFIF_BYTES = 18
"""The segment that Pillow writes first."""


def segment(marker: int, body: bytes, *, length: int | None = None) -> bytes:
    """Return a segment, if need be with another length than the right one."""
    length = len(body) + 2 if length is None else length
    return bytes((0xFF, marker)) + length.to_bytes(2, "big") + body


def with_segments(extra: bytes) -> bytes:
    """Put segments before the tables."""
    return PLAIN[:FIRST_TABLE] + extra + PLAIN[FIRST_TABLE:]


def files() -> Iterator[PictureFile]:
    for name, data, answer in (*kinds(), *ends(), *cuts(), *segments(), *frames()):
        yield PictureFile(f"JPEG, {name}", data, answer)


def kinds() -> Iterator[tuple[str, bytes, Answer]]:
    grey = Shown((92,) * 3, (55,) * 3)
    yield "plain", PLAIN, Shown()
    yield "progressive", PROGRESSIVE, Shown()
    yield "half the colours", saved(photo(), "JPEG", subsampling=2), Shown()
    yield "grey", saved(photo("L"), "JPEG"), grey
    yield "CMYK", saved(drawing("CMYK"), "JPEG", quality=95), Shown()
    yield "its colours as they are", saved(photo(), "JPEG", keep_rgb=True), Shown()
    yield "restarts", saved(photo(), "JPEG", restart_marker_blocks=2), Shown()
    yield "a flat colour", saved(Image.new("RGB", (96, 64), RED), "JPEG", optimize=True), Shown(RED, RED)
    yield "without JFIF", PLAIN[:2] + PLAIN[2 + JFIF_BYTES :], Shown()


def ends() -> Iterator[tuple[str, bytes, Answer]]:
    restarts = saved(photo(), "JPEG", restart_marker_blocks=2).removesuffix(END)
    yield "no end", BODY, Shown()
    yield "half an end", BODY + b"\xff", Shown()
    yield "no end, progressive", PROGRESSIVE.removesuffix(END), Shown()
    yield "no end, grey", saved(photo("L"), "JPEG").removesuffix(END), Shown((92,) * 3, (55,) * 3)
    yield "no end, restarts", restarts, Shown()
    yield "no end, a restart behind it", restarts + b"\xff\xd0", Shown()
    yield "no end, text behind it", BODY + b"This is not JPEG any more. " * 40, Shown()
    yield "no end, zeros behind it", BODY + bytes(4000), Shown()
    yield "no end, a table behind it", BODY + segment(0xC4, NOISE[:40]), Shown()
    yield "no end, a scan of another picture behind it", BODY + segment(0xDA, b"\1\x09\0\0\x3f\0"), Shown()
    for name, rubbish in {
        "zeros": bytes(4000),
        "text": b"This is not JPEG any more. " * 40,
        "noise": NOISE,
        "a ZIP": b"PK\3\4" + NOISE,
        "another JPEG": saved(drawing("L"), "JPEG"),
        "half another JPEG": saved(photo("L"), "JPEG")[:600],
        "a video": b"\0\0\0\x18ftypmp42" + NOISE,
        "scans": segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0") * 900,
        "markers": b"".join(bytes((0xFF, marker)) for marker in range(1, 255)),
    }.items():
        yield f"{name} behind it", PLAIN + rubbish, Shown()


def cuts() -> Iterator[tuple[str, bytes, Answer]]:
    half = PLAIN[: len(PLAIN) // 2]
    yield "cut in half", half, UNREADABLE
    yield "cut in half, with an end", half + END, UNREADABLE
    yield "cut in half, zeros for the rest", half + bytes(len(PLAIN) - len(half)), UNREADABLE
    yield "cut in half, grey", saved(photo("L"), "JPEG")[:-700], UNREADABLE
    yield "cut in its last blocks", BODY[:-25], UNREADABLE
    yield "cut by two bytes", BODY[:-2], UNREADABLE
    yield "cut in its first scan", PROGRESSIVE[: SCANS[0] + 100], UNREADABLE
    yield "cut in its first scan, with an end", PROGRESSIVE[: SCANS[0] + 60] + END, UNREADABLE
    yield "cut in its last scan", PROGRESSIVE[: (SCANS[-1] + len(PROGRESSIVE)) // 2], UNREADABLE
    for number in range(1, len(SCANS)):
        yield f"cut after {number} scans", PROGRESSIVE[: SCANS[number]], UNREADABLE
    yield "cut in its tables", PLAIN[: FIRST_TABLE + 30], UNREADABLE
    yield "cut before its pixels", PLAIN[: PLAIN.index(b"\xff\xda") + 14], UNREADABLE
    yield "two markers alone", b"\xff\xd8\xff\xd9", UNREADABLE


def segments() -> Iterator[tuple[str, bytes, Answer]]:
    icc = b"ICC_PROFILE\0"
    half = len(SWAPPED) // 2
    parts = [icc + bytes((1, 2)) + SWAPPED[:half], icc + bytes((2, 2)) + SWAPPED[half:]]
    in_order = b"".join(segment(0xE2, part) for part in parts)
    backwards = b"".join(segment(0xE2, part) for part in reversed(parts))
    yield "a profile in two parts", with_segments(in_order), Shown(GREEN, BLUE)
    yield "a profile in two parts, backwards", with_segments(backwards), Shown(GREEN, BLUE)
    yield "half a profile", with_segments(segment(0xE2, parts[0])), Shown()
    yield "a profile without a number", with_segments(segment(0xE2, icc)), Shown()
    yield "a profile that is none", with_segments(segment(0xE2, icc + b"\1\1" + NOISE)), Shown()
    yield (
        "6 MB of a profile",
        with_segments(
            b"".join(segment(0xE2, icc + bytes((number, 100)) + bytes(60_000)) for number in range(1, 101))
        ),
        Shown(),
    )
    yield "EXIF with an orientation", with_segments(segment(0xE1, exif(6))), Shown(is_upright=True)
    yield "EXIF that is none", with_segments(segment(0xE1, b"Exif\0\0MM\0*" + b"\xff" * 90)), Shown()
    yield "empty EXIF", with_segments(segment(0xE1, b"Exif\0\0")), Shown()
    yield (
        "EXIF with itself as its next part",
        with_segments(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0")),
        Shown(),
    )
    yield (
        "5 MB of XMP",
        with_segments(segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(60_000)) * 80),
        Shown(),
    )
    for name, marker, words in (
        ("JFIF", 0xE0, b"JFIF\0"),
        ("Adobe", 0xEE, b"Adobe"),
        ("MPF", 0xE2, b"MPF\0"),
        ("Photoshop", 0xED, b"Photoshop 3.0\x008BIM"),
        ("FlashPix", 0xE2, b"FPXR\0"),
        ("XMP", 0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    ):
        yield f"{name} without content", with_segments(segment(marker, words)), Shown()
        yield f"{name} with noise", with_segments(segment(marker, words + b"\0" + NOISE[:7])), Shown()
    yield "MPF with noise for its list", with_segments(segment(0xE2, b"MPF\0MM\0*" + NOISE[:200])), Shown()
    yield "300,000 comments", with_segments(segment(0xFE, b"") * 300_000), UNREADABLE
    yield "a comment of no bytes", with_segments(segment(0xFE, b"")), Shown()
    yield "a comment in no encoding", with_segments(segment(0xFE, NOISE[:300])), Shown()
    yield "a comment with the length 0", with_segments(segment(0xFE, b"", length=0)), Shown()
    yield "many markers before a segment", with_segments(b"\xff" * 500), Shown()
    yield "3,000,000 markers before a segment", with_segments(b"\xff" * 3_000_000), Shown()
    yield "3,000,000 markers in place of the end", PLAIN.removesuffix(END) + b"\xff" * 3_000_000, Shown()
    yield "3,000,000 markers alone", PLAIN[:2] + b"\xff" * 3_000_000, UNREADABLE
    yield "noise between segments", with_segments(bytes(value % 255 for value in NOISE[:500])), Shown()
    yield "an unknown segment", with_segments(segment(0xF0, NOISE[:90])), Shown()


def frames() -> Iterator[tuple[str, bytes, Answer]]:
    def with_frame(at: int, value: bytes) -> bytes:
        place = PLAIN.index(b"\xff\xc0") + at
        return PLAIN[:place] + value + PLAIN[place + len(value) :]

    def with_scans(count: int, size: tuple[int, int]) -> bytes:
        first = saved(Image.new("L", size, 9), "JPEG", progressive=True)
        *head, last = first.split(b"\xff\xda")
        return b"\xff\xda".join([*head, *[last.removesuffix(END)] * count]) + END

    second = saved(photo(), "MPO", save_all=True, append_images=[photo()])
    yield "a second picture inside", second, Shown()
    yield "the second picture cut", second[:-200], Shown()
    yield "12 bits", with_frame(4, b"\x0c"), UNREADABLE
    yield "no height", with_frame(5, b"\0\0"), UNREADABLE
    yield "no width", with_frame(7, b"\0\0"), UNREADABLE
    yield "4000 megapixels", with_frame(5, b"\xff\xdc\xff\xdc"), TOO_LARGE
    yield "two components", with_frame(9, b"\2"), UNREADABLE
    yield "without loss", with_frame(1, b"\xc3"), UNREADABLE
    yield "two frames", with_segments(PLAIN[PLAIN.index(b"\xff\xc0") :][:19]), UNREADABLE
    yield "no quantisation", PLAIN[:FIRST_TABLE] + PLAIN[PLAIN.index(b"\xff\xc0") :], UNREADABLE
    grey = Shown((9,) * 3, (9,) * 3, size=(512, 512))
    yield "400 scans", with_scans(400, grey.size), grey
    yield "600 scans", with_scans(600, grey.size), UNREADABLE
    yield "30 scans of 40 megapixels", with_scans(30, (8000, 5000)), UNREADABLE
