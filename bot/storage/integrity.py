"""Look for damaged pages in the database file."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from bot.domain.errors import OperatorError
from bot.storage.file_lock import database_error
from bot.storage.read_only import open_read_only

if TYPE_CHECKING:
    from pathlib import Path

MAX_SECONDS: Final = 60.0
"""A check holds back the truncation of the write-ahead log while it reads."""
_STEPS: Final = 1000
"""After how many instructions of SQLite's virtual machine the time is looked at."""


def quick_check(path: Path, *, seconds: float = MAX_SECONDS) -> bool:
    """Read all tables beside a running bot; False if that was not finished in time.

    Indexes are not compared with their tables: https://www.sqlite.org/pragma.html#pragma_quick_check

    Raises:
        OperatorError: `database`; the file is damaged or cannot be read.
    """
    with closing(open_read_only(path, any_version=True)) as connection:
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() >= deadline, _STEPS)
        try:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            if "interrupted" in str(error):
                return False
            raise database_error(path, error) from error
    if found != "ok":
        problem = " ".join(found.split())
        raise OperatorError("database", f"database {path}: is damaged; restore a backup ({problem})")
    return True
