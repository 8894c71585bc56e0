"""Add up credits of several tables in one statement: a statement costs more than the few rows it reads.

Owns no table.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

Part = tuple[str, tuple[object, ...]]
"""What follows `SELECT`, a constant that gives one number called `credits` or NULL, and its values."""
Sum = tuple[Part, ...]


def add_up(transaction: sqlite3.Connection, sums: Sequence[Sum]) -> list[int]:
    """Return what the parts of each sum add up to; equal parts are read once."""
    parts = list(dict.fromkeys(chain.from_iterable(sums)))
    if not parts:
        return [0] * len(sums)
    statement = _union(tuple(select for select, _ in parts))
    rows = transaction.execute(statement, [value for _, values in parts for value in values])
    credits = {parts[row["place"]]: row["credits"] or 0 for row in rows}
    return [sum(credits[part] for part in each) for each in sums]


@lru_cache(maxsize=256)
def _union(selects: tuple[str, ...]) -> str:
    """Return one statement for all. Each row says its place, since SQL promises no order."""
    return " UNION ALL ".join(f"SELECT {place} AS place, {select}" for place, select in enumerate(selects))
