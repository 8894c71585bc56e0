"""Store how long the latest tasks took, so that polling need not learn anew after a restart.

Owns the table task_durations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.scheduler import HISTORY_SIZE, TaskKind

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


class TaskDurationStore:
    """The durations of the newest tasks of each kind, as many as `PollScheduler` uses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, kind: TaskKind, bounds: DurationBounds) -> None:
        """Add the newest duration of a kind, and delete the oldest beyond `HISTORY_SIZE`.

        Raises:
            OperatorError: `database`.
        """
        of_kind = (kind.model, int(kind.with_reference))
        interval = (round(bounds.after_seconds * 1000), round(bounds.by_seconds * 1000))

        def unit(tx: sqlite3.Connection) -> None:
            tx.execute(
                "INSERT INTO task_durations (model, with_reference, after_ms, by_ms) VALUES (?, ?, ?, ?)",
                (*of_kind, *interval),
            )
            tx.execute(
                "DELETE FROM task_durations WHERE model = ? AND with_reference = ? AND duration_id <="
                " (SELECT duration_id FROM task_durations WHERE model = ? AND with_reference = ?"
                " ORDER BY duration_id DESC LIMIT 1 OFFSET ?)",
                (*of_kind, *of_kind, HISTORY_SIZE),
            )

        await self._database.run(unit)

    async def recent(self) -> dict[TaskKind, list[DurationBounds]]:
        """Return all durations by kind, the oldest first.

        Raises:
            OperatorError: `database`.
        """

        def unit(tx: sqlite3.Connection) -> dict[TaskKind, list[DurationBounds]]:
            found: dict[TaskKind, list[DurationBounds]] = {}
            for row in tx.execute("SELECT * FROM task_durations ORDER BY duration_id"):
                kind = TaskKind(row["model"], bool(row["with_reference"]))
                found.setdefault(kind, []).append(DurationBounds(row["after_ms"] / 1000, row["by_ms"] / 1000))
            return found

        return await self._database.run(unit)
