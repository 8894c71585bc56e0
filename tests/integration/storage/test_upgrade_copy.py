"""The copy that is made before a database is migrated: checked, named by its versions, and never missing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import time_machine

from bot.credits.ledger_export import export_ledger
from bot.domain.errors import OperatorError
from bot.storage.backups import Backups, restore
from bot.storage.copies import verify
from bot.storage.database import Database
from bot.storage.schema import APPLICATION_ID, migrations
from bot.storage.upgrade_copy import DAYS_KEPT
from tests.integration.storage.legacy_databases import LEGACY_JOBS, fill_version_5
from tests.support.small_disk import SmallDisk, small_file_system

NEWEST = len(migrations())
NAME = f"kuas-upgrade-5-to-{NEWEST}.sqlite3"


def make_version_5(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for file in migrations()[:5]:
            connection.executescript(file.read_text("utf-8"))
        fill_version_5(connection)
        connection.execute("PRAGMA user_version = 5")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def contents(path: Path) -> tuple[int, list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return version, sorted(connection.iterdump())


@pytest.fixture
def old_database(database_path: Path) -> Path:
    make_version_5(database_path)
    return database_path


@pytest.fixture
def folder(old_database: Path) -> Path:
    return old_database.with_name("backups")


async def test_an_upgrade_makes_a_checked_copy_first(old_database: Path, folder: Path) -> None:
    before = contents(old_database)
    await (await Database.open(old_database)).close()
    (copy,) = folder.iterdir()
    assert copy.name == NAME
    verify(copy)
    assert contents(copy) == before
    assert contents(old_database)[0] == NEWEST


async def test_the_name_of_the_copy_is_synced_before_the_upgrade(
    old_database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[bool, int]] = []
    sync = os.fsync

    def recording_fsync(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink() == folder:
            found.append(((folder / NAME).exists(), contents(old_database)[0]))
        sync(handle)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    await (await Database.open(old_database)).close()
    assert found == [(True, 5)]


async def test_going_back_is_restoring_the_copy(old_database: Path, folder: Path) -> None:
    before = contents(old_database)
    await (await Database.open(old_database)).close()
    restore(folder / NAME, old_database)
    assert contents(old_database) == before
    await (await Database.open(old_database)).close()
    assert len(list(export_ledger(old_database))) == len(LEGACY_JOBS)


async def test_the_copy_goes_to_the_folder_of_the_settings(old_database: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "elsewhere" / "copies"
    await (await Database.open(old_database, backup_folder=chosen)).close()
    assert [path.name for path in chosen.iterdir()] == [NAME]
    assert not old_database.with_name("backups").exists()


async def test_what_is_only_in_the_write_ahead_log_is_copied(old_database: Path, folder: Path) -> None:
    with closing(sqlite3.connect(old_database)) as writer:
        writer.execute("UPDATE pauses SET sentence = 'in the log'")
        writer.commit()
        assert old_database.with_name("bot.sqlite3-wal").stat().st_size
        await (await Database.open(old_database)).close()
    assert "in the log" in str(contents(folder / NAME))


async def test_a_new_database_and_one_of_this_version_need_no_copy(database_path: Path) -> None:
    for _ in range(2):
        await (await Database.open(database_path)).close()
        assert not database_path.with_name("backups").exists()


async def test_without_room_for_the_copy_nothing_is_upgraded(disk: SmallDisk) -> None:
    path = disk.folder / "bot.sqlite3"
    make_version_5(path)
    before = contents(path)
    disk.fill()
    with pytest.raises(OperatorError, match="is not upgraded from version 5"):
        await Database.open(path)
    disk.make_room()
    assert contents(path) == before
    assert not list(disk.folder.glob("backups/*"))
    await (await Database.open(path)).close()
    assert contents(path)[0] == NEWEST


async def test_without_room_for_the_upgrade_itself_nothing_is_upgraded(tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    with small_file_system(tmp_path / "disk") as disk:
        path = disk.folder / "bot.sqlite3"
        make_version_5(path)
        before = contents(path)
        disk.fill(64 << 10)
        with pytest.raises(OperatorError, match="cannot be written: the disk is full"):
            await Database.open(path, backup_folder=copies)
        disk.make_room()
        assert contents(path) == before
        await (await Database.open(path, backup_folder=copies)).close()
        assert contents(path)[0] == NEWEST


async def test_where_the_copy_cannot_be_written_nothing_is_upgraded(old_database: Path, folder: Path) -> None:
    before = contents(old_database)
    folder.write_text("in the way")
    with pytest.raises(OperatorError) as refused:
        await Database.open(old_database)
    assert refused.value.code == "backup"
    assert f"is not upgraded from version 5 to {NEWEST}" in str(refused.value)
    assert contents(old_database) == before


async def test_a_damaged_database_is_not_upgraded_and_replaces_no_copy(
    old_database: Path, folder: Path
) -> None:
    folder.mkdir()
    (folder / NAME).write_text("an earlier copy")
    size = old_database.stat().st_size
    with old_database.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xde\xad\xbe\xef" * 4096)
    damaged = old_database.read_bytes()
    with pytest.raises(OperatorError, match="is damaged"):
        await Database.open(old_database)
    assert old_database.read_bytes() == damaged
    assert [path.read_text() for path in folder.iterdir()] == ["an earlier copy"]


async def test_a_repeated_upgrade_replaces_its_copy(old_database: Path, folder: Path) -> None:
    await (await Database.open(old_database)).close()
    restore(folder / NAME, old_database)
    with closing(sqlite3.connect(old_database)) as connection:
        connection.execute("UPDATE pauses SET sentence = 'the older version went on'")
        connection.commit()
    await (await Database.open(old_database)).close()
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert "the older version went on" in str(contents(folder / NAME))


@pytest.mark.parametrize("keep", [0, 1])
async def test_the_daily_backup_deletes_the_copy_after_its_days(
    old_database: Path, folder: Path, keep: int
) -> None:
    await (await Database.open(old_database)).close()
    copies, made_at = Backups(old_database, folder, keep), (folder / NAME).stat().st_mtime
    # A kill leaves it, and no later upgrade replaces it if a still newer version is installed next.
    half = folder / f"kuas-upgrade-4-to-{NEWEST - 1}.sqlite3.unfinished"
    half.write_text("half a copy")
    os.utime(half, (made_at, made_at))
    mine = folder / "kuas-upgrade-mine.sqlite3"
    mine.write_text("mine")
    os.utime(mine, (0, 0))
    for days, stays in ((DAYS_KEPT - 1, True), (DAYS_KEPT + 1, False)):
        with time_machine.travel(made_at + days * 86_400, tick=False):
            await copies.run_daily()
        assert (folder / NAME).exists() == half.exists() == stays
    assert mine.exists()
