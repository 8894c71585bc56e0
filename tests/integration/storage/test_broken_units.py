"""Units of work that break in unusual ways: none may hold up the units after it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.domain.errors import OperatorError
from bot.storage.database import Database
from tests.support.sql import query_file, rows
from tests.support.waiting import soon, until

INSERT = "INSERT INTO departures (guild_id, left_at) VALUES ({}, 0)"


def _insert(connection: sqlite3.Connection, number: int) -> int:
    return connection.execute(INSERT.format(number)).rowcount


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("inner", [False, True], ids=["one error", "an error while another is handled"])
@pytest.mark.usefixtures("no_garbage_collection")
async def test_rows_that_a_failed_unit_left_unread_do_not_keep_an_old_snapshot(
    database: Database, database_path: Path, inner: bool
) -> None:
    def reads(connection: sqlite3.Connection) -> None:
        found = connection.execute("SELECT name FROM sqlite_master")
        raise LookupError(found.fetchone()["name"])

    def unit(connection: sqlite3.Connection) -> None:
        try:
            reads(connection)
        except LookupError as error:
            if inner:
                raise KeyError("while it is handled") from error
            raise

    with pytest.raises(LookupError) as held:
        await database.run(unit)
    query_file(database_path, INSERT.format(1))  # as `python -m bot operator` writes beside the bot
    assert await database.run(lambda tx: _insert(tx, 2)) == 1
    assert held.value.__traceback__ is not None
    assert await rows(database, "SELECT guild_id FROM departures") == [(1,), (2,)]


@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
async def test_a_unit_that_raises_stop_iteration_is_answered(database: Database, others: int) -> None:
    def unit(_: sqlite3.Connection) -> int:
        return next(iter(()))

    units = [database.run(partial(_insert, number=number)) for number in range(others)]
    *inserted, outcome = await soon(asyncio.gather(*units, database.run(unit), return_exceptions=True))
    assert inserted == [1] * others
    assert isinstance(outcome, RuntimeError)
    assert isinstance(outcome.__cause__, StopIteration)
    assert await soon(database.run(lambda tx: _insert(tx, 10))) == 1


async def test_a_transaction_that_fails_once_it_has_begun_is_not_left_open(database: Database) -> None:
    def deny(action: int, name: str | None, *_: str | None) -> int:
        is_version = action == sqlite3.SQLITE_PRAGMA and name == "data_version"
        return sqlite3.SQLITE_DENY if is_version else sqlite3.SQLITE_OK

    await database.run(lambda tx: tx.set_authorizer(deny))
    with pytest.raises(OperatorError, match="not authorized"):
        await database.run(lambda tx: _insert(tx, 1))
    await database._connection.call(lambda connection: connection.set_authorizer(None))
    assert await database.run(lambda tx: _insert(tx, 2)) == 1


@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
async def test_units_are_answered_even_if_one_ends_the_thread(database: Database, others: int) -> None:
    """As an exception that no unit should raise, and that ends any other thread."""

    def unit(_: sqlite3.Connection) -> int:
        raise SystemExit(1)

    asked = [asyncio.ensure_future(_outcome(database, each)) for each in (unit, *[lambda tx: 1] * others)]
    assert {type(each) for each in await soon(asyncio.gather(*asked))} == {SystemExit}
    assert await database.run(lambda tx: _insert(tx, 3)) == 1


async def _outcome(database: Database, unit: Callable[[sqlite3.Connection], int]) -> BaseException | int:
    try:
        return await database.run(unit)
    except BaseException as error:  # noqa: BLE001  # a task that raised SystemExit would end the loop
        return error


@pytest.mark.usefixtures("no_garbage_collection")
async def test_what_a_unit_refers_to_is_freed_once_it_is_answered(database: Database) -> None:
    held = {1, 2}
    freed = weakref.ref(held)
    assert await database.run(partial(_count, held)) == 2
    del held
    await until(lambda: freed() is None)


def _count(numbers: set[int], _: sqlite3.Connection) -> int:
    return len(numbers)
