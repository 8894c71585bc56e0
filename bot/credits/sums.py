"""Add up credits of several tables in one statement: a statement costs more than the few rows it reads.

Owns no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

Part = tuple[str, tuple[object, ...]]
"""What follows `SELECT`, a constant that gives one number or NULL, and its values."""
Sum = tuple[Part, ...]
NOW: Final = "now"
"""Among the values of a part: the time at which the sums are read."""


@dataclass(frozen=True, slots=True)
class Sums:
    """One statement for several sums, whose only row has a column for each part; see `of`."""

    statement: str
    values: tuple[object, ...]
    columns: tuple[tuple[int, ...], ...]
    """Those that each sum adds up."""

    @classmethod
    def of(cls, sums: Sequence[Sum]) -> Sums:
        """Make the statement; equal parts are read once."""
        parts = list(dict.fromkeys(chain.from_iterable(sums)))
        selects = ", ".join(f"(SELECT {select})" for select, _ in parts)
        return cls(
            f"SELECT {selects or 'NULL'}",
            tuple(value for _, values in parts for value in values),
            tuple(tuple(map(parts.index, each)) for each in sums),
        )

    def read(self, transaction: sqlite3.Connection, at: int) -> list[int]:
        """Return the sums at `at`, in epoch milliseconds."""
        values = [at if value is NOW else value for value in self.values]
        row = transaction.execute(self.statement, values).fetchone()
        return [sum([row[column] or 0 for column in columns]) for columns in self.columns]


def add_up(transaction: sqlite3.Connection, sums: Sequence[Sum]) -> list[int]:
    """Return what the parts of each sum add up to; none depends on the time of reading."""
    return Sums.of(sums).read(transaction, 0)
