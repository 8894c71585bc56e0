"""One SQLite connection, and transactions that survive the cancellation of their caller.

A unit of work is a plain function of the connection. It runs as one call on aiosqlite's thread, so no await
can fall between BEGIN and COMMIT, and a cancelled caller leaves no transaction open. Units that wait at the
same time share one COMMIT: two hundred concurrent commands cost one fsync. A unit that raises rolls back only
its own changes: all that share its COMMIT are then run again, each behind a savepoint.

Owns the connections to the database file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from traceback import clear_frames
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

import aiosqlite

from bot.domain.errors import ContractViolation, OperatorError
from bot.storage.file_lock import BUSY_SECONDS, acquire_lock, database_error, require_file
from bot.storage.read_cache import CachingConnection
from bot.storage.schema import migrate, require_current, version_of
from bot.storage.upgrade_copy import copy_before_upgrade

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

OLDEST_SQLITE: Final = (3, 37, 0)
"""STRICT tables: https://sqlite.org/stricttables.html"""
BATCH: Final = 500
"""Units that share one COMMIT at most, so that under load the first unit need not wait for the last."""
STATEMENTS: Final = 512
"""Prepared statements that are kept, more than there are different ones, so that each is prepared once."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit must survive the loss of power
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # erased data must not be readable in the free pages of the file
)


class _Connection(aiosqlite.Connection):
    async def call(self, work: Callable[[CachingConnection], T]) -> T:
        """Run a function of the connection on aiosqlite's thread, as one call."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result

    def post(self, work: Callable[[], object]) -> None:
        """Run `work`, which must not raise, on aiosqlite's thread; nobody is told that it has ended."""
        self._tx.put_nowait((None, work))

    @property
    def plain(self) -> CachingConnection:
        """The connection, for that thread only."""
        return cast("CachingConnection", self._conn)


class Database:
    """A connection to the database file, and the units that wait for their transaction; see `open`."""

    def __init__(self, connection: _Connection, lock: sqlite3.Connection | None, path: Path) -> None:
        self._connection = connection
        self._lock = lock
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._queue: list[_QueuedUnit] = []
        self._idle = asyncio.Event()
        """Cleared while units are queued or being written."""
        self._idle.set()
        self._closing = False

    @classmethod
    async def open(cls, path: Path, *, backup_folder: Path | None = None) -> Database:
        """Lock, open and migrate the file; create it and its folder if they do not exist.

        A file of an older version is copied to `backup_folder` first, by default `backups` beside it.

        Raises:
            DatabaseInUse: another process holds the lock.
            OperatorError: `database`: the file cannot be used; `backup`: it cannot be copied. It is not
                changed.
        """
        lock = acquire_lock(path)
        try:
            await asyncio.to_thread(copy_before_upgrade, path, backup_folder or path.with_name("backups"))
            return cls(await _open(path, migrate), lock, path)
        except BaseException:
            lock.close()
            raise

    @classmethod
    async def open_shared(cls, path: Path) -> Database:
        """Open an existing file without taking the lock, for a few writes beside a running bot.

        Raises:
            OperatorError: `database`; the file is missing, not Kuas's, of another version, or unusable.
        """
        require_file(path)
        return cls(await _open(path, _prepare_shared), None, path)

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Run `unit` in a transaction; when this returns, its effect is on the disk.

        The unit runs to its end even if the caller is cancelled meanwhile. What it raises is raised here,
        after its own changes were rolled back. It may be run a second time after a rollback, so it must
        change nothing but the database.

        Raises:
            OperatorError: `database`; the disk or the file failed, nothing of the unit was kept.
            ContractViolation: `bug`; a row breaks a rule of the schema, nothing of the unit was kept.
        """
        if self._closing:
            raise OperatorError("database", f"database {self._path}: already closed")
        result: asyncio.Future[object] = self._loop.create_future()
        self._queue.append((unit, result))
        if self._idle.is_set():
            self._idle.clear()
            # Not at once: whoever else asks in this turn of the loop shares the COMMIT.
            self._loop.call_soon(self._write)
        return await result  # type: ignore[return-value]  # the queue forgets each unit's own T

    async def run_in_batches(self, unit: Callable[[sqlite3.Connection], int]) -> int:
        """Run `unit` until it returns 0, each time in a transaction of its own; returns the sum.

        Other units have their turn between two batches.

        Raises:
            OperatorError, ContractViolation: as `run`; earlier batches stay committed.
        """
        done = 0
        while batch := await self.run(unit):
            done += batch
        return done

    async def checkpoint(self) -> bool:
        """Empty the write-ahead log, which holds old pages until then; False while a reader needs it.

        Raises:
            OperatorError: `database`.
        """
        try:
            return await self._connection.call(_checkpoint)
        except sqlite3.Error as error:
            raise database_error(self._path, error) from error

    async def optimize(self) -> None:
        """Update SQLite's statistics about its indexes: https://sqlite.org/pragma.html#pragma_optimize.

        Raises:
            OperatorError: `database`.
        """
        await self.run(_optimize)

    async def close(self) -> None:
        """Run the queued units, then close; safe to call twice."""
        self._closing = True
        await self._idle.wait()
        await self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def _write(self) -> None:
        """Hand the queued units to aiosqlite's thread, which is idle."""
        units, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        self._connection.post(partial(self._commit, units))

    def _commit(self, units: list[_QueuedUnit]) -> None:
        """Commit units; on aiosqlite's thread. The loop is woken once for all."""
        outcomes: list[object]
        try:
            outcomes = _commit_units([unit for unit, _ in units], self._connection.plain)
        except BaseException as error:  # noqa: BLE001  # else their callers would wait for ever
            outcomes = [error] * len(units)
        self._loop.call_soon_threadsafe(self._written, units, outcomes)

    def _written(self, units: list[_QueuedUnit], outcomes: list[object]) -> None:
        if self._queue:
            self._write()  # first, so that the thread need not wait while these callers go on
        else:
            self._idle.set()
        for (_, result), outcome in zip(units, outcomes, strict=True):
            if result.done():  # its caller was cancelled; the unit is committed nevertheless
                continue
            if not isinstance(outcome, BaseException):
                result.set_result(outcome)
            elif isinstance(outcome, sqlite3.IntegrityError):
                # Not an OperatorError: only a developer can do anything about it.
                result.set_exception(ContractViolation("bug", f"the database refuses a row: {outcome}"))
            elif isinstance(outcome, sqlite3.Error):
                result.set_exception(database_error(self._path, outcome))
            else:
                result.set_exception(outcome)
        units.clear()  # else the thread holds the last ones, with all that they refer to, until the next


