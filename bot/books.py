"""The books from outside: every reservation as a line, and a copy of the whole database.

Both read beside a running bot and change nothing.

Owns the read-only views of the database file. Never imports anything of ours but clock, database, errors.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bot.clock import iso
from bot.database import open_read_only
from bot.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNFINISHED: Final = ".unfinished"
"""What the name of a copy ends with until it is whole."""

Entry = dict[str, str | int | None]
"""One line of the ledger: ids are strings, times ISO-8601 UTC, `final_credits` None while held."""


def entries(path: Path) -> Iterator[Entry]:
    """Every reservation, the oldest first.

    Raises:
        OperatorError: `database`; the file cannot be read.
    """
    connection = open_read_only(path)
    try:
        rows = connection.execute(
            """
            SELECT r.job_id, r.guild_id, r.user_id, r.state, r.reserved_credits, r.final_credits,
                   j.task_id, r.created_at, r.closed_at
            FROM reservations r JOIN jobs j ON j.job_id = r.job_id
            ORDER BY r.created_at, r.job_id
            """
        )
        for row in rows:
            yield {
                "job_id": row["job_id"],
                "guild_id": str(row["guild_id"]),
                "user_id": str(row["user_id"]),
                "state": row["state"],
                "reserved_credits": row["reserved_credits"],
                "final_credits": row["final_credits"],
                "task_id": row["task_id"],
                "created_at": iso(row["created_at"]),
                "closed_at": None if row["closed_at"] is None else iso(row["closed_at"]),
            }
    except sqlite3.Error as error:
        raise OperatorError("database", f"database {path}: {error}") from error
    finally:
        connection.close()


def backup(path: Path, target: Path) -> None:
    """Write a consistent copy of the database to `target`, which must not exist yet.

    The copy appears under its name only when it is whole and on the disk.

    Raises:
        OperatorError: `backup`: the target exists or cannot be written; `database`: the source cannot.
    """
    try:
        if target.exists():
            raise OperatorError("backup", f"{target}: exists already; choose another name")
        if not target.parent.is_dir():
            raise OperatorError("backup", f"{target.parent}: there is no such folder")
    except OSError as error:
        raise OperatorError("backup", f"{target}: {error.strerror}") from error
    # In full, since SQLite takes a name such as `file:copy` for an address.
    unfinished = target.with_name(target.name + UNFINISHED).absolute()
    connection = open_read_only(path)
    try:
        unfinished.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        with unfinished.open("rb+") as copy:
            os.fsync(copy.fileno())
        unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):  # what made the copy fail may keep its remains from being removed, too
            unfinished.unlink(missing_ok=True)
        raise OperatorError("backup", f"{target}: {error}") from error
    finally:
        connection.close()
