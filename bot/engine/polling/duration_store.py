"""Store how long the latest tasks took, so that polling need not learn anew after a restart.

Owns the table task_durations.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.task_kind import HISTORY_SIZE, MAX_KINDS, TaskKind

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

_KNOWN: Final = "SELECT 1 FROM task_durations WHERE model = ? AND with_reference = ? AND settings = ? LIMIT 1"
_DELETE_OLD: Final = (
    "DELETE FROM task_durations WHERE model = ? AND with_reference = ? AND settings = ? AND duration_id <="
    " (SELECT duration_id FROM task_durations WHERE model = ? AND with_reference = ? AND settings = ?"
    " ORDER BY duration_id DESC LIMIT 1 OFFSET ?)"
)
_DELETE_OLD_KINDS: Final = (
    "DELETE FROM task_durations WHERE (model, with_reference, settings) IN"
    " (SELECT model, with_reference, settings FROM task_durations GROUP BY model, with_reference, settings"
    " ORDER BY max(duration_id) DESC LIMIT -1 OFFSET ?)"
)


class TaskDurationStore:
    """The durations of the newest tasks of each kind, as many as `PollScheduler` uses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, kind: TaskKind, bounds: DurationBounds) -> None:
        """Add the newest duration of a kind; delete its oldest, and the oldest kinds, beyond the limits.

        Raises:
            OperatorError: `database`.
        """
        of_kind = (kind.model, int(kind.with_reference), json.dumps(dict(kind.settings)))
        interval = (round(bounds.after_seconds * 1000), round(bounds.by_seconds * 1000))

        def unit(tx: sqlite3.Connection) -> None:
            known = tx.execute(_KNOWN, of_kind).fetchone()
            tx.execute(
                "INSERT INTO task_durations (model, with_reference, settings, after_ms, by_ms)"
                " VALUES (?, ?, ?, ?, ?)",
                (*of_kind, *interval),
            )
            if known is None:
                tx.execute(_DELETE_OLD_KINDS, (MAX_KINDS,))
            tx.execute(_DELETE_OLD, (*of_kind, *of_kind, HISTORY_SIZE))

        await self._database.run(unit)

    async def recent(self) -> dict[TaskKind, list[DurationBounds]]:
        """Return all durations by kind, the oldest first; also the kinds, by their newest.

        Raises:
            OperatorError: `database`.
        """

        def unit(tx: sqlite3.Connection) -> dict[TaskKind, list[DurationBounds]]:
            found: dict[TaskKind, list[DurationBounds]] = {}
            for row in tx.execute("SELECT * FROM task_durations ORDER BY duration_id"):
                settings = tuple(json.loads(row["settings"]).items())
                kind = TaskKind(row["model"], bool(row["with_reference"]), settings)
                durations = found.pop(kind, [])
                durations.append(DurationBounds(row["after_ms"] / 1000, row["by_ms"] / 1000))
                found[kind] = durations
            return found

        return await self._database.run(unit)
