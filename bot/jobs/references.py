"""The references of jobs and drafts: one row each, numbered from 1 in the order in which the model gets them.

Whoever selects rows of `jobs` or `drafts` selects their references with them, as one more column in JSON, so
that rows without references cost no statement more.

Owns the tables job_references and draft_references.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from bot.domain.jobs import Reference, UploadedReference

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    Row = sqlite3.Row | Mapping[str, Any]

_COLUMNS: Final = (
    "'number', number, 'url', url, 'filename', filename, 'type', type, 'bytes', bytes, 'sha256', sha256,"
    " 'source_job_id', source_job_id"
)
# SQLite writes a REAL into JSON with 15 digits, which may be fewer than it has.
_UPLOAD_COLUMNS: Final = (
    "'upload_url', upload_url, 'upload_mime', upload_mime, 'upload_name', upload_name,"
    " 'upload_seconds', iif(upload_seconds IS NULL, NULL, printf('%!.17g', upload_seconds)),"
    " 'upload_token', upload_token"
)
DRAFT_REFERENCES: Final = (
    f"(SELECT json_group_array(json_object({_COLUMNS})) FROM draft_references"  # noqa: S608  # our own text
    " WHERE draft_references.draft_id = drafts.draft_id) AS reference_rows"
)
"""A column for a SELECT from `drafts`."""


def job_references(jobs: str = "jobs") -> str:
    """Return a column for a SELECT from `jobs`, by the name or the alias that it has there."""
    return (
        f"(SELECT json_group_array(json_object({_COLUMNS}, {_UPLOAD_COLUMNS})) FROM job_references"  # noqa: S608  # our own text
        f" WHERE job_references.job_id = {jobs}.job_id) AS reference_rows"
    )


def references_from(row: Row) -> tuple[Reference, ...]:
    """Return the references of a row of `jobs` or `drafts`; none if they were erased."""
    return tuple(
        Reference(
            url=found["url"],
            filename=found["filename"],
            content_type=found["type"],
            size_bytes=found["bytes"],
            sha256=found["sha256"],
            job_id=found["source_job_id"],
        )
        for found in _rows(row)
    )


def uploads_from(row: Row) -> tuple[UploadedReference, ...]:
    """Return the references of a row of `jobs` that are at Rivya; they are uploaded in their order."""
    return tuple(
        UploadedReference(
            url=found["upload_url"],
            mime_type=found["upload_mime"],
            name=found["upload_name"],
            duration_seconds=None if found["upload_seconds"] is None else float(found["upload_seconds"]),
            duration_token=found["upload_token"],
        )
        for found in _rows(row)
        if found["upload_url"] is not None
    )


def insert_references(
    transaction: sqlite3.Connection,
    table: Literal["job_references", "draft_references"],
    owner_id: str | int,
    references: Sequence[Reference],
    *,
    first: int = 1,
) -> None:
    """Insert the references of a job or a draft; the first of them gets the number `first`."""
    owner = "job_id" if table == "job_references" else "draft_id"
    transaction.executemany(
        f"INSERT INTO {table} ({owner}, number, url, filename, type, bytes, sha256, source_job_id)"  # noqa: S608  # our own text
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(owner_id, number, each.url, each.filename, each.content_type, each.size_bytes),
                *(each.sha256, each.job_id),
            )
            for number, each in enumerate(references, start=first)
        ],
    )


def record_upload(
    transaction: sqlite3.Connection, job_id: str, number: int, upload: UploadedReference, sha256: str
) -> None:
    """Record where a reference is at Rivya, and under which hash its file is in the picture store."""
    transaction.execute(
        "UPDATE job_references SET upload_url = ?, upload_mime = ?, upload_name = ?, upload_seconds = ?,"
        " upload_token = ?, sha256 = ? WHERE job_id = ? AND number = ?",
        (
            upload.url,
            upload.mime_type,
            upload.name,
            upload.duration_seconds,
            upload.duration_token,
            sha256,
            job_id,
            number,
        ),
    )


def _rows(row: Row) -> list[dict[str, Any]]:
    rows = row["reference_rows"]
    return [] if rows == "[]" else sorted(json.loads(rows), key=lambda each: int(each["number"]))
