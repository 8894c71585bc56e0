"""Settings of commands, as processes: every name is judged, and secrets are needed where they are used."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bot.credits.ledger_export import export_ledger
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.copies import backup
from bot.storage.database import Database
from tests.support.command_line import SECRETS, run_bot
from tests.support.factories import NO_CONTEXT, accept, make_job

COMMANDS = [
    ("restore", "copy.sqlite3"),
    ("ledger",),
    ("backup", "another.sqlite3"),
    ("health",),
    ("check",),
    ("run",),
    ("operator", "pause"),
    ("operator", "guilds"),
    ("operator", "wallet"),
]


@pytest.fixture
async def copy(database_path: Path, tmp_path: Path) -> Path:
    """A copy of a database with one reservation, in the working directory of the commands."""
    database = await Database.open(database_path)
    await accept(JobStore(database, Limit(200, Period.MONTH)), make_job(), NO_CONTEXT)
    await database.close()
    folder = tmp_path / "work"
    folder.mkdir()
    backup(database_path, folder / "copy.sqlite3")
    return folder / "copy.sqlite3"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_section_that_is_spelled_wrong_ends_every_command_with_2(
    copy: Path, database_path: Path, arguments: tuple[str, ...]
) -> None:
    (copy.parent / "config.toml").write_text(f'{"".join(SECRETS)}[databse]\npath = "{database_path}"\n')
    before = sorted(copy.parent.rglob("*"))
    result = run_bot(copy.parent, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "databse: unknown section in config.toml; did you mean database?\n"
    assert sorted(copy.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        *(("ledger",), ("backup", "another.sqlite3"), ("restore", "copy.sqlite3"), ("operator", "pause")),
        *(("operator", "guilds"), ("operator", "ceiling", "--all", "--credits", "4")),
    ],
    ids=" ".join,
)
def test_a_command_that_uses_no_secret_needs_none(
    copy: Path, database_path: Path, arguments: tuple[str, ...]
) -> None:
    (copy.parent / "config.toml").write_text(
        f'[database]\npath = "{database_path}"\n[discord]\ntoken = "put-the-bot-token-here"\n'
    )
    result = run_bot(copy.parent, *arguments)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["wallet", "reconcile"])
def test_a_command_that_calls_rivya_needs_the_key_and_no_token(
    copy: Path, database_path: Path, command: str
) -> None:
    wrong = {"BOT_LOG__LEVEL": "loud", "BOT_RIVYA__POLL_SECONDS": "0"}
    without = run_bot(copy.parent, "operator", command, BOT_DATABASE__PATH=str(database_path), **wrong)
    assert without.returncode == 2
    *mistakes, no_file = without.stderr.splitlines()
    names = [line.split(":")[0] for line in mistakes]
    assert names == ["rivya.api_key", "rivya.poll_seconds", "log.level"]
    assert no_file.startswith("there is no config.toml in the working directory")


def test_foreign_variables_as_kubernetes_makes_them_disturb_no_command(
    copy: Path, database_path: Path
) -> None:
    result = run_bot(
        copy.parent,
        "ledger",
        BOT_DATABASE__PATH=f'"{database_path}"\r',
        BOT_PORT="tcp://10.0.0.1:80",
        BOT_PORT_80_TCP="tcp://10.0.0.1:80",
        BOT_SERVICE_HOST="10.0.0.1",
        BOT_TOKEN="of another program",
    )
    assert (result.returncode, result.stderr, len(result.stdout.splitlines())) == (0, "", 1)


def test_a_restore_names_a_variable_that_may_have_meant_another_file(copy: Path) -> None:
    result = run_bot(copy.parent, "restore", "copy.sqlite3", BOT_DATABASE_PATH="/somewhere/else.sqlite3")
    restored = copy.parent / "data" / "bot.sqlite3"
    assert result.returncode == 0
    assert "BOT_DATABASE_PATH: this environment variable is not read" in result.stderr
    assert "did you mean BOT_DATABASE__PATH?" in result.stderr
    assert result.stdout == f"{restored} is now what copy.sqlite3 holds\n"
    assert len(list(export_ledger(restored))) == 1


def test_a_start_that_makes_a_new_database_names_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("".join(SECRETS))
    with socket.create_server(("127.0.0.1", 0)) as taken:  # ends the start before it logs in
        port = {"BOT_MONITOR__PORT": str(taken.getsockname()[1])}
        first = run_bot(tmp_path, **port, BOT_LOG__LEVEL="warning")
        second = run_bot(tmp_path, **port)
    (line,) = [line for line in first.stderr.splitlines() if "no database at this path yet" in line]
    assert str(tmp_path / "data" / "bot.sqlite3") in line
    assert "no database at this path yet" not in second.stderr


def test_a_start_names_a_variable_that_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("".join(SECRETS))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = {"BOT_MONITOR__PORT": str(taken.getsockname()[1])}
        result = run_bot(tmp_path, **port, BOT_LOG_LEVEL="debug", BOT_LOG__FORMAT="json")
    assert '"hint": "BOT_LOG_LEVEL: this environment variable is not read; did you mean BOT_LOG__LEVEL?"' in (
        result.stderr
    )


def test_a_start_names_the_settings_file_that_it_reads(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("".join(SECRETS))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = {"BOT_MONITOR__PORT": str(taken.getsockname()[1]), "BOT_LOG__FORMAT": "json"}
        here = run_bot(tmp_path, **port)
        named = run_bot(tmp_path, "--config", "config.toml", "run", **port)
    for result in (here, named):
        assert f'"file": "{tmp_path / "config.toml"}"' in result.stderr
