"""What Discord says of a file, and how large a file it takes.

Discord guesses the type of a file from its name, and neither proves anything: what may be a picture is
decided by its bytes later. Here is the one judgement before that, for commands, forms, menus and avatars.
"""

from __future__ import annotations

import mimetypes
import re
from enum import Enum
from typing import Final

UPLOAD_LIMIT_BYTES: Final = 10 * 1024 * 1024
"""The largest file that a bot may attach in every server. An interaction may promise more for a boosted one,
which other messages there need not take: https://discord.com/developers/docs/reference#uploading-files"""

REQUEST_LIMIT_BYTES: Final = 24 * 1024 * 1024
"""The largest sum of the files of one message, which Discord limits to 25 MiB with all else in the request:
https://discord.com/developers/docs/reference#uploading-files"""

HEIC_TYPES: Final = frozenset({"image/heic", "image/heif"})
REFERENCE_TYPES: Final = (
    frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"}) | HEIC_TYPES
)
"""MIME types of which a reference may be."""
_ALIASES: Final = {
    **dict.fromkeys(("jpg", "pjpeg", "jfif", "x-jpeg", "x-citrix-jpeg"), "image/jpeg"),
    **dict.fromkeys(("x-png", "apng", "vnd.mozilla.apng", "x-citrix-png"), "image/png"),
    "x-webp": "image/webp",
    "heic-sequence": "image/heic",
    "heif-sequence": "image/heif",
    "avif-sequence": "image/avif",
}
"""Other names of those types, behind `image/`. An animation is refused as one, by its bytes."""
_GENERIC_TYPES: Final = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/binary", "application/x-binary"}
)
"""Types that say nothing."""
_PICTURE_EXTENSIONS: Final = {
    **dict.fromkeys(("png", "apng"), "image/png"),
    **dict.fromkeys(("jpg", "jpeg", "jfif", "jpe", "pjpeg", "pjp"), "image/jpeg"),
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "heic": "image/heic",
    **dict.fromkeys(("heif", "hif"), "image/heif"),
}
# Python's own table lacks these, or has them only in some versions.
_OTHER_EXTENSIONS: Final = {
    **dict.fromkeys(("mkv", "flv", "wmv", "m4v", "ogv", "3gp", "mts", "m2ts"), "video/other"),
    **dict.fromkeys(("ogg", "oga", "opus", "flac", "m4a", "wma", "mid"), "audio/other"),
    **dict.fromkeys(
        ("docx", "xlsx", "pptx", "odt", "ods", "odp", "rtf", "epub", "pages"), "application/document"
    ),
    **dict.fromkeys(("md", "log", "yaml", "toml"), "text/plain"),
    **dict.fromkeys(("rar", "7z", "gz", "xz", "zst"), "application/archive"),
    **dict.fromkeys(("psd", "jxl", "tiff", "tif", "bmp", "svg", "ico", "jp2", "dng", "tga"), "image/other"),
}
# Without the system's files, so that refusals do not differ from host to host.
_KNOWN_TYPES: Final = mimetypes.MimeTypes()
_DOCUMENTS: Final = re.compile(
    r"text/|application/(?:pdf|rtf|msword|document|epub|vnd\.(?:ms-|oasis|openxml))"
)

UPLOAD_FILE_TYPES: Final = (
    "image",
    *(f".{extension}" for extension in ("apng", "jpe", "pjpeg", "pjp", "heic", "heif", "hif")),
)
"""What Discord's clients let a member choose: its group `image` (png, gif, jpg, jpeg, jfif, webp, avif), and
our other extensions; at most 10. https://discord.com/developers/docs/reference#file-types"""


class FileClass(Enum):
    """What a file seems to be."""

    PICTURE = "picture"
    """A picture of a kind that a reference may be."""
    UNKNOWN = "unknown"
    """Anything: only the bytes can tell."""
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    OTHER = "other"


def claimed_types(filename: str, content_type: str | None) -> frozenset[str]:
    """Return the MIME types that the type and the name of a file claim, by the names used here."""
    extension = extension_of(filename)
    named = (
        _PICTURE_EXTENSIONS.get(extension)
        or _OTHER_EXTENSIONS.get(extension)
        or _KNOWN_TYPES.guess_type(f"a.{extension}")[0]
    )
    typed = (content_type or "").partition(";")[0].strip().lower()
    typed = _ALIASES.get(typed.removeprefix("image/"), typed)
    return frozenset(claim for claim in (named, typed) if claim) - _GENERIC_TYPES


def classify_file(filename: str, content_type: str | None) -> FileClass:
    """Judge a file by what Discord says of it. One of the two that claims a picture is enough."""
    claims = claimed_types(filename, content_type)
    if not claims:
        return FileClass.UNKNOWN
    if not claims.isdisjoint(REFERENCE_TYPES):
        return FileClass.PICTURE
    for start, file_class in (("video/", FileClass.VIDEO), ("audio/", FileClass.AUDIO)):
        if any(claim.startswith(start) for claim in claims):
            return file_class
    if any(_DOCUMENTS.match(claim) for claim in claims):
        return FileClass.DOCUMENT
    return FileClass.OTHER


def kind_of(filename: str, content_type: str | None) -> str:
    """Return a short name for what a file is: its extension in capitals, or a type; empty if unknown."""
    extension = extension_of(filename)
    if re.fullmatch(r"[a-z0-9]{1,8}", extension):
        return extension.upper()
    return min(claimed_types(filename, content_type), default="")


def classify_kind(kind: str) -> FileClass:
    """Judge by the name of a kind: an extension, a type, or one that was found in the bytes of a file."""
    named = {"video": FileClass.VIDEO, "audio": FileClass.AUDIO, "sticker": FileClass.STICKER}
    return named.get(kind) or (
        classify_file("", kind) if "/" in kind else classify_file(f"a.{kind.lower()}", None)
    )


def extension_of(filename: str) -> str:
    """Return what stands behind the last dot, in small letters; empty if there is none."""
    return filename.rpartition(".")[2].strip().lower() if "." in filename else ""
