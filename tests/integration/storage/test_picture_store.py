"""Stored pictures: each stored once, completely or not at all, and deleted only when nothing refers to it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import OperatorError
from bot.domain.jobs import (
    DeliveredMessage,
    DeliveryMethod,
    Job,
    Picture,
    Reference,
    UploadedReference,
    stored_url,
)
from bot.domain.model_catalog import default_catalog
from bot.jobs import picture_retention as retention_module
from bot.jobs.picture_retention import PictureRetention
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.store import JobStore
from bot.storage import picture_store as store_module
from bot.storage.database import Database
from bot.storage.picture_store import MIN_AGE_SECONDS, PictureStore, picture_folder
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.forks import run_program
from tests.support.jobs import create_task
from tests.support.paths import ROOT
from tests.support.sql import rows

PICTURE = bytes(range(256)) * 50
DAY_SECONDS = 24 * 60 * 60


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(database_path: Path) -> Path:
    return picture_folder(database_path)


@pytest.fixture
def picture_store(folder: Path) -> PictureStore:
    return PictureStore(folder)


@pytest.fixture
def picture_retention(database: Database, picture_store: PictureStore) -> PictureRetention:
    return PictureRetention(database, picture_store)


def set_make_old(path: Path, seconds: float = MIN_AGE_SECONDS + 1) -> None:
    at = time.time() - seconds
    os.utime(path, (at, at))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# Saving.


async def test_a_picture_is_one_file_named_by_its_hash(picture_store: PictureStore, folder: Path) -> None:
    assert not folder.exists(), "no folder is made before a picture is saved"
    assert await picture_store.read(sha256_of(PICTURE)) is None
    assert not picture_store.exists(sha256_of(PICTURE))
    assert await picture_store.list_expired() == []
    assert await picture_store.save(PICTURE) == sha256_of(PICTURE)
    assert files(folder) == [sha256_of(PICTURE)]
    assert picture_store.path(sha256_of(PICTURE)).read_bytes() == PICTURE
    assert await picture_store.read(sha256_of(PICTURE)) == PICTURE
    assert picture_store.exists(sha256_of(PICTURE))


async def test_a_file_is_stored_under_the_hash_of_its_bytes(
    picture_store: PictureStore, tmp_path: Path
) -> None:
    source = tmp_path / "reference"
    source.write_bytes(PICTURE)
    assert await picture_store.save_file(source) == await picture_store.save(PICTURE) == sha256_of(PICTURE)
    source.unlink()
    assert await picture_store.read(sha256_of(PICTURE)) == PICTURE
    with pytest.raises(OperatorError) as refused:
        await picture_store.save_file(source)
    assert refused.value.code == "disk"


async def test_the_same_bytes_saved_concurrently_are_stored_once(
    picture_store: PictureStore, folder: Path
) -> None:
    pictures = [PICTURE, PICTURE[::-1], b""]
    kept = await asyncio.gather(*(picture_store.save(pictures[number % 3]) for number in range(60)))
    assert set(kept) == {sha256_of(data) for data in pictures}
    assert files(folder) == sorted(set(kept)), "no temporary file is left"
    assert [await picture_store.read(sha256_of(data)) for data in pictures] == pictures


async def test_the_bytes_are_synced_before_the_rename_and_the_rename_before_save_returns(
    picture_store: PictureStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def recording_fsync(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        whole = place.is_dir() or place.read_bytes() == PICTURE
        done.append(f"{'folder' if place == folder else 'file'} {'whole' if whole else 'damaged'}")
        fsync(handle)

    def recording_rename(self: Path, target: Path) -> Path:
        done.append("renamed")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(Path, "replace", recording_rename)
    await picture_store.save(PICTURE)
    assert done == ["file whole", "renamed", "folder whole"]


@pytest.mark.parametrize("damaged", [b"", PICTURE[:-1], PICTURE + b"x", b"x" + PICTURE[1:]])
async def test_a_damaged_file_is_not_read_and_is_replaced_by_saving_again(
    picture_store: PictureStore, folder: Path, damaged: bytes
) -> None:
    await picture_store.save(PICTURE)
    picture_store.path(sha256_of(PICTURE)).write_bytes(damaged)
    assert await picture_store.read(sha256_of(PICTURE)) is None
    assert await picture_store.save(PICTURE) == sha256_of(PICTURE)
    assert await picture_store.read(sha256_of(PICTURE)) == PICTURE
    assert files(folder) == [sha256_of(PICTURE)]


KILL_PROGRAM = """
import os, signal, sys
from pathlib import Path
from bot.storage.picture_store import PictureStore

