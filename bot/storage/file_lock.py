"""Lock the database file against other processes, and describe what is wrong with it.

Owns the lock beside the file.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final

from bot.domain.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path


BUSY_SECONDS: Final = 5.0
"""How long a statement waits for a lock of another connection."""


class DatabaseInUse(OperatorError):
    """Another process has locked the database; `code` is `database`."""


def acquire_lock(path: Path) -> sqlite3.Connection:
    """Lock the database file for this process until the returned connection is closed or the process ends.

    The lock is an exclusive transaction in an empty database beside the file. That works in the same way on
    every system that Python's sqlite3 runs on, and leaves the file itself open to readers. SQLite opens a
    file that may not be written read-only, and an exclusive transaction then has only a shared lock, so the
    lock is proven by a write that is never committed.

    Raises:
        DatabaseInUse: another process has locked it.
        OperatorError: `database`; the lock file or its folder cannot be written.
    """
    try:
        # An absolute path, since SQLite takes `:memory:` or `file:x` for something else; and without links,
        # since a file that has several names has only one lock.
        real = path.resolve()
        real.parent.mkdir(parents=True, exist_ok=True)
        lock_file = real.with_name(real.name + ".lock")
        lock = sqlite3.connect(lock_file, isolation_level=None, timeout=0)
    except (sqlite3.Error, OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise database_error(path, error) from error
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # no journal beside a file that is never changed
        lock.execute("BEGIN EXCLUSIVE")
        lock.execute("PRAGMA user_version = 1")
    except sqlite3.Error as error:
        lock.close()
        if "locked" in str(error):
            raise DatabaseInUse(
                "database", f"database {path}: another bot process is using it; stop that one first"
            ) from error
        if "readonly" in str(error) and not _on_read_only_disk(path):
            raise _foreign_lock(path, lock_file) from error
        raise database_error(path, error) from error
    return lock


def _on_read_only_disk(path: Path) -> bool:
    try:
        return bool(os.statvfs(path.resolve().parent).f_flag & os.ST_RDONLY)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return False


def _foreign_lock(path: Path, lock_file: Path) -> OperatorError:
    try:
        owner = lock_file.owner()
    except (OSError, KeyError):  # KeyError: a user without a name, as in a container
        owner = f"user {lock_file.stat().st_uid}"
    return OperatorError(
        "database",
        f"database {path}: cannot be locked: {lock_file} belongs to {owner} and may not be written;"
        " give it to the user who runs the bot, or delete it while no bot is running",
    )


def database_error(path: Path, error: Exception) -> OperatorError:
    """Describe an error of SQLite in one line that says what the operator can do."""
    advice = {
        "not a database": "is not a SQLite database; move it away or point database.path elsewhere",
        "malformed": "is damaged; restore a backup",
        "locked": "is locked by another process; close that one first",
        "full": "cannot be written: the disk is full",
        "read-only disk": "cannot be written: its disk is read-only; `ledger` and `backup` work nevertheless",
        "readonly": "cannot be written: no permission",
        "unable to open": "cannot be opened: check that the folder exists and may be written",
    }
    no_room = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_SHMSIZE
    text = "full" if no_room else str(error)
    if ("readonly" in text or "unable to open" in text) and _on_read_only_disk(path):
        text = "read-only disk"
    problem = next((problem for key, problem in advice.items() if key in text), f"failed: {text}")
    return OperatorError("database", f"database {path}: {problem}")


def require_file(path: Path) -> None:
    """Check that the database file exists.

    Raises:
        OperatorError: `database`; it does not, or the folder cannot be read.
    """
    try:
        if path.exists():
            return
    except OSError as error:
        raise database_error(path, error) from error
    raise OperatorError("database", f"database {path}: there is no such file")


def is_missing(path: Path) -> bool:
    """Return whether there is no database to open; False if that cannot be seen, as opening says why."""
    try:
        return not path.exists()
    except OSError:
        return False
