"""Run every unit of `Database.run` twice in tests: first rolled back, then for real, and compare the runs.

A unit that raises makes all that share its COMMIT run again after a rollback, so a unit must do the same in
every run and change nothing but the database. Here each is first run behind a savepoint, rolled back, and run
again from the same rows. Both runs must execute the same statements with the same values and return or raise
the same, and the first must not change what the unit refers to: its free variables, its arguments, and the
attributes of the bot's objects among them. What differs is kept until the end of the test, which then fails,
since the bot catches what a unit raises. Only tests do this; a program that a test starts does not.
"""

from __future__ import annotations

import dataclasses
import reprlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import MethodType
from typing import Any, TypeAlias

from bot.storage import database
from bot.storage.read_cache import CachingConnection

Unit: TypeAlias = "Callable[[sqlite3.Connection], object]"

_SAVEPOINT = "first_run"
_CONTAINERS = (list, dict, set, deque, bytearray)
_SCALARS = (int, float, str, bytes, tuple, frozenset, type(None))

_run = database._run
_differences: list[str] = []
_active = True


def install() -> None:
    """Let every database of this process run its units twice."""
    database._run = run_twice


@contextmanager
def units_run_once() -> Iterator[None]:
    """Run units as the bot does, for tests that count or time runs, or set something on the connection."""
    global _active  # noqa: PLW0603  # the database thread reads it
    before, _active = _active, False
    try:
        yield
    finally:
        _active = before


def take_differences() -> list[str]:
    """Return what differed since the last call, one text for each unit."""
    taken = _differences[:]
    _differences.clear()
    return taken


def run_twice(unit: Unit, connection: CachingConnection) -> object:
    """Run a unit, roll it back, run it again and return that result; on the database thread."""
    if not _active:
        return _run(unit, connection)
    before = _references(unit)
    cached = connection.values.copy()
    connection.execute(f"SAVEPOINT {_SAVEPOINT}")
    first = _Run(unit, connection)
    if not connection.in_transaction:
        # A full disk, or the unit itself, has ended the whole transaction.
        return first.end()
    connection.roll_back(f"ROLLBACK TO {_SAVEPOINT}")
    connection.execute(f"RELEASE {_SAVEPOINT}")
    # The rows are again those that these values were read from, and the second run shall find the same cache.
    connection.values.update(cached)
    after = _references(unit)
    second = _Run(unit, connection)
    changed = sorted(name for name, value in before.items() if after.get(name) != value)
    if changed:
        _report(unit, f"it changes {', '.join(changed)}, which is outside of the database")
    if difference := first.difference(second):
        _report(unit, difference)
    return second.end()


class _Run:
    """One run of a unit: its statements, and a copy of what it returned or raised."""

    def __init__(self, unit: Unit, connection: CachingConnection) -> None:
        self.statements: list[str] = []
        self.error: Exception | None = None
        self.result: object = None
        connection.set_trace_callback(self._add)
        try:
            self.result = _run(unit, connection)
        except Exception as error:  # noqa: BLE001  # compared, and raised by `end`
            self.error = error
        finally:
            connection.set_trace_callback(None)
        ended = self.result if self.error is None else self.error
        self.text = reprlib.repr(ended)
        self.outcome = _copied(ended) if self.error is None else (type(ended), str(ended))

    def _add(self, statement: str) -> None:
        # What a statement of the unit makes SQLite run, in a trigger or for its statistics, begins with "--".
        if not statement.startswith("--"):
            self.statements.append(statement)

    def difference(self, second: _Run) -> str | None:
        """Say where a second run differs, or return None."""
        if self.outcome != second.outcome:
            return f"it ends with {self.text}, and run again with {second.text}"
        if self.statements != second.statements:
            ours, theirs = [*self.statements, "the end"], [*second.statements, "the end"]
            one, other = next(pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1])
            return f"it executes {one!r}, and run again {other!r}"
        return None

    def end(self) -> object:
        if self.error is not None:
            raise self.error
        return self.result


def _report(unit: Unit, text: str) -> None:
    while isinstance(unit, partial):
        unit = unit.func
    code = getattr(unit, "__code__", None)
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
    _differences.append(f"{getattr(unit, '__qualname__', unit)}{place} is not repeatable: {text}")


def _references(unit: Unit) -> dict[str, object]:
    """Return copies of what a unit could change without the database."""
    found: dict[str, object] = {}
    while isinstance(unit, partial):
        _add(found, {f"argument {number}": value for number, value in enumerate(unit.args)})
        _add(found, unit.keywords)
        unit = unit.func
    if isinstance(unit, MethodType):
        _add(found, {"self": unit.__self__})
    closure = getattr(unit, "__closure__", None) or ()
    names = unit.__code__.co_freevars if closure else ()
    for name, cell in zip(names, closure, strict=True):
        try:
            _add(found, {name: cell.cell_contents})
        except ValueError:  # not assigned yet
            continue
    return found


def _add(found: dict[str, object], values: dict[str, Any], *, deeper: bool = True) -> None:
    for name, value in values.items():
        if isinstance(value, _CONTAINERS):
            found[name] = value.copy()
        elif isinstance(value, _SCALARS):
            found[name] = value
        elif deeper and type(value).__module__.startswith("bot."):
            attributes = getattr(value, "__dict__", {})
            _add(found, {f"{name}.{each}": held for each, held in attributes.items()}, deeper=False)


def _copied(value: object) -> object:
    """Copy a result as far as it can be changed later; a cursor, which nobody reads, becomes its type."""
    if isinstance(value, sqlite3.Row):
        return tuple(value)
    if isinstance(value, list | tuple):
        return type(value), [_copied(each) for each in value]
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, set | bytearray):
        return value.copy()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return type(value), [_copied(getattr(value, each.name)) for each in fields]
    return sqlite3.Cursor if isinstance(value, sqlite3.Cursor) else value
