"""Damage in the middle of the file is found, by `check` and before it gets into a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.errors import OperatorError
from bot.storage.backups import Backups
from bot.storage.database import Database
from bot.storage.integrity import quick_check

PAGE_BYTES = 4096


@pytest.fixture
async def filled_database(database_path: Path) -> Path:
    """A database with some hundred pages of one table."""
    database = await Database.open(database_path)
    await database.run(
        lambda tx: tx.executemany(
            "INSERT INTO command_syncs (application_id, payload_sha256, synced_at) VALUES (?, ?, 0)",
            [(number, "x" * 1000) for number in range(1, 2000)],
        )
    )
    await database.close()
    return database_path


def overwrite_a_page_of_rows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'command_syncs'"
        ).fetchone()
    pages = path.stat().st_size // PAGE_BYTES
    assert pages > root + 200
    with path.open("r+b") as file:
        file.seek((pages - 100) * PAGE_BYTES)
        file.write(b"\xde\xad\xbe\xef" * (PAGE_BYTES // 4))


async def test_an_intact_database_passes(filled_database: Path) -> None:
    assert quick_check(filled_database)


async def test_an_overwritten_page_is_found(filled_database: Path) -> None:
    overwrite_a_page_of_rows(filled_database)
    with pytest.raises(OperatorError, match="is damaged; restore a backup"):
        quick_check(filled_database)


async def test_a_check_ends_in_time(filled_database: Path) -> None:
    assert not quick_check(filled_database, seconds=0)


async def test_a_damaged_database_does_not_replace_a_good_backup(
    filled_database: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    good = folder / "kuas-20200101T000000Z.sqlite3"
    good.write_bytes(filled_database.read_bytes())
    overwrite_a_page_of_rows(filled_database)
    with pytest.raises(OperatorError, match="is damaged"):
        await Backups(filled_database, folder, keep=1).run_daily()
    assert [path.name for path in folder.glob("*.sqlite3")] == [good.name]
