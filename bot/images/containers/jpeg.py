"""Write a JPEG anew with the segments that decide its pixels, and tell whether its pixels are all there.

libjpeg, and with it every browser, needs neither the end marker nor an end of the file; Pillow does. But
with the missing marker added, libjpeg paints grey what was cut off, and tells nobody.

The segments: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from PIL import Image

from bot.images.containers.reduced import PARTS_LIMIT, BrokenContainerError, Reduced, used_info

SCAN_LIMIT: Final = 500
"""The most scans of a JPEG; photos have about ten."""
SCANNED_PIXELS_LIMIT: Final = 1_000_000_000
"""The most pixels that all scans visit together. A scan takes a few bytes in the file, but the decoder
visits every pixel for it."""
_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
# Of the fill bytes before a marker only the last one is looked for: `\xff+` takes hours for 10 MB of them.
_MARKER: Final = re.compile(rb"\xff([\x01-\xfe])")
_SCAN_END: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SOS, _EOI = 0xDA, 0xD9
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
_ALL_BITS: Final = 16
"""More bits than a coefficient has."""
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_JFIF_BYTES: Final = 14
"""libjpeg ignores a shorter one; so does it an `Adobe` segment of less than 12 bytes."""
_ADOBE_BYTES: Final = 12
_EXIF: Final = b"Exif\0\0"
_ICC: Final = b"ICC_PROFILE\0"
_ZEROS: Final = 16
"""So many zeros at the end of a file without an end marker were never written, but allocated."""
_FILLER: Final = bytes((number * 151 + 83) % 255 for number in range(512))
_STRIP_ROWS: Final = 256
_DRAFT_SCALE: Final = 8


@dataclass(slots=True)
class _Parsed:
    kept: list[bytes] = field(default_factory=list)
    """Everything to the end of the last scan."""
    pending: list[bytes] = field(default_factory=list)
    """Segments since then: only another scan makes them part of the picture."""
    frame: bytes = b""
    is_progressive: bool = False
    missing_bits: dict[int, list[int]] = field(default_factory=dict)
    """For each component, how many low bits of each of its 64 coefficients no scan has brought."""
    scans: int = 0
    has_end: bool = False
    exif: bytes | None = None
    profile_parts: list[bytes] = field(default_factory=list)


def reduce_jpeg(data: bytes) -> Reduced:
    """Return the first picture of the JPEG, with an end marker, without metadata.

    Raises:
        BrokenContainerError: there is no picture, scans are missing, or there are far too many.
    """
    parsed = _parse(data)
    if not parsed.frame or not parsed.scans:
        raise BrokenContainerError("no frame or no scan")
    if parsed.scans > SCAN_LIMIT:
        raise BrokenContainerError("too many scans")
    for bits in parsed.missing_bits.values():
        # With the end marker in its place, an encoder may have left out the finest details.
        if (min(bits) == _ALL_BITS) if parsed.has_end else any(bits):
            raise BrokenContainerError("scans are missing")
    reduced = _START + b"".join(parsed.kept) + _END
    return Reduced(
        reduced,
        used_info(exif=parsed.exif, icc_profile=_profile(parsed.profile_parts)),
        is_unusable=partial(_is_unusable, reduced, parsed.frame, parsed.scans, has_end=parsed.has_end),
    )


def _parse(data: bytes) -> _Parsed:
    """Read the segments up to the end marker, or up to what is no segment behind the last scan."""
    parsed, place = _Parsed(), len(_START)
    for _ in range(PARTS_LIMIT):
        match = _MARKER.search(data, place)
        if match is None:
            break
        marker, place = match[1][0], match.end()
        if marker == _EOI:
            parsed.has_end = True
            break
        if marker in _WITHOUT_LENGTH:
            continue
        # As in libjpeg, a length of 0 or 1 means an empty segment.
        length = max(2, int.from_bytes(data[place : place + 2], "big"))
        body, place = data[place + 2 : place + length], place + length
        if marker != _SOS:
            _add_segment(parsed, marker, body)
            continue
        if not _add_scan(parsed, body):
            break
        end = _SCAN_END.search(data, place)
        pixels = data[place : len(data) if end is None else end.start()].rstrip(b"\xff")
        if end is None and pixels.endswith(bytes(_ZEROS)):
            pixels = pixels.rstrip(b"\0")
        parsed.kept.append(pixels)
        if end is None:
            break
        place = end.start()
    else:
        raise BrokenContainerError("too many segments")
    return parsed


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _add_segment(parsed: _Parsed, marker: int, body: bytes) -> None:
    if marker == _APP1 and body.startswith(_EXIF):
        parsed.exif = parsed.exif or body
    elif marker == _APP2 and body.startswith(_ICC):
        parsed.profile_parts.append(body[len(_ICC) :])
    elif (
        marker in _FRAMES | _TABLES
        # Both tell libjpeg what the components mean.
        or (marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= _JFIF_BYTES)
        or (marker == _APP14 and body.startswith(b"Adobe") and len(body) >= _ADOBE_BYTES)
    ):
        parsed.pending.append(_segment(marker, body))
    if marker in _FRAMES and not parsed.frame:
        parsed.frame, parsed.is_progressive = body, marker in _PROGRESSIVE
        parsed.missing_bits = {component: [_ALL_BITS] * 64 for component in body[6::3]}


def _add_scan(parsed: _Parsed, body: bytes) -> bool:
    """Add the head of a scan; returns False if it is none of this picture."""
    count = body[0] if body else 0
    components = body[1 : 1 + 2 * count : 2]
    if len(body) != 4 + 2 * count or not count or not set(components) <= parsed.missing_bits.keys():
        return False
    first, last, bits = body[-3], body[-2], body[-1] & 0xF
    if not parsed.is_progressive:
        first, last, bits = 0, 63, 0
    for component in components:
        missing = parsed.missing_bits[component]
        missing[first : last + 1] = [bits] * len(missing[first : last + 1])
    parsed.kept += [*parsed.pending, _segment(_SOS, body)]
    parsed.pending.clear()
    parsed.scans += 1
    return True


def _profile(parts: list[bytes]) -> bytes | None:
    """Join the parts of a profile, each of which has its number and how many there are; None if some lack."""
    parts = sorted(parts)
    if not all(
        len(part) > 1 and part[:2] == bytes((number, len(parts) & 0xFF))
        for number, part in enumerate(parts, 1)
    ):
        return None
    return b"".join(part[2:] for part in parts)


def _is_unusable(data: bytes, frame: bytes, scans: int, *, has_end: bool) -> bool:
    """Tell whether the last scan is shorter than its pixels need, or all scans take far too long.

    What stands behind the last scan decides pixels only if the scan is too short: so the picture is decoded
    twice, with nothing and with other bytes there. With the end marker in its place, an eighth of the size is
    enough, and the last row of blocks may lack a little, as in the files of some cameras.
    """
    height, width = (int.from_bytes(frame[at : at + 2], "big") for at in (1, 3))
    if scans * width * height > SCANNED_PIXELS_LIMIT:
        return True
    scale, spared_rows = 1, 0
    if has_end:
        scale, spared_rows = _DRAFT_SCALE, max((sampling & 0xF for sampling in frame[7::3]), default=1)
    filled = data.removesuffix(_END) + _FILLER + _END
    return _checksums(data, scale, spared_rows) != _checksums(filled, scale, spared_rows)


def _checksums(data: bytes, scale: int, spared_rows: int) -> list[int]:
    """Decode a JPEG, and return checksums of its rows without the last ones."""
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    if scale > 1:
        image.draft(image.mode, (image.width // scale, image.height // scale))
    image.load()
    height = image.height - spared_rows
    tops = range(0, height, _STRIP_ROWS)
    strips = (image.crop((0, top, image.width, min(top + _STRIP_ROWS, height))) for top in tops)
    return [zlib.crc32(strip.tobytes()) for strip in strips]
