"""Every picture file that members have, and its right answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from bot.domain.errors import MemberError
from bot.images.processing import normalise_reference
from tests.support.picture_files import picture_files
from tests.support.picture_files.heic import needs_heic
from tests.support.picture_files.model import CLEAR, PictureFile, Shown

FILES = picture_files()
TOLERANCE = 45
"""What compression and noise may add to a sample."""


def points(shown: Shown, size: tuple[int, int]) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return places near the corners of both halves, and their colours."""
    width, height = size
    if shown.is_upright:
        rows = {2: shown.left, height - 3: shown.right}
        return {(x, y): colour for y, colour in rows.items() for x in (2, width - 3)}
    columns = {2: shown.left, width - 3: shown.right}
    return {(x, y): colour for x, colour in columns.items() for y in (2, height - 3)}


def is_shown(pixel: object, colour: tuple[int, ...]) -> bool:
    assert isinstance(pixel, tuple)
    alpha = pixel[3] if len(pixel) == 4 else 255
    if colour == CLEAR:
        return alpha == 0
    return alpha == 255 and all(abs(a - b) <= TOLERANCE for a, b in zip(pixel[:3], colour, strict=True))


def test_there_are_many_files_and_each_has_its_own_name() -> None:
    assert len(FILES) > 250
    assert len({file.name for file in FILES}) == len({file.data for file in FILES}) == len(FILES)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, id=file.name, marks=needs_heic if file.name.startswith("HEIC") else ())
        for file in FILES
    ],
)
def test_a_file_gets_its_right_answer(file: PictureFile, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(file.data)
    if not isinstance(file.answer, Shown):
        with pytest.raises(MemberError) as caught:
            normalise_reference(source, target, limit_bytes=10_000_000)
        assert caught.value.reason is file.answer
        return
    normalise_reference(source, target, limit_bytes=10_000_000)
    image = Image.open(io.BytesIO(target.read_bytes()))
    assert image.size == (file.answer.size[::-1] if file.answer.is_upright else file.answer.size)
    assert not image.info.keys() & {"exif", "icc_profile", "xmp", "comment"}
    wrong = {
        place: pixel
        for place, colour in points(file.answer, image.size).items()
        if not is_shown(pixel := image.getpixel(place), colour)
    }
    assert wrong == {}
