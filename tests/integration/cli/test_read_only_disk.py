"""Commands where nothing can be written: a disk that is read-only, and a folder of another user."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.copies import verify
from bot.storage.database import Database
from bot.storage.integrity import quick_check
from bot.storage.read_only import open_read_only
from tests.support.command_line import SECRETS, run_bot
from tests.support.factories import NO_CONTEXT, accept, make_job
from tests.support.paths import ROOT
from tests.support.small_disk import SmallFileSystem, small_file_system
from tests.support.waiting import PATIENCE_SECONDS


async def make_database(path: Path, jobs: int = 1) -> None:
    database = await Database.open(path)
    for _ in range(jobs):
        await accept(JobStore(database, Limit(200, Period.MONTH)), make_job(), NO_CONTEXT)
    await database.close()


async def make_database_with_log(path: Path, *, shared_memory: bool) -> None:
    """Make a database as after a crash: its second entry is in the write-ahead log alone."""
    working = path.with_name("working.sqlite3")
    await make_database(working)
    with closing(sqlite3.connect(working, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM jobs").fetchall()  # keeps the log from being emptied
        await make_database(working)
        for ending in ("", "-wal", *(["-shm"] if shared_memory else [])):
            path.with_name(path.name + ending).write_bytes(
                working.with_name(working.name + ending).read_bytes()
            )
    assert path.with_name(path.name + "-wal").stat().st_size
    for file in path.parent.glob("working*"):
        file.unlink()


@pytest.fixture
def file_system(tmp_path: Path) -> Iterator[SmallFileSystem]:
    (tmp_path / "config.toml").write_text("".join(SECRETS))
    with small_file_system(tmp_path / "disk") as small:
        yield small


async def test_ledger_and_backup_work_on_a_read_only_disk(
    file_system: SmallFileSystem, tmp_path: Path
) -> None:
    path = file_system.folder / "bot.sqlite3"
    await make_database(path, jobs=2)
    file_system.make_read_only()
    ledger = run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(path))
    assert (ledger.returncode, ledger.stderr, len(ledger.stdout.splitlines())) == (0, "", 2)
    saved = run_bot(tmp_path, "backup", "copy.sqlite3", BOT_DATABASE__PATH=str(path))
    assert (saved.returncode, saved.stderr) == (0, "")
    verify(tmp_path / "copy.sqlite3")
    assert quick_check(path)


@pytest.mark.parametrize("shared_memory", [True, False])
async def test_no_entry_of_the_write_ahead_log_is_missing_on_a_read_only_disk(
    file_system: SmallFileSystem, tmp_path: Path, shared_memory: bool
) -> None:
    path = file_system.folder / "bot.sqlite3"
    await make_database_with_log(path, shared_memory=shared_memory)
    file_system.make_read_only()
    ledger = run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(path))
    assert (ledger.returncode, len(ledger.stdout.splitlines())) == (0, 2)
    assert ("bot.sqlite3-wal holds its newest entries" in ledger.stderr) == (not shared_memory)
    saved = run_bot(tmp_path, "backup", "copy.sqlite3", BOT_DATABASE__PATH=str(path))
    assert saved.returncode == 0
    with closing(open_read_only(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT count(*) FROM jobs").fetchone()[0] == 2


@pytest.mark.parametrize("locked_before", [True, False])
async def test_other_commands_say_that_the_disk_is_read_only(
    file_system: SmallFileSystem, tmp_path: Path, locked_before: bool
) -> None:
    path = file_system.folder / "bot.sqlite3"
    await make_database(path)
    if not locked_before:
        path.with_name("bot.sqlite3.lock").unlink()
    file_system.make_read_only()
    (tmp_path / "backup.sqlite3").touch()
    for arguments in ((), ("operator", "guilds")):
        refused = run_bot(tmp_path, *arguments, BOT_DATABASE__PATH=str(path), BOT_LOG__LEVEL="warning")
        assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
        assert "its disk is read-only" in refused.stderr
    onto_it = run_bot(tmp_path, "backup", str(path.with_name("copy")), BOT_DATABASE__PATH=str(path))
    assert onto_it.returncode == 1
    assert "Read-only file system" in onto_it.stderr


async def test_a_full_disk_does_not_keep_the_ledger_from_being_read(
    file_system: SmallFileSystem, tmp_path: Path
) -> None:
    path = file_system.folder / "bot.sqlite3"
    await make_database(path, jobs=2)
    file_system.fill()
    ledger = run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(path))
    assert (ledger.returncode, ledger.stderr, len(ledger.stdout.splitlines())) == (0, "", 2)


AS_ANOTHER_USER = """
import locale, os, sys
import bot.cli.database_commands  # before the other user, who may not be allowed to read them
from bot.__main__ import main
if os.geteuid() == 0:  # root may write whatever the mode says
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(["ledger"]))
"""


@pytest.mark.parametrize("log", ["none", "with shared memory", "alone"])
async def test_ledger_works_in_a_folder_that_may_only_be_read(log: str) -> None:
    with TemporaryDirectory() as folder:  # not `tmp_path`, where no other user may look
        path = Path(folder) / "bot.sqlite3"
        if log == "none":
            await make_database(path, jobs=2)
        else:
            await make_database_with_log(path, shared_memory=log == "with shared memory")
        for file in path.parent.iterdir():
            file.chmod(0o444)
        path.parent.chmod(0o555)
        answer = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER],
            cwd=ROOT,
            env=os.environ | {"BOT_DATABASE__PATH": str(path)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        path.parent.chmod(0o755)
    assert (answer.returncode, len(answer.stdout.splitlines())) == (0, 2), answer.stderr
    assert ("bot.sqlite3-wal holds its newest entries" in answer.stderr) == (log == "alone")
