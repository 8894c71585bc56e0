"""Verify and convert pictures. These functions block: call them in a thread, as `ImageWorkers` does.

Names and MIME types prove nothing, so Pillow decides by the bytes, among the formats named here; the size in
the header is checked before anything is decoded. A reference is always encoded anew from its pixels, without
EXIF, location or data behind the picture.
"""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageCms, ImageOps

from bot.domain.attachments import HEIC_TYPES, REFERENCE_TYPES, claimed_types, kind_of
from bot.domain.errors import ContractViolation, MemberError, MemberReason, OperatorError, disk_error
from bot.domain.jobs import Picture
from bot.images import decoder_process, plain_png, sixteen_bits
from bot.images.containers.jpeg import SCAN_LIMIT
from bot.images.containers.kinds import reduce_file
from bot.images.containers.reduced import AnimatedError
from bot.images.encoding import ALPHA_FALLBACKS, DRAWING_FALLBACKS, PHOTO_FALLBACKS, UPLOAD_FALLBACKS, encode

if TYPE_CHECKING:
    from pathlib import Path

    from bot.images.containers.reduced import Reduced

SIDE_LIMIT = 8192
"""The greatest width and height that is decoded, in pixels."""
PIXEL_LIMIT = 40_000_000
"""The most pixels that are decoded: 160 MB of memory."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
# Pillow calls a JPEG of a camera with a preview or a depth map behind the picture MPO.
_JPEGS = frozenset({"JPEG", "MPO"})
_MAY_BE_ANIMATED = frozenset({"PNG", "GIF", "WEBP", "AVIF"})
_PICTURE_HEADS = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|....ftypavi[fs]", re.DOTALL)
_HEIC_HEADS = re.compile(rb"....ftyp(?:hei[cmxs]|hev[cmxs]|m[is]f1)", re.DOTALL)
_OTHER_HEADS = {
    "PDF": re.compile(rb"%PDF"),
    "SVG": re.compile(
        rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg", re.DOTALL
    ),
    "HTML": re.compile(rb"\s*<(?:!doctype )?html", re.IGNORECASE),
    "TIFF": re.compile(rb"II\*\x00|MM\x00\*"),
    "BMP": re.compile(rb"BM.{4}\x00{4}", re.DOTALL),
    "JPEG XL": re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL "),
    "PSD": re.compile(rb"8BPS"),
    "ICO": re.compile(rb"\x00\x00\x01\x00"),
    "archive": re.compile(rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b"),
    "video": re.compile(rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", re.DOTALL),
    "audio": re.compile(rb"ID3|OggS|fLaC|RIFF....WAVE", re.DOTALL),
    "program": re.compile(rb"MZ|\x7fELF"),
}
_HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Normalised:
    """A reference, prepared for upload."""

    mime_type: str
    """`image/jpeg`, `image/png` or `image/webp`."""
    filename: str
    """`reference.<extension>`: the member's own file name is not passed on."""


def check_metadata(*, filename: str, content_type: str | None, size_bytes: int, limit_bytes: int) -> None:
    """Refuse a reference by the name, type and size that Discord gives, before it is downloaded.

    Unknown names and types pass, and so do false ones: `normalise_reference` checks the bytes.

    Raises:
        MemberError: REFERENCE_TYPE (`kind`: the extension in capitals, or the type), REFERENCE_HEIC, or
            REFERENCE_TOO_BIG (`size_bytes`, `limit_bytes`).
    """
    claims = claimed_types(filename, content_type)
    if claims and claims.isdisjoint(REFERENCE_TYPES):
        raise MemberError(MemberReason.REFERENCE_TYPE, kind=kind_of(filename, content_type))
    if claims and claims <= HEIC_TYPES and not decoder_process.can_read_heic():
        raise MemberError(MemberReason.REFERENCE_HEIC)
    if size_bytes > limit_bytes:
        raise MemberError(MemberReason.REFERENCE_TOO_BIG, size_bytes=size_bytes, limit_bytes=limit_bytes)