left = int(sys.argv[2])

def reach():
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

def with_kill_points(plain):
    def both(*arguments):
        reach()
        result = plain(*arguments)
        reach()
        return result
    return both

os.fsync = with_kill_points(os.fsync)
Path.replace = with_kill_points(Path.replace)
Path.mkdir = lambda self, plain=Path.mkdir, **options: (reach(), plain(self, **options), reach())
PictureStore(Path(sys.argv[1]))._save(bytes(range(256)) * 50)
print("saved")
"""


async def test_a_process_killed_while_saving_leaves_the_whole_picture_or_none(
    picture_store: PictureStore, folder: Path
) -> None:
    folder.parent.mkdir()
    whole, points = [], 0
    while True:
        code, output = await run_program(KILL_PROGRAM, str(folder), str(points))
        if code == 0:
            break
        assert code == -9, output
        found = await picture_store.read(sha256_of(PICTURE))
        assert found in {None, PICTURE}
        assert picture_store.exists(sha256_of(PICTURE)) is (found is not None)
        whole.append(found is not None)
        for path in folder.iterdir() if folder.exists() else ():
            set_make_old(path)
        await picture_store.list_expired()  # this removes temporary files, too
        assert files(folder) == ([sha256_of(PICTURE)] if found else [])
        for path in folder.iterdir() if folder.exists() else ():
            path.unlink()
        points += 1
    assert output == "saved\n"
    assert (points, whole) == (8, [False] * 5 + [True] * 3)


# Errors of the file system.


@pytest.mark.parametrize("operation", ["save", "read", "list_expired", "delete"])
async def test_a_path_that_is_no_folder_is_an_operator_error(
    picture_store: PictureStore, folder: Path, operation: str
) -> None:
    folder.parent.mkdir()
    if operation == "list_expired":
        folder.symlink_to(folder)  # a loop
    else:
        folder.write_text("in the way")
    calls: dict[str, Any] = {
        "save": lambda: picture_store.save(PICTURE),
        "read": lambda: picture_store.read(sha256_of(PICTURE)),
        "delete": lambda: picture_store.delete(sha256_of(PICTURE)),
        "list_expired": picture_store.list_expired,
    }
    if operation in {"delete", "list_expired"}:
        assert not await calls[operation]()  # there is nothing to list or delete
        return
    with pytest.raises(OperatorError) as refused:
        await calls[operation]()
    assert refused.value.code == "disk"
    assert str(folder) in str(refused.value)


async def test_a_picture_that_cannot_be_read_is_an_operator_error(
    picture_store: PictureStore, folder: Path
) -> None:
    (folder / sha256_of(PICTURE)).mkdir(parents=True)
    for call in (picture_store.read(sha256_of(PICTURE)), picture_store.save(PICTURE)):
        with pytest.raises(OperatorError) as refused:
            await call
        assert refused.value.code == "disk"


FULL_DISK_PROGRAM = """
import resource, sys
from pathlib import Path
from bot.domain.errors import OperatorError
from bot.storage.picture_store import PictureStore

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # as on a full disk
store = PictureStore(Path(sys.argv[1]))
try:
    store._save(b"x" * 10_000)
except OperatorError as error:
    print(error.code, store._save(b"small"))
