"""The history of a member's pictures: pages, search, ancestry, deletion, sharing, and new requests."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.access import AccessPolicy, AccessRule, Effect, RuleTarget
from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import (
    DeliveredMessage,
    DeliveryMethod,
    Failure,
    FailureCause,
    Job,
    Picture,
    Reference,
    Request,
    UploadedReference,
    stored_url,
)
from bot.jobs import history as history_module
from bot.jobs.history import MAX_ANCESTORS, PAGE_SIZE, HistoryItem, HistoryPage, HistoryStore
from bot.jobs.requests.derived_requests import (
    repeat_request,
    request_from_picture,
    require_visible,
    stored_reference,
)
from bot.jobs.store import JobStore
from bot.privacy.erasure import ErasureRequests
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.jobs import DELIVERED_MESSAGE
from tests.support.sql import rows, traced

MEMBER, OTHER, ADMIN = 7, 8, 99
SHA256 = "ab" * 32
LANDING = DeliveredMessage(20, 78, DeliveryMethod.REPLY, "https://cdn/fox.png")


@pytest.fixture
def history_store(database: Database) -> HistoryStore:
    return HistoryStore(database)


def private(request: Request) -> Request:
    return replace(request, destination=replace(request.destination, private=True))


async def add_created_job(store: JobStore, request: Request | None = None) -> Job:
    job = make_job(request or make_request(user_id=MEMBER))
    assert await accept(store, job, NO_CONTEXT)
    return await store.created(job.job_id, f"task-{job.job_id}", 4)


async def add_delivered_job(store: JobStore, request: Request | None = None, *, credits: int = 4) -> Job:
    job = await add_created_job(store, request)
    await store.succeeded(job.job_id, None, credits)
    return await store.delivered(job.job_id, LANDING)


async def add_undeliverable_job(store: JobStore, request: Request | None = None) -> Job:
    job = await add_created_job(store, request)
    await store.succeeded(job.job_id, None, 4)
    await store.record_kept_picture(job.job_id, Picture(b"a fox", "jpeg", 3, 2), SHA256)
    return await store.undeliverable(job.job_id)


async def add_failed_job(store: JobStore, request: Request | None = None) -> Job:
    job = await add_created_job(store, request)
    await store.failed(job.job_id, Failure(FailureCause.RIVYA, "generation_failed"))
    return await store.failure_notified(job.job_id)


async def add_delivered_jobs(store: JobStore, count: int, **details: Any) -> list[Job]:
    return [await add_delivered_job(store, make_request(user_id=MEMBER, **details)) for _ in range(count)]


def items(page: HistoryPage) -> list[HistoryItem]:
    return [item for entry in page.entries for item in entry.items]


def ids(page: HistoryPage) -> list[str]:
    return [item.job.job_id for item in items(page)]


async def pages_to_oldest(history_store: HistoryStore, search: str = "") -> list[HistoryPage]:
    pages = [await history_store.older(1, MEMBER, search)]
    while (cursor := pages[-1].older) is not None:
        pages.append(await history_store.older(1, MEMBER, search, cursor))
        assert len(pages) < 100
    return pages


async def pages_to_newest(
    history_store: HistoryStore, page: HistoryPage, search: str = ""
) -> list[HistoryPage]:
    pages = [page]
    while (cursor := pages[-1].newer) is not None:
        pages.append(await history_store.newer(1, MEMBER, cursor, search))
        assert len(pages) < 100
    return pages


# Pages.


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE, PAGE_SIZE + 1, 30, 31])
async def test_every_picture_is_on_one_page_in_either_direction(
    history_store: HistoryStore, store: JobStore, count: int
) -> None:
    jobs = await add_delivered_jobs(store, count)
    newest_first = [job.job_id for job in reversed(jobs)]
    older_pages = await pages_to_oldest(history_store)
    assert [job_id for page in older_pages for job_id in ids(page)] == newest_first
    assert len(older_pages) == max(1, -(-count // PAGE_SIZE))
    assert older_pages[0].newer is None
    newer_pages = await pages_to_newest(history_store, older_pages[-1])
    if count % PAGE_SIZE == 0:
        assert [ids(page) for page in newer_pages] == [ids(page) for page in reversed(older_pages)]
    # Towards the newest, the last page is the full newest page: items may repeat, but none is left out.
    assert {job_id for page in newer_pages for job_id in ids(page)} == set(newest_first)
    assert ids(newer_pages[-1]) == ids(older_pages[0])
    assert all(len(page.entries) == PAGE_SIZE for page in newer_pages[1:-1])


async def test_a_new_picture_does_not_move_older_pages(history_store: HistoryStore, store: JobStore) -> None:
    await add_delivered_jobs(store, 3 * PAGE_SIZE)
    first = await history_store.older(1, MEMBER)
    assert first.older is not None
    second = await history_store.older(1, MEMBER, than=first.older)
    (latest,) = await add_delivered_jobs(store, 1)
    assert ids(await history_store.older(1, MEMBER, than=first.older)) == ids(second)
    assert second.newer is not None
    assert ids(await history_store.newer(1, MEMBER, second.newer)) == ids(first)
    assert ids(await history_store.older(1, MEMBER))[0] == latest.job_id


async def test_an_emptied_page_still_leads_to_the_newer_one(
    history_store: HistoryStore, store: JobStore, database: Database
) -> None:
    jobs = await add_delivered_jobs(store, PAGE_SIZE + 2)
    first = await history_store.older(1, MEMBER)
    assert first.older is not None
    for job in jobs[:2]:
        await history_store.mark_deleted(job.job_id, deleted_by=MEMBER)
    empty = await history_store.older(1, MEMBER, than=first.older)
    assert (empty.entries, empty.older) == ((), None)
    assert empty.newer is not None
    assert ids(await history_store.newer(1, MEMBER, empty.newer)) == ids(first)


async def test_only_finished_pictures_of_this_member_in_this_server_are_shown(
    history_store: HistoryStore, store: JobStore
) -> None:
    mine = await add_delivered_job(store)
    hidden = await add_undeliverable_job(store, private(make_request(user_id=MEMBER)))
    undelivered = await add_created_job(store)
    await store.succeeded(undelivered.job_id, None, 4)
    await add_delivered_job(store, make_request(user_id=OTHER))
    await add_delivered_job(store, make_request(user_id=MEMBER, guild_id=2))
    await add_created_job(store)
    await add_failed_job(store)
    lost = await add_created_job(store)
    await store.succeeded(lost.job_id, None, 4)
    await store.result_lost(lost.job_id, Failure(FailureCause.DEVELOPER, "result_gone"))
    cancelled = make_job(make_request(user_id=MEMBER))
    assert await accept(store, cancelled, NO_CONTEXT)
    await store.cancelled(cancelled.job_id)
    page = await history_store.older(1, MEMBER)
    # A picture that could not be downloaded was charged, and can be fetched from here.
    assert ids(page) == [lost.job_id, undelivered.job_id, hidden.job_id, mine.job_id]
    assert [(item.job.is_painted, item.job.is_missing) for item in items(page)] == [
        (False, True),
        *[(True, False)] * 3,
    ]
    assert [item.charged_credits for item in items(page)] == [4, 4, 4, 4]


async def test_deleted_and_erased_pictures_are_not_shown(
    history_store: HistoryStore, store: JobStore, database: Database
) -> None:
    deleted, stays = await add_undeliverable_job(store), await add_delivered_job(store)
    await history_store.mark_deleted(deleted.job_id, deleted_by=ADMIN)
    assert ids(await history_store.older(1, MEMBER)) == [stays.job_id]
    found = await history_store.find(deleted.job_id)
    assert found is not None
    assert found.job.deleted_at is not None
    assert found.kept_sha256 is None
    assert await rows(database, "SELECT * FROM kept_pictures") == []
    before = await rows(database, "SELECT deleted_at, deleted_by, landed_url FROM jobs WHERE deleted_by = 99")
    await history_store.mark_deleted(deleted.job_id, deleted_by=MEMBER)
    assert (
        await rows(database, "SELECT deleted_at, deleted_by, landed_url FROM jobs WHERE deleted_by = 99")
        == before
    )
    await ErasureRequests(database).erase(MEMBER)
    assert ids(await history_store.older(1, MEMBER)) == []
    assert ids(await history_store.older(1, 0)) == [], "erased jobs are in nobody's history"


# Search.


@pytest.mark.parametrize(
    ("search", "prompt"),
    [
        ("fox", "a red FOX, sitting"),
        ("FÓX", "a red fox"),
        ("fox", "a foxtrot"),  # the beginning of a word is enough
        ("fox red", "a red fox"),
        ("\uff46\uff4f\uff58", "a red fox"),
        ("red_fox", "a red fox"),
        ("fox", "a fo\u200bx"),
        ("100%", "one hundred, 100 %"),
        ("狐", "赤い狐"),
        ("strasse", "an der Straße"),
    ],
)
async def test_a_search_finds_words_however_they_are_written(
    history_store: HistoryStore, store: JobStore, search: str, prompt: str
) -> None:
    job = await add_delivered_job(store, make_request(user_id=MEMBER, prompt=prompt))
    await add_delivered_job(store, make_request(user_id=MEMBER, prompt="a hen"))
    assert ids(await history_store.older(1, MEMBER, search)) == [job.job_id]


@pytest.mark.parametrize(
    "search",
    [
        *("vixen", "red hen", "' OR 1=1 --", "fo_x_es"),
        *("%", "_", "*", '"', "'", "\u201c", "?", "🦊", "fox!", "❤"),
        # Invisible characters are no words; the whole history is not what was searched.
        *("\u200b", "\ufe0f", "\u0301", "\u3164", "\u202e", "\ud800", "\u200d\u200d"),
    ],
    ids=ascii,
)
async def test_a_search_finds_nothing_else(history_store: HistoryStore, store: JobStore, search: str) -> None:
    await add_delivered_job(store, make_request(user_id=MEMBER, prompt="a red fox"))
    assert (await history_store.older(1, MEMBER, search)).entries == ()


SIGNS = {
    "%": ["50% red", "100 %"],
    "50%": ["50% red"],
    "_": ["red_fox"],
    "*": ["a *fox*"],
    "*fox*": ["a *fox*"],
    '"': ['a "fox"', "a \u201cfox\u201d"],
    "\u201d": ['a "fox"', "a \u201cfox\u201d"],
    "'": ["fox's"],
    "\u2019": ["fox's"],
    "\u2013": ["red - fox"],
    "\\": ["a \\ b"],
    "?": ["who?"],
    "who ?": ["who?"],
    "🦊": ["a 🦊", "two🦊🦊"],
    "❤️": ["I \u2764 it", "I \u2764\ufe0f it"],
    "👍🏿": ["\U0001f44d\U0001f3fb"],
    "\U0001f468": ["\U0001f468\u200d\U0001f469\u200d\U0001f467"],
    "🇺🇸": ["flag 🇺🇸"],
    "<:fox:12>": ["say <:fox:12>"],
    "red_fox": ["red_fox", "red - fox"],
}
OTHERS = ["🇦🇺🇸🇪", "a hen", "\U0001f469", "12 <a:hen:1>"]


@pytest.mark.parametrize(("search", "prompts"), SIGNS.items(), ids=map(ascii, SIGNS))
async def test_signs_and_emoji_are_searched(
    history_store: HistoryStore, store: JobStore, search: str, prompts: list[str]
) -> None:
    everything = dict.fromkeys(prompt for group in (*SIGNS.values(), OTHERS) for prompt in group)
    for prompt in everything:
        await add_delivered_job(store, make_request(user_id=MEMBER, prompt=prompt))
    pages = await pages_to_oldest(history_store, search)
    found = {item.job.request.prompt for page in pages for item in items(page)}
    assert found == set(prompts)


async def test_search_results_have_pages_in_both_directions(
    history_store: HistoryStore, store: JobStore
) -> None:
    rng = random.Random(3)
    jobs = []
    for number in range(30):
        fox = rng.random() < 0.5
        job = await add_delivered_job(
            store, make_request(user_id=MEMBER, prompt=f"a {'fox' if fox else 'hen'} {number}")
        )
        jobs += [job.job_id] if fox else []
    older_pages = await pages_to_oldest(history_store, "Fox")
    assert [job_id for page in older_pages for job_id in ids(page)] == jobs[::-1]
    newer_pages = await pages_to_newest(history_store, older_pages[-1], "Fox")
    assert {job_id for page in newer_pages for job_id in ids(page)} == set(jobs)
    assert all(page.entries for page in (*older_pages, *newer_pages))


# Ancestry.


async def add_edit_chain(store: JobStore, length: int) -> list[Job]:
    """Deliver jobs, each the parent of the next one, at 1, 2, 3 ... credits."""
    line: list[Job] = []
    for number in range(length):
        request = make_request(user_id=MEMBER, prompt=f"fox {number}")
        parent = line[-1].job_id if line else None
        line.append(
            await add_delivered_job(store, replace(request, parent_job_id=parent), credits=number + 1)
        )
    return line


async def test_ancestors_are_listed_from_the_parent_back_with_their_total_cost(
    history_store: HistoryStore, store: JobStore
) -> None:
    line = await add_edit_chain(store, 5)
    chain = await history_store.ancestry(line[-1].job_id)
    assert [item.job.job_id for item in chain.ancestors] == [job.job_id for job in line[-2::-1]]
    assert chain.charged_credits == 1 + 2 + 3 + 4 + 5
    first = await history_store.ancestry(line[0].job_id)
    assert (first.ancestors, first.charged_credits) == ((), 1)
    unknown = await history_store.ancestry("nobody")
    assert (unknown.ancestors, unknown.charged_credits) == ((), 0)


async def test_only_charged_credits_count_in_the_cost_of_an_ancestry(
    history_store: HistoryStore, store: JobStore
) -> None:
    parent = await add_delivered_job(store, credits=3)
    child = await add_created_job(store, replace(make_request(user_id=MEMBER), parent_job_id=parent.job_id))
    assert (await history_store.ancestry(child.job_id)).charged_credits == 3
    await store.failed(child.job_id, Failure(FailureCause.RIVYA, "generation_failed", charged_credits=2))
    assert (await history_store.ancestry(child.job_id)).charged_credits == 5


async def test_a_cycle_of_ancestors_ends(
    history_store: HistoryStore, store: JobStore, database: Database
) -> None:
    line = await add_edit_chain(store, 3)
    await rows(
        database, "UPDATE jobs SET parent_job_id = ? WHERE job_id = ?", line[-1].job_id, line[0].job_id
    )
    chain = await history_store.ancestry(line[1].job_id)
    assert [item.job.job_id for item in chain.ancestors] == [line[0].job_id, line[2].job_id]
    assert chain.charged_credits == 6
    await rows(database, "UPDATE jobs SET parent_job_id = job_id WHERE job_id = ?", line[0].job_id)
    assert (await history_store.ancestry(line[0].job_id)).ancestors == ()


async def test_no_more_ancestors_than_the_maximum_are_listed(
    history_store: HistoryStore, store: JobStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await add_edit_chain(store, 9)
    assert len((await history_store.ancestry(line[-1].job_id)).ancestors) == 8 < MAX_ANCESTORS
    monkeypatch.setattr(history_module, "MAX_ANCESTORS", 5)
    async with traced(database) as statements:
        chain = await history_store.ancestry(line[-1].job_id)
    assert [item.job.job_id for item in chain.ancestors] == [job.job_id for job in line[-2:2:-1]]
    assert len([each for each in statements if each.startswith("SELECT")]) == 6, "one for each that is listed"
    assert chain.charged_credits == 9 + 8 + 7 + 6 + 5 + 4


# Sharing.


async def test_sharing_a_stored_picture_delivers_it_in_the_channel(
    history_store: HistoryStore, store: JobStore
) -> None:
    job = await add_undeliverable_job(store, private(make_request(user_id=MEMBER)))
    shown = DeliveredMessage(20, 99, DeliveryMethod.SHARE, "https://cdn/shared.jpg")
    assert await history_store.begin_share(job, None)
    assert await history_store.finish_share(job, shown)
    item = await history_store.find(job.job_id)
    assert item is not None
    assert item.job.stage == "delivered"
    assert item.job.delivered_message == shown
    assert item.job.shared_at is not None
    assert not item.job.request.destination.private
    assert (item.kept_sha256, item.filename) == (SHA256, f"{job.job_id}.jpg")
    assert item.charged_credits == 4


async def test_an_unfinished_picture_cannot_be_shared(history_store: HistoryStore, store: JobStore) -> None:
    for job in (await add_created_job(store), await add_failed_job(store)):
        before = await history_store.find(job.job_id)
        assert not await history_store.begin_share(job, DELIVERED_MESSAGE)
        assert not await history_store.finish_share(job, DELIVERED_MESSAGE)
        assert await history_store.find(job.job_id) == before


async def test_undoing_a_share_restores_the_picture(history_store: HistoryStore, store: JobStore) -> None:
    job = await add_undeliverable_job(store, private(make_request(user_id=MEMBER)))
    before = await history_store.find(job.job_id)
    assert await history_store.begin_share(job, DeliveredMessage(20, 98, DeliveryMethod.SHARE))
    assert (await find_item(history_store, job)).job.delivered_message == DeliveredMessage(
        20, 98, DeliveryMethod.SHARE
    )
    assert await history_store.undo_share(job)
    assert await history_store.find(job.job_id) == before


async def test_a_picture_deleted_or_erased_meanwhile_is_not_shared(
    history_store: HistoryStore, store: JobStore, database: Database
) -> None:
    deleted, erased = [
        await add_delivered_job(store, private(make_request(user_id=MEMBER))) for _ in range(2)
    ]
    await history_store.mark_deleted(deleted.job_id, deleted_by=MEMBER)
    assert await history_store.begin_share(erased, None)
    await rows(database, "UPDATE jobs SET user_id = 0 WHERE job_id = ?", erased.job_id)
    assert not await history_store.begin_share(deleted, None)
    assert not await history_store.finish_share(erased, DELIVERED_MESSAGE)
    assert (await find_item(history_store, erased)).job.delivered_message is None


# New requests from a picture.


async def find_item(history_store: HistoryStore, job: Job) -> Any:
    item = await history_store.find(job.job_id)
    assert item is not None
    return item


def reason_of(call: Any, *arguments: Any) -> MemberReason | None:
    try:
        call(*arguments)
    except MemberError as error:
        return error.reason
    return None


async def test_a_picture_is_visible_to_its_member_and_if_public_in_its_server(
    history_store: HistoryStore, store: JobStore
) -> None:
    open_ = await find_item(history_store, await add_delivered_job(store))
    hidden = await find_item(
        history_store, await add_undeliverable_job(store, private(make_request(user_id=MEMBER)))
    )
    unknown = MemberReason.JOB_UNKNOWN
    reasons = {
        (item, guild_id, user_id): reason_of(require_visible, item, guild_id, user_id)
        for item in (open_, hidden, None)
        for guild_id in (1, 2, None)
        for user_id in (MEMBER, OTHER)
    }
    visible = {key for key, reason in reasons.items() if reason is None}
    assert visible == {
        (open_, 1, MEMBER),
        (open_, 1, OTHER),
        (open_, None, MEMBER),
        (hidden, 1, MEMBER),
        (hidden, None, MEMBER),
    }
    assert set(reasons.values()) == {None, unknown}


async def test_new_requests_from_a_picture_follow_the_rules_of_owner_and_deletion(
    history_store: HistoryStore, store: JobStore, database: Database
) -> None:
    here = make_request(user_id=OTHER).destination
    mine = make_request(user_id=MEMBER).destination
    owner_only = AccessPolicy(rules=(AccessRule(RuleTarget.ROLE, "1", Effect.DENY),), owner_only=True)
    reference = Reference("https://cdn/secret.png", "secret.png", "image/png", 9)
    plain = (await find_item(history_store, await add_delivered_job(store))).job
    with_reference = await add_delivered_job(store, make_request(user_id=MEMBER, reference=reference))
    edited = (await find_item(history_store, with_reference)).job
    broken = (await find_item(history_store, await add_failed_job(store))).job
    gone = await add_delivered_job(store)
    await history_store.mark_deleted(gone.job_id, deleted_by=MEMBER)
    deleted = (await find_item(history_store, gone)).job
    picture = Reference(stored_url(SHA256), "fox.png", "image/png", 0)

    assert repeat_request(plain, here, AccessPolicy()).parent_job_id == plain.job_id
    assert repeat_request(plain, here, AccessPolicy()).destination == here
    assert repeat_request(broken, here, AccessPolicy()).parent_job_id is None, (
        "a failed job must not be a parent"
    )
    assert reason_of(repeat_request, plain, here, owner_only) is MemberReason.NOT_YOURS
    assert reason_of(repeat_request, plain, mine, owner_only) is None
    assert reason_of(repeat_request, edited, here, AccessPolicy()) is MemberReason.REFERENCE_NOT_YOURS
    assert reason_of(repeat_request, edited, mine, AccessPolicy()) is None
    assert reason_of(repeat_request, deleted, mine, AccessPolicy()) is MemberReason.PICTURE_DELETED
    assert (
        reason_of(request_from_picture, deleted, mine, AccessPolicy(), picture)
        is MemberReason.PICTURE_DELETED
    )
    assert (
        reason_of(request_from_picture, broken, mine, AccessPolicy(), picture)
        is MemberReason.PICTURE_UNFINISHED
    )
    assert reason_of(request_from_picture, plain, here, owner_only, picture) is MemberReason.NOT_YOURS
    # The new request does not have the reference of the other member's picture.
    fresh = request_from_picture(edited, here, AccessPolicy(), picture)
    assert (fresh.prompt, fresh.preset, fresh.references) == (
        "",
        None,
        (replace(picture, job_id=edited.job_id),),
    )
    assert fresh.parent_job_id == edited.job_id
    await rows(database, "UPDATE jobs SET prompt = '' WHERE job_id = ?", plain.job_id)
    erased = (await find_item(history_store, plain)).job
    assert reason_of(repeat_request, erased, mine, AccessPolicy()) is MemberReason.PICTURE_DELETED


async def test_the_reference_of_a_stored_picture_is_its_hash_in_the_picture_store(
    history_store: HistoryStore, store: JobStore
) -> None:
    reference = stored_reference(await find_item(history_store, await add_undeliverable_job(store)))
    assert reference is not None
    assert (reference.source_sha256, reference.content_type) == (SHA256, "image/jpeg")
    assert reference.url == f"kept:{SHA256}"
    assert stored_reference(await find_item(history_store, await add_delivered_job(store))) is None
    assert Reference("https://cdn/kept:x", "x", None, 1).source_sha256 is None


async def test_a_repeated_request_has_the_reference_that_was_sent(
    history_store: HistoryStore, store: JobStore
) -> None:
    reference = Reference("https://cdn/fox.heic", "fox.heic", "image/heic", 9)
    job = make_job(make_request(user_id=MEMBER, reference=reference))
    assert await accept(store, job, NO_CONTEXT)
    await store.uploaded(job.job_id, 1, UploadedReference("https://rivya/fox", "image/webp"), SHA256)
    await store.created(job.job_id, "task-1", 4)
    await store.succeeded(job.job_id, None, 4)
    await store.delivered(job.job_id, DELIVERED_MESSAGE)
    known = (await find_item(history_store, job)).job
    request = repeat_request(known, job.request.destination, AccessPolicy())
    assert request.references == (Reference(reference.url, "fox.heic", "image/webp", 9, SHA256),)
    second = make_job(
        replace(request, destination=make_request(user_id=MEMBER).destination), accepted_at=now_ms()
    )
    accepted = await accept(store, second, NO_CONTEXT)
    assert accepted is not None
    assert accepted.request.references == request.references
    assert accepted == await store.find(second.job_id)


# Private pictures and query plans.


async def test_a_search_of_another_members_pictures_leaves_out_private_ones(
    history_store: HistoryStore, store: JobStore
) -> None:
    await add_delivered_job(store, private(make_request(user_id=MEMBER, prompt="a secret affair")))
    public = await add_delivered_job(store, make_request(user_id=MEMBER, prompt="no secret"))
    assert ids(await history_store.older(1, MEMBER, "secret", with_private=False)) == [public.job_id]
    assert ids(await history_store.older(1, MEMBER, "affair", with_private=False)) == []
    assert len(ids(await history_store.older(1, MEMBER, "secret"))) == 2
    assert len(ids(await history_store.older(1, MEMBER, with_private=False))) == 2


async def test_a_search_reads_several_batches(
    history_store: HistoryStore, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_SCAN_BATCH", 3)
    foxes = [
        job
        for number in range(20)
        for job in await add_delivered_jobs(store, 1, prompt="a fox" if number % 2 else "an owl")
        if number % 2
    ]
    first = await history_store.older(1, MEMBER, "fox")
    assert ids(first) == [job.job_id for job in foxes[:-7:-1]]
    assert first.older is not None
    second = await history_store.older(1, MEMBER, "fox", first.older)
    assert ids(second) == [job.job_id for job in foxes[3::-1]]
    assert second.newer is not None
    assert ids(await history_store.newer(1, MEMBER, second.newer, "fox")) == ids(first)


async def test_a_page_is_read_from_its_index(
    history_store: HistoryStore, store: JobStore, database: Database
) -> None:
    await add_delivered_jobs(store, 3)
    async with traced(database) as statements:
        await history_store.older(1, MEMBER)
    (statement,) = [each for each in statements if "jobs_of_member" in each]
    plan = " / ".join(str(row[3]) for row in await rows(database, f"EXPLAIN QUERY PLAN {statement}"))
    assert "SEARCH j USING INDEX jobs_of_member (guild_id=? AND user_id=? AND interaction_id<?)" in plan
    # The one scan is that of the page's own entries.
    assert plan.count("SCAN") == plan.count("SCAN (subquery") == 1
    assert "TEMP B-TREE" not in plan
