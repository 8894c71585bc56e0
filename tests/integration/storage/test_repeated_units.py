"""Units that are not repeatable are found by the tests that run them; those that are run as in the bot."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable

import pytest

from bot.guilds import settings
from bot.storage.database import Database
from bot.storage.read_cache import CachingConnection
from tests.support.repeated_units import take_differences, units_run_once

Unit = Callable[[sqlite3.Connection], object]
COUNT = "SELECT count(*) FROM command_syncs"
INSERT = "INSERT INTO command_syncs (application_id, payload_sha256, synced_at) VALUES (?, ?, 0)"
MODULE_CACHE: dict[str, int] = {}


def _count(transaction: sqlite3.Connection) -> int:
    return int(transaction.execute(COUNT).fetchone()[0])


def appends_and_returns() -> Unit:
    found: list[int] = []

    def unit(transaction: sqlite3.Connection) -> list[int]:
        found.append(_count(transaction))
        return found

    return unit


def appends() -> Unit:
    found: list[int] = []
    return lambda transaction: found.append(_count(transaction))


def counts() -> Unit:
    runs = 0

    def unit(_: sqlite3.Connection) -> None:
        nonlocal runs
        runs += 1

    return unit


def returns_a_random_id() -> Unit:
    return lambda _: uuid.uuid4().hex


def writes_a_random_id() -> Unit:
    def unit(transaction: sqlite3.Connection) -> None:
        transaction.execute(INSERT, (1, uuid.uuid4().hex))

    return unit


def fills_a_dict() -> Unit:
    cache: dict[str, int] = {}
    return lambda transaction: cache.setdefault("rows", _count(transaction))


def fills_a_cache_of_its_module() -> Unit:
    def unit(transaction: sqlite3.Connection) -> int:
        if "rows" not in MODULE_CACHE:
            MODULE_CACHE["rows"] = _count(transaction)
        return MODULE_CACHE["rows"]

    MODULE_CACHE.clear()
    return unit


def reads_an_iterator() -> Unit:
    numbers = iter((1, 2))

    def unit(transaction: sqlite3.Connection) -> None:
        transaction.executemany(INSERT, ((number, "x") for number in numbers))

    return unit


def raises_only_at_first() -> Unit:
    errors = [LookupError("at first")]

    def unit(_: sqlite3.Connection) -> None:
        if errors:
            raise errors.pop()

    return unit


class Store:
    """A store with a cache, as if it were one of the bot's: of those the attributes are compared."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def unit(self, transaction: sqlite3.Connection) -> None:
        self.seen.add(_count(transaction))


Store.__module__ = "bot.storage.store"


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (appends_and_returns, "it ends with [0], and run again with [0, 0]"),
        (appends, "it changes found,"),
        (counts, "it changes runs,"),
        (returns_a_random_id, "and run again with"),
        (writes_a_random_id, 'it executes "INSERT INTO command_syncs'),
        (fills_a_dict, "it changes cache,"),
        (fills_a_cache_of_its_module, f"it executes '{COUNT}', and run again 'the end'"),
        (reads_an_iterator, "and run again"),
        (raises_only_at_first, "it ends with LookupError('at first'), and run again with None"),
        (lambda: Store().unit, "it changes self.seen,"),
    ],
)
async def test_a_unit_that_is_not_repeatable_is_found(
    database: Database, plant: Callable[[], Unit], found: str
) -> None:
    await database.run(plant())
    differences = take_differences()
    assert any(found in each for each in differences), differences
    assert all(each.startswith(("Store.", plant.__name__)) for each in differences)


async def test_a_unit_is_found_in_a_batch_and_by_a_caller_that_hides_errors(database: Database) -> None:
    def broken(transaction: sqlite3.Connection) -> None:
        transaction.execute(INSERT, (9, uuid.uuid4().hex))
        raise LookupError

    await asyncio.gather(database.run(_count), database.run(broken), return_exceptions=True)
    assert take_differences()


async def test_a_repeatable_unit_has_its_effect_once(database: Database) -> None:
    def unit(transaction: sqlite3.Connection) -> sqlite3.Row:
        transaction.execute(INSERT, (_count(transaction), "x"))
        row: sqlite3.Row = transaction.execute(
            "SELECT max(application_id), count(*) FROM command_syncs"
        ).fetchone()
        return row

    def refused(transaction: sqlite3.Connection) -> None:
        unit(transaction)
        raise LookupError("refused")

    ended = await asyncio.gather(
        database.run(unit), database.run(refused), database.run(unit), return_exceptions=True
    )
    assert [tuple(each) if isinstance(each, sqlite3.Row) else repr(each) for each in ended] == [
        (0, 1),
        "LookupError('refused')",
        (1, 2),
    ]
    assert take_differences() == []


async def test_the_first_run_leaves_the_cache_as_it_was(database: Database) -> None:
    def change(transaction: sqlite3.Connection) -> object:
        settings.load(transaction, 1)
        transaction.execute(
            "INSERT INTO guild_settings (guild_id, name, value, set_by, set_at)"
            " VALUES (1, 'timezone', 'Asia/Jakarta', 9, 0)"
        )
        return settings.load(transaction, 1)

    def cached(transaction: sqlite3.Connection) -> int:
        assert isinstance(transaction, CachingConnection)
        return len(transaction.values)

    before = await database.run(lambda tx: settings.load(tx, 1))
    assert await database.run(cached) == 1
    after = await database.run(change)
    assert after != before
    assert await database.run(lambda tx: settings.load(tx, 1)) == after


async def test_units_run_once_where_a_test_asks_for_it(database: Database) -> None:
    with units_run_once():
        assert await database.run(appends_and_returns()) == [0]
    assert await database.run(appends_and_returns()) == [0, 0]
    assert take_differences()
