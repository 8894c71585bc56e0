"""Kept pictures: the same bytes once, whole or not at all, and swept only when nobody needs them."""

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
from bot.jobs import picture_retention as keepings_module
from bot.jobs.drafts import DraftStore
from bot.jobs.picture_retention import PictureRetention
from bot.jobs.store import JobStore
from bot.storage import picture_store as vault_module
from bot.storage.database import Database
from bot.storage.picture_store import MIN_AGE_SECONDS, PictureStore, picture_folder
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.paths import ROOT

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


def set_age(path: Path, seconds: float = MIN_AGE_SECONDS + 1) -> None:
    at = time.time() - seconds
    os.utime(path, (at, at))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# Keeping.


async def test_a_picture_is_one_file_named_by_its_bytes(picture_store: PictureStore, folder: Path) -> None:
    assert not folder.exists(), "a bot that keeps nothing needs no folder"
    assert await picture_store.read(sha256_of(PICTURE)) is None
    assert not picture_store.exists(sha256_of(PICTURE))
    assert await picture_store.list_expired() == []
    assert await picture_store.save(PICTURE) == sha256_of(PICTURE)
    assert files(folder) == [sha256_of(PICTURE)]
    assert picture_store.path(sha256_of(PICTURE)).read_bytes() == PICTURE
    assert await picture_store.read(sha256_of(PICTURE)) == PICTURE
    assert picture_store.exists(sha256_of(PICTURE))


async def test_a_file_is_kept_as_its_bytes_are(picture_store: PictureStore, tmp_path: Path) -> None:
    source = tmp_path / "reference"
    source.write_bytes(PICTURE)
    assert await picture_store.save_file(source) == await picture_store.save(PICTURE) == sha256_of(PICTURE)
    source.unlink()
    assert await picture_store.read(sha256_of(PICTURE)) == PICTURE
    with pytest.raises(OperatorError) as refused:
        await picture_store.save_file(source)
    assert refused.value.code == "disk"


async def test_the_same_bytes_from_many_sides_are_kept_once(
    picture_store: PictureStore, folder: Path
) -> None:
    pictures = [PICTURE, PICTURE[::-1], b""]
    kept = await asyncio.gather(*(picture_store.save(pictures[number % 3]) for number in range(60)))
    assert set(kept) == {sha256_of(data) for data in pictures}
    assert files(folder) == sorted(set(kept)), "nothing half written is left"
    assert [await picture_store.read(sha256_of(data)) for data in pictures] == pictures


