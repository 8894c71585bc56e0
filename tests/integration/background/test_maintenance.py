"""The chores of the hourly maintenance, and their errors."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog

from bot.background.maintenance import RECORDS_KEPT_DAYS, maintenance_tasks, run_chores
from bot.config.settings import PrivacySettings
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.jobs import Picture
from bot.domain.model_catalog import default_catalog
from bot.jobs.picture_retention import PictureRetention
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.store import JobStore
from bot.observability.operator_log import OperatorLog
from bot.privacy.erasure import ErasureRequests
from bot.privacy.guild_departures import GuildDepartures
from bot.storage.backups import Backups
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from tests.support.factories import make_request
from tests.support.jobs import deliver
from tests.support.sql import rows
from tests.support.waiting import PATIENCE_SECONDS, soon


def all_chores(
    database: Database, *, prompt_days: int = 0, picture_days: int = 0, keep: int = 0
) -> dict[str, Any]:
    return maintenance_tasks(
        database,
        erasures=ErasureRequests(database),
        departures=GuildDepartures(database, 0),
        backups=Backups(database._path, database._path.with_name("backups"), keep),
        picture_retention=PictureRetention(database, PictureStore(picture_folder(database._path))),
        privacy=PrivacySettings(prompt_days=prompt_days, picture_days=picture_days),
    )


async def add_delivered_job(store: JobStore, **options: Any) -> str:
    return (await deliver(store, make_request(**options))).job_id


async def set_age(database: Database, job_id: str, days: int) -> None:
    await rows(database, "UPDATE jobs SET finished_at = ? WHERE job_id = ?", now_ms() - days * DAY_MS, job_id)


async def test_everything_due_is_done_and_logged_in_one_line(database: Database, store: JobStore) -> None:
    old, new, left_guild, erased_member = [
        await add_delivered_job(store, guild_id=guild, user_id=user)
        for guild, user in ((1, 7), (1, 7), (2, 7), (1, 8))
    ]
    await set_age(database, old, 31)
    await GuildDepartures(database, 0).left(2)
    await rows(database, "INSERT INTO erasures VALUES (8, ?)", now_ms())
    await DraftStore(database, default_catalog()).save(make_request())
    await rows(database, "UPDATE drafts SET drafted_at = 5")
    stale = now_ms() - (RECORDS_KEPT_DAYS + 1) * DAY_MS
    for at in (stale, now_ms()):
        await rows(database, "INSERT INTO alerts VALUES (1, 'guild', 1, ?, 50, 1, 2, ?, NULL)", at, at)
        await rows(
            database, "INSERT INTO findings VALUES (?, ?, 'x', 'held', 4, NULL, NULL, ?, NULL)", at, old, at
        )
    await rows(database, "INSERT INTO tallies VALUES (1, 'quarter', 5, 1, 1)")

    chores = all_chores(database, prompt_days=30)
    with structlog.testing.capture_logs() as lines:
        done = await run_chores(chores, OperatorLog())
        again = await run_chores(chores, OperatorLog())

    assert done == {"prompts": 1, "erasures": 1, "departures": 2, "records": 2, "leftovers": 2}
    assert again == {}
    assert [line for line in lines if line["event"] == "upkeep"] == [
        {"event": "upkeep", "log_level": "info", **done}
    ]
    assert await rows(database, "SELECT job_id FROM jobs WHERE prompt <> ''") == [(new,)]
    people = dict(await rows(database, "SELECT job_id, user_id FROM jobs"))
    assert people == {old: 7, new: 7, left_guild: 0, erased_member: 0}
    for table in ("alerts", "findings"):
        assert len(await rows(database, f"SELECT * FROM {table}")) == 1


async def test_prompts_are_kept_for_ever_without_a_setting(database: Database, store: JobStore) -> None:
    job_id = await add_delivered_job(store)
    await set_age(database, job_id, 4000)
    assert await run_chores(all_chores(database), OperatorLog()) == {}
    assert await rows(database, "SELECT prompt FROM jobs") == [("a red fox",)]


async def test_a_task_that_fails_stops_no_other(database: Database, store: JobStore) -> None:
    job_id = await add_delivered_job(store)
    await set_age(database, job_id, 31)

    async def breaks(_: int) -> int:
        raise RuntimeError("on purpose")

    chores = {"broken": breaks, **all_chores(database, prompt_days=30)}
    with structlog.testing.capture_logs() as lines:
        assert await run_chores(chores, OperatorLog()) == {"prompts": 1}
    assert [line["chore"] for line in lines if line["log_level"] == "error"] == ["broken"]


async def test_a_failed_backup_is_reported_to_the_operator_and_stops_no_other_task(
    database: Database, store: JobStore, database_path: Path
) -> None:
    await set_age(database, await add_delivered_job(store), 31)
    database_path.with_name("backups").write_text("in the way")
    chores = all_chores(database, prompt_days=30, keep=3)
    with structlog.testing.capture_logs() as lines:
        assert await run_chores(chores, OperatorLog()) == {"prompts": 1}
    assert [(line["event"], line["code"]) for line in lines if line["log_level"] == "error"] == [
        ("operator must act", "backup")
    ]


async def test_a_backup_is_made_once_a_day(database: Database, database_path: Path) -> None:
    chores = all_chores(database, keep=3)
    assert await run_chores(chores, OperatorLog()) == {"backups": 1}
    assert await run_chores(chores, OperatorLog()) == {}
    assert len(list(database_path.with_name("backups").iterdir())) == 1


async def test_samples_of_indexed_values_are_deleted_after_analyze(
    database: Database, database_path: Path, store: JobStore
) -> None:
    for _ in range(5):
        await add_delivered_job(store)
    await rows(database, "ANALYZE")
    with closing(sqlite3.connect(database_path, isolation_level=None)) as other:
        # Not every build of SQLite has this table, so it is made here.
        if not other.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone():
            other.execute("CREATE TABLE samples (tbl, idx, neq, nlt, ndlt, sample)")
            other.execute("PRAGMA writable_schema = ON")
            other.execute(
                "UPDATE sqlite_master SET name = 'sqlite_stat4', tbl_name = 'sqlite_stat4',"
                " sql = replace(sql, 'samples', 'sqlite_stat4') WHERE name = 'samples'"
            )
            other.execute("PRAGMA writable_schema = RESET")
        other.execute("INSERT INTO sqlite_stat4 (tbl, sample) VALUES ('elsewhere', 'a name')")
    await run_chores(all_chores(database), OperatorLog())
    tables = await rows(database, "SELECT name FROM sqlite_master WHERE name LIKE 'sqlite_stat_' ORDER BY 1")
    assert tables == [("sqlite_stat1",), ("sqlite_stat4",)]
    assert await rows(database, "SELECT * FROM sqlite_stat4") == []


async def test_the_write_ahead_log_is_truncated_unless_somebody_reads(
    database: Database, store: JobStore, database_path: Path
) -> None:
    wal = database_path.with_name(database_path.name + "-wal")
    await add_delivered_job(store)
    assert wal.stat().st_size
    reader = sqlite3.connect(database_path, isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM jobs").fetchone()
        await add_delivered_job(store)
        # Without the busy timeout of the connection, since jobs wait for it.
        busy_timeout = f"PRAGMA busy_timeout = {round(2000 * PATIENCE_SECONDS)}"
        await database._connection.call(lambda plain: plain.execute(busy_timeout).close())
        assert not await soon(database.checkpoint())
    finally:
        reader.close()
    await run_chores(all_chores(database), OperatorLog())
    assert wal.stat().st_size == 0


async def add_kept_picture(database: Database, store: JobStore, data: bytes, *, days: int) -> str:
    """Store a picture that was delivered so many days ago; returns its file name."""
    picture_store = PictureStore(picture_folder(database._path))
    name = await picture_store.save(data)
    job_id = await add_delivered_job(store)
    await store.record_kept_picture(job_id, Picture(data, "png", 1, 1), name)
    await set_age(database, job_id, days)
    at = now_ms() - days * DAY_MS
    await rows(database, "UPDATE kept_pictures SET kept_at = ? WHERE job_id = ?", at, job_id)
    os.utime(picture_store.path(name), (at / 1000, at / 1000))
    return name


def stored_files(database: Database) -> set[str]:
    return {path.name for path in picture_folder(database._path).iterdir()}


async def test_pictures_are_kept_for_as_many_days_as_the_setting_says(
    database: Database, store: JobStore
) -> None:
    _, new = [
        await add_kept_picture(database, store, data, days=days)
        for data, days in ((b"old", 31), (b"new", 29))
    ]
    chores = all_chores(database, picture_days=30)
    assert await run_chores(chores, OperatorLog()) == {"pictures": 1, "vault": 1}
    assert stored_files(database) == {new}
    assert await rows(database, "SELECT sha256 FROM kept_pictures") == [(new,)]
    assert await run_chores(chores, OperatorLog()) == {}
    assert await rows(database, "SELECT DISTINCT prompt FROM jobs") == [("a red fox",)], "prompts stay"


async def test_pictures_are_kept_for_ever_without_a_setting(database: Database, store: JobStore) -> None:
    old = await add_kept_picture(database, store, b"old", days=4000)
    assert await run_chores(all_chores(database), OperatorLog()) == {}
    assert stored_files(database) == {old}


async def test_the_picture_of_an_expired_prompt_is_deleted_in_the_same_run(
    database: Database, store: JobStore
) -> None:
    await add_kept_picture(database, store, b"old", days=31)
    done = await run_chores(all_chores(database, prompt_days=30), OperatorLog())
    assert done == {"prompts": 1, "vault": 1}
    assert stored_files(database) == set()


async def test_pictures_of_an_erased_member_and_of_a_left_server_are_deleted(
    database: Database, store: JobStore
) -> None:
    await add_kept_picture(database, store, b"mine", days=1)
    await rows(database, "INSERT INTO erasures VALUES (7, ?)", now_ms())
    assert (await run_chores(all_chores(database), OperatorLog()))["vault"] == 1
    await add_kept_picture(database, store, b"ours", days=1)
    await GuildDepartures(database, 0).left(1)
    assert (await run_chores(all_chores(database), OperatorLog()))["vault"] == 1
    assert stored_files(database) == set()


async def test_an_unreadable_picture_folder_is_reported_to_the_operator_and_stops_no_other_task(
    database: Database, store: JobStore
) -> None:
    await set_age(database, await add_delivered_job(store), 31)
    folder = picture_folder(database._path)
    name = "ab" * 32
    (folder / name).mkdir(parents=True)  # a folder under a picture's name
    (folder / name / "x").touch()
    stale = folder / "stale.part"
    stale.mkdir()
    os.utime(stale, (1, 1))
    chores = all_chores(database, prompt_days=30)
    with structlog.testing.capture_logs() as lines:
        assert await run_chores(chores, OperatorLog()) == {"prompts": 1}
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["disk"]


async def test_a_daily_backup_has_the_pictures_that_are_left(database: Database, store: JobStore) -> None:
    await add_kept_picture(database, store, b"old", days=31)
    new = await add_kept_picture(database, store, b"new", days=1)
    await run_chores(all_chores(database, picture_days=30, keep=3), OperatorLog())
    copied = database._path.with_name("backups") / "pictures"
    assert {path.name for path in copied.iterdir()} == {new}
