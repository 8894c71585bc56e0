"""The pictures of a job that has several, by their numbers from 1; the first is in the `Job` itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_IN_MESSAGE: Final = 10
"""Pictures that one message can show: https://discord.com/developers/docs/components/reference#media-gallery"""


_FILENAME: Final = re.compile(
    r"(?P<job_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(-[0-9]{1,2})?\.\w{3,4}"
)


@dataclass(frozen=True, slots=True)
class MorePicture:
    """A picture of a job beyond its first, as far as it is known."""

    number: int
    """2 or more; the first is in the `Job` itself."""
    result_url: str | None = None
    url: str | None = None
    """As `DeliveredMessage.url`."""
    attachment_id: int | None = None
    sha256: str | None = None
    """Of its file in the picture store; None if it is not stored."""
    format: str = ""
    """Of that file."""


@dataclass(frozen=True, slots=True)
class PostedPicture:
    """A picture of a message; the fields are as those of `DeliveredMessage`."""

    url: str | None = None
    attachment_id: int | None = None


def picture_filenames(job_id: str, formats: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the files of all pictures of a job, by their formats in their order."""
    return tuple(picture_filename(job_id, each, number) for number, each in enumerate(formats, start=1))


def picture_filename(job_id: str, picture_format: str, number: int = 1) -> str:
    """Return the name of the file of a picture of a job, by its number among those of the job."""
    extension = "jpg" if picture_format == "jpeg" else picture_format
    return f"{job_id}.{extension}" if number == 1 else f"{job_id}-{number}.{extension}"


def job_id_in(filename: str) -> str | None:
    """Return the id of the job whose picture has this file name; None for any other. It may be forged."""
    match = _FILENAME.fullmatch(filename)
    return None if match is None else match["job_id"]
