"""Open the database file for reading alone, beside a running bot or on a disk that cannot be written."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from bot.domain.errors import OperatorError
from bot.storage.file_lock import BUSY_SECONDS, database_error, require_file
from bot.storage.schema import require_current, version_of

log = structlog.get_logger(__name__)

_CANNOT_WRITE: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_READONLY_CANTINIT}
    | {sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE}
)
"""What SQLite says where it cannot make its files beside the database: https://sqlite.org/rescode.html"""


class _TemporaryCopy(sqlite3.Connection):
    """A connection to a copy of the database, which is deleted when it is closed."""

    folder: TemporaryDirectory[str]

    def close(self) -> None:
        super().close()
        self.folder.cleanup()


def open_read_only(path: Path, *, any_version: bool = False) -> sqlite3.Connection:
    """Open a connection that can neither write nor checkpoint, beside a running bot.

    With `any_version` the schema may be older than this program.

    Raises:
        OperatorError: `database`; the file is missing, not Kuas's, of another version, or unreadable.
    """
    require_file(path)
    try:
        connection = _connect(path)
        try:
            connection.row_factory = sqlite3.Row
            if any_version:
                version_of(connection)
            else:
                require_current(connection)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise database_error(path, error) from error
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:  # also "file is not a database", which is no OperationalError
        connection.close()
        if error.sqlite_errorcode in _CANNOT_WRITE and path.is_file():
            return _connect_without_writing(path)
        raise
    return connection


def _connect_without_writing(path: Path) -> sqlite3.Connection:
    """Open a file beside which SQLite cannot make the two files of its write-ahead log.

    No bot is running then, since it would have made them: https://sqlite.org/wal.html#read_only_databases
    """
    real = path.resolve()
    write_ahead_log = real.with_name(real.name + "-wal")
    if write_ahead_log.exists() and write_ahead_log.stat().st_size:
        return _connect_to_copy(real, write_ahead_log)
    uri = f"{real.as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")  # perhaps nothing else can be written either
    return connection


def _connect_to_copy(path: Path, write_ahead_log: Path) -> sqlite3.Connection:
    """Open a copy of the database and its log in a temporary folder, so that no entry is missing."""
    try:
        folder = TemporaryDirectory(prefix="kuas-")
        for source in (path, write_ahead_log):
            shutil.copyfile(source, Path(folder.name) / source.name)
    except OSError as error:
        raise OperatorError(
            "database",
            f"database {path}: its newest entries are in {write_ahead_log.name}, which cannot be read where"
            f" nothing can be written ({error}); copy both files to a folder that can be written, and point"
            " database.path there",
        ) from error
    connection = sqlite3.connect(Path(folder.name) / path.name, isolation_level=None, factory=_TemporaryCopy)
    connection.folder = folder
    log.warning(
        "database read from a copy",
        path=str(path),
        why=f"{write_ahead_log.name} holds its newest entries, and its folder cannot be written",
    )
    return connection