def normalise_reference(source: Path, target: Path, *, limit_bytes: int) -> Normalised:
    """Write the picture in `source` to `target`: upright, sRGB, without metadata, at most `limit_bytes`.

    A photo (JPEG, HEIC) becomes a JPEG, anything else a PNG. If that is too large, it becomes a JPEG, or a
    WebP if it is transparent, and is scaled down at last, so that no valid picture fails.

    Raises:
        MemberError: REFERENCE_TYPE (`kind`), REFERENCE_HEIC, REFERENCE_TOO_LARGE (`width`, `height`,
            `side_limit`, `pixel_limit`), REFERENCE_ANIMATED or REFERENCE_UNREADABLE.
        OperatorError: `disk`: `source` cannot be read, or `target` cannot be written.
    """
    try:
        with source.open("rb") as file:
            if _is_heic(file):
                photo, image = True, _decode_heic(source, target.with_name(f"{target.name}.heic.png"))
            else:
                photo, image = _decode_reference(file, target)
        encodings = (
            ALPHA_FALLBACKS if image.mode == "RGBA" else PHOTO_FALLBACKS if photo else DRAWING_FALLBACKS
        )
        with target.open("wb") as file:
            encoding, _ = encode(image, encodings, file, limit_bytes)
    except OSError as error:
        raise disk_error("cannot read or write a reference", error) from error
    return Normalised(
        mime_type=f"image/{encoding.format.lower()}", filename=f"reference.{encoding.extension}"
    )


def verify_picture(data: bytes) -> Picture:
    """Check that `data` is a PNG, JPEG, WebP, GIF or AVIF within the limits by decoding it.

    Of a plain PNG the pixels are only inflated, which finds the same faults in less time.
    Of an animated picture the first frame is decoded, so its other frames cost nothing, however many there
    are; of a PNG the checksums of all of them are verified.

    Raises:
        ContractViolation: `not_a_picture`.
    """
    size = plain_png.size_if_sound(data, side_limit=SIDE_LIMIT, pixel_limit=PIXEL_LIMIT)
    if size is not None:
        return Picture(data=data, format="png", width=size[0], height=size[1])
    image = _decode_result(data)
    name = "jpeg" if image.format in _JPEGS else str(image.format).lower()
    return Picture(data=data, format=name, width=image.width, height=image.height)


def fit_upload(picture: Picture, limit_bytes: int) -> tuple[Picture, bool]:
    """Return the picture and False if it fits into `limit_bytes`, else a JPEG that does and True.

    The JPEG of an animated picture is its first frame.

    Raises:
        ContractViolation: `not_a_picture`; the picture was not verified before.
    """
    if len(picture.data) <= limit_bytes:
        return picture, False
    image = _normalise_pixels(_decode_result(picture.data))
    if image.mode == "RGBA":
        canvas = Image.new("RGB", image.size, "white")
        canvas.paste(image, mask=image.getchannel("A"))
        image = canvas
    sink = io.BytesIO()
    _, (width, height) = encode(image, UPLOAD_FALLBACKS, sink, limit_bytes)
    return Picture(data=sink.getvalue(), format="jpeg", width=width, height=height), True


def thumbnail(data: bytes, side: int) -> bytes:
    """Make a JPEG of a picture, at most `side` pixels wide and high.

    Raises:
        ContractViolation: `not_a_picture`.
    """
    image = _normalise_pixels(_decode_result(data)).convert("RGB")
    image.thumbnail((side, side))
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=85)
    return sink.getvalue()


def _is_heic(file: BinaryIO) -> bool:
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    # AVIF uses the same container, and may be named only in its list of compatible brands.
    return _HEIC_HEADS.match(head) is not None and not re.search(b"avi[fs]", head[:64])


