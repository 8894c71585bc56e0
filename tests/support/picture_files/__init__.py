"""Picture files as members have them, each with its right answer. All are made here."""

from __future__ import annotations

from functools import cache

from tests.support.picture_files import heic, jpeg, others, png, webp
from tests.support.picture_files.model import PictureFile


@cache
def picture_files() -> tuple[PictureFile, ...]:
    """Return all of them, which takes a few seconds."""
    return (*png.files(), *jpeg.files(), *webp.files(), *others.files(), *heic.files())
