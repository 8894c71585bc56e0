"""Export the reservations of a report as a CSV file, or as a ZIP archive if that is too big for an upload.

The newest come first; the oldest are left out if not even the archive has room for all.
"""

from __future__ import annotations

import io
import zipfile
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from bot.credits.reports.models import Report

COLUMNS: Final = (
    "job_id",
    "user_id",
    "state",
    "reserved_credits",
    "final_credits",
    "refunded_credits",
    "created_at",
    "closed_at",
    "model",
)
PART_ROWS: Final = 2000
"""Rows that are read at once, so that other threads can run and little more than the file is in memory."""
SLACK_BYTES: Final = 128 * 1024
"""Room for what the compressor has not written yet, and for the directory of the archive."""


@dataclass(frozen=True, slots=True)
class CsvExport:
    """A file to attach."""

    filename: str
    data: bytes
    rows: int
    """How many reservations the file has: the newest."""


@dataclass(frozen=True, slots=True)
class CsvPart:
    """Consecutive lines of the file."""

    data: bytes
    rows: int


def write(connection: sqlite3.Connection, report: Report, name: str, limit_bytes: int) -> CsvExport:
    """Export the reservations that a report counts; `name` is the file's, without an extension."""
    return pack(_parts(connection, report), name, limit_bytes)


def pack(parts: Iterable[CsvPart], name: str, limit_bytes: int) -> CsvExport:
    """Join the parts to a CSV file, or put as many as fit into an archive if that is too big."""
    rest, taken, size = iter(parts), deque[CsvPart](), 0
    while size <= limit_bytes:
        if (part := next(rest, None)) is None:
            data, rows = b"".join(part.data for part in taken), sum(part.rows for part in taken)
            return CsvExport(f"{name}.csv", data, rows)
        taken.append(part)
        size += len(part.data)
    # Each part is forgotten once it is packed.
    return _archive(chain((taken.popleft() for _ in range(len(taken))), rest), name, limit_bytes)


def _archive(parts: Iterable[CsvPart], name: str, limit_bytes: int) -> CsvExport:
    output, rows = io.BytesIO(), 0
    # The fastest level: most of the data is random ids, which a higher level compresses little more.
    with (
        zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{name}.csv", "w") as file,
    ):
        for part in parts:
            if output.tell() + len(part.data) + SLACK_BYTES > limit_bytes:
                break
            file.write(part.data)
            rows += part.rows
    return CsvExport(f"{name}.zip", output.getvalue(), rows)


def _parts(connection: sqlite3.Connection, report: Report) -> Iterator[CsvPart]:
    yield CsvPart(f"{','.join(COLUMNS)}\r\n".encode(), rows=0)
    # SQLite formats the lines, since it does not hold the GIL, which the event loop needs. Only the id of a
    # model of the settings may have a quote. Ids are quoted, so that a spreadsheet reads them as text instead
    # of rounding them.
    cursor = connection.cursor()
    cursor.row_factory = None
    lines = cursor.execute(
        """
        SELECT CAST(printf(
            '"%s","%s","%s",%d,%s,%d,"%s","%s","%s"%s',
            r.job_id, r.user_id, r.state, r.reserved_credits, r.final_credits,
            CASE WHEN f.job_id IS NULL THEN 0 ELSE r.counted_credits END,
            strftime('%Y-%m-%dT%H:%M:%fZ', r.created_at / 1000.0, 'unixepoch'),
            strftime('%Y-%m-%dT%H:%M:%fZ', r.closed_at / 1000.0, 'unixepoch'),
            replace(r.model, '"', '""'),
            char(13, 10)
        ) AS BLOB)
        FROM reservations r LEFT JOIN refunds f ON f.job_id = r.job_id
        WHERE r.guild_id = ? AND r.created_at >= ? AND r.created_at < ?
        ORDER BY r.created_at DESC, r.job_id
        """,
        (report.guild_id, report.start, report.end),
    )
    while rows := lines.fetchmany(PART_ROWS):
        yield CsvPart(b"".join(line for (line,) in rows), len(rows))