def _decode_heic(source: Path, png: Path) -> Image.Image:
    """Return the normalised image in `source`, by way of the file `png`, which is deleted again."""
    if not decoder_process.can_read_heic():
        raise MemberError(MemberReason.REFERENCE_HEIC)
    return _normalise_pixels(_decode_in_child(source, png, "HEIF"))


def _decode_avif(data: bytes, scratch: Path) -> Image.Image:
    """Return the image in `data`, by way of two files beside `scratch`, which are deleted again.

    Raises:
        OperatorError: `disk`.
    """
    source = scratch.with_name(f"{scratch.name}.avif")
    try:
        source.write_bytes(data)
        return _decode_in_child(source, scratch.with_name(f"{scratch.name}.avif.png"), "AVIF")
    except OSError as error:
        raise disk_error("cannot write a reference", error) from error
    finally:
        source.unlink(missing_ok=True)


def _decode_in_child(source: Path, png: Path, kind: str) -> Image.Image:
    """Return the image in `source`, by way of the file `png`, which is deleted again.

    The PNG is checked like any other picture: the child process that wrote it is not trusted.
    """
    try:
        size = decoder_process.to_png(source, png, side_limit=SIDE_LIMIT, pixel_limit=PIXEL_LIMIT, kind=kind)
        _check_size(*size)
        with png.open("rb") as file:
            return _decode_png(file)
    except (decoder_process.DecodingError, FileNotFoundError) as error:
        raise MemberError(MemberReason.REFERENCE_UNREADABLE) from error
    finally:
        png.unlink(missing_ok=True)


def _decode_reference(file: BinaryIO, scratch: Path) -> tuple[bool, Image.Image]:
    """Return whether `file` is a photo, and its picture with normalised pixels.

    Raises:
        MemberError: as `_decode_png`.
        OperatorError: as `_decode_avif`.
    """
    try:
        reduced = reduce_file(file.read())
        source = Image.open(io.BytesIO(reduced.data), formats=_FORMATS)
        _check_header(source)
        return source.format in _JPEGS, _normalise_pixels(_load_reduced(source, reduced, scratch))
    except (MemberError, OperatorError):
        raise
    except AnimatedError as error:
        raise MemberError(MemberReason.REFERENCE_ANIMATED) from error
    except Exception as error:  # as in `_decode_png`
        raise _refusal(file) from error


def _load_reduced(image: Image.Image, reduced: Reduced, scratch: Path) -> Image.Image:
    """Decode a picture, and give it back what was taken out of its container.

    Raises:
        MemberError: REFERENCE_UNREADABLE.
        OperatorError: as `_decode_avif`.
        Exception: any, from Pillow.
    """
    if reduced.is_unusable():
        raise MemberError(MemberReason.REFERENCE_UNREADABLE)
    if image.format == "AVIF":
        decoded = _decode_avif(reduced.data, scratch)
        decoded.info["exif"] = image.info.get("exif")  # the orientation, which the PNG lacks
        return decoded
    image.load()
    if reduced.transparent is not None:
        image = sixteen_bits.with_transparency(image, reduced.data, reduced.transparent)
    image.info.update(reduced.info)
    return image


def _decode_result(data: bytes) -> Image.Image:
    """Return the decoded picture; of an animated one the first frame."""
    try:
        # Only `verify` checks all checksums of a PNG, and a verified image cannot be loaded any more.
        _open_result(data).verify()
        image = _open_result(data)
        image.load()
    except Exception as error:  # as in `_decode_png`
        reason = error if isinstance(error, MemberError) else _refusal(io.BytesIO(data))
        raise ContractViolation("not_a_picture", f"{len(data)} bytes: {reason} {reason.data}") from error
    return image


def _open_result(data: bytes) -> Image.Image:
    file = io.BytesIO(data)
    image = Image.open(file, formats=_FORMATS)
    _check_size(*image.size)
    if image.format in _JPEGS:
        _check_scans(file)
    return image


