"""Terminals, pipes and full disks, as a process meets them: no traceback, and the right exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.credits.ledger_export import export_ledger
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.guilds.pauses import PauseStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.command_line import make_environment
from tests.support.factories import NO_CONTEXT, accept, make_job
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE_SECONDS, until

ASCII_TERMINAL = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}


@pytest.fixture
async def books(database_path: Path) -> Path:
    """A database with one reservation, and no process on it."""
    database = await Database.open(database_path)
    await accept(JobStore(database, Limit(200, Period.MONTH)), make_job(), NO_CONTEXT)
    await database.close()
    return database_path


def run(
    folder: Path, books: Path, *arguments: str, stdout: int, shell_redirect: str = "", **environ: str
) -> tuple[int, str]:
    """Run a command on the books; returns its exit code and what it wrote to standard error."""
    command = [sys.executable, "-m", "bot", *arguments]
    if shell_redirect:
        command = ["/bin/sh", "-c", f'exec "$@" {shell_redirect}', "sh", *command]
    ended = subprocess.run(
        command,
        check=False,
        cwd=folder,
        # Buffered, as it is by default: a few lines are written only at the end.
        env=make_environment(BOT_DATABASE__PATH=str(books), PYTHONUNBUFFERED="", **environ),
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
    )
    return ended.returncode, ended.stderr.decode()


def closed_pipe() -> int:
    """Return the end of a pipe whose reader has ended."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_terminal_without_emoji_gets_their_escapes(books: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy-🦊.sqlite3"
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "backup", target],
        check=False,
        cwd=tmp_path,
        env=make_environment(BOT_DATABASE__PATH=str(books), **ASCII_TERMINAL) | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert rb"copy-\U0001f98a.sqlite3" in ended.stdout
    assert len(list(export_ledger(target))) == 1


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_name_that_is_no_text_is_refused_with_the_usage(books: Path, tmp_path: Path, command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bot", command, b"copy-\xff.sqlite3"],
        check=False,
        cwd=tmp_path,
        env=make_environment(BOT_DATABASE__PATH=str(books)),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"no UTF-8" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_database_whose_name_is_no_text_is_a_wrong_setting(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "ledger"],
        check=False,
        cwd=tmp_path,
        env=make_environment(BOT_DATABASE__PATH="books-\udcff.sqlite3"),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.startswith(b"database.path: must be the path of a file")


def test_a_ledger_that_nobody_reads_ends_silently_and_fails(books: Path, tmp_path: Path) -> None:
    writer = closed_pipe()
    assert run(tmp_path, books, "ledger", stdout=writer) == (1, "")
    os.close(writer)


def test_a_ledger_on_a_full_disk_fails_in_one_line(books: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        code, errors = run(tmp_path, books, "ledger", stdout=full.fileno())
    assert (code, errors) == (1, "standard output: No space left on device\n")


def test_a_copy_that_was_made_is_no_failure_whoever_reads_of_it(books: Path, tmp_path: Path) -> None:
    writer = closed_pipe()
    assert run(tmp_path, books, "backup", "a.sqlite3", stdout=writer) == (0, "")
    with Path("/dev/full").open("wb") as full:
        code, errors = run(tmp_path, books, "backup", "b.sqlite3", stdout=full.fileno())
    assert (code, errors) == (0, "standard output: No space left on device\n")
    assert run(tmp_path, books, "restore", "b.sqlite3", stdout=writer) == (0, "")
    os.close(writer)
    assert len(list(export_ledger(tmp_path / "a.sqlite3"))) == 1


async def test_a_pause_that_nobody_reads_of_is_set_and_no_failure(books: Path, tmp_path: Path) -> None:
    writer = closed_pipe()
    assert run(tmp_path, books, "operator", "pause", stdout=writer) == (0, "")
    os.close(writer)
    database = await Database.open(books)
    assert [pause.guild_id for pause in await PauseStore(database).active()] == [0]
    await database.close()


@pytest.mark.parametrize("arguments", [("--help",), ("operator", "pause", "--help")])
def test_help_that_nobody_reads_leaves_no_message(
    books: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    writer = closed_pipe()
    assert run(tmp_path, books, *arguments, stdout=writer) == (0, "")
    os.close(writer)


async def test_a_full_pipe_that_does_not_block_is_waited_for(books: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filled = 0
    try:
        while True:
            filled += os.write(writer, b"x" * 65536)
    except BlockingIOError:
        assert filled
    copy = tmp_path / "copy.sqlite3"
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "backup", str(copy)],
        cwd=tmp_path,
        env=make_environment(BOT_DATABASE__PATH=str(books)),
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    with process, os.fdopen(reader, "rb") as pipe:
        await until(lambda: copy.exists() or process.poll() is not None)
        printed = pipe.read()
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, errors) == (0, b"")
    assert printed.removeprefix(b"x" * filled) == f"the whole database is in {copy}\n".encode()


@pytest.mark.parametrize("redirect", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_give_their_numbers_to_the_files_of_the_command(
    books: Path, tmp_path: Path, redirect: str
) -> None:
    outcome = run(
        tmp_path, books, "backup", "copy.sqlite3", stdout=subprocess.DEVNULL, shell_redirect=redirect
    )
    assert outcome == (0, "")
    assert len(list(export_ledger(tmp_path / "copy.sqlite3"))) == 1
    code, _ = run(
        tmp_path, books, "backup", "copy.sqlite3", stdout=subprocess.DEVNULL, shell_redirect=redirect
    )
    assert code == 1


@pytest.mark.parametrize("redirect", [">&-", "<&- >&-"])
def test_a_library_may_open_a_file_before_the_closed_streams_are_replaced(
    books: Path, tmp_path: Path, redirect: str
) -> None:
    hook = tmp_path / "hook"
    hook.mkdir()
    code = "import os; os.open(os.devnull, os.O_RDONLY); os.open(os.devnull, os.O_RDONLY)"
    (hook / "sitecustomize.py").write_text(code, "utf-8")  # as libffi does with its own file at its import
    outcome = run(
        *(tmp_path, books, "backup", "copy.sqlite3"),
        stdout=subprocess.DEVNULL,
        shell_redirect=redirect,
        PYTHONPATH=f"{hook}:{ROOT}",
    )
    assert outcome == (0, "")


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-"])
def test_wrong_settings_exit_with_2_also_if_they_cannot_be_named(
    books: Path, tmp_path: Path, redirect: str
) -> None:
    (tmp_path / "config.toml").write_text("[databse]\n")
    code, _ = run(tmp_path, books, "run", stdout=subprocess.DEVNULL, shell_redirect=redirect)
    assert code == 2


def test_wrong_settings_exit_with_2_also_if_nobody_reads_why(books: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[databse]\n")
    writer = closed_pipe()
    code, _ = run(tmp_path, books, "run", stdout=writer, shell_redirect="2>&1")
    os.close(writer)
    assert code == 2
