"""Cache what transactions read from tables that seldom change, such as limits, settings and access rules.

A cached value is only used while none of `TABLES` has changed since it was read:

* whichever statement of this connection changes a row, a trigger of the connection forgets all values (a
  TEMP trigger, which other programs do not see);
* a change by another connection or process changes `PRAGMA data_version`, which is read when a transaction
  has begun; until its COMMIT nobody else can write: https://sqlite.org/pragma.html#pragma_data_version
* after a rollback all values are forgotten, since they may have been read from what was rolled back.
"""

from __future__ import annotations

import sqlite3
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

P = ParamSpec("P")
T = TypeVar("T")

TABLES: Final = (
    "access_rules",
    "admission_policy",
    "admissions",
    "allowed_guilds",
    "default_ceiling",
    "guild_settings",
    "limits",
    "member_defaults",
    "pauses",
    "presets",
)
"""What cached functions may read. Reservations and whatever else changes with each job are not among them."""
MAX_VALUES: Final = 20_000
"""Of one connection; when there are more, all are forgotten."""


class CachingConnection(sqlite3.Connection):
    """A connection with the values that `cached` functions have read through it.

    `watch` is called once the schema is up to date. After that every transaction begins with `begin`, and
    ends with a COMMIT or `roll_back`.
    """

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # those of sqlite3.connect
        self.values: dict[Hashable, object] = {}
        self._version: int | None = None

    def watch(self) -> None:
        """Forget the values whenever one of `TABLES` is changed through this connection."""
        self.create_function("forget_cached_values", 0, self.values.clear)
        for table in TABLES:
            for event in ("INSERT", "UPDATE", "DELETE"):
                self.execute(
                    f"CREATE TEMP TRIGGER forget_{table}_{event} AFTER {event} ON main.{table}"
                    " BEGIN SELECT forget_cached_values(); END"
                )

    def begin(self) -> None:
        """Begin a transaction that no other connection can write beside."""
        self.execute("BEGIN IMMEDIATE")
        (version,) = self.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self.values.clear()
            self._version = version

    def roll_back(self, statement: str = "ROLLBACK") -> None:
        """Roll back, by default the whole transaction; does nothing without one."""
        self.values.clear()
        if self.in_transaction:
            self.execute(statement)


def cached(
    read: Callable[Concatenate[sqlite3.Connection, P], T],
) -> Callable[Concatenate[sqlite3.Connection, P], T]:
    """Cache what a function returns for equal arguments.

    It may read nothing but `TABLES`, must not depend on the time, and its values must not be changed.
    On a connection that is no `CachingConnection` nothing is cached.
    """

    @wraps(read)
    def cached_read(transaction: sqlite3.Connection, /, *args: P.args, **options: P.kwargs) -> T:
        if not isinstance(transaction, CachingConnection) or options:
            return read(transaction, *args, **options)
        key = (read, args)
        values = transaction.values
        if key in values:
            return cast("T", values[key])
        value = read(transaction, *args, **options)
        if len(values) >= MAX_VALUES:
            values.clear()
        values[key] = value
        return value

    return cached_read
