"""Backups: one a day, the newest are kept, each is complete; and restoring one."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from pathlib import Path

import pytest
import time_machine

from bot.credits.ledger_export import export_ledger
from bot.domain.errors import OperatorError
from bot.domain.jobs import Picture
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.jobs.history import HistoryStore
from bot.jobs.store import JobStore
from bot.storage import backups
from bot.storage.backups import PICTURES, Backups, restore
from bot.storage.copies import backup, verify
from bot.storage.database import Database
from bot.storage.file_lock import DatabaseInUse
from bot.storage.picture_store import PictureStore, picture_folder
from tests.support.factories import NO_CONTEXT, accept, make_job

DEFAULT = Limit(200, Period.MONTH)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def test_a_copy_is_made_once_a_day_and_the_newest_stay(
    database: Database, database_path: Path, folder: Path, store: JobStore
) -> None:
    await accept(store, make_job(), NO_CONTEXT)
    copies = Backups(database_path, folder, keep=3)
    with time_machine.travel("2026-03-01 03:00:00+00:00", tick=False) as clock:
        made = [await copies.run_daily()]
        assert await copies.run_daily() is None
        for _ in range(4):
            clock.shift(backups.DAY_SECONDS)
            made.append(await copies.run_daily())
    assert all(made)
    assert sorted(folder.iterdir()) == made[-3:]
    assert len(list(export_ledger(made[-1] or Path()))) == 1


async def test_other_files_in_the_folder_are_left_alone(
    database: Database, database_path: Path, folder: Path
) -> None:
    folder.mkdir()
    mine = [folder / "kuas-before-the-move.sqlite3", folder / "notes.txt"]
    for path in mine:
        path.write_text("mine")
    await Backups(database_path, folder, keep=1).run_daily()
    assert len(list(folder.iterdir())) == 3
    assert all(path.read_text() == "mine" for path in mine)


async def test_an_unfinished_copy_of_a_killed_process_is_removed(
    database: Database, database_path: Path, folder: Path
) -> None:
    folder.mkdir()
    (folder / "kuas-20260101T030000Z.sqlite3.unfinished").write_text("half a copy")
    mine = folder / "kuas-mine.sqlite3.unfinished"
    mine.write_text("under way elsewhere")
    made = await Backups(database_path, folder, keep=2).run_daily()
    assert set(folder.iterdir()) == {made, mine}


async def test_a_copy_dated_in_the_future_neither_stops_backups_nor_is_kept(
    database: Database, database_path: Path, folder: Path
) -> None:
    copies = Backups(database_path, folder, keep=1)
    with time_machine.travel("2036-03-01 03:00:00+00:00", tick=False):
        await copies.run_daily()
    with time_machine.travel("2026-03-01 03:00:00+00:00", tick=False):
        made = await copies.run_daily()
        assert await copies.run_daily() is None
    assert made is not None
    assert list(folder.iterdir()) == [made]


async def test_a_damaged_copy_is_deleted_and_made_again(
    database: Database, database_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_end(file: int) -> None:
        os.ftruncate(file, os.fstat(file).st_size - 8192)

    copies = Backups(database_path, folder, keep=1)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", lose_the_end)
        for _ in range(2):
            with pytest.raises(OperatorError):
                await copies.run_daily()
            assert list(folder.iterdir()) == []
    assert await copies.run_daily() is not None


async def test_keep_0_makes_no_copies(database_path: Path, folder: Path) -> None:
    assert await Backups(database_path, folder, keep=0).run_daily() is None
    assert not folder.exists()


async def test_a_folder_that_cannot_be_made_is_an_operator_error(
    database: Database, database_path: Path, folder: Path
) -> None:
    folder.write_text("in the way")
    with pytest.raises(OperatorError, match="backups"):
        await Backups(database_path, folder, keep=1).run_daily()


async def test_a_restore_brings_back_the_ledger_of_the_backup(database_path: Path, tmp_path: Path) -> None:
    opened = await Database.open(database_path)
    store = JobStore(opened, DEFAULT)
    await accept(store, make_job(), NO_CONTEXT)
    saved, before = tmp_path / "saved.sqlite3", list(export_ledger(database_path))
    backup(database_path, saved)
    await accept(store, make_job(), NO_CONTEXT)
    await opened.close()

    aside = restore(saved, database_path)

    assert list(export_ledger(database_path)) == before
    assert aside is not None
    assert len(list(export_ledger(aside))) == 2
    again = await Database.open(database_path)
    assert len(await JobStore(again, DEFAULT).unfinished()) == 1
    await again.close()


async def test_the_replaced_database_keeps_what_is_in_its_write_ahead_log(
    database_path: Path, tmp_path: Path
) -> None:
    opened = await Database.open(database_path)
    saved = tmp_path / "saved.sqlite3"
    backup(database_path, saved)
    await accept(JobStore(opened, DEFAULT), make_job(), NO_CONTEXT)
    # As a killed process leaves it: the newest pages are in the write-ahead log only.
    killed = tmp_path / "killed.sqlite3"
    for suffix in ("", "-wal"):
        Path(f"{killed}{suffix}").write_bytes(Path(f"{database_path}{suffix}").read_bytes())
    await opened.close()

    aside = restore(saved, killed)

    assert list(export_ledger(killed)) == []
    assert aside is not None
    assert len(list(export_ledger(aside))) == 1


async def test_a_file_with_a_write_ahead_log_is_refused_as_a_backup(
    database_path: Path, tmp_path: Path
) -> None:
    opened = await Database.open(database_path)
    await accept(JobStore(opened, DEFAULT), make_job(), NO_CONTEXT)
    killed, target = tmp_path / "killed.sqlite3", tmp_path / "new.sqlite3"
    for suffix in ("", "-wal"):
        Path(f"{killed}{suffix}").write_bytes(Path(f"{database_path}{suffix}").read_bytes())
    await opened.close()

    with pytest.raises(OperatorError, match=r"killed\.sqlite3-wal"):
        restore(killed, target)
    assert not target.exists()
    # As the message advises.
    backup(killed, tmp_path / "whole.sqlite3")
    restore(tmp_path / "whole.sqlite3", target)
    assert len(list(export_ledger(target))) == 1


async def test_a_restore_beside_a_running_bot_is_refused(
    database: Database, database_path: Path, tmp_path: Path, store: JobStore
) -> None:
    saved = tmp_path / "saved.sqlite3"
    backup(database_path, saved)
    await accept(store, make_job(), NO_CONTEXT)
    with pytest.raises(DatabaseInUse):
        restore(saved, database_path)
    assert len(await store.unfinished()) == 1


async def test_a_restore_needs_no_existing_database(
    database: Database, database_path: Path, tmp_path: Path
) -> None:
    saved, fresh = tmp_path / "saved.sqlite3", tmp_path / "new" / "bot.sqlite3"
    backup(database_path, saved)
    assert restore(saved, fresh) is None
    assert list(export_ledger(fresh)) == []


async def test_a_damaged_database_can_be_replaced(database: Database, tmp_path: Path) -> None:
    saved, damaged = tmp_path / "saved.sqlite3", tmp_path / "damaged.sqlite3"
    backup(database._path, saved)
    damaged.write_bytes(b"not a database at all" * 300)
    aside = restore(saved, damaged)
    assert aside is not None
    assert aside.read_bytes().startswith(b"not a database")
    assert list(export_ledger(damaged)) == []


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "foreign", "newer", "cut"])
async def test_a_file_that_is_no_backup_is_refused_and_nothing_is_moved(
    database: Database, database_path: Path, tmp_path: Path, kind: str
) -> None:
    wrong = tmp_path / "wrong.sqlite3"
    if kind == "text":
        wrong.write_text("hello" * 400)
    elif kind == "empty":
        wrong.touch()
    elif kind in {"foreign", "newer"}:
        connection = sqlite3.connect(wrong)
        connection.execute("CREATE TABLE t (x)")
        if kind == "newer":
            connection.execute("PRAGMA application_id = 0x4B554153")
            connection.execute("PRAGMA user_version = 999")
        connection.commit()
        connection.close()
    elif kind == "cut":
        backup(database_path, wrong)
        wrong.write_bytes(wrong.read_bytes()[:-8192])
    target = tmp_path / "target.sqlite3"
    target.write_bytes(b"as it was")
    with pytest.raises(OperatorError):
        restore(wrong, target)
    assert target.read_bytes() == b"as it was"
    if kind != "missing":
        with pytest.raises(OperatorError):
            verify(wrong)


# Stored pictures.


def read_pictures(folder: Path) -> dict[str, bytes]:
    """Read the files of a picture folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def by_sha256(*contents: bytes) -> dict[str, bytes]:
    return {hashlib.sha256(data).hexdigest(): data for data in contents}


