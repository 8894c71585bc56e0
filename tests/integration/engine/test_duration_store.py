"""How long tasks took, on a real file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.scheduler import HISTORY_SIZE, TaskKind
from bot.storage.database import Database

PLAIN = TaskKind("qwen-image", with_reference=False)
EDIT = TaskKind("qwen-image", with_reference=True)


async def test_endings_are_kept_over_a_restart_in_their_order(database_path: Path) -> None:
    database = await Database.open(database_path)
    durations = TaskDurationStore(database)
    assert await durations.recent() == {}
    await durations.record(PLAIN, DurationBounds(7.5, 9.25))
    await durations.record(EDIT, DurationBounds(20.0, 22.001))
    await durations.record(PLAIN, DurationBounds(0.0, 2.5))
    await database.close()

    database = await Database.open(database_path)
    try:
        assert await TaskDurationStore(database).recent() == {
            PLAIN: [DurationBounds(7.5, 9.25), DurationBounds(0.0, 2.5)],
            EDIT: [DurationBounds(20.0, 22.001)],
        }
    finally:
        await database.close()


async def test_only_the_newest_of_each_kind_are_kept(database: Database, database_path: Path) -> None:
    durations = TaskDurationStore(database)
    await durations.record(EDIT, DurationBounds(1.0, 2.0))
    for number in range(HISTORY_SIZE + 20):
        await durations.record(PLAIN, DurationBounds(number, number + 1))
    kept = await durations.recent()
    assert kept[PLAIN] == [DurationBounds(number, number + 1) for number in range(20, HISTORY_SIZE + 20)]
    assert kept[EDIT] == [DurationBounds(1.0, 2.0)]
    with sqlite3.connect(database_path) as plain:
        assert plain.execute("SELECT count(*) FROM task_durations").fetchone() == (HISTORY_SIZE + 1,)
    plain.close()


async def test_dropping_the_oldest_reads_no_more_than_its_kind(database: Database) -> None:
    plan = await database.run(
        lambda tx: [
            row["detail"]
            for row in tx.execute(
                "EXPLAIN QUERY PLAN SELECT duration_id FROM task_durations"
                " WHERE model = ? AND with_reference = ? ORDER BY duration_id DESC LIMIT 1 OFFSET 200",
                ("qwen-image", 0),
            )
        ]
    )
    assert plan == [
        "SEARCH task_durations USING COVERING INDEX task_durations_by_kind (model=? AND with_reference=?)"
    ]