async def test_a_picture_is_on_the_disk_before_it_has_its_name_and_the_name_before_it_is_said(
    picture_store: PictureStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def recording_fsync(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        whole = place.is_dir() or place.read_bytes() == PICTURE
        done.append(f"{'folder' if place == folder else 'file'} {'whole' if whole else 'torn'}")
        fsync(handle)

    def recording_rename(self: Path, target: Path) -> Path:
        done.append("named")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(Path, "replace", recording_rename)
    await picture_store.save(PICTURE)
    assert done == ["file whole", "named", "folder whole"]


@pytest.mark.parametrize("torn", [b"", PICTURE[:-1], PICTURE + b"x", b"x" + PICTURE[1:]])
async def test_a_torn_file_is_not_believed_and_is_mended_by_keeping_it_again(
    picture_store: PictureStore, folder: Path, torn: bytes
) -> None:
    await picture_store.save(PICTURE)
    picture_store.path(sha256_of(PICTURE)).write_bytes(torn)
    assert await picture_store.read(sha256_of(PICTURE)) is None
    assert await picture_store.save(PICTURE) == sha256_of(PICTURE)
    assert await picture_store.read(sha256_of(PICTURE)) == PICTURE
    assert files(folder) == [sha256_of(PICTURE)]


KILLED = """
import os, signal, sys
from pathlib import Path
from bot.storage.picture_store import PictureStore

left = int(sys.argv[2])

def reach():
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

def wired(plain):
    def both(*arguments):
        reach()
        result = plain(*arguments)
        reach()
        return result
    return both

os.fsync = wired(os.fsync)
Path.replace = wired(Path.replace)
Path.mkdir = lambda self, plain=Path.mkdir, **options: (reach(), plain(self, **options), reach())
PictureStore(Path(sys.argv[1]))._save(bytes(range(256)) * 50)
print("kept")
"""


async def test_killed_anywhere_there_is_the_whole_picture_or_none(
    picture_store: PictureStore, folder: Path
) -> None:
    folder.parent.mkdir()
    whole, points = [], 0
    while True:
        ran = subprocess.run(
            [sys.executable, "-c", KILLED, folder, str(points)], cwd=ROOT, capture_output=True, check=False
        )
        if ran.returncode == 0:
            break
        assert ran.returncode == -9, ran.stderr.decode()
        found = await picture_store.read(sha256_of(PICTURE))
        assert found in {None, PICTURE}
        assert picture_store.exists(sha256_of(PICTURE)) is (found is not None)
        whole.append(found is not None)
        for path in folder.iterdir() if folder.exists() else ():
            set_age(path)
        await picture_store.list_expired()  # which clears up behind it
        assert files(folder) == ([sha256_of(PICTURE)] if found else [])
        for path in folder.iterdir() if folder.exists() else ():
            path.unlink()
        points += 1
    assert ran.stdout == b"kept\n"
    assert (points, whole) == (8, [False] * 5 + [True] * 3)


# Trouble.


@pytest.mark.parametrize("act", ["keep", "read", "listed", "drop"])
async def test_a_place_that_is_no_folder_is_the_operators(
    picture_store: PictureStore, folder: Path, act: str
) -> None:
    folder.parent.mkdir()
    if act == "listed":
        folder.symlink_to(folder)  # which leads nowhere for ever
    else:
        folder.write_text("in the way")
    calls: dict[str, Any] = {
        "keep": lambda: picture_store.save(PICTURE),
        "read": lambda: picture_store.read(sha256_of(PICTURE)),
        "drop": lambda: picture_store.delete(sha256_of(PICTURE)),
        "listed": picture_store.list_expired,
    }
    if act in {"drop", "listed"}:
        assert not await calls[act]()  # there is nothing, and nothing to do
        return
    with pytest.raises(OperatorError) as refused:
        await calls[act]()
    assert refused.value.code == "disk"
    assert str(folder) in str(refused.value)


async def test_a_picture_that_cannot_be_read_is_the_operators(
    picture_store: PictureStore, folder: Path
) -> None:
    (folder / sha256_of(PICTURE)).mkdir(parents=True)
    for act in (picture_store.read(sha256_of(PICTURE)), picture_store.save(PICTURE)):
        with pytest.raises(OperatorError) as refused:
            await act
        assert refused.value.code == "disk"


FULL = """
import resource, sys
from pathlib import Path
from bot.domain.errors import OperatorError
from bot.storage.picture_store import PictureStore

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # as a disk with no more room
store = PictureStore(Path(sys.argv[1]))
try:
    store._save(b"x" * 10_000)
except OperatorError as error:
    print(error.code, store._save(b"small"))
"""


async def test_a_disk_that_is_full_keeps_nothing_and_is_the_operators(
    picture_store: PictureStore, folder: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL, folder], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert ran.stdout.split() == ["disk", sha256_of(b"small")], ran.stderr
    assert not picture_store.exists(sha256_of(b"x" * 10_000))
    assert await picture_store.read(sha256_of(b"small")) == b"small"
    for path in folder.iterdir():
        set_age(path)
    assert await picture_store.list_expired() == [sha256_of(b"small")]
    assert files(folder) == [sha256_of(b"small")], "the half that was written is gone with the next sweep"


# Sweeping.


async def test_only_what_is_old_is_listed_and_only_leftovers_of_ours_are_removed(
    picture_store: PictureStore, folder: Path
) -> None:
    old, young = await picture_store.save(b"old"), await picture_store.save(b"young")
    others = [folder / name for name in ("notes.txt", "a" * 63, "A" * 64, "fresh.part", "stale.part")]
    for path in others:
        path.write_text("?")
    for path in (picture_store.path(old), *others[:3], folder / "stale.part"):
        set_age(path)
    assert await picture_store.list_expired() == [old]
    assert files(folder) == sorted([old, young, "notes.txt", "a" * 63, "A" * 64, "fresh.part"])


@pytest.mark.parametrize(
    ("seconds", "listed"),
    [
        (MIN_AGE_SECONDS + 5, True),
        (MIN_AGE_SECONDS - 30, False),
        (-30, False),
        (-DAY_SECONDS + 60, False),
        (-DAY_SECONDS - 60, True),  # no clock is set back by that much: it was wrong when this was kept
    ],
)
async def test_how_old_a_picture_must_be(picture_store: PictureStore, seconds: float, listed: bool) -> None:
    kept = await picture_store.save(PICTURE)
    set_age(picture_store.path(kept), seconds)
    assert (await picture_store.list_expired() == [kept]) is listed
    assert await picture_store.delete(kept) is listed
    assert picture_store.exists(kept) is not listed


async def test_what_is_kept_again_is_young_again(picture_store: PictureStore) -> None:
    kept = await picture_store.save(PICTURE)
    set_age(picture_store.path(kept))
    assert await picture_store.list_expired() == [kept]
    await picture_store.save(PICTURE)  # between the question and the sweep
    assert not await picture_store.delete(kept)
    assert await picture_store.read(kept) == PICTURE


async def test_what_is_kept_again_at_the_last_moment_stays(
    picture_store: PictureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await picture_store.save(PICTURE)
    set_age(picture_store.path(kept))
    is_old = vault_module._is_old

    keeping = threading.Thread(target=picture_store._save, args=(PICTURE,))

    def kept_again_just_then(path: Path) -> bool:
        found = is_old(path)
        if not keeping.ident:
            keeping.start()
            keeping.join(1)  # it may have to wait for the removal, and then keeps it anew
        return found

    monkeypatch.setattr(vault_module, "_is_old", kept_again_just_then)
    await picture_store.delete(kept)
    await asyncio.to_thread(keeping.join)
    assert await picture_store.read(kept) == PICTURE, "whoever kept it again was told that it is there"


async def rows(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    return await database.run(lambda tx: [tuple(row) for row in tx.execute(statement, values)])


async def with_reference(store: JobStore, sha256: str) -> Job:
    job = make_job(make_request(reference=Reference("https://cdn/fox", "fox.png", "image/png", 5)))
    assert await accept(store, job, NO_CONTEXT)
    return await store.uploaded(job.job_id, UploadedReference("https://rivya/fox", "image/png"), sha256)


async def with_result(store: JobStore, sha256: str) -> Job:
    job = make_job()
    assert await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, f"task-{job.job_id}", 4)
    await store.succeeded(job.job_id, None, 4)
    await store.record_kept_picture(job.job_id, Picture(b"", "png", 1, 1), sha256)
    return await store.undeliverable(job.job_id)


@pytest.mark.parametrize("batch", [1, 500])
async def test_a_sweep_spares_what_is_needed_or_young_and_takes_the_rest(
    database: Database,
    store: JobStore,
    picture_store: PictureStore,
    picture_retention: PictureRetention,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
) -> None:
    monkeypatch.setattr(keepings_module, "BATCH", batch)
    kept = {
        name: await picture_store.save(name.encode())
        for name in ("sent", "drafted", "shown", "both", "young")
    }
    unneeded = [await picture_store.save(f"nobody's {number}".encode()) for number in range(5)]
    for name in set(kept.values()) - {kept["young"]} | set(unneeded):
        set_age(picture_store.path(name))
    await with_reference(store, kept["sent"])
    await with_reference(store, kept["both"])
    await with_result(store, kept["shown"])
    await with_result(store, kept["both"])
    reference = Reference(stored_url(kept["drafted"]), "fox.png", "image/png", 0, kept["drafted"])
    assert await DraftStore(database).save(make_request(reference=reference))
    assert await picture_retention.collect_garbage() == 5
    assert files(folder) == sorted(kept.values())
    assert await picture_retention.collect_garbage() == 0


async def test_a_draft_of_a_kept_picture_that_was_not_sent_in_yet_keeps_it(
    database: Database, store: JobStore, picture_store: PictureStore, picture_retention: PictureRetention
) -> None:
    kept = await picture_store.save(PICTURE)
    job = await with_result(store, kept)
    # As *Use as reference* leaves it: nothing of the reference is made ready yet.
    reference = Reference(stored_url(kept), "fox.png", "image/png", 0)
    draft_id = await DraftStore(database).save(
        replace(make_request(reference=reference), parent_job_id=job.job_id)
    )
    assert draft_id is not None
    set_age(picture_store.path(kept))
    assert await picture_retention.collect_garbage() == 0
    assert await picture_store.read(kept) == PICTURE


async def test_what_ends_after_so_many_days_is_swept_after_it(
    database: Database, store: JobStore, picture_store: PictureStore, picture_retention: PictureRetention
) -> None:
    old, new, open_, result = [
        await picture_store.save(name) for name in (b"old", b"new", b"open", b"result")
    ]
    for name in (old, new, open_, result):
        set_age(picture_store.path(name))
    first, second = await with_reference(store, old), await with_reference(store, new)
    await with_reference(store, open_)  # not over yet, however old
    await with_result(store, result)
    await rows(database, "UPDATE jobs SET accepted_at = 1")
    for job, at in ((first, 10), (second, 20)):
        await store.created(job.job_id, f"task-{job.job_id}", 4)
        await store.succeeded(job.job_id, None, 4)
        await store.delivered(job.job_id, DeliveredMessage(20, 78, DeliveryMethod.REPLY))
        await rows(database, "UPDATE jobs SET finished_at = ? WHERE job_id = ?", at, job.job_id)
    await rows(database, "UPDATE kept_pictures SET kept_at = 10")
    assert await picture_retention.expire(20) == 2
    assert await picture_retention.expire(20) == 0
    assert await picture_retention.collect_garbage() == 2
    assert [picture_store.exists(name) for name in (old, new, open_, result)] == [False, True, True, False]
    found = await store.find(first.job_id)
    assert found is not None
    assert found.request.reference is not None
    assert (found.request.reference.filename, found.request.reference.sha256) == ("fox.png", None)


async def test_what_waits_to_be_a_reference_is_spared_although_its_own_picture_is_deleted(
    database: Database, store: JobStore, picture_store: PictureStore
) -> None:
    names = [await picture_store.save(name.encode()) for name in ("draft", "job", "ended")]
    drafted, waiting, ended = [
        make_request(reference=Reference(stored_url(name), "fox.png", "image/png", 0)) for name in names
    ]
    await DraftStore(database).save(drafted)
    jobs = [make_job(request) for request in (waiting, ended)]
    for job in jobs:
        assert await accept(store, job, NO_CONTEXT)
    await store.cancelled(jobs[1].job_id)
    for name in names:
        set_age(picture_store.path(name))
    assert await PictureRetention(database, picture_store).collect_garbage() == 1
    assert [picture_store.exists(name) for name in names] == [True, True, False]
