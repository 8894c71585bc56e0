"""The database as a file: who has it, whether it is there, and what is wrong with it in plain words.

Owns the lock beside the file.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DatabaseInUse(OperatorError):
    """Another bot process has the file; `code` is `database`, too."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every bot off this file for a while, without opening it.

    Raises:
        DatabaseInUse: a bot is running on it.
        OperatorError: `database`; the folder cannot be written.
    """
    lock = acquire_lock(path)
    try:
        yield
    finally:
        lock.close()


def acquire_lock(path: Path) -> sqlite3.Connection:
    """Take the file for this process; the operating system gives it back however the process ends.

    A second, empty database that stays in an exclusive transaction is the one lock that works alike on every
    system Python's sqlite3 runs on, and leaves the real file open to readers.

    Raises:
        DatabaseInUse: another process has it.
        OperatorError: `database`; the folder cannot be written.
    """
    try:
        # In full, since SQLite may take some names for something else, such as `:memory:` or `file:x`;
        # and where a link leads, since one file may have several names, but only one lock.
        real = path.resolve()
        beside = real.with_name(real.name + ".lock")
        real.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(beside, isolation_level=None, timeout=0)
    except (sqlite3.Error, OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise database_error(path, error) from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if "locked" in str(error):
            raise DatabaseInUse(
                "database", f"database {path}: another bot process is using it; stop that one first"
            ) from error
        raise database_error(path, error) from error
    return lock


def database_error(path: Path, error: Exception) -> OperatorError:
    """What went wrong with the database at `path`, in a line that says what to do about it."""
    advice = {
        "not a database": "is not a SQLite database; move it away or point database.path elsewhere",
        "malformed": "is damaged; restore a backup",
        "locked": "is locked by another process; close that one first",
        "full": "cannot be written: the disk is full",
        "readonly": "cannot be written: no permission",
        "unable to open": "cannot be opened: check that the folder exists and may be written",
    }
    text = str(error)
    said = next((words for key, words in advice.items() if key in text), f"failed: {text}")
    return OperatorError("database", f"database {path}: {said}")


def require_file(path: Path) -> None:
    """See that there is a database to open.

    Raises:
        OperatorError: `database`; there is none, or the folder cannot be read.
    """
    try:
        if path.exists():
            return
    except OSError as error:
        raise database_error(path, error) from error
    raise OperatorError("database", f"database {path}: there is no such file")
