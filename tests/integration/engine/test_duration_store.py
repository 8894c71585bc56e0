"""The recorded durations of tasks, on a real file."""

from __future__ import annotations

import signal
from pathlib import Path

from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.task_kind import HISTORY_SIZE, MAX_KINDS, TaskKind
from bot.storage.database import Database
from tests.support.forks import run_program
from tests.support.sql import query_file, rows, traced

PLAIN = TaskKind("qwen-image", with_reference=False)
EDIT = TaskKind("qwen-image", with_reference=True)
LARGE = TaskKind("nano-banana-pro", with_reference=False, settings=(("max_images", 4), ("resolution", "4K")))


async def test_durations_survive_a_restart_in_their_order(database_path: Path) -> None:
    database = await Database.open(database_path)
    durations = TaskDurationStore(database)
    assert await durations.recent() == {}
    await durations.record(PLAIN, DurationBounds(7.5, 9.25))
    await durations.record(EDIT, DurationBounds(20.0, 22.001))
    await durations.record(LARGE, DurationBounds(60.0, 62.5))
    await durations.record(PLAIN, DurationBounds(0.0, 2.5))
    await database.close()

    database = await Database.open(database_path)
    try:
        assert await TaskDurationStore(database).recent() == {
            PLAIN: [DurationBounds(7.5, 9.25), DurationBounds(0.0, 2.5)],
            EDIT: [DurationBounds(20.0, 22.001)],
            LARGE: [DurationBounds(60.0, 62.5)],
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
    (delete,) = [each for each in statements if each.startswith("DELETE") and "settings = " in each]
    plan = [str(row[3]) for row in await rows(database, f"EXPLAIN QUERY PLAN {delete}")]
    assert any("task_durations_by_kind (model=? AND with_reference=? AND settings=?" in step for step in plan)
    assert [step for step in plan if step.startswith("SCAN")] == []


async def test_kinds_come_in_the_order_of_their_newest_task_and_the_oldest_go(database: Database) -> None:
    durations = TaskDurationStore(database)
    kinds = [TaskKind(f"model {number}", with_reference=False) for number in range(MAX_KINDS)]
    for kind in kinds:
        await durations.record(kind, DurationBounds(1.0, 2.0))
    await durations.record(kinds[0], DurationBounds(3.0, 4.0))
    assert list(await durations.recent()) == [*kinds[1:], kinds[0]]
    for _ in range(2):
        await durations.record(LARGE, DurationBounds(60.0, 62.5))
    assert list(await durations.recent()) == [*kinds[2:], kinds[0], LARGE]
    counted = "SELECT count(*) FROM task_durations"
    assert [tuple(row) for row in await rows(database, counted)] == [(MAX_KINDS + 2,)]


async def test_an_old_kind_is_looked_for_only_when_a_new_one_comes(database: Database) -> None:
    durations = TaskDurationStore(database)
    await durations.record(PLAIN, DurationBounds(1.0, 2.0))
    async with traced(database) as statements:
        await durations.record(PLAIN, DurationBounds(1.0, 2.0))
    assert [each for each in statements if "GROUP BY" in each] == []
    async with traced(database) as statements:
        await durations.record(EDIT, DurationBounds(1.0, 2.0))
    assert len([each for each in statements if "GROUP BY" in each]) == 1


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from bot.engine.polling.duration_store import TaskDurationStore
from bot.engine.polling.schedule import DurationBounds
from bot.engine.polling.task_kind import TaskKind
from bot.storage.database import Database

async def main():
    durations = TaskDurationStore(await Database.open(Path(sys.argv[1])))
    for number in range(7):
        kind = TaskKind("qwen-image", False, (("quality", "high"),))
        await durations.record(kind, DurationBounds(number, number + 1))
    begun = asyncio.ensure_future(durations.record(TaskKind("qwen-image", False), DurationBounds(1, 2)))
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_killed_process_loses_no_duration_that_was_recorded(database_path: Path) -> None:
    code, output = await run_program(KILLED, str(database_path))
    assert code == -signal.SIGKILL, output
    database = await Database.open(database_path)
    try:
        recent = await TaskDurationStore(database).recent()
    finally:
        await database.close()
    high = TaskKind("qwen-image", with_reference=False, settings=(("quality", "high"),))
    assert recent.pop(high) == [DurationBounds(number, number + 1) for number in range(7)]
    assert recent in ({}, {PLAIN: [DurationBounds(1.0, 2.0)]})  # the last one was under way
