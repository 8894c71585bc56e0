"""A database of before groups: its jobs move to a new table, unchanged, and rows still refer to them."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bot.domain.errors import ContractViolation, OperatorError
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.jobs.groups import GroupStore
from bot.jobs.store import JobStore
from bot.storage import schema
from bot.storage.database import Database
from bot.storage.schema import APPLICATION_ID, add_functions, migrate, migrations
from tests.support.sql import rows

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = [file for file in migrations() if file.stem < "0020"]
MOVED_AWAY = {
    *("reference_url", "reference_filename", "reference_type", "reference_bytes", "reference_sha256"),
    *("upload_url", "upload_mime", "upload_name", "upload_seconds", "upload_token"),
}
"""The columns that 0018 has emptied."""
COUNT = 40
STAGES = ("accepted", "uploaded", "created", "succeeded", "failed", "delivered", "undeliverable", "cancelled")


def insert(connection: sqlite3.Connection, table: str, values: dict[str, object]) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def fill(connection: sqlite3.Connection) -> None:
    """Add jobs in every stage, each column with a value of its own: private, late and anonymised ones."""
    drawn = random.Random(20)
    columns = [tuple(row[1:3]) for row in connection.execute("PRAGMA table_info(jobs)")]
    for number in range(1, COUNT + 1):
        stage = STAGES[number % len(STAGES)]
        values: dict[str, object] = {
            name: drawn.choice([None, f"{name} {number}" if kind == "TEXT" else number * 7])
            for name, kind in columns
        }
        values |= {
            name: f"{name} {number}"
            for name in ("interaction_token", "locale", "guild_locale", "prompt", "model", "size", "format")
        }
        values |= dict.fromkeys(("guild_id", "channel_id", "user_id", "application_id"), number % 3)
        values |= {
            "job_id": f"{COUNT - number:036}",  # not in the order of the rows
            "interaction_id": 1000 + 7 * number,
            "upload_limit_bytes": 100,
            "private": number % 2,
            "spoiler": number % 2,
            "loose_safety": number % 2,
            "failure_in_doubt": drawn.choice([None, 0, 1]),
            "parent_job_id": None if number == 1 else f"{COUNT - 1:036}",
            "stage": stage,
            "quote_credits": 4,
            "settings": drawn.choice([None, '[["seed", 5]]']),
            "landed_way": drawn.choice(["reply", "channel", "share"]),
            "accepted_at": number,
            "task_id": f"task {number}",
            "failure_who": "rivya" if stage == "failed" else None,
            "finished_at": number + 9 if stage in {"delivered", "failed", "cancelled"} else None,
            **dict.fromkeys(MOVED_AWAY),
        }
        if number % 5 == 0:  # erased
            values |= {"user_id": 0, "channel_id": 0, "prompt": "", "locale": "", "create_body": None}
        insert(connection, "jobs", values)
        for place in range(1, number % 4):
            insert(
                connection,
                "job_references",
                {"job_id": values["job_id"], "number": place, "url": "https://cdn/x", "filename": "x.png",
                 "type": None, "bytes": 9},
            )  # fmt: skip
        insert(
            connection,
            "reservations",
            {"job_id": values["job_id"], "guild_id": 1, "user_id": 7, "state": "held", "reserved_credits": 4,
             "counted_credits": 4, "guild_credits": 4, "member_credits": 4, "created_at": number},
        )  # fmt: skip


@pytest.fixture
def old_database(database_path: Path) -> Path:
    database_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database_path)) as connection, connection:
        add_functions(connection)
        for file in BEFORE:
            connection.executescript(file.read_text("utf-8"))
        fill(connection)
        connection.execute(f"PRAGMA user_version = {len(BEFORE)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return database_path


def table(path: Path, name: str, without: set[str]) -> list[dict[str, object]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(f"SELECT * FROM {name}").fetchall()
        return [{key: row[key] for key in row.keys() if key not in without} for row in found]  # noqa: SIM118


async def test_every_row_is_as_it_was_and_alone(old_database: Path) -> None:
    tables = ("jobs", "job_references", "reservations", "kept_pictures", "drafts")
    before = {name: table(old_database, name, MOVED_AWAY) for name in tables}
    assert len(before["jobs"]) == COUNT
    database = await Database.open(old_database)
    try:
        unfinished = await JobStore(database, Limit(200, Period.MONTH)).unfinished()
        assert {job.place for job in unfinished} == {None}
        assert await GroupStore(database).find(1007) is None
    finally:
        await database.close()
    jobs = table(old_database, "jobs", set())
    assert {(row["number"], row["group_size"], row["landed_attachment_id"]) for row in jobs} == {(1, 1, None)}
    known = set(before["jobs"][0])
    assert [{name: row[name] for name in known} for row in jobs] == before["jobs"], "in the same order"
    for name in ("job_references", "reservations"):
        shared = set(before[name][0])
        assert [{key: row[key] for key in shared} for row in table(old_database, name, set())] == before[name]
    assert table(old_database, "job_groups", set()) == table(old_database, "group_votes", set()) == []


async def test_keys_are_checked_again_afterwards(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        for statement in (
            "DELETE FROM jobs WHERE job_id = (SELECT job_id FROM job_references LIMIT 1)",
            "INSERT INTO group_votes VALUES (5, 7, 1, 1)",
            "UPDATE jobs SET parent_job_id = 'x'",
        ):
            with pytest.raises(ContractViolation, match="FOREIGN KEY"):
                await rows(database, statement)
    finally:
        await database.close()


def test_a_row_that_refers_to_nothing_stops_the_migration_and_changes_nothing(old_database: Path) -> None:
    with closing(sqlite3.connect(old_database)) as connection, connection:
        connection.execute("UPDATE job_references SET job_id = 'lost' || job_id WHERE number = 2")
    with closing(sqlite3.connect(old_database, isolation_level=None)) as connection:
        before = list(connection.iterdump())
        connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(OperatorError, match="a row of job_references refers to a row of jobs"):
            migrate(connection)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert not connection.in_transaction
        assert connection.execute("PRAGMA user_version").fetchone() == (len(BEFORE),)
        assert list(connection.iterdump()) == before


@pytest.mark.parametrize("checks", [0, 1])
def test_a_migration_that_fails_leaves_the_check_of_keys_as_it_was(
    old_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checks: int
) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in migrations():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / f"{len(migrations()) + 1:04}_broken.sql").write_text("DROP TABLE jobs;\nSELECT nonsense;\n")
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    with closing(sqlite3.connect(old_database, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA foreign_keys = {checks}")
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (checks,)
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (COUNT,)
