"""One SQLite connection, and transactions that survive the cancellation of their caller.

A unit of work is a plain function of the connection. It runs whole, in one hop, on aiosqlite's thread, so no
await can fall between BEGIN and COMMIT and a cancelled caller can leave nothing open. Units that are waiting
at the same moment share one COMMIT, each behind its own savepoint: two hundred commands at once cost one
fsync, and a unit that raises takes back only itself.

Owns the connections to the database file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import aiosqlite

from bot.domain.errors import ContractViolation, OperatorError
from bot.storage.file_lock import acquire_lock, database_error, require_file
from bot.storage.schema import migrate, require_current, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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


class _Connection(aiosqlite.Connection):
    """aiosqlite, with one more way in: a function that runs on its thread in one hop."""

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
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
            DatabaseInUse: by another process.
            OperatorError: `database`; one line that says what is wrong. The file is as it was.
        """
        lock = acquire_lock(path)
        try:
            return cls(await _open(path, migrate), lock, path)
        except BaseException:
            lock.close()
            raise

    @classmethod
    async def open_shared(cls, path: Path) -> Database:
        """Open a file that is there, to write now and then beside a running bot, which sees it at once.

        Raises:
            OperatorError: `database`; missing, not ours, of another version, or unusable.
        """
        require_file(path)
        return cls(await _open(path, _prepare_shared), None, path)

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Run `unit` in a transaction; when this returns, its effect is on the disk.

        The unit runs to its end even if the caller is cancelled meanwhile. What it raises is raised here,
        after its own changes were taken back.

        Raises:
            OperatorError: `database`; the disk or the file failed, nothing of the unit was kept.
            ContractViolation: `bug`; a row breaks a rule of the schema, nothing of the unit was kept.
        """
        result: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        waiting: _Waiting = (unit, result)
        if self._writer.done():
            raise self._closed()
        self._waiting.put_nowait(waiting)
        return await result  # type: ignore[return-value]  # the queue forgets each unit's own T

    async def run_in_batches(self, unit: Callable[[sqlite3.Connection], int]) -> int:
        """Run `unit`, each time in a transaction of its own, until it finds nothing to do.

        So that whoever else waits has a turn between two batches. Returns what was done in all.

        Raises:
            OperatorError, ContractViolation: as `run`; the batches before stay done.
        """
        done = 0
        while batch := await self.run(unit):
            done += batch
        return done

    async def checkpoint(self) -> bool:
        """Empty the log beside the file, which holds old pages till then; False while a reader needs them."""
        try:
            return await self._connection.call(_checkpoint)
        except sqlite3.Error as error:
            raise database_error(self._path, error) from error

    async def optimize(self) -> None:
        """Let SQLite look at its indexes: https://sqlite.org/pragma.html#pragma_optimize.

        Raises:
            OperatorError: `database`.
        """
        await self.run(_optimize)

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
            outcomes = await self._connection.call(partial(_commit_together, [unit for unit, _ in work]))
        except Exception as error:  # noqa: BLE001  # a writer that stops leaves every later caller waiting
            outcomes = [error] * len(work)
        for (_, result), outcome in zip(work, outcomes, strict=True):
            if result.done():  # its caller was cancelled; the unit counts all the same
                continue
            if isinstance(outcome, sqlite3.IntegrityError):
                # Not the operator's: the same row would be refused for ever.
                result.set_exception(ContractViolation("bug", f"the database refuses a row: {outcome}"))
            elif isinstance(outcome, sqlite3.Error):
                result.set_exception(database_error(self._path, outcome))
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
    require_file(path)
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
        raise database_error(path, error) from error
    return connection


async def _open(path: Path, ready: Callable[[sqlite3.Connection], None]) -> _Connection:
    try:
        # aiosqlite does not wait for its thread when opening fails, so what can fail is tried before.
        _connect(path).close()
        connection = _Connection(partial(_connect, path), iter_chunk_size=64)
        try:
            await connection
            await connection.call(_prepare)
            await connection.call(ready)
        except BaseException:
            await connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise database_error(path, error) from error
    return connection


def _prepare_shared(connection: sqlite3.Connection) -> None:
    require_current(connection)
    # Checkpoints are the bot's: two connections at it at once may lose pages before SQLite 3.51.3.
    # https://sqlite.org/wal.html#walresetbug
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def _connect(path: Path) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise OperatorError(
            "database", f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed"
        )
    # In full, as in `file_lock.acquire_lock`: a database in memory would forget every credit.
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


def _optimize(transaction: sqlite3.Connection) -> None:
    transaction.execute("PRAGMA analysis_limit = 400")
    transaction.execute("PRAGMA optimize")
    # Some builds keep samples of what they saw, names among them: those are deleted.
    samples = transaction.execute("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone()
    if samples is not None:
        transaction.execute("DELETE FROM sqlite_stat4")
