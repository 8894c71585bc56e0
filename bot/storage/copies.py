"""Copy the database while it is in use, and check a copy."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from bot.domain.errors import OperatorError
from bot.storage.fsync import sync_folder
from bot.storage.integrity import quick_check
from bot.storage.read_only import open_read_only
from bot.storage.schema import version_of

if TYPE_CHECKING:
    from pathlib import Path

UNFINISHED: Final = ".unfinished"
"""The ending of a copy's name until the copy is complete."""


def backup(path: Path, target: Path) -> None:
    """Write a consistent copy of the database to `target`, which must not exist yet.

    The copy gets its name only when it is complete and synced; the name is durable, too, when this returns.

    Raises:
        OperatorError: `backup`: the target exists or cannot be written; `database`: the source is unreadable.
    """
    try:
        if target.exists():
            raise OperatorError("backup", f"{target}: exists already; choose another name")
        if not target.parent.is_dir():
            raise OperatorError("backup", f"{target.parent}: there is no such folder")
    except OSError as error:
        raise OperatorError("backup", f"{target}: {error.strerror}") from error
    _copy(path, target, check=False)


def checked_copy(path: Path, target: Path) -> None:
    """Replace `target` by a consistent copy of the database, once both are found intact.

    Raises:
        OperatorError: `backup`: the target cannot be written, or is damaged; `database`: the source is
            damaged or unreadable. The old target stays.
    """
    quick_check(path)
    _copy(path, target, check=True)


def _copy(path: Path, target: Path, *, check: bool) -> None:
    # An absolute path, since SQLite takes a name such as `file:copy` for a URI.
    unfinished = target.with_name(target.name + UNFINISHED).absolute()
    connection = open_read_only(path, any_version=True)
    try:
        unfinished.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        with unfinished.open("rb+") as copy:
            os.fsync(copy.fileno())
        if check:
            verify(unfinished)
        unfinished.replace(target)
        sync_folder(target.absolute().parent)
    except (sqlite3.Error, OSError, OperatorError) as error:
        with suppress(OSError):  # the cause of the failure may prevent this, too
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OperatorError):
            raise
        raise OperatorError("backup", f"{target}: {error}") from error
    finally:
        connection.close()


def verify(path: Path) -> None:
    """Check that a file is an intact database of Kuas, of this version or an older one.

    Raises:
        OperatorError: `backup` or `database`; it is not.
    """
    if not path.is_file():
        raise OperatorError("backup", f"{path}: there is no such file")
    log_beside = path.with_name(path.name + "-wal")
    if log_beside.exists() and log_beside.stat().st_size:
        raise OperatorError(
            "backup",
            f"{path}: its newest part is still in {log_beside.name} beside it;"
            " make one file of both: point database.path at it and run `backup`",
        )
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            if not version_of(connection):
                raise OperatorError("backup", f"{path}: is empty, not a backup")
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except (sqlite3.Error, OSError) as error:
        raise OperatorError("backup", f"{path}: {error}") from error
    if found != "ok":
        raise OperatorError("backup", f"{path}: is damaged: {found}")
