"""The version of a database's schema, and its migration to the newest."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.domain.errors import OperatorError
from bot.domain.text_folding import fold_text

if TYPE_CHECKING:
    from collections.abc import Iterable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
APPLICATION_ID: Final = 0x4B554153
"""`KUAS`: https://sqlite.org/pragma.html#pragma_application_id"""


def migrations() -> list[Path]:
    """List the migration files in order; file N brings the schema to version N."""
    return sorted(MIGRATIONS.glob("[0-9]*.sql"))


def add_functions(connection: sqlite3.Connection) -> None:
    """Add the functions that migrations call. No index, view or trigger may: other programs lack them."""
    connection.create_function("fold_text", 1, fold_text, deterministic=True)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date in one transaction.

    Raises:
        OperatorError: `database`; the file belongs to a newer Kuas or to another program.
    """
    files = migrations()
    add_functions(connection)
    # A migration may build a table anew, whose rows others refer to: https://sqlite.org/lang_altertable.html#otheralter
    checks_keys = _scalar(connection, "PRAGMA foreign_keys")
    connection.execute("PRAGMA foreign_keys = OFF")
    # The version is read inside the transaction, so that two processes cannot both migrate.
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(connection)
        for number, file in enumerate(files[version:], start=version + 1):
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        if version < len(files):
            _require_valid_keys(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute(f"PRAGMA foreign_keys = {checks_keys}")


def _require_valid_keys(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise OperatorError(
            "database", f"a row of {broken[0]} refers to a row of {broken[2]} that is missing"
        )


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema's version; 0 for a new file.

    Raises:
        OperatorError: `database`; the file belongs to a newer Kuas or to another program.
    """
    version = _scalar(connection, "PRAGMA user_version")
    owner = _scalar(connection, "PRAGMA application_id")
    tables = _scalar(connection, "SELECT count(*) FROM sqlite_master")
    if owner != APPLICATION_ID and (owner or version or tables):
        raise OperatorError(
            "database", "the database belongs to another program; point database.path elsewhere"
        )
    if version > (known := len(migrations())):
        raise OperatorError(
            "database", f"the database has version {version}, this Kuas knows {known}: install a newer Kuas"
        )
    return version


def require_current(connection: sqlite3.Connection) -> None:
    """Check that the schema has the version that this program needs.

    Raises:
        OperatorError: `database`; it has another, or the file belongs to another program.
    """
    if (version := version_of(connection)) != (known := len(migrations())):
        raise OperatorError(
            "database", f"the database has version {version}, not {known}; start the bot once"
        )


def _scalar(connection: sqlite3.Connection, statement: str) -> int:
    (value,) = connection.execute(statement).fetchone()
    return int(value)


def _statements(script: str) -> Iterable[str]:
    # `executescript` would commit first, and a split at `;` would cut a trigger in two.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement  # the last one need not end in `;`
