"""The references of a database in which they were columns of their job or draft."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.jobs import Reference, Stage, UploadedReference
from bot.domain.limits import Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from bot.storage.schema import APPLICATION_ID, add_functions, migrations

BEFORE = [file for file in migrations() if file.stem < "0018"]
JOB = """
INSERT INTO jobs (job_id, interaction_id, interaction_token, application_id, guild_id, channel_id, user_id,
    upload_limit_bytes, locale, private, spoiler, prompt, model, size, format, stage, quote_credits,
    accepted_at, reference_url, reference_filename, reference_type, reference_bytes, reference_sha256,
    upload_url, upload_mime, upload_name, upload_seconds, upload_token)
VALUES (?, ?, 'token', 1, 1, 1, 7, 100, 'en-US', 0, 0, 'a fox', 'qwen-image', 'square', 'png', ?, 4, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
COLUMNS = (
    *("reference_url", "reference_filename", "reference_type", "reference_bytes", "reference_sha256"),
    *("upload_url", "upload_mime", "upload_name", "upload_seconds", "upload_token"),
)
NOTHING = (None,) * len(COLUMNS)
PLAIN = ("https://cdn/fox.png", "fox.png", "image/png", 9, None, *(None,) * 5)
UPLOADED = (
    *("https://cdn/cat.png", "cat 🐈.png", None, 0, "a" * 64),
    *("https://rivya/1", "image/jpeg", "reference.jpeg", 1.5, "proof"),
)


@pytest.fixture
def old_database(database_path: Path) -> Path:
    database_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database_path)) as connection, connection:
        add_functions(connection)
        for file in BEFORE:
            connection.executescript(file.read_text("utf-8"))
        jobs = ((1, "accepted", NOTHING), (2, "accepted", PLAIN), (3, "uploaded", UPLOADED))
        for number, stage, columns in jobs:
            connection.execute(JOB, (f"{number:036}", number, stage, number, *columns))
        connection.execute(
            "INSERT INTO drafts (draft_id, guild_id, user_id, prompt, model, size, format, private, spoiler,"
            " reference_url, reference_filename, reference_type, reference_bytes, reference_sha256,"
            " drafted_at)"
            " VALUES (5, 1, 7, 'a cat', 'qwen-image', 'square', 'png', 0, 0, ?, ?, ?, ?, ?, ?)",
            (*UPLOADED[:5], 2**52),
        )
        connection.execute(f"PRAGMA user_version = {len(BEFORE)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return database_path


async def test_each_becomes_a_row_and_the_jobs_go_on_from_where_they_were(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        none, plain, uploaded = await JobStore(database, Limit(200, Period.MONTH)).unfinished()
        draft = await DraftStore(database, default_catalog()).find(5)
    finally:
        await database.close()
    assert (none.request.references, none.uploads, none.stage) == ((), (), Stage.ACCEPTED)
    assert plain.request.references == (Reference(*PLAIN[:5]),)
    assert (plain.uploads, plain.stage) == ((), Stage.ACCEPTED)
    assert uploaded.request.references == (Reference(*UPLOADED[:5]),)
    assert uploaded.uploads == (UploadedReference(*UPLOADED[5:]),)
    assert uploaded.stage is Stage.UPLOADED
    assert draft is not None
    assert draft.references == uploaded.request.references


async def test_the_columns_of_before_are_gone(old_database: Path) -> None:
    await (await Database.open(old_database)).close()
    with closing(sqlite3.connect(old_database)) as connection:
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(jobs)")}
    assert columns.isdisjoint(COLUMNS)
    assert "job_id" in columns


async def test_a_job_of_before_goes_on_to_its_task(old_database: Path) -> None:
    database = await Database.open(old_database)
    try:
        store = JobStore(database, Limit(200, Period.MONTH))
        job = await store.uploaded(f"{2:036}", 1, UploadedReference("https://rivya/2", None), "b" * 64)
        assert job.stage is Stage.UPLOADED
        assert (await store.creating(f"{3:036}", "{}")).uploads == (UploadedReference(*UPLOADED[5:]),)
    finally:
        await database.close()
