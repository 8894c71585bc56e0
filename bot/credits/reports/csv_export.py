"""Every reservation of a report as a CSV file that fits into an upload.

Newest first: where not even a ZIP archive holds all, what is left out is the oldest.
"""

from __future__ import annotations

import io
import zipfile
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
)
PART_ROWS: Final = 2000
"""At once, so that other threads get their turn and little more than the file itself is in memory."""
SLACK_BYTES: Final = 128 * 1024
"""What the compressor may still hold back, and the archive's own table."""


@dataclass(frozen=True, slots=True)
class CsvExport:
    """A file to attach."""

    filename: str
    data: bytes
    rows: int
    """How many reservations are in it: the newest."""


@dataclass(frozen=True, slots=True)
class CsvPart:
    """Some lines of the file."""

    data: bytes
    rows: int


def write(connection: sqlite3.Connection, report: Report, name: str, limit_bytes: int) -> CsvExport:
    """Write what a report counted; `name` is the file's, without its ending."""
    return pack(_parts(connection, report), name, limit_bytes)


def pack(parts: Iterable[CsvPart], name: str, limit_bytes: int) -> CsvExport:
    """Put the pieces into a CSV file, or into an archive if that is too big, as many as fit."""
    coming, taken, size = iter(parts), list[CsvPart](), 0
    while size <= limit_bytes:
        if (part := next(coming, None)) is None:
            return CsvExport(f"{name}.csv", b"".join(part.data for part in taken), _rows(taken))
        taken.append(part)
        size += len(part.data)
    return _archive(chain(taken, coming), name, limit_bytes)


def _archive(parts: Iterable[CsvPart], name: str, limit_bytes: int) -> CsvExport:
    kept, rows = io.BytesIO(), 0
    # The fastest level: ids at random, which are most of it, grow little smaller on any other.
    with (
        zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{name}.csv", "w") as file,
    ):
        for part in parts:
            if kept.tell() + len(part.data) + SLACK_BYTES > limit_bytes:
                break
            file.write(part.data)
            rows += part.rows
    return CsvExport(f"{name}.zip", kept.getvalue(), rows)


def _parts(connection: sqlite3.Connection, report: Report) -> Iterator[CsvPart]:
    yield CsvPart(f"{','.join(COLUMNS)}\r\n".encode(), rows=0)
    # SQLite writes whole lines: it does so without Python's lock, which the event loop needs, too.
    # No value holds a quote or a comma. Ids in quotes are text to a spreadsheet, which would round numbers.
    lines = connection.execute(
        """
        SELECT printf(
            '"%s","%s","%s",%d,%s,%d,"%s","%s"',
            r.job_id, r.user_id, r.state, r.reserved_credits, r.final_credits,
            CASE WHEN f.job_id IS NULL THEN 0 ELSE r.counted_credits END,
            strftime('%Y-%m-%dT%H:%M:%fZ', r.created_at / 1000.0, 'unixepoch'),
            strftime('%Y-%m-%dT%H:%M:%fZ', r.closed_at / 1000.0, 'unixepoch')
        )
        FROM reservations r LEFT JOIN refunds f ON f.job_id = r.job_id
        WHERE r.guild_id = ? AND r.created_at >= ? AND r.created_at < ?
        ORDER BY r.created_at DESC, r.job_id
        """,
        (report.guild_id, report.start, report.end),
    )
    while several := lines.fetchmany(PART_ROWS):
        yield CsvPart("".join(f"{line}\r\n" for (line,) in several).encode(), len(several))


def _rows(parts: Iterable[CsvPart]) -> int:
    return sum(part.rows for part in parts)
