"""The pictures of jobs: those that are stored, those beyond the first, and what came in place of one.

A task may return several pictures. The first is in the columns of jobs and in kept_pictures, the others have
rows of their own. Whoever selects rows of `jobs` selects these with them, as one more column in JSON, so that
jobs with one picture cost no statement more.

Owns the tables kept_pictures, more_pictures and unreadable_results, which `picture_retention` expires.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bot.domain.pictures import MorePicture

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from bot.domain.jobs import Picture
    from bot.domain.pictures import PostedPicture

_COLUMNS: Final = (
    "'number', number, 'result_url', result_url, 'url', landed_url, 'attachment_id', landed_attachment_id,"
    " 'sha256', sha256, 'format', format"
)


def job_pictures(jobs: str = "jobs") -> str:
    """Return a column for a SELECT from `jobs`, by the name or the alias that it has there."""
    return (
        f"(SELECT json_group_array(json_object({_COLUMNS})) FROM more_pictures"  # noqa: S608  # our own text
        f" WHERE more_pictures.job_id = {jobs}.job_id) AS picture_rows"
    )


def more_pictures_from(row: sqlite3.Row | Mapping[str, Any]) -> tuple[MorePicture, ...]:
    """Return the pictures beyond the first of a row of `jobs`, in their order."""
    rows = row["picture_rows"]
    if rows == "[]":
        return ()
    found = [MorePicture(**{**each, "format": each["format"] or ""}) for each in json.loads(rows)]
    return tuple(sorted(found, key=lambda each: each.number))


def record_addresses(transaction: sqlite3.Connection, job_id: str, urls: Sequence[str | None]) -> None:
    """Record where Rivya has the pictures beyond the first; None for one that its answer held."""
    transaction.executemany(
        "INSERT INTO more_pictures (job_id, number, result_url) VALUES (?, ?, ?)"
        " ON CONFLICT (job_id, number) DO UPDATE SET result_url = excluded.result_url",
        [(job_id, number, url) for number, url in enumerate(urls, start=2)],
    )


def record_kept(
    transaction: sqlite3.Connection, job_id: str, number: int, picture: Picture, sha256: str, at: int
) -> None:
    """Record that a picture of a job, by its number, is in the picture store."""
    if number == 1:
        transaction.execute(
            "INSERT INTO kept_pictures (job_id, format, width, height, sha256, kept_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO UPDATE SET format = excluded.format,"
            " width = excluded.width, height = excluded.height, sha256 = excluded.sha256",
            (job_id, picture.format, picture.width, picture.height, sha256, at),
        )
        return
    transaction.execute(
        "INSERT INTO more_pictures (job_id, number, format, width, height, sha256, kept_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id, number) DO UPDATE SET format = excluded.format,"
        " width = excluded.width, height = excluded.height, sha256 = excluded.sha256,"
        " kept_at = excluded.kept_at",
        (job_id, number, picture.format, picture.width, picture.height, sha256, at),
    )


def record_posted(
    transaction: sqlite3.Connection, job_id: str, posted: Sequence[PostedPicture], pictures: int | None = None
) -> None:
    """Record where the pictures beyond the first were posted, as far as Discord has said it.

    With `pictures` those beyond so many are forgotten.
    """
    transaction.executemany(
        "INSERT INTO more_pictures (job_id, number, landed_url, landed_attachment_id) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (job_id, number) DO UPDATE SET landed_url = excluded.landed_url,"
        " landed_attachment_id = excluded.landed_attachment_id",
        [(job_id, number, each.url, each.attachment_id) for number, each in enumerate(posted, start=2)],
    )
    if pictures is not None:
        forget_beyond(transaction, job_id, pictures)


def forget_beyond(transaction: sqlite3.Connection, job_id: str, pictures: int) -> None:
    """Forget the pictures of a job beyond the first `pictures`: they could not be downloaded."""
    transaction.execute("DELETE FROM more_pictures WHERE job_id = ? AND number > ?", (job_id, pictures))


def forget_files(transaction: sqlite3.Connection, job_id: str) -> None:
    """Forget where the pictures beyond the first are stored and posted: they were deleted."""
    transaction.execute(
        "UPDATE more_pictures SET landed_url = NULL, landed_attachment_id = NULL, sha256 = NULL,"
        " kept_at = NULL WHERE job_id = ?",
        (job_id,),
    )


def expire_files(transaction: sqlite3.Connection, before: int, most: int) -> int:
    """Forget up to `most` stored pictures that were kept before `before` (epoch milliseconds)."""
    return len(
        transaction.execute(
            "UPDATE more_pictures SET sha256 = NULL, kept_at = NULL WHERE (job_id, number) IN ("
            " SELECT job_id, number FROM more_pictures INDEXED BY more_pictures_by_file"
            " WHERE sha256 IS NOT NULL AND kept_at < ? LIMIT ?) RETURNING job_id",
            (before, most),
        ).fetchall()
    )


def record_unreadable(
    transaction: sqlite3.Connection, job_id: str, sha256: str, size_bytes: int, at: int
) -> None:
    """Record what was downloaded and is no picture, unless the job was ended or erased meanwhile."""
    transaction.execute(
        "INSERT INTO unreadable_results (job_id, sha256, size_bytes, kept_at)"
        " SELECT job_id, ?, ?, ? FROM jobs WHERE job_id = ? AND stage = 'succeeded'"
        " ON CONFLICT (job_id) DO UPDATE SET sha256 = excluded.sha256,"
        " size_bytes = excluded.size_bytes, kept_at = excluded.kept_at",
        (sha256, size_bytes, at, job_id),
    )


def forget_unreadable(transaction: sqlite3.Connection, job_id: str) -> None:
    """Forget what was downloaded before the pictures of a job were."""
    transaction.execute("DELETE FROM unreadable_results WHERE job_id = ?", (job_id,))