def _decode_png(file: BinaryIO) -> Image.Image:
    """Return the image of a PNG, fully decoded.

    Raises:
        MemberError: REFERENCE_TYPE, REFERENCE_UNREADABLE, REFERENCE_TOO_LARGE or REFERENCE_ANIMATED.
    """
    try:
        image = Image.open(file, formats=("PNG",))
        _check_header(image)
        image.load()
    except MemberError:
        raise
    except Exception as error:  # hostile bytes make Pillow raise anything, from struct.error to OverflowError
        raise _refusal(file) from error
    return image


def _check_header(image: Image.Image) -> None:
    _check_size(*image.size)
    if image.format in _MAY_BE_ANIMATED and getattr(image, "is_animated", False):
        raise MemberError(MemberReason.REFERENCE_ANIMATED)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > SIDE_LIMIT or width * height > PIXEL_LIMIT:
        limits = {"side_limit": SIDE_LIMIT, "pixel_limit": PIXEL_LIMIT}
        raise MemberError(MemberReason.REFERENCE_TOO_LARGE, width=width, height=height, **limits)


def _check_any_size(size: tuple[int, int], *, error_only: bool = False) -> None:  # noqa: ARG001
    _check_size(*size)


# Pillow calls this with each size that it reads, before it allocates anything: for a frame of a GIF
# `Image.open` allocates up to 4 GB, before any size is seen here. Its own check only warns up to twice its
# limit, and a warning cannot be made an error in one thread alone.
Image._decompression_bomb_check = _check_any_size  # noqa: SLF001


def _check_scans(file: BinaryIO) -> None:
    """Refuse a JPEG that would take hours to decode: 10 MB can hold 160,000 scans.

    Raises:
        MemberError: REFERENCE_UNREADABLE.
    """
    position = file.tell()
    file.seek(0)
    scans, last = 0, b""
    while chunk := file.read(65_536):
        scans += (last + chunk).count(b"\xff\xda")
        last = chunk[-1:]
    file.seek(position)
    if scans > SCAN_LIMIT:
        raise MemberError(MemberReason.REFERENCE_UNREADABLE)


def _refusal(file: BinaryIO) -> MemberError:
    """Return the reason why a file could not be decoded, judged by its first bytes."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if not head or _PICTURE_HEADS.match(head) or _HEIC_HEADS.match(head):
        return MemberError(MemberReason.REFERENCE_UNREADABLE)
    kind = next((name for name, pattern in _OTHER_HEADS.items() if pattern.match(head)), None)
    if kind is None:
        # The last character may be cut in two.
        text = head.decode("utf-8", "replace")[:-1]
        kind = "unknown" if re.search("[\x00-\x08\x0e-\x1f\ufffd]", text) else "text"
    return MemberError(MemberReason.REFERENCE_TYPE, kind=kind)


def _normalise_pixels(image: Image.Image) -> Image.Image:
    """Return the pixels upright, in sRGB and mode RGB or RGBA. `image` is changed in place to save memory."""
    # Hostile EXIF makes Pillow raise anything; the pixels are good nevertheless.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    profile = image.info.pop("icc_profile", None)
    if image.mode.startswith("I;16"):
        image.info.clear()
        image = sixteen_bits.to_8_bits(image)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if profile:
        image = _to_srgb(image, profile, mode)
    if image.mode != mode:
        image = image.convert(mode)
    if mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info.clear()
    return image


def _to_srgb(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    """Convert the colours by their profile; keep them if it is invalid or does not fit the image's mode."""
    if image.mode not in {"L", "CMYK"} or mode == "RGBA":
        image = image.convert(mode)
    with contextlib.suppress(ImageCms.PyCMSError):
        source, srgb = io.BytesIO(profile), ImageCms.createProfile("sRGB")
        if image.mode != mode:
            return ImageCms.profileToProfile(image, source, srgb, outputMode=mode) or image
        ImageCms.profileToProfile(image, source, srgb, inPlace=True)
    return image
