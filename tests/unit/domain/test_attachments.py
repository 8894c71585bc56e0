"""What a file seems to be, by its type and its name."""

from __future__ import annotations

from functools import partial

import pytest

from bot.domain.attachments import UPLOAD_FILE_TYPES, FileClass, classify_file, classify_kind, kind_of
from bot.domain.errors import MemberError, MemberReason
from bot.images.processing import check_metadata

PICTURE, UNKNOWN, VIDEO, AUDIO, DOCUMENT, OTHER = (
    FileClass.PICTURE,
    FileClass.UNKNOWN,
    FileClass.VIDEO,
    FileClass.AUDIO,
    FileClass.DOCUMENT,
    FileClass.OTHER,
)
FILES = [
    ("fox.png", "image/png", PICTURE),
    ("fox.PNG", None, PICTURE),
    ("fox", "image/png", PICTURE),
    ("fox", "IMAGE/PNG", PICTURE),
    ("fox", "image/png; charset=binary", PICTURE),
    ("fox", " Image/JPEG ;q=1", PICTURE),
    ("fox", "image/jpg", PICTURE),
    ("fox", "image/pjpeg", PICTURE),
    ("fox", "image/x-png", PICTURE),
    ("fox", "image/apng", PICTURE),
    ("fox", "image/heif-sequence", PICTURE),
    ("fox.jpe", "application/octet-stream", PICTURE),
    ("fox.jfif", "binary/octet-stream", PICTURE),
    ("fox.hif", None, PICTURE),
    ("fox.webp", "", PICTURE),
    ("fox.avif", "text/plain; charset=utf-8", PICTURE),
    ("fox.txt", "image/gif", PICTURE),
    ("fox", None, UNKNOWN),
    ("fox", "application/octet-stream", UNKNOWN),
    ("fox.", "Application/Octet-Stream; x=1", UNKNOWN),
    ("model.blend", None, UNKNOWN),
    ("holiday 3.5.2026", None, UNKNOWN),
    ("clip.mp4", "video/mp4", VIDEO),
    ("clip.MKV", None, VIDEO),
    ("clip", "video/webm; codecs=vp9", VIDEO),
    ("voice-message.ogg", "audio/ogg", AUDIO),
    ("song.flac", "application/octet-stream", AUDIO),
    ("paper.pdf", "application/pdf", DOCUMENT),
    ("paper.docx", None, DOCUMENT),
    ("table.xls", "application/vnd.ms-excel", DOCUMENT),
    ("notes.txt", "text/plain; charset=utf-8", DOCUMENT),
    ("logo.svg", "image/svg+xml", OTHER),
    ("old.bmp", "image/bmp", OTHER),
    ("all.zip", "application/zip", OTHER),
    ("model.blend", "application/x-blender", OTHER),
]


@pytest.mark.parametrize(("filename", "content_type", "expected"), FILES)
def test_a_file_is_judged_by_its_type_and_its_name(
    filename: str, content_type: str | None, expected: FileClass
) -> None:
    assert classify_file(filename, content_type) is expected


@pytest.mark.parametrize(("filename", "content_type", "expected"), FILES)
def test_a_request_is_refused_for_what_a_menu_does_not_offer(
    filename: str, content_type: str | None, expected: FileClass
) -> None:
    check = partial(check_metadata, filename=filename, content_type=content_type, size_bytes=1, limit_bytes=2)
    if expected in {PICTURE, UNKNOWN}:
        check()
        return
    with pytest.raises(MemberError) as caught:
        check()
    assert caught.value.reason is MemberReason.REFERENCE_TYPE
    # What the sentence says is judged by the kind alone.
    assert classify_kind(str(caught.value.data["kind"])) in {expected, UNKNOWN}


@pytest.mark.parametrize(
    ("filename", "content_type", "kind"),
    [
        ("paper.Pdf", "application/pdf", "PDF"),
        ("paper", "application/pdf", "application/pdf"),
        ("a.**bold**", "video/mp4", "video/mp4"),
        ("fox", None, ""),
    ],
)
def test_a_kind_is_named_by_its_extension_or_its_type(
    filename: str, content_type: str | None, kind: str
) -> None:
    assert kind_of(filename, content_type) == kind


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("video", VIDEO),
        ("video/mp4", VIDEO),
        ("MP4", VIDEO),
        ("audio", AUDIO),
        ("text", UNKNOWN),
        ("PDF", DOCUMENT),
        ("HTML", DOCUMENT),
        ("sticker", FileClass.STICKER),
        ("BMP", OTHER),
        ("archive", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_name_of_a_kind_tells_what_it_is(kind: str, expected: FileClass) -> None:
    assert classify_kind(kind) is expected


def test_an_upload_offers_at_most_ten_types_each_of_which_is_a_picture() -> None:
    assert len(UPLOAD_FILE_TYPES) <= 10
    assert UPLOAD_FILE_TYPES[0] == "image"
    assert {classify_file(f"a{extension}", None) for extension in UPLOAD_FILE_TYPES[1:]} == {PICTURE}
