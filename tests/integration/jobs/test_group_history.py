"""Groups in a history: one entry each, however many of its pictures are there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.jobs.history import PAGE_SIZE, HistoryEntry, HistoryPage, HistoryStore
from bot.privacy.erasure import ErasureRequests
from tests.support.factories import make_request
from tests.support.jobs import DELIVERED_MESSAGE, accept_group, deliver, deliver_group
from tests.support.sql import rows

if TYPE_CHECKING:
    from bot.domain.jobs import Job
    from bot.jobs.store import JobStore
    from bot.storage.database import Database

MEMBER, OTHER = 7, 8


@pytest.fixture
def history(database: Database) -> HistoryStore:
    return HistoryStore(database)


def ids(entry: HistoryEntry) -> list[str]:
    return [item.job.job_id for item in entry.items]


async def add_group(
    store: JobStore, database: Database, prompt: str = "a fox", *, failed: tuple[int, ...] = ()
) -> tuple[Job, ...]:
    jobs = await accept_group(store, make_request(user_id=MEMBER, prompt=prompt))
    return await deliver_group(store, database, jobs, failed=failed)


async def walk(history: HistoryStore, search: str = "") -> tuple[list[HistoryPage], list[HistoryPage]]:
    """Turn the pages to the oldest one, and back to the newest."""
    older = [await history.older(1, MEMBER, search)]
    while (cursor := older[-1].older) is not None:
        older.append(await history.older(1, MEMBER, search, cursor))
    newer = [older[-1]]
    while (cursor := newer[-1].newer) is not None:
        newer.append(await history.newer(1, MEMBER, cursor, search))
        assert len(newer) < 100
    return older, newer


async def test_a_group_is_one_entry_with_the_credits_of_all(
    history: HistoryStore, store: JobStore, database: Database
) -> None:
    alone = await deliver(store, make_request(user_id=MEMBER))
    jobs = await add_group(store, database, failed=(2,))
    group, single = (await history.older(1, MEMBER)).entries
    assert ids(group) == [jobs[place].job_id for place in (0, 2, 3)]
    assert (group.size, group.charged_credits, group.cover.job) == (4, 12, jobs[0])
    assert group.interaction_id == jobs[0].request.destination.interaction_id
    assert (ids(single), single.size, single.charged_credits) == ([alone.job_id], 1, 4)
    assert await history.find_group(group.interaction_id) == group
    assert await history.find_group(5) is None


@pytest.mark.parametrize("search", ["", "fox"])
async def test_no_page_splits_or_repeats_a_group(
    history: HistoryStore, store: JobStore, database: Database, search: str
) -> None:
    expected = []
    for number in range(2 * PAGE_SIZE + 3):
        if number % 3:
            expected.append([job.job_id for job in await add_group(store, database)])
        else:
            expected.append([(await deliver(store, make_request(user_id=MEMBER, prompt="a fox"))).job_id])
    await add_group(store, database, "a cat")
    cats = [] if search else [(await history.older(1, MEMBER)).entries[0]]
    older, newer = await walk(history, search)
    seen = [ids(entry) for page in older for entry in page.entries]
    assert seen == [*map(ids, cats), *reversed(expected)]
    assert [len(page.entries) for page in older[:-1]] == [PAGE_SIZE] * (len(older) - 1)
    assert newer[-1].entries == older[0].entries
    assert {tuple(ids(entry)) for page in newer for entry in page.entries} == set(map(tuple, seen))


async def test_deleted_and_unfinished_places_are_left_out(
    history: HistoryStore, store: JobStore, database: Database
) -> None:
    running = await accept_group(store, make_request(user_id=MEMBER))
    jobs = await add_group(store, database)
    for job in jobs[:2]:
        await history.mark_deleted(job.job_id, deleted_by=MEMBER)
    (entry,) = (await history.older(1, MEMBER)).entries
    assert (ids(entry), entry.charged_credits) == ([job.job_id for job in jobs[2:]], 16)
    await deliver_group(store, database, running[:1])
    assert [ids(each) for each in (await history.older(1, MEMBER)).entries][1] == [running[0].job_id]
    for job in jobs[2:]:
        await history.mark_deleted(job.job_id, deleted_by=MEMBER)
    assert [ids(each) for each in (await history.older(1, MEMBER)).entries] == [[running[0].job_id]]
    assert await history.find_group(entry.interaction_id) is None


async def test_a_late_picture_is_an_item_but_never_the_cover(
    history: HistoryStore, store: JobStore, database: Database
) -> None:
    jobs = await accept_group(store, make_request(user_id=MEMBER))
    await store.created(jobs[0].job_id, "task-late", 4)
    await store.succeeded(jobs[0].job_id, "https://rivya/1.png", 4)
    await store.late(jobs[0].job_id, "")
    await deliver_group(store, database, jobs[1:])
    (entry,) = (await history.older(1, MEMBER)).entries
    assert ids(entry) == [job.job_id for job in jobs]
    assert entry.cover.job.job_id == jobs[1].job_id


async def test_of_a_private_group_others_see_what_was_shared(
    history: HistoryStore, store: JobStore, database: Database
) -> None:
    request = make_request(user_id=MEMBER, prompt="a secret")
    request = replace(request, destination=replace(request.destination, private=True))
    jobs = await deliver_group(store, database, await accept_group(store, request))
    (entry,) = (await history.older(1, MEMBER, with_private=False)).entries
    assert entry.visible_to(MEMBER) == entry
    assert entry.visible_to(OTHER) is None
    assert (await history.older(1, MEMBER, "secret", with_private=False)).entries == ()
    assert await history.begin_share(jobs[1], DELIVERED_MESSAGE)
    (entry,) = (await history.older(1, MEMBER)).entries
    shared = entry.visible_to(OTHER)
    assert shared is not None
    assert (ids(shared), shared.charged_credits) == ([jobs[1].job_id], 4)
    (found,) = (await history.older(1, MEMBER, "secret", with_private=False)).entries
    assert ids(found) == [jobs[1].job_id]


async def test_an_erased_group_is_in_no_history(
    history: HistoryStore, store: JobStore, database: Database
) -> None:
    jobs = await add_group(store, database)
    await ErasureRequests(database).erase(MEMBER)
    assert (await history.older(1, MEMBER)).entries == ()
    assert await history.find_group(jobs[0].request.destination.interaction_id) is None


async def test_a_page_takes_as_long_however_many_groups_there_are(
    history: HistoryStore, store: JobStore, database: Database
) -> None:
    """Counted in steps of SQLite's virtual machine."""
    jobs = await add_group(store, database)
    (columns,) = await rows(
        database,
        "SELECT group_concat(name) FROM pragma_table_info('jobs') WHERE name NOT IN ('job_id', 'task_id',"
        " 'interaction_id')",
    )

    async def steps_with(groups: int) -> int:
        for table in ("jobs", "reservations"):
            names = columns[0] if table == "jobs" else None
            if names is None:
                (found,) = await rows(
                    database,
                    "SELECT group_concat(name) FROM pragma_table_info('reservations') WHERE name <> 'job_id'",
                )
                names = found[0]
            more = ", task_id, interaction_id" if table == "jobs" else ""
            values = ", 't' || n || t.job_id, 1000 + n" if table == "jobs" else ""
            await rows(
                database,
                "WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers"
                f" WHERE n < {groups})"
                f" INSERT OR IGNORE INTO {table} (job_id, {names}{more})"
                f" SELECT printf('%08d', n) || substr(t.job_id, 9), {names}{values}"
                f" FROM numbers JOIN {table} t ON t.job_id IN"
                f" ({', '.join(repr(job.job_id) for job in jobs)})",
            )
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        await database.run(lambda tx: tx.set_progress_handler(count, 20))
        page = await history.older(1, MEMBER)
        await database.run(lambda tx: tx.set_progress_handler(None, 0))
        assert [len(entry.items) for entry in page.entries] == [4] * PAGE_SIZE
        return counted

    few, many = await steps_with(20), await steps_with(3000)
    assert await rows(database, "SELECT count(*) FROM jobs") == [(4 + 4 * 3000,)]
    assert many < 2 * few
