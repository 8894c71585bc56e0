"""One SQLite connection, and transactions that survive the cancellation of their caller.

A unit of work is a plain function of the connection. It runs whole, in one hop, on aiosqlite's thread, so no
await can fall between BEGIN and COMMIT and a cancelled caller can leave nothing open. Units that are waiting
at the same moment share one COMMIT, each behind its own savepoint: two hundred commands at once cost one
fsync, and a unit that raises takes back only itself.

Owns the connection and its lock. Never imports anything of ours but errors, schema.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import aiosqlite

from bot.errors import ContractBroken, OperatorError
from bot.schema import migrate, require_current, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

T = TypeVar("T")

OLDEST_SQLITE: Final = (3, 37, 0)
"""STRICT tables: https://sqlite.org/stricttables.html"""
BUSY_SECONDS: Final = 5.0
BATCH: Final = 500
"""Units that share one COMMIT at most, so that the first of a flood need not wait for the last."""

_PATIENCE: Final = f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}"
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # money: a commit must survive the loss of power
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what was erased must not be read from the free pages of the file
    _PATIENCE,
)


class InUse(OperatorError):
    """Another bot process has the file; `code` is `database`, too."""


class _Connection(aiosqlite.Connection):
    """aiosqlite, with one more way in: a function that runs on its thread in one hop."""

    async def hop(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # aiosqlite passes on whatever the function returns; it only does not say so in its types.
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result


class Database:
    """The one connection of this process; all but the one that holds the lock write only now and then."""

    def __init__(self, connection: _Connection, lock: sqlite3.Connection | None, path: Path) -> None:
        self._connection = connection
        self._lock = lock
        self._path = path
        self._waiting: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write(), name="database writer")

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Lock, open and migrate the file, which is made with its folder if it is not there.

        Raises:
            InUse: by another process.
            OperatorError: `database`; one line that says what is wrong. The file is as it was.
        """
        lock = _lock(path)
        try:
            return cls(await _open(path, migrate), lock, path)
        except BaseException:
            lock.close()
            raise

    @classmethod
    async def beside(cls, path: Path) -> Database:
        """Open a file that is there, to write now and then beside a running bot, which sees it at once.

        Raises:
            OperatorError: `database`; missing, not ours, of another version, or unusable.
        """
        _require_file(path)
        return cls(await _open(path, _accompany), None, path)

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Run `unit` in a transaction; when this returns, its effect is on the disk.

        The unit runs to its end even if the caller is cancelled meanwhile. What it raises is raised here,
        after its own changes were taken back.

        Raises:
            OperatorError: `database`; the disk or the file failed, nothing of the unit was kept.
            ContractBroken: `bug`; a row breaks a rule of the schema, nothing of the unit was kept.
        """
        result: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        waiting: _Waiting = (unit, result)
        if self._writer.done():
            raise self._closed()
        self._waiting.put_nowait(waiting)
        return await result  # type: ignore[return-value]  # the queue forgets each unit's own T

    async def checkpoint(self) -> bool:
        """Empty the log beside the file, which holds old pages till then; False while a reader needs them."""
        try:
            return await self._connection.hop(_checkpoint)
        except sqlite3.Error as error:
            raise _trouble(self._path, error) from error

    async def close(self) -> None:
        """Finish what waits, then close; safe to call twice."""
        if not self._writer.done():
            self._waiting.put_nowait(None)
            await self._writer
        await self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def _closed(self) -> OperatorError:
        return OperatorError("database", f"database {self._path}: already closed")

    async def _write(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < BATCH:
                batch.append(self._waiting.get_nowait())
            work = [waiting for waiting in batch if waiting is not None]
            if work:
                await self._commit(work)
            if len(work) < len(batch):
                while not self._waiting.empty():  # came during the last commit: nobody would answer them
                    if (waiting := self._waiting.get_nowait()) is not None and not waiting[1].done():
                        waiting[1].set_exception(self._closed())
                return

    async def _commit(self, work: list[_Waiting]) -> None:
        outcomes: Iterable[object]
        try:
            outcomes = await self._connection.hop(partial(_commit_together, [unit for unit, _ in work]))
        except Exception as error:  # noqa: BLE001  # a writer that stops leaves every later caller waiting
            outcomes = [error] * len(work)
        for (_, result), outcome in zip(work, outcomes, strict=True):
            if result.done():  # its caller was cancelled; the unit counts all the same
                continue
            if isinstance(outcome, sqlite3.IntegrityError):
                # Not the operator's: the same row would be refused for ever.
                result.set_exception(ContractBroken("bug", f"the database refuses a row: {outcome}"))
            elif isinstance(outcome, sqlite3.Error):
                result.set_exception(_trouble(self._path, outcome))
            elif isinstance(outcome, BaseException):
                result.set_exception(outcome)
            else:
                result.set_result(outcome)


_Waiting = tuple["Callable[[sqlite3.Connection], object]", "asyncio.Future[object]"]


def _commit_together(
    units: list[Callable[[sqlite3.Connection], object]], connection: sqlite3.Connection
) -> list[object]:
    """Run each unit behind a savepoint, then commit all; an exception stands in its unit's place."""
    outcomes: list[object] = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for unit in units:
            connection.execute("SAVEPOINT unit")
            try:
                outcomes.append(unit(connection))
            except Exception as error:
                if not connection.in_transaction:
                    # A full disk makes SQLite roll back everything at once: https://sqlite.org/lang_transaction.html
                    raise
                connection.execute("ROLLBACK TO unit")
                outcomes.append(error)
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return outcomes


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open for reading beside a running bot; it can neither write nor checkpoint.

    Raises:
        OperatorError: `database`; missing, not ours, of another version, or unreadable.
    """
    _require_file(path)
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            require_current(connection)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise _trouble(path, error) from error
    return connection


def _require_file(path: Path) -> None:
    try:
        if path.exists():
            return
    except OSError as error:
        raise _trouble(path, error) from error
    raise OperatorError("database", f"database {path}: there is no such file")


async def _open(path: Path, ready: Callable[[sqlite3.Connection], None]) -> _Connection:
    try:
        # aiosqlite does not wait for its thread when opening fails, so what can fail is tried before.
        _connect(path).close()
        connection = _Connection(partial(_connect, path), iter_chunk_size=64)
        try:
            await connection
            await connection.hop(_prepare)
            await connection.hop(ready)
        except BaseException:
            await connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise _trouble(path, error) from error
    return connection


def _accompany(connection: sqlite3.Connection) -> None:
    require_current(connection)
    # Checkpoints are the bot's: two connections at it at once may lose pages before SQLite 3.51.3.
    # https://sqlite.org/wal.html#walresetbug
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def _connect(path: Path) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise OperatorError(
            "database", f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed"
        )
    # In full, as in `_lock`: a database in memory would forget every credit.
    return sqlite3.connect(path.absolute(), isolation_level=None, timeout=BUSY_SECONDS)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    # Looked at first: changing the journal mode would already write into a file that is not ours.
    version_of(connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _checkpoint(connection: sqlite3.Connection) -> bool:
    # Without patience: a reader, such as a backup under way, must not hold up the jobs.
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.execute(_PATIENCE)
    return not busy


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Keep every bot off this file for a while, without opening it.

    Raises:
        InUse: a bot is running on it.
        OperatorError: `database`; the folder cannot be written.
    """
    lock = _lock(path)
    try:
        yield
    finally:
        lock.close()


def _lock(path: Path) -> sqlite3.Connection:
    """Take the file for this process; the operating system gives it back however the process ends.

    A second, empty database that stays in an exclusive transaction is the one lock that works alike on every
    system Python's sqlite3 runs on, and leaves the real file open to readers.
    """
    try:
        # In full, since SQLite may take some names for something else, such as `:memory:` or `file:x`;
        # and where a link leads, since one file may have several names, but only one lock.
        real = path.resolve()
        beside = real.with_name(real.name + ".lock")
        real.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(beside, isolation_level=None, timeout=0)
    except (sqlite3.Error, OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise _trouble(path, error) from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if "locked" in str(error):
            raise InUse(
                "database", f"database {path}: another bot process is using it; stop that one first"
            ) from error
        raise _trouble(path, error) from error
    return lock


def _trouble(path: Path, error: Exception) -> OperatorError:
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
