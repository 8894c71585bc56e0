"""Cached reads return what uncached reads return, whoever changes the tables, and whatever is rolled back."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.credits import limits
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.guilds import access_rules, operator_decisions, presets
from bot.guilds import settings as guild_settings
from bot.jobs.requests import member_defaults
from bot.storage import read_cache
from bot.storage.database import Database
from bot.storage.read_cache import TABLES, CachingConnection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

READS: tuple[tuple[Callable[..., object], tuple[Any, ...]], ...] = (
    (limits.load, (1,)),
    (limits.load, (1, 7, (31, 32))),
    (guild_settings.load, (1,)),
    (operator_decisions.load, (1,)),
    (access_rules._policy, (1,)),
    (access_rules._not_removed, (1,)),
    (presets._active, (1,)),
    (presets.known_blocked_words, (1,)),
    (member_defaults.load, (7,)),
)
"""Every cached function, with arguments."""
SET = "set_by, set_at) VALUES"
CHANGES = (
    f"INSERT INTO limits (guild_id, rule, credits, period, {SET} (1, 'guild', abs(random()), 'day', 9, 0)",
    f"INSERT INTO limits (guild_id, rule, subject_id, effect, {SET} (1, 'role', 31, 'exempt', 9, 0)",
    "UPDATE limits SET credits = credits + 1 WHERE effect = 'limit'",
    "DELETE FROM limits",
    "INSERT INTO default_ceiling VALUES (1, 5, 'month') ON CONFLICT DO UPDATE SET credits = credits + 1",
    f"INSERT INTO guild_settings (guild_id, name, value, {SET} (1, 'timezone', random(), 9, 0)",
    (
        "INSERT INTO access_rules (guild_id, kind, subject, effect, interaction_id,"
        f" {SET} (1, 'word', random(), 'deny', random(), 9, 0)"
    ),
    f"INSERT INTO pauses (guild_id, paused, sentence, {SET} (0, abs(random() % 2), random(), 9, 0)",
    "INSERT INTO admission_policy (id, mode) VALUES (1, 'list') ON CONFLICT DO UPDATE SET contact = random()",
    "REPLACE INTO admissions (guild_id, state, name, joined_at) VALUES (1, 'waiting', '', random())",
    "INSERT OR REPLACE INTO allowed_guilds VALUES (1)",
    "DELETE FROM allowed_guilds",
    (
        "INSERT INTO presets (guild_id, folded, name, before_words, after_words, removed,"
        f" {SET} (1, random(), 'Oil', 'oil of', '', 0, 9, 0)"
    ),
    "UPDATE presets SET known_blocked = '[\"oil\"]'",
    "INSERT OR REPLACE INTO member_defaults (user_id, size, set_at) VALUES (7, random(), 0)",
)
"""Statements that change the tables, most of them to something new each time: `random()` is a new number."""
NUMBERS = itertools.count(1)


def read_all(transaction: sqlite3.Connection) -> list[object]:
    return [read(transaction, *args) for read, args in READS]


@asynccontextmanager
async def two_programs() -> AsyncIterator[tuple[Database, Database, sqlite3.Connection]]:
    """Yield the bot's database, that of a command beside it, and a connection without a cache."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bot.sqlite3"
        bot = await Database.open(path)
        beside = await Database.open_shared(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as plain:
            plain.row_factory = sqlite3.Row
            try:
                yield bot, beside, plain
            finally:
                await beside.close()
                await bot.close()


class UndoneError(Exception):
    """Ends a unit of work after it has changed something."""


def change(statement: str, *, undone: bool) -> Callable[[sqlite3.Connection], list[object]]:
    """Return a unit that changes a table and reads everything, also what it then rolls back."""
    statement = statement.replace("random()", str(next(NUMBERS)))  # not in the unit, which is run twice

    def unit(transaction: sqlite3.Connection) -> list[object]:
        read_all(transaction)
        transaction.execute(statement)
        found = read_all(transaction)
        if undone:
            raise UndoneError
        return found

    return unit


steps = st.lists(
    st.tuples(
        st.sampled_from(("bot", "beside", "together")),
        st.sampled_from(CHANGES),
        st.sampled_from((False, True)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40)
@given(steps)
def test_what_is_cached_is_what_the_file_holds(made: list[tuple[str, str, bool]]) -> None:
    async def run() -> None:
        async with two_programs() as (bot, beside, plain):
            for who, statement, undone in made:
                if who == "together":  # in one COMMIT with a unit that only reads
                    works = [bot.run(change(statement, undone=undone)), bot.run(read_all)]
                else:
                    database = bot if who == "bot" else beside
                    works = [database.run(change(statement, undone=undone))]
                ended = await asyncio.gather(*works, return_exceptions=True)
                assert all(isinstance(each, list | UndoneError) for each in ended), ended
                expected = read_all(plain)
                assert await bot.run(read_all) == expected
                assert await beside.run(read_all) == expected

    asyncio.run(run())


@pytest.mark.units_run_once
async def test_what_did_not_change_is_read_once(database: Database) -> None:
    statements: list[str] = []

    def unit(transaction: sqlite3.Connection) -> list[object]:
        first = read_all(transaction)
        transaction.set_trace_callback(statements.append)
        again = read_all(transaction)
        transaction.set_trace_callback(None)
        assert all(one is other for one, other in zip(first, again, strict=True))
        return again

    assert await database.run(unit)
    assert statements == []


async def test_every_cached_function_reads_the_watched_tables_alone(database: Database) -> None:
    """Else a change could be missed. The functions are found in the modules, so that none is left out."""
    modules = (access_rules, guild_settings, limits, member_defaults, operator_decisions, presets)
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if getattr(value, "__code__", None) is limits.load.__code__
    }
    assert found == {read for read, _ in READS}
    tables: set[str] = set()

    def authorize(action: int, name: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and name:
            tables.add(name)
        return sqlite3.SQLITE_OK

    def unit(transaction: CachingConnection) -> None:
        transaction.values.clear()
        transaction.set_authorizer(authorize)
        read_all(transaction)
        transaction.set_authorizer(None)

    await database.run(unit)  # type: ignore[arg-type]  # a CachingConnection
    assert tables <= set(TABLES)
    assert len(tables) == len(TABLES)


async def test_the_triggers_are_the_connections_own(database: Database, database_path: Path) -> None:
    await database.run(lambda tx: tx.execute(CHANGES[0]))
    with closing(sqlite3.connect(database_path)) as other:
        assert other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall() == []
        other.execute(CHANGES[0])


async def test_an_unlimited_number_of_members_does_not_fill_the_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_cache, "MAX_VALUES", 10)

    def unit(transaction: sqlite3.Connection) -> int:
        for user_id in range(1, 35):
            assert limits.load(transaction, 1, user_id).guild == Limit(5, Period.DAY, 9, 0, limit_id=1)
        assert isinstance(transaction, CachingConnection)
        return len(transaction.values)

    insert = f"INSERT INTO limits (guild_id, rule, credits, period, {SET} (1, 'guild', 5, 'day', 9, 0)"
    await database.run(lambda tx: tx.execute(insert))
    assert await database.run(unit) <= 10
