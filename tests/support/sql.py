"""SQL on the database of a test: its rows, and the statements that the bot runs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from bot.storage.database import Database
from tests.support.repeated_units import units_run_once


async def rows(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement in a transaction of its own; return its rows."""
    return await database.run(lambda tx: [tuple(row) for row in tx.execute(statement, values)])


def query_file(path: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement on the file of a database that a bot may have open, and commit; return its rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def dump_file(path: Path) -> list[str]:
    """Return every table and row of a database as text, with the version."""
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return [f"version {version}", *connection.iterdump()]


@asynccontextmanager
async def traced(database: Database) -> AsyncIterator[list[str]]:
    """Collect the statements that are run inside of the block, with their values filled in.

    Units are run once meanwhile, as the bot runs them.
    """
    statements: list[str] = []
    with units_run_once():
        await database.run(lambda tx: tx.set_trace_callback(statements.append))
        yield statements
        await database.run(lambda tx: tx.set_trace_callback(None))
