"""The recorded durations of tasks, on a real file."""

from __future__ import annotations

from pathlib import Path

from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.scheduler import HISTORY_SIZE, TaskKind
from bot.storage.database import Database
from tests.support.sql import query_file, rows, traced

PLAIN = TaskKind("qwen-image", with_reference=False)
EDIT = TaskKind("qwen-image", with_reference=True)


async def test_durations_survive_a_restart_in_their_order(database_path: Path) -> None:
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
    recent = await durations.recent()
    assert recent[PLAIN] == [DurationBounds(number, number + 1) for number in range(20, HISTORY_SIZE + 20)]
    assert recent[EDIT] == [DurationBounds(1.0, 2.0)]
    assert query_file(database_path, "SELECT count(*) FROM task_durations") == [(HISTORY_SIZE + 1,)]


async def test_deleting_old_durations_reads_no_more_than_their_kind(database: Database) -> None:
    async with traced(database) as statements:
        await TaskDurationStore(database).record(PLAIN, DurationBounds(1.0, 2.0))
    (delete,) = [statement for statement in statements if statement.startswith("DELETE")]
    plan = [str(row[3]) for row in await rows(database, f"EXPLAIN QUERY PLAN {delete}")]
    assert any("task_durations_by_kind (model=? AND with_reference=?)" in step for step in plan)
    assert [step for step in plan if step.startswith("SCAN")] == []