"""


async def test_a_full_disk_is_an_operator_error_and_stores_nothing(
    picture_store: PictureStore, folder: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", FULL_DISK_PROGRAM, folder],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert process.stdout.split() == ["disk", sha256_of(b"small")], process.stderr
    assert not picture_store.exists(sha256_of(b"x" * 10_000))
    assert await picture_store.read(sha256_of(b"small")) == b"small"
    for path in folder.iterdir():
        set_make_old(path)
    assert await picture_store.list_expired() == [sha256_of(b"small")]
    assert files(folder) == [sha256_of(b"small")], "the next clean-up removes the half-written file"


# Garbage collection.


async def test_old_pictures_are_listed_and_only_old_temporary_files_are_removed(
    picture_store: PictureStore, folder: Path
) -> None:
    old, young = await picture_store.save(b"old"), await picture_store.save(b"young")
    others = [folder / name for name in ("notes.txt", "a" * 63, "A" * 64, "fresh.part", "stale.part")]
    for path in others:
        path.write_text("?")
    for path in (picture_store.path(old), *others[:3], folder / "stale.part"):
        set_make_old(path)
    assert await picture_store.list_expired() == [old]
    assert files(folder) == sorted([old, young, "notes.txt", "a" * 63, "A" * 64, "fresh.part"])


@pytest.mark.parametrize(
    ("seconds", "listed"),
    [
        (MIN_AGE_SECONDS + 5, True),
        (MIN_AGE_SECONDS - 30, False),
        (-30, False),
        (-DAY_SECONDS + 60, False),
        (-DAY_SECONDS - 60, True),  # dated more than a day ahead: the clock was wrong when it was saved
    ],
)
async def test_a_picture_is_listed_and_deleted_only_above_the_minimum_age(
    picture_store: PictureStore, seconds: float, listed: bool
) -> None:
    kept = await picture_store.save(PICTURE)
    set_make_old(picture_store.path(kept), seconds)
    assert (await picture_store.list_expired() == [kept]) is listed
    assert await picture_store.delete(kept) is listed
    assert picture_store.exists(kept) is not listed


async def test_saving_a_picture_again_renews_its_age(picture_store: PictureStore) -> None:
    kept = await picture_store.save(PICTURE)
    set_make_old(picture_store.path(kept))
    assert await picture_store.list_expired() == [kept]
    await picture_store.save(PICTURE)  # between the listing and the deletion
    assert not await picture_store.delete(kept)
    assert await picture_store.read(kept) == PICTURE


async def test_a_picture_saved_again_during_its_deletion_stays(
    picture_store: PictureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await picture_store.save(PICTURE)
    set_make_old(picture_store.path(kept))
    is_old = store_module._is_old

    saving = threading.Thread(target=picture_store._save, args=(PICTURE,))

    def save_meanwhile(path: Path) -> bool:
        found = is_old(path)
        if not saving.ident:
            saving.start()
            saving.join(1)  # it may wait for the deletion, and then saves the file again
        return found

    monkeypatch.setattr(store_module, "_is_old", save_meanwhile)
    await picture_store.delete(kept)
    await asyncio.to_thread(saving.join)
    assert await picture_store.read(kept) == PICTURE, "save() returned, so the file must exist"


async def job_with_reference(store: JobStore, sha256: str) -> Job:
    job = make_job(make_request(reference=Reference("https://cdn/fox", "fox.png", "image/png", 5)))
    assert await accept(store, job, NO_CONTEXT)
    return await store.uploaded(job.job_id, 1, UploadedReference("https://rivya/fox", "image/png"), sha256)


async def job_with_result(store: JobStore, sha256: str) -> Job:
    job = await create_task(store)
    await store.succeeded(job.job_id, None, 4)
    await store.record_kept_picture(job.job_id, Picture(b"", "png", 1, 1), sha256)
    return await store.undeliverable(job.job_id)


@pytest.mark.parametrize("batch", [1, 500])
async def test_garbage_collection_deletes_old_pictures_that_nothing_refers_to(
    database: Database,
    store: JobStore,
    picture_store: PictureStore,
    picture_retention: PictureRetention,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
) -> None:
    monkeypatch.setattr(retention_module, "BATCH", batch)
    kept = {
        name: await picture_store.save(name.encode())
        for name in ("sent", "drafted", "shown", "both", "young")
    }
    unneeded = [await picture_store.save(f"nobody's {number}".encode()) for number in range(5)]
    for name in set(kept.values()) - {kept["young"]} | set(unneeded):
        set_make_old(picture_store.path(name))
    await job_with_reference(store, kept["sent"])
    await job_with_reference(store, kept["both"])
    await job_with_result(store, kept["shown"])
    await job_with_result(store, kept["both"])
    reference = Reference(stored_url(kept["drafted"]), "fox.png", "image/png", 0, kept["drafted"])
    assert await DraftStore(database, default_catalog()).save(make_request(reference=reference))
    assert await picture_retention.collect_garbage() == 5
    assert files(folder) == sorted(kept.values())
    assert await picture_retention.collect_garbage() == 0


async def test_a_draft_keeps_the_stored_picture_it_refers_to(
    database: Database, store: JobStore, picture_store: PictureStore, picture_retention: PictureRetention
) -> None:
    kept = await picture_store.save(PICTURE)
    job = await job_with_result(store, kept)
    # As *Use as reference* leaves it: the reference was not prepared yet.
    reference = Reference(stored_url(kept), "fox.png", "image/png", 0)
    draft_id = await DraftStore(database, default_catalog()).save(
        replace(make_request(reference=reference), parent_job_id=job.job_id)
    )
    assert draft_id is not None
    set_make_old(picture_store.path(kept))
    assert await picture_retention.collect_garbage() == 0
    assert await picture_store.read(kept) == PICTURE


async def test_expired_pictures_and_references_are_deleted(
    database: Database, store: JobStore, picture_store: PictureStore, picture_retention: PictureRetention
) -> None:
    old, new, unfinished, result, second_result = [
        await picture_store.save(name) for name in (b"old", b"new", b"open", b"result", b"second")
    ]
    for name in (old, new, unfinished, result, second_result):
        set_make_old(picture_store.path(name))
    first, second = await job_with_reference(store, old), await job_with_reference(store, new)
    await job_with_reference(store, unfinished)  # unfinished, whatever its age
    several = await job_with_result(store, result)
    await store.record_kept_picture(several.job_id, Picture(b"", "png", 1, 1), second_result, number=2)
    assert await picture_retention.collect_garbage() == 0
    await rows(database, "UPDATE jobs SET accepted_at = 1")
    for job, at in ((first, 10), (second, 20)):
        await store.created(job.job_id, f"task-{job.job_id}", 4)
        await store.succeeded(job.job_id, None, 4)
        await store.delivered(job.job_id, DeliveredMessage(20, 78, DeliveryMethod.REPLY))
        await rows(database, "UPDATE jobs SET finished_at = ? WHERE job_id = ?", at, job.job_id)
    await rows(database, "UPDATE kept_pictures SET kept_at = 10")
    await rows(database, "UPDATE more_pictures SET kept_at = 10")
    assert await picture_retention.expire(20) == 3
    assert await picture_retention.expire(20) == 0
    assert await picture_retention.collect_garbage() == 3
    files = (old, new, unfinished, result, second_result)
    assert [picture_store.exists(name) for name in files] == [False, True, True, False, False]
    found = await store.find(first.job_id)
    assert found is not None
    (reference,) = found.request.references
    assert (reference.filename, reference.sha256) == ("fox.png", None)


async def test_the_reference_of_a_draft_or_unfinished_job_stays_without_its_own_picture(
    database: Database, store: JobStore, picture_store: PictureStore
) -> None:
    names = [await picture_store.save(name.encode()) for name in ("draft", "job", "ended")]
    drafted, waiting, ended = [
        make_request(reference=Reference(stored_url(name), "fox.png", "image/png", 0)) for name in names
    ]
    await DraftStore(database, default_catalog()).save(drafted)
    jobs = [make_job(request) for request in (waiting, ended)]
    for job in jobs:
        assert await accept(store, job, NO_CONTEXT)
    await store.cancelled(jobs[1].job_id)
    for name in names:
        set_make_old(picture_store.path(name))
    assert await PictureRetention(database, picture_store).collect_garbage() == 1
    assert [picture_store.exists(name) for name in names] == [True, True, False]
