"""The database connection: cancellation, batches, locks, versions, and files that are no such database."""

from __future__ import annotations

import asyncio
import getpass
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.domain.errors import ContractViolation, OperatorError
from bot.storage import database as database_module
from bot.storage import schema
from bot.storage.database import Database
from bot.storage.file_lock import acquire_lock
from bot.storage.read_only import open_read_only
from tests.support.paths import ROOT
from tests.support.sql import rows, traced
from tests.support.waiting import PATIENCE_SECONDS, soon


def _insert(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(
        "INSERT INTO command_syncs (application_id, payload_sha256, synced_at) VALUES (?, 'x', 0)", (number,)
    )


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM command_syncs").fetchone()[0])


async def test_a_unit_is_committed_and_its_value_returned(database: Database) -> None:
    await database.run(lambda tx: _insert(tx, 1))
    assert await database.run(_count) == 1


async def test_a_unit_that_raises_rolls_back_only_its_own_changes(database: Database) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        _insert(connection, 100)
        raise LookupError("after the write")

    units = [lambda tx, n=n: _insert(tx, n) for n in range(10)]
    outcomes = await asyncio.gather(
        *(database.run(unit) for unit in units), database.run(broken), return_exceptions=True
    )
    assert isinstance(outcomes[-1], LookupError)
    assert await database.run(_count) == 10


@pytest.mark.units_run_once
async def test_units_share_a_commit_without_savepoints_unless_one_raises(database: Database) -> None:
    runs = dict.fromkeys(range(5), 0)

    def unit(connection: sqlite3.Connection, number: int, *, raises: bool = False) -> int:
        runs[number] += 1
        _insert(connection, 10 * number + runs[number])
        if raises:
            raise LookupError(number)
        return runs[number]

    async with traced(database) as statements:
        assert await asyncio.gather(*(database.run(partial(unit, number=n)) for n in range(5))) == [1] * 5
    assert not [each for each in statements if "SAVEPOINT" in each]
    outcomes = await asyncio.gather(
        *(database.run(partial(unit, number=n, raises=n in {1, 3})) for n in range(5)), return_exceptions=True
    )
    # The first two were run until one raised, then all behind savepoints.
    assert [repr(each) for each in outcomes] == ["3", "LookupError(1)", "2", "LookupError(3)", "2"]
    numbers = await rows(database, "SELECT application_id FROM command_syncs ORDER BY 1")
    assert numbers == [(1,), (3,), (11,), (21,), (22,), (31,), (41,), (42,)]


async def test_two_thousand_cancelled_callers_leave_no_transaction_open(database: Database) -> None:
    async def caller(number: int) -> None:
        await database.run(lambda tx: _insert(tx, number))

    tasks = [asyncio.create_task(caller(number)) for number in range(2000)]
    for turn, task in enumerate(tasks):
        if turn % 3 == 0:
            await asyncio.sleep(0)
        if turn % 2 == 0:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # A unit in the queue runs even if its caller is cancelled; other cancelled ones never start.
    completed = sum(1 for task in tasks if not task.cancelled())
    assert completed <= await database.run(_count) <= 2000
    await database.run(lambda tx: _insert(tx, 5000))


async def test_close_runs_the_waiting_units(database_path: Path) -> None:
    opened = await Database.open(database_path)
    waiting = [asyncio.create_task(opened.run(partial(_insert, number=n))) for n in range(50)]
    await asyncio.sleep(0)
    await opened.close()
    await asyncio.gather(*waiting)
    reopened = await Database.open(database_path)
    assert await reopened.run(_count) == 50
    await reopened.close()
    await reopened.close()
    with pytest.raises(OperatorError, match="already closed"):
        await reopened.run(_count)


async def test_a_unit_submitted_during_close_is_refused(database_path: Path) -> None:
    opened = await Database.open(database_path)
    busy, go_on = threading.Event(), threading.Event()

    def last(_: sqlite3.Connection) -> None:
        busy.set()
        go_on.wait(PATIENCE_SECONDS)

    working = asyncio.create_task(opened.run(last))
    closing = asyncio.create_task(opened.close())  # in one batch with the last unit
    await asyncio.to_thread(busy.wait, PATIENCE_SECONDS)
    late = asyncio.create_task(opened.run(_count))
    await asyncio.sleep(0)
    go_on.set()
    await soon(asyncio.gather(working, closing))
    with pytest.raises(OperatorError, match="already closed"):
        await soon(late)


async def test_a_unit_that_ends_the_transaction_does_not_stop_the_next_one(database: Database) -> None:
    def rogue(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise LookupError("after it")

    with pytest.raises(LookupError):
        await soon(database.run(rogue))
    assert await soon(database.run(_count)) == 0


async def test_a_violated_constraint_is_a_contract_violation(database: Database) -> None:
    await database.run(lambda tx: _insert(tx, 1))
    with pytest.raises(ContractViolation, match="UNIQUE") as broken:
        await database.run(lambda tx: _insert(tx, 1))
    assert broken.value.code == "bug"


async def test_no_file_name_opens_a_database_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x?mode=memory", "a b%41#?.db"):
        opened = await Database.open(Path(name))
        await opened.run(lambda tx: _insert(tx, 1))
        await opened.close()
        reader = open_read_only(Path(name))
        assert _count(reader) == 1
        reader.close()


async def test_commits_are_durable_and_foreign_keys_are_checked(database: Database) -> None:
    pragmas = await database.run(
        lambda tx: [
            tx.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    assert pragmas == ["wal", 2, 1]


async def test_every_table_is_strict(database: Database) -> None:
    loose = await database.run(
        lambda tx: [
            row["name"]
            for row in tx.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'")
            if not row["strict"] and not row["name"].startswith("sqlite_")
        ]
    )
    assert loose == []


async def test_a_second_process_is_refused_in_one_line(database: Database, database_path: Path) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from bot.storage.database import Database\n"
        "from bot.domain.errors import OperatorError\n"
        "try:\n    asyncio.run(Database.open(pathlib.Path(sys.argv[1])))\n"
        "except OperatorError as error:\n    print(error)\n"
    )
    second = subprocess.run(
        [sys.executable, "-c", program, str(database_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert "another bot process is using it" in second.stdout
    assert second.stderr == ""
    assert len(second.stdout.splitlines()) == 1


async def test_a_symbolic_link_does_not_bypass_the_lock(
    database: Database, database_path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "another.sqlite3"
    link.symlink_to(database_path)
    with pytest.raises(OperatorError, match="another bot process"):
        await (await Database.open(link)).close()
    assert await database.run(_count) == 0


async def test_closing_releases_the_lock(database_path: Path) -> None:
    for _ in range(2):
        opened = await Database.open(database_path)
        await opened.close()


async def test_a_newer_database_is_left_alone(database_path: Path) -> None:
    await (await Database.open(database_path)).close()
    with sqlite3.connect(database_path) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.migrations()) + 1}")
    connection.close()
    before = database_path.read_bytes()
    with pytest.raises(OperatorError, match="install a newer Kuas"):
        await Database.open(database_path)
    assert database_path.read_bytes() == before


async def test_a_database_of_another_program_is_left_alone(database_path: Path) -> None:
    database_path.parent.mkdir()
    connection = sqlite3.connect(database_path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(OperatorError, match="another program"):
        await Database.open(database_path)
    connection = sqlite3.connect(database_path)
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["recipes"]
    connection.close()


async def test_a_file_that_is_no_database_is_left_alone(database_path: Path) -> None:
    database_path.parent.mkdir()
    database_path.write_text("my shopping list\n" * 400)
    before = database_path.read_bytes()
    with pytest.raises(OperatorError, match="not a SQLite database"):
        await Database.open(database_path)
    assert database_path.read_bytes() == before


async def test_a_folder_at_the_path_is_an_operator_error(database_path: Path) -> None:
    database_path.mkdir(parents=True)
    with pytest.raises(OperatorError, match="cannot be opened"):
        await Database.open(database_path)


async def test_a_file_in_place_of_the_folder_is_an_operator_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(OperatorError, match="database"):
        await Database.open(tmp_path / "data" / "bot.sqlite3")


async def test_a_database_locked_by_another_program_is_an_operator_error(
    database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Database.open(database_path)).close()
    holder = sqlite3.connect(database_path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(
        database_module, "_PRAGMAS", ("PRAGMA journal_mode = WAL", "PRAGMA busy_timeout = 50")
    )
    try:
        with pytest.raises(OperatorError, match="locked by another process"):
            await Database.open(database_path)
    finally:
        holder.close()


async def test_a_full_disk_fails_the_unit_and_keeps_the_data(database: Database) -> None:
    await database.run(lambda tx: _insert(tx, 1))

    def bound(connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await database.run(bound)
    picture = bytes(1_000_000)

    def keep(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO kept_inside VALUES ('j', 'png', 1, 1, ?, 0)", (picture,))

    with pytest.raises(OperatorError, match="disk is full"):
        await database.run(keep)
    assert await database.run(_count) == 1
    assert await database.run(lambda tx: tx.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


async def test_a_failed_migration_is_rolled_back(
    tmp_path: Path, database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Database.open(database_path)).close()
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in schema.migrations():
        (folder / file.name).write_text(file.read_text())
    (folder / "9999_broken.sql").write_text(
        "-- fails half way\nCREATE TABLE half (x INT) STRICT;\nSELECT nope;\n"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    with pytest.raises(OperatorError, match="nope"):
        await Database.open(database_path)
    monkeypatch.undo()
    opened = await Database.open(database_path)
    tables = await opened.run(
        lambda tx: [row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    )
    assert "half" not in tables
    await opened.close()


async def test_readers_need_no_lock_and_cannot_write(database: Database, database_path: Path) -> None:
    await database.run(lambda tx: _insert(tx, 1))
    reader = open_read_only(database_path)
    try:
        assert _count(reader) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            _insert(reader, 2)
    finally:
        reader.close()


def test_opening_a_missing_database_read_only_creates_none(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no such file"):
        open_read_only(tmp_path / "none.sqlite3")
    assert not (tmp_path / "none.sqlite3").exists()


LOCK_AS_ANOTHER_USER = """
import os, pathlib, sys
from bot.domain.errors import OperatorError
from bot.storage.file_lock import acquire_lock
if os.geteuid() == 0:  # root may write whatever the mode says
    os.setgid(65534)
    os.setuid(65534)
try:
    acquire_lock(pathlib.Path(sys.argv[1]))
    print("locked")
except OperatorError as error:
    print(error)
"""


@pytest.mark.parametrize("held", [False, True], ids=["nobody holds it", "its owner holds it"])
def test_a_read_only_lock_file_is_an_operator_error(held: bool) -> None:
    with TemporaryDirectory() as folder:  # not `tmp_path`, where no other user may look
        path = Path(folder).resolve() / "bot.sqlite3"
        Path(folder).chmod(0o777)
        holder = acquire_lock(path)
        if not held:
            holder.close()
        path.with_name("bot.sqlite3.lock").chmod(0o444)
        answer = subprocess.run(
            [sys.executable, "-c", LOCK_AS_ANOTHER_USER, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        ).stdout
        holder.close()
    if held:
        assert "another bot process is using it" in answer
    else:
        assert f"{path}.lock belongs to {getpass.getuser()} and may not be written" in answer
