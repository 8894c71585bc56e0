"""Back up the database once a day and keep the newest copies; restore a copy while no bot runs.

Owns the folder of backups, and during `restore` the database file.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import OperatorError
from bot.storage.copies import UNFINISHED, checked_copy, verify
from bot.storage.file_lock import acquire_lock
from bot.storage.fsync import copy_and_sync, sync_folder
from bot.storage.picture_backup import copy_missing, sync
from bot.storage.picture_store import picture_folder
from bot.storage.upgrade_copy import delete_old_upgrade_copies

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 24 * 60 * 60
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAMES: Final = "kuas-*.sqlite3"
_SUFFIXES: Final = ("", "-wal", "-shm")
"""A SQLite database is up to three files: https://sqlite.org/tempfiles.html"""
PICTURES: Final = "pictures"
"""The folder beside the copies with the stored pictures, as they were at the last backup."""


class Backups:
    """The backups in one folder. `keep` is how many of the newest stay; with 0 no daily ones are made."""

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
        return await asyncio.to_thread(self._run_daily)

    def _run_daily(self) -> Path | None:
        try:
            delete_old_upgrade_copies(self._folder)
            if not self._keep:
                return None
            self._folder.mkdir(parents=True, exist_ok=True)
            recent = any(0 <= time.time() - _made_at(copy) < DAY_SECONDS for copy in self._copies())
            made = None if recent else self._make()
            sync(picture_folder(self._database), self._folder / PICTURES)
        except OSError as error:
            raise OperatorError("backup", f"{self._folder}: {error.strerror}") from error
        return made

    def _make(self) -> Path:
        self._clear_unfinished()
        made = self._folder / f"kuas-{datetime.now(UTC):{_STAMP}}.sqlite3"
        checked_copy(self._database, made)
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


def _made_at(path: Path) -> float:
    """Return the time in a copy's name, in seconds since the epoch; 0 if the name is none of ours."""
    try:
        made = datetime.strptime(path.stem.removeprefix("kuas-"), _STAMP)  # noqa: DTZ007  # UTC is set below
    except ValueError:
        return 0
    return made.replace(tzinfo=UTC).timestamp()


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