async def test_pictures_are_copied_and_deleted_with_each_backup(
    database: Database, database_path: Path, folder: Path
) -> None:
    picture_store, copies = (
        PictureStore(picture_folder(database_path)),
        Backups(database_path, folder, keep=2),
    )
    with time_machine.travel("2026-03-01 03:00:00+00:00", tick=False) as clock:
        await copies.run_daily()
        assert not (folder / PICTURES).exists(), "no picture is stored yet"
        fox, hen = await picture_store.save(b"a fox"), await picture_store.save(b"a hen")
        clock.shift(backups.DAY_SECONDS)
        await copies.run_daily()
        assert read_pictures(folder / PICTURES) == by_sha256(b"a fox", b"a hen")
        picture_store.path(hen).unlink()
        await picture_store.save(b"an owl")
        clock.shift(backups.DAY_SECONDS)
        await copies.run_daily()
    assert read_pictures(folder / PICTURES) == by_sha256(b"a fox", b"an owl"), (
        "a deleted picture is deleted from the backup, too"
    )
    # On the same disk the copy is a hard link.
    assert picture_store.path(fox).samefile(folder / PICTURES / fox)


async def test_a_copy_of_a_picture_outlives_the_file_it_was_made_of(
    database: Database, database_path: Path, folder: Path
) -> None:
    picture_store = PictureStore(picture_folder(database_path))
    fox = await picture_store.save(b"a fox")
    await Backups(database_path, folder, keep=1).run_daily()
    picture_store.path(fox).unlink()
    assert read_pictures(folder / PICTURES) == by_sha256(b"a fox")
    # A damaged file is replaced by a new one, which is not the backup's.
    picture_store.path(fox).write_bytes(b"torn")
    await picture_store.save(b"a fox")
    assert (folder / PICTURES / fox).read_bytes() == picture_store.path(fox).read_bytes() == b"a fox"


