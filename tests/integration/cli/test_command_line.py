"""`python -m bot` as an operator runs it: as a process, with a configuration file."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.credits.ledger_export import export_ledger
from bot.domain.jobs import DeliveredMessage, DeliveryMethod
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.copies import backup
from bot.storage.database import Database
from tests.support.command_line import SECRETS, make_environment, run_bot
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
async def filled_database(database_path: Path) -> Path:
    """A database with one settled, one released and one held reservation, and no process on it."""
    database = await Database.open(database_path)
    store = JobStore(database, Limit(200, Period.MONTH))
    jobs = [
        make_job(make_request(guild_id=2**53 + 1, user_id=5), accepted_at=1_790_000_000_000 + n)
        for n in range(3)
    ]
    for job in jobs:
        await accept(store, job, NO_CONTEXT)
    await store.created(jobs[0].job_id, "task_1", 4)
    await store.succeeded(jobs[0].job_id, "https://example.org/p.png", 3)
    await store.delivered(jobs[0].job_id, DeliveredMessage(1, 2, DeliveryMethod.REPLY))
    await store.cancelled(jobs[1].job_id)
    await database.close()
    return database_path


def test_ledger_prints_json_lines_and_needs_no_token_or_key(filled_database: Path, tmp_path: Path) -> None:
    result = run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(filled_database))
    assert (result.returncode, result.stderr) == (0, "")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["state"], line["reserved_credits"], line["final_credits"]) for line in lines] == [
        ("settled", 4, 3),
        ("released", 4, 0),
        ("held", 4, None),
    ]
    assert lines[0].keys() == {
        *("job_id", "guild_id", "user_id", "state", "reserved_credits", "final_credits"),
        *("task_id", "created_at", "closed_at", "quoted_credits", "over_limit_credits", "model"),
    }
    assert (lines[0]["guild_id"], lines[0]["task_id"]) == ("9007199254740993", "task_1")
    assert lines[0]["created_at"] == "2026-09-21T14:13:20.000Z"
    assert lines[2]["closed_at"] is None


async def test_ledger_and_backup_work_while_a_bot_runs(filled_database: Path, tmp_path: Path) -> None:
    running = await Database.open(filled_database)
    try:
        assert (
            len(run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(filled_database)).stdout.splitlines()) == 3
        )
        copy = tmp_path / "copy.sqlite3"
        saved = run_bot(tmp_path, "backup", str(copy), BOT_DATABASE__PATH=str(filled_database))
        assert (saved.returncode, saved.stderr) == (0, "")
    finally:
        await running.close()
    again = run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(copy))
    assert again.stdout == run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(filled_database)).stdout
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


def test_a_backup_never_overwrites(filled_database: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    result = run_bot(tmp_path, "backup", "precious", BOT_DATABASE__PATH=str(filled_database))
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "exists already" in result.stderr
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("arguments", [("ledger",), ("backup", "copy")])
def test_a_missing_database_is_reported_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run_bot(tmp_path, *arguments, BOT_DATABASE__PATH=str(tmp_path / "none.sqlite3"))
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert not list(tmp_path.glob("none*"))


@pytest.mark.parametrize("name", ["x" * 300, "x" * 250, "nowhere/copy"])
def test_a_backup_that_cannot_be_written_is_reported_in_one_line(
    filled_database: Path, tmp_path: Path, name: str
) -> None:
    result = run_bot(tmp_path, "backup", name, BOT_DATABASE__PATH=str(filled_database))
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_backup_may_have_any_name(
    filled_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("file:copy", ":memory:", "a b%41#?.db"):
        backup(filled_database, Path(name))
        assert len(list(export_ledger(tmp_path / name))) == 3


@pytest.mark.parametrize("name", ["x" * 300, "."])
def test_an_impossible_database_path_is_reported_in_one_line(tmp_path: Path, name: str) -> None:
    result = run_bot(tmp_path, "ledger", BOT_DATABASE__PATH=str(tmp_path / "y" / ".." / name))
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)


def test_every_wrong_setting_is_reported_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[rivya]\npoll_seconds = "often"\nmax_runing = 3\n[log]\nlevel = 7\n'
    )
    result = run_bot(tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    for key in ("discord.token", "rivya.api_key", "rivya.poll_seconds", "rivya.max_runing", "log.level"):
        assert sum(line.startswith(key) for line in result.stderr.splitlines()) == 1, result.stderr
    assert "Traceback" not in result.stderr


def test_control_c_ends_a_command_silently(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "health"],
            cwd=tmp_path,
            env=make_environment(BOT_MONITOR__PORT=str(silent.getsockname()[1])),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            connection, _ = silent.accept()  # the command waits for a response from here on
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
            connection.close()
    assert (process.returncode, output) == (1, "")


@pytest.mark.parametrize("order", [("--config", "my.toml", "ledger"), ("ledger", "--config", "my.toml")])
def test_config_may_stand_before_or_after_the_command(
    filled_database: Path, tmp_path: Path, order: tuple[str, ...]
) -> None:
    (tmp_path / "my.toml").write_text(f'[database]\npath = "{filled_database}"\n')
    assert len(run_bot(tmp_path, *order).stdout.splitlines()) == 3


def test_a_second_bot_on_the_same_file_is_refused_in_one_line(tmp_path: Path, database_path: Path) -> None:
    (tmp_path / "config.toml").write_text("".join(SECRETS))
    database_path.parent.mkdir()
    database_path.touch()
    holder = sqlite3.connect(f"{database_path}.lock", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    result = run_bot(tmp_path, BOT_DATABASE__PATH=str(database_path), BOT_LOG__LEVEL="warning")
    holder.close()
    assert result.returncode == 1
    assert "another bot process is using it" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("host", "problem"), [("127.0.0.1", "another program"), ("192.0.2.1", "that address")]
)
def test_a_monitor_port_that_cannot_be_used_ends_the_start_in_one_line(
    tmp_path: Path, database_path: Path, host: str, problem: str
) -> None:
    (tmp_path / "config.toml").write_text("".join(SECRETS))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run_bot(
            tmp_path,
            BOT_DATABASE__PATH=str(database_path),
            BOT_MONITOR__PORT=port,
            BOT_MONITOR__HOST=host,
            BOT_LOG__LEVEL="error",
        )
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"monitor.port {port} on {host}: ")
    assert problem in line


async def test_a_backup_can_be_restored_only_after_the_bot_is_stopped(
    filled_database: Path, tmp_path: Path
) -> None:
    copy, place = tmp_path / "copy.sqlite3", {"BOT_DATABASE__PATH": str(filled_database)}
    assert run_bot(tmp_path, "backup", str(copy), **place).returncode == 0
    before = list(export_ledger(filled_database))
    running = await Database.open(filled_database)
    await accept(JobStore(running, Limit(200, Period.MONTH)), make_job())
    refused = run_bot(tmp_path, "restore", str(copy), **place)
    await running.close()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "another bot process is using it" in refused.stderr
    assert len(list(export_ledger(filled_database))) == len(before) + 1
    result = run_bot(tmp_path, "restore", str(copy), **place)
    assert (result.returncode, result.stderr) == (0, "")
    assert "what it was before is in" in result.stdout
    assert list(export_ledger(filled_database)) == before
    elsewhere = tmp_path / "elsewhere.sqlite3"
    result = run_bot(tmp_path, "restore", str(copy), BOT_DATABASE__PATH=str(elsewhere))
    assert (result.returncode, result.stdout) == (0, f"{elsewhere} is now what {copy} holds\n")
    assert list(export_ledger(elsewhere)) == before


def test_health_needs_no_secrets_and_names_the_port_that_does_not_answer(tmp_path: Path) -> None:
    unset = run_bot(tmp_path, "health")
    assert (unset.returncode, unset.stdout) == (1, "")
    assert "monitor.port" in unset.stderr
    optional = run_bot(tmp_path, "health", "--port-optional")
    assert (optional.returncode, optional.stdout) == (0, "monitor.port is not set: nothing to ask\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        result = run_bot(tmp_path, "health", "--port-optional", BOT_MONITOR__PORT=port)
    assert result.returncode == 1
    assert "no bot answers on port" in result.stderr


def test_windows_is_refused_in_one_line_before_anything_is_imported(tmp_path: Path) -> None:
    # Modules that Windows lacks cannot be imported here either, so that an import that is too early fails.
    script = (
        "import runpy, sys\n"
        "sys.platform = 'win32'\n"
        "for name in ('resource', 'fcntl', 'asyncio', 'discord'): sys.modules[name] = None\n"
        "runpy.run_module('bot', run_name='__main__')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=tmp_path,
        env=make_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
    assert "does not run on Windows" in ended.stderr
