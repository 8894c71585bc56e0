"""What a member reads when a file is no picture: what it is instead, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.attachments import FileClass, classify_kind
from cogs.text.escaping import escape
from cogs.text.translation import gettext, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Mapping

_KIND_UNITS: Final = 60
_UNKNOWN: Final = "unknown"
_WORDS: Final = {
    "archive": gettext_noop("archive"),
    "program": gettext_noop("program"),
    "text": gettext_noop("text"),
}
"""The kinds found in the bytes of a file that are words; the others are names, such as PDF."""


def reference_type(data: Mapping[str, object]) -> str:
    """Return the sentence for a reference that is no picture."""
    file_class, kind = _kind(data)
    match file_class:
        case FileClass.VIDEO:
            return gettext(
                "The reference is a video. Attach a picture, such as a PNG, JPEG or WebP;"
                " a still of the video will do."
            )
        case FileClass.AUDIO:
            return gettext("The reference is a sound. Attach a picture, such as a PNG, JPEG or WebP.")
        case FileClass.DOCUMENT:
            return gettext(
                "The reference is a document ({kind}). Attach a picture, such as a PNG, JPEG or WebP;"
                " a screenshot of a page will do.",
                kind=kind,
            )
    if not kind:
        return gettext(
            "The reference is not a picture that can be used. Attach a picture, such as a PNG, JPEG or WebP."
        )
    return gettext(
        "The reference is not a picture that can be used ({kind})."
        " Attach a picture, such as a PNG, JPEG or WebP.",
        kind=kind,
    )


def which_reference(data: Mapping[str, object]) -> str:
    """Return which of several references a sentence is about; empty if there is only one."""
    number = data.get("number")
    if not isinstance(number, int):
        return ""
    name = escape(str(data.get("filename") or ""), _KIND_UNITS)
    return gettext("Reference {number}, {name}:", number=number, name=name)


def no_picture_there(data: Mapping[str, object]) -> str:
    """Return the sentence for a message that has something else instead of a picture."""
    file_class, kind = _kind(data)
    match file_class:
        case FileClass.STICKER:
            return gettext(
                "There is only a sticker in this message, and a sticker cannot be a reference."
                " Choose a message that shows a PNG, JPEG or WebP."
            )
        case FileClass.VIDEO:
            return gettext(
                "There is only a video in this message. Choose one that shows a PNG, JPEG or WebP,"
                " or attach a still of the video to `/imagine`."
            )
        case FileClass.AUDIO:
            return gettext(
                "There is only a sound in this message. Choose one that shows a PNG, JPEG or WebP."
            )
        case FileClass.DOCUMENT:
            return gettext(
                "There is only a document in this message ({kind})."
                " Choose one that shows a PNG, JPEG or WebP, or attach a screenshot of it to `/imagine`.",
                kind=kind,
            )
    if not kind:
        return gettext("There is no picture in this message. Choose one that shows a PNG, JPEG or WebP.")
    return gettext(
        "There is no picture in this message that can be used, only a file ({kind})."
        " Choose one that shows a PNG, JPEG or WebP.",
        kind=kind,
    )


def _kind(data: Mapping[str, object]) -> tuple[FileClass, str]:
    """Return the class of a file, and the name of its kind; empty if it is not known."""
    kind = str(data.get("kind") or "")
    shown = gettext(_WORDS[kind]) if kind in _WORDS else escape(kind, _KIND_UNITS)
    return classify_kind(kind), shown if kind != _UNKNOWN else ""
