"""File systems that sync no folders or have no hard links: pictures and backups work, and the log says so."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from bot.credits.ledger_export import export_ledger
from bot.domain.errors import OperatorError
from bot.storage import fsync
from bot.storage.backups import PICTURES, Backups
from bot.storage.database import Database
from bot.storage.fsync import link, sync_folder
from bot.storage.picture_store import PictureStore, picture_folder
from tests.support.command_line import make_environment
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fsync, "_logged", set())


def refuse_folders(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let fsync fail for folders, as the file system of a NAS does, and work for files."""
    sync = os.fsync

    def sync_files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        sync(handle)

    monkeypatch.setattr(os, "fsync", sync_files_only)


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.ENOSYS])
async def test_pictures_are_stored_where_folders_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_folders(monkeypatch, number)
    store = PictureStore(tmp_path / "pictures")
    with capture_logs() as lines:
        names = [await store.save(b"a fox"), await store.save(b"a hen")]
    assert [await store.read(name) for name in names] == [b"a fox", b"a hen"]
    (line,) = lines
    assert (line["log_level"], line["folder"]) == ("warning", str(tmp_path / "pictures"))
    assert line["event"].startswith("folder cannot be synced")


async def test_a_disk_that_fails_is_still_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_folders(monkeypatch, errno.EIO)
    with capture_logs() as lines, pytest.raises(OperatorError) as refused:
        await PictureStore(tmp_path / "pictures").save(b"a fox")
    assert (refused.value.code, lines) == ("disk", [])


def test_each_folder_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_folders(monkeypatch, errno.EINVAL)
    folders = [tmp_path / "a", tmp_path / "b"]
    with capture_logs() as lines:
        for folder in folders * 2:
            folder.mkdir(exist_ok=True)
            sync_folder(folder)
    assert [line["folder"] for line in lines] == [str(folder) for folder in folders]


def test_a_folder_that_may_not_be_read_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    with capture_logs() as lines, monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)  # root, who may run the tests, may read every folder
        sync_folder(tmp_path)
    assert len(lines) == 1


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EMLINK])
async def test_pictures_are_copied_where_they_cannot_be_linked(
    database: Database, database_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = PictureStore(picture_folder(database_path))
    names = [await store.save(b"a fox"), await store.save(b"a hen")]
    refuse_links(monkeypatch, number)
    with capture_logs() as lines:
        await Backups(database_path, tmp_path / "backups", keep=1).run_daily()
    copies = tmp_path / "backups" / PICTURES
    assert {path.name: path.read_bytes() for path in copies.iterdir()} == dict(
        zip(names, (b"a fox", b"a hen"), strict=True)
    )
    warnings = [line for line in lines if line["log_level"] == "warning"]
    assert [(line["event"][:26], line["folder"]) for line in warnings] == [
        ("folder takes no hard links", str(copies))
    ]


def test_another_disk_is_nothing_to_warn_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a fox")
    refuse_links(monkeypatch, errno.EXDEV)
    with capture_logs() as lines:
        assert not link(tmp_path / "a", tmp_path / "b")
    assert lines == []
    monkeypatch.undo()
    assert link(tmp_path / "a", tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        link(tmp_path / "gone", tmp_path / "c")


async def test_a_restore_works_where_folders_can_be_neither_synced_nor_linked(
    database_path: Path, tmp_path: Path
) -> None:
    """The whole command, in a process whose system calls answer as those of a CIFS share do."""
    database = await Database.open(database_path)
    store = PictureStore(picture_folder(database_path))
    names = [await store.save(b"a fox"), await store.save(b"a hen")]
    made = await Backups(database_path, tmp_path / "backups", keep=1).run_daily()
    await database.close()
    assert made is not None
    script = (
        "import errno, os, runpy, stat, sys\n"
        "sync = os.fsync\n"
        "def fsync(handle):\n"
        "    if stat.S_ISDIR(os.fstat(handle).st_mode):\n"
        "        raise OSError(errno.EINVAL, 'Invalid argument')\n"
        "    sync(handle)\n"
        "def link(*_, **__):\n"
        "    raise OSError(errno.EPERM, 'Operation not permitted')\n"
        "os.fsync, os.link = fsync, link\n"
        f"sys.argv = ['bot', 'restore', {str(made)!r}]\n"
        "runpy.run_module('bot', run_name='__main__')\n"
    )
    new = tmp_path / "new" / "bot.sqlite3"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=tmp_path,
        env=make_environment(BOT_DATABASE__PATH=str(new)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stdout) == (0, f"{new} is now what {made} holds\n"), ended.stderr
    assert list(export_ledger(new)) == list(export_ledger(database_path))
    assert sorted(path.name for path in picture_folder(new).iterdir()) == sorted(names)
    synced, linked = ended.stderr.splitlines()
    assert "folder cannot be synced" in synced
    assert "folder takes no hard links" in linked
