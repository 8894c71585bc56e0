"""Back up the database once a day and keep the newest copies; restore a copy while no bot runs.

Owns the folder of backups, and during `restore` the database file.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import OperatorError
from bot.storage.database import open_read_only
from bot.storage.file_lock import acquire_lock
from bot.storage.fsync import copy_and_sync, sync_folder
from bot.storage.integrity import quick_check
from bot.storage.picture_backup import copy_missing, sync
from bot.storage.picture_store import picture_folder
from bot.storage.schema import version_of

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 24 * 60 * 60
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAMES: Final = "kuas-*.sqlite3"
_SUFFIXES: Final = ("", "-wal", "-shm")
"""A SQLite database is up to three files: https://sqlite.org/tempfiles.html"""
UNFINISHED: Final = ".unfinished"
"""The ending of a copy's name until the copy is complete."""
PICTURES: Final = "pictures"
"""The folder beside the copies with the stored pictures, as they were at the last backup."""


class Backups:
    """The backups in one folder. `keep` is how many of the newest stay; with 0 none are made."""

    def __init__(self, database: Path, folder: Path, keep: int) -> None:
        self._database = database
        self._folder = folder
        self._keep = keep

    async def run_daily(self) -> Path | None:
        """Make a copy unless one is younger than a day, then delete the oldest; returns the copy, if made.

        The pictures are copied each time, so that a copy that failed before is made up for.

        Raises:
            OperatorError: `backup` or `database`; older copies are not changed.
        """
        if not self._keep:
            return None
        return await asyncio.to_thread(self._run_daily)

    def _run_daily(self) -> Path | None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            recent = any(0 <= time.time() - _made_at(copy) < DAY_SECONDS for copy in self._copies())
            made = None if recent else self._make()
            sync(picture_folder(self._database), self._folder / PICTURES)
        except OSError as error:
            raise OperatorError("backup", f"{self._folder}: {error.strerror}") from error
        return made

    def _make(self) -> Path:
        self._clear_unfinished()
        quick_check(self._database)  # the copy of a damaged database must not replace a good one
        made = self._folder / f"kuas-{datetime.now(UTC):{_STAMP}}.sqlite3"
        backup(self._database, made)
        try:
            verify(made)
        except OperatorError:  # a damaged copy must not count as today's
            made.unlink(missing_ok=True)
            raise
        for old in self._copies()[: -self._keep]:
            old.unlink()
        log.info("backup made", path=str(made), bytes=made.stat().st_size)
        return made

    def _copies(self) -> list[Path]:
        """List the copies by the time in their names, the oldest first; copies from the future come before.

        They were made while the clock was wrong, and are deleted before any other.
        """
        now = time.time()
        copies = (path for path in self._folder.glob(_NAMES) if _made_at(path))
        return sorted(copies, key=lambda path: (_made_at(path) <= now, path.name))

    def _clear_unfinished(self) -> None:
        """Delete copies that a killed process left unfinished."""
        for path in self._folder.glob(_NAMES + UNFINISHED):
            if _made_at(path.with_suffix("")):
                path.unlink(missing_ok=True)


def backup(path: Path, target: Path) -> None:
    """Write a consistent copy of the database to `target`, which must not exist yet.

    The copy gets its name only when it is complete and synced.

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
    # An absolute path, since SQLite takes a name such as `file:copy` for a URI.
    unfinished = target.with_name(target.name + UNFINISHED).absolute()
    connection = open_read_only(path)
    try:
        unfinished.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        with unfinished.open("rb+") as copy:
            os.fsync(copy.fileno())
        unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):  # the cause of the failure may prevent this, too
            unfinished.unlink(missing_ok=True)
        raise OperatorError("backup", f"{target}: {error}") from error
    finally:
        connection.close()


def _made_at(path: Path) -> float:
    """Return the time in a copy's name, in seconds since the epoch; 0 if the name is none of ours."""
    try:
        made = datetime.strptime(path.stem.removeprefix("kuas-"), _STAMP)  # noqa: DTZ007  # UTC is set below
    except ValueError:
        return 0
    return made.replace(tzinfo=UTC).timestamp()


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


def restore(backup: Path, database: Path) -> Path | None:
    """Replace the database by a backup and rename the old one; returns its new path, if there was one.

    The bot must not be running. The backup is renamed into place, so an interruption leaves either the old
    database, under its old or its new name, or the backup. Pictures in the backup folder that are missing
    beside the database are copied back.

    Raises:
        DatabaseInUse: a bot is running on the database.
        OperatorError: `backup`: the file is no backup, or damaged; `database`: its place cannot be written.
    """
    verify(backup)
    pictures = picture_folder(database)
    database = database.resolve()  # a symbolic link is kept
    with closing(acquire_lock(database)):
        try:
            if database.exists() and backup.samefile(database):
                raise OperatorError("backup", f"{backup}: is the database itself")
            restored = database.with_name(database.name + ".restoring")
            copy_and_sync(backup, restored)
            aside = _set_aside(database)
            restored.replace(database)
            sync_folder(database.parent)
            copy_missing(backup.parent / PICTURES, pictures)
        except OSError as error:
            raise OperatorError("database", f"database {database}: {error}") from error
    return aside


def _set_aside(database: Path) -> Path | None:
    """Rename the files of the database to a free name; returns it, or None if there is no database."""
    if not database.exists():
        return None
    # Move the write-ahead log into the file first, so that there is one file to rename. If the file is too
    # damaged for that, it is renamed before its log: SQLite ignores a log without its file.
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base = f"{database.name}.before-{datetime.now(UTC):{_STAMP}}"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    aside = next(path for path in map(database.with_name, names) if not path.exists())
    for suffix in _SUFFIXES:
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