_Unit: TypeAlias = "Callable[[sqlite3.Connection], object]"
_QueuedUnit = tuple[_Unit, "asyncio.Future[object]"]


def _commit_units(units: list[_Unit], connection: CachingConnection) -> list[object]:
    """Run the units in one transaction; returns each unit's result or exception."""
    try:
        connection.begin()
        try:
            outcomes = [_run(unit, connection) for unit in units]
        except Exception:
            if len(units) == 1:
                raise
            # Only a savepoint can roll back one unit alone, and it makes each write cost half as much again.
            connection.roll_back()
            connection.begin()
            outcomes = _run_behind_savepoints(units, connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.roll_back()
        raise
    return outcomes


def _run(unit: _Unit, connection: CachingConnection) -> object:
    """Run a unit; what it raises holds none of its cursors.

    One with unread rows would go on reading the snapshot of this transaction until the garbage collector
    finds it. Once another process has written, SQLite refuses every write from an old snapshot:
    https://sqlite.org/rescode.html#busy_snapshot
    """
    try:
        return unit(connection)
    except StopIteration as error:
        # No future takes one, so nobody would be answered: https://peps.python.org/pep-0479/
        raise RuntimeError("a transaction raised StopIteration") from error
    except Exception as error:
        raised: BaseException | None = error
        while raised is not None:
            clear_frames(raised.__traceback__)
            raised = raised.__context__
        raise


def _run_behind_savepoints(units: list[_Unit], connection: CachingConnection) -> list[object]:
    outcomes: list[object] = []
    for unit in units:
        connection.execute("SAVEPOINT unit")
        try:
            outcomes.append(_run(unit, connection))
        except Exception as error:
            if not connection.in_transaction:
                # A full disk makes SQLite roll back the whole transaction: https://sqlite.org/lang_transaction.html
                raise
            connection.roll_back("ROLLBACK TO unit")
            outcomes.append(error)
        connection.execute("RELEASE unit")
    return outcomes


async def _open(path: Path, prepare_schema: Callable[[sqlite3.Connection], None]) -> _Connection:
    try:
        # aiosqlite does not wait for its thread when opening fails, so opening is tried once without it.
        _connect(path).close()
        connection = _Connection(partial(_connect, path), iter_chunk_size=64)
        try:
            await connection
            await connection.call(_prepare)
            await connection.call(prepare_schema)
            await connection.call(CachingConnection.watch)
        except BaseException:
            await connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise database_error(path, error) from error
    return connection


def _prepare_shared(connection: sqlite3.Connection) -> None:
    require_current(connection)
    # Only the bot makes checkpoints: before SQLite 3.51.3 two at the same time may lose pages.
    # https://sqlite.org/wal.html#walresetbug
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def _connect(path: Path) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise OperatorError(
            "database", f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed"
        )
    # An absolute path, since SQLite would take `:memory:` for a database without a file.
    return sqlite3.connect(
        path.absolute(),
        isolation_level=None,
        timeout=BUSY_SECONDS,
        cached_statements=STATEMENTS,
        factory=CachingConnection,
    )


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    # Before the pragmas: changing the journal mode would already write into another program's file.
    version_of(connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _checkpoint(connection: sqlite3.Connection) -> bool:
    # Without waiting: a reader, such as a backup, must not hold up the jobs.
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        result = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    return not result["busy"]


def _optimize(transaction: sqlite3.Connection) -> None:
    transaction.execute("PRAGMA analysis_limit = 400")
    transaction.execute("PRAGMA optimize")
    # Some builds of SQLite keep samples of indexed values in this table, members' ids among them.
    samples = transaction.execute("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone()
    if samples is not None:
        transaction.execute("DELETE FROM sqlite_stat4")