async def test_without_hard_links_the_pictures_are_copied(
    database: Database, database_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    picture_store = PictureStore(picture_folder(database_path))
    fox = await picture_store.save(b"a fox")
    monkeypatch.setattr(os, "link", other_disk)
    await Backups(database_path, folder, keep=1).run_daily()
    assert read_pictures(folder / PICTURES) == by_sha256(b"a fox")
    assert not picture_store.path(fox).samefile(folder / PICTURES / fox)


async def test_other_files_are_neither_copied_nor_removed(
    database: Database, database_path: Path, folder: Path
) -> None:
    await PictureStore(picture_folder(database_path)).save(b"a fox")
    (picture_folder(database_path) / "half.part").write_text("half")
    (folder / PICTURES).mkdir(parents=True)
    (folder / PICTURES / "notes.txt").write_text("mine")
    await Backups(database_path, folder, keep=1).run_daily()
    assert read_pictures(folder / PICTURES) == {**by_sha256(b"a fox"), "notes.txt": b"mine"}


async def test_a_picture_folder_that_cannot_be_made_is_an_operator_error(
    database: Database, database_path: Path, folder: Path
) -> None:
    await PictureStore(picture_folder(database_path)).save(b"a fox")
    folder.mkdir()
    (folder / PICTURES).write_text("in the way")
    with pytest.raises(OperatorError) as refused:
        await Backups(database_path, folder, keep=1).run_daily()
    assert refused.value.code == "backup"


async def test_pictures_that_could_not_be_copied_are_copied_by_the_next_run(
    database: Database, database_path: Path, folder: Path
) -> None:
    await PictureStore(picture_folder(database_path)).save(b"a fox")
    folder.mkdir()
    (folder / PICTURES).write_text("in the way")
    copies = Backups(database_path, folder, keep=1)
    with pytest.raises(OperatorError):
        await copies.run_daily()
    (folder / PICTURES).unlink()
    await copies.run_daily()  # as an hour later
    assert read_pictures(folder / PICTURES) == by_sha256(b"a fox")


async def test_a_restore_brings_back_missing_pictures(
    database_path: Path, folder: Path, tmp_path: Path
) -> None:
    opened = await Database.open(database_path)
    picture_store, store = PictureStore(picture_folder(database_path)), JobStore(opened, DEFAULT)
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, "task", 4)
    await store.succeeded(job.job_id, None, 4)
    await store.record_kept_picture(
        job.job_id, Picture(b"a fox", "png", 1, 1), await picture_store.save(b"a fox")
    )
    await store.undeliverable(job.job_id)
    made = await Backups(database_path, folder, keep=1).run_daily()
    assert made is not None
    later = await picture_store.save(b"later")
    await opened.close()

    # On the same machine pictures that exist stay, and missing ones are restored.
    picture_store.path(hashlib.sha256(b"a fox").hexdigest()).unlink()
    restore(made, database_path)
    assert read_pictures(picture_folder(database_path)) == by_sha256(b"a fox", b"later")
    assert picture_store.exists(later)

    # On a new machine, with nothing but the folder of backups.
    fresh = tmp_path / "elsewhere" / "bot.sqlite3"
    restore(made, fresh)
    assert read_pictures(picture_folder(fresh)) == by_sha256(b"a fox")
    again = await Database.open(fresh)
    item = await HistoryStore(again).find(job.job_id)
    await again.close()
    assert item is not None
    assert item.kept_sha256 is not None
    assert await PictureStore(picture_folder(fresh)).read(item.kept_sha256) == b"a fox"


async def test_a_restore_without_pictures_needs_none(
    database: Database, database_path: Path, tmp_path: Path
) -> None:
    saved, fresh = tmp_path / "saved.sqlite3", tmp_path / "new" / "bot.sqlite3"
    backup(database_path, saved)
    restore(saved, fresh)
    assert not picture_folder(fresh).exists()


async def test_a_restore_through_a_symbolic_link_restores_the_pictures_for_that_link(
    database_path: Path, folder: Path, tmp_path: Path
) -> None:
    opened = await Database.open(database_path)
    fox = await PictureStore(picture_folder(database_path)).save(b"a fox")
    made = await Backups(database_path, folder, keep=1).run_daily()
    await opened.close()
    assert made is not None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "link.sqlite3"
    link.symlink_to(elsewhere / "real.sqlite3")
    restore(made, link)
    assert link.is_symlink()
    assert PictureStore(picture_folder(link)).exists(fox)
