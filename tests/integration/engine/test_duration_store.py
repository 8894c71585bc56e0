"""How long tasks took, on a real file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bot.engine.polling.duration_store import Durations
from bot.engine.polling.schedule import Ending
from bot.engine.polling.scheduler import REMEMBERED, Kind
from bot.storage.database import Database

PLAIN = Kind("qwen-image", with_reference=False)
EDIT = Kind("qwen-image", with_reference=True)


async def test_endings_are_kept_over_a_restart_in_their_order(database_path: Path) -> None:
    database = await Database.open(database_path)
    durations = Durations(database)
    assert await durations.recent() == {}
    await durations.record(PLAIN, Ending(7.5, 9.25))
    await durations.record(EDIT, Ending(20.0, 22.001))
    await durations.record(PLAIN, Ending(0.0, 2.5))
    await database.close()

    database = await Database.open(database_path)
    try:
        assert await Durations(database).recent() == {
            PLAIN: [Ending(7.5, 9.25), Ending(0.0, 2.5)],
            EDIT: [Ending(20.0, 22.001)],
        }
    finally:
        await database.close()


async def test_only_the_newest_of_each_kind_are_kept(database: Database, database_path: Path) -> None:
    durations = Durations(database)
    await durations.record(EDIT, Ending(1.0, 2.0))
    for number in range(REMEMBERED + 20):
        await durations.record(PLAIN, Ending(number, number + 1))
    kept = await durations.recent()
    assert kept[PLAIN] == [Ending(number, number + 1) for number in range(20, REMEMBERED + 20)]
    assert kept[EDIT] == [Ending(1.0, 2.0)]
    with sqlite3.connect(database_path) as plain:
        assert plain.execute("SELECT count(*) FROM task_durations").fetchone() == (REMEMBERED + 1,)
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
