"""Copies of the database: one a day while the bot runs, the newest few kept; and the way back from one.

Owns the folder of backups, and the file while no bot runs.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.clock import now_ms
from bot.domain.errors import OperatorError
from bot.storage.database import open_read_only
from bot.storage.file_lock import locked
from bot.storage.fsync import copy_and_sync, sync_folder
from bot.storage.picture_backup import copy_missing, sync
from bot.storage.picture_store import picture_folder
from bot.storage.schema import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 24 * 60 * 60
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAMES: Final = "kuas-*.sqlite3"
_BESIDE: Final = ("", "-wal", "-shm")
"""A SQLite database is up to three files: https://sqlite.org/tempfiles.html"""


UNFINISHED: Final = ".unfinished"
"""What the name of a copy ends with until it is whole."""
PICTURES: Final = "pictures"
"""The folder beside the copies that has the stored pictures, as they were with the newest."""


class Backups:
    """The copies in one folder, with the pictures. `keep` is how many of the newest stay; 0 makes none."""

    def __init__(self, database: Path, folder: Path, keep: int) -> None:
        self._database = database
        self._folder = folder
        self._keep = keep

    async def run_daily(self) -> Path | None:
        """Make a copy if the newest is a day old, then drop the oldest; returns the copy, if one was made.

        Raises:
            OperatorError: `backup` or `database`; the older copies are as they were.
        """
        if not self._keep:
            return None
        return await asyncio.to_thread(self._run_daily)

    def _run_daily(self) -> Path | None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = any(0 <= now_ms() / 1000 - _made_at(copy) < DAY_SECONDS for copy in self._copies())
            made = None if fresh else self._make()
            # Also when the copy is not new: what could not be brought over the last time comes now.
            sync(picture_folder(self._database), self._folder / PICTURES)
        except OSError as error:
            raise OperatorError("backup", f"{self._folder}: {error.strerror}") from error
        return made

    def _make(self) -> Path:
        self._clear_unfinished()
        made = self._folder / f"kuas-{datetime.fromtimestamp(now_ms() / 1000, UTC):{_STAMP}}.sqlite3"
        backup(self._database, made)
        _verify_new(made)
        for old in self._copies()[: -self._keep]:
            old.unlink()
        log.info("backup made", path=str(made), bytes=made.stat().st_size)
        return made

    def _copies(self) -> list[Path]:
        """The oldest first, as their names say; before them, those from times that are still to come.

        A clock that was wrong for a while must neither stop the copies until then nor cost the new ones.
        """
        now = now_ms() / 1000
        copies = (path for path in self._folder.glob(_NAMES) if _made_at(path))
        return sorted(copies, key=lambda path: (_made_at(path) <= now, path.name))

    def _clear_unfinished(self) -> None:
        """Remove what a killed process left half written: it is as big as a copy, and of no use."""
        for path in self._folder.glob(_NAMES + UNFINISHED):
            if _made_at(path.with_suffix("")):
                path.unlink(missing_ok=True)


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


def _made_at(path: Path) -> float:
    try:
        made = datetime.strptime(path.stem.removeprefix("kuas-"), _STAMP)  # noqa: DTZ007  # UTC is set below
    except ValueError:
        return 0
    return made.replace(tzinfo=UTC).timestamp()


def _verify_new(path: Path) -> None:
    """Examine a copy that was just made; one that is damaged must not pass for today's."""
    try:
        verify(path)
    except OperatorError:
        path.unlink(missing_ok=True)
        raise


def verify(path: Path) -> None:
    """See that a file is a whole database of ours, of this version or an older one.

    Raises:
        OperatorError: `backup` or `database`; what is wrong with it.
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
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            if not version_of(connection):
                raise OperatorError("backup", f"{path}: is empty, not a backup")
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise OperatorError("backup", f"{path}: {error}") from error
    if found != "ok":
        raise OperatorError("backup", f"{path}: is damaged: {found}")


def restore(backup: Path, database: Path) -> Path | None:
    """Put a backup in the place of the database, which is moved aside; returns where to, if there was one.

    The bot must not be running. The copy takes its place in one step: whatever interrupts this leaves either
    the old database under one of its two names, or the new one. Pictures beside the copy that are not there
    any more come back with it.

    Raises:
        DatabaseInUse: a bot is running on the database.
        OperatorError: `backup`: it is none, or is damaged; `database`: the place cannot be written.
    """
    verify(backup)
    pictures = picture_folder(database)
    database = database.resolve()  # a link stays one
    with locked(database):
        try:
            if database.exists() and backup.samefile(database):
                raise OperatorError("backup", f"{backup}: is the database itself")
            fresh = database.with_name(database.name + ".restoring")
            copy_and_sync(backup, fresh)
            aside = _set_aside(database)
            fresh.replace(database)
            with suppress(OSError):  # where a file system cannot, the rename is as durable as it gets
                sync_folder(database.parent)
            copy_missing(backup.parent / PICTURES, pictures)
        except OSError as error:
            raise OperatorError("database", f"database {database}: {error}") from error
    return aside


def _set_aside(database: Path) -> Path | None:
    if not database.exists():
        return None
    # What the log beside it holds is brought into the file, so that there is one file to move. One too
    # damaged for that is moved before its log: a log without its file is dropped, never taken for another's.
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(database)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    stamp = f"{datetime.fromtimestamp(now_ms() / 1000, UTC):{_STAMP}}"
    aside = next(name for name in _free_names(database, stamp) if not name.exists())
    for suffix in _BESIDE:
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _free_names(database: Path, stamp: str) -> Iterator[Path]:
    yield database.with_name(f"{database.name}.before-{stamp}")
    for number in range(2, 1000):
        yield database.with_name(f"{database.name}.before-{stamp}-{number}")
