"""The rows of references: their order, uploads one by one, drafts that grow, and what deletes them."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from bot.domain.clock import now_ms
from bot.domain.errors import ContractViolation, MemberError, MemberReason
from bot.domain.image_models import MODELS
from bot.domain.jobs import Job, Reference, Request, Stage, UploadedReference
from bot.domain.model_catalog import ModelCatalog
from bot.jobs.picture_retention import PictureRetention
from bot.jobs.requests import drafts
from bot.jobs.requests.drafts import UNSENT_MS, Draft, DraftStore
from bot.jobs.store import JobStore
from bot.privacy.erasure import ErasureRequests
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.sql import rows, traced

CATALOG = ModelCatalog(MODELS, ("nano-banana", "qwen-image"))
REFERENCES = (
    Reference("https://cdn/z.png", 'a "quoted" 🦊\n.png', "image/png", 9),
    Reference("https://cdn/a.png", "a.png", None, 9_000_000, job_id="11111111-1111-1111-1111-111111111111"),
    Reference("https://cdn/m.png", "m.png", "image/webp", 0, sha256="a" * 64),
)
UPLOADS = (
    UploadedReference("https://rivya/1", "image/png", "one", 0.1 + 0.2, "token"),
    UploadedReference("https://rivya/2", None),
    UploadedReference("https://rivya/3", "image/webp", None, 3.0),
)


def request_with(*references: Reference, user_id: int = 7, guild_id: int = 1) -> Request:
    request = make_request(user_id=user_id, guild_id=guild_id, references=references)
    return replace(request, model="nano-banana", size="square_hd")


async def accepted(store: JobStore, *references: Reference) -> Job:
    job = await accept(store, make_job(request_with(*references)), NO_CONTEXT)
    assert job is not None
    return job


async def test_a_job_keeps_its_references_in_their_order(store: JobStore) -> None:
    job = await accepted(store, *REFERENCES)
    assert job.request.references == REFERENCES
    assert await store.find(job.job_id) == job
    assert await store.unfinished() == [job]


async def test_each_upload_is_recorded_by_itself_and_the_last_ends_the_stage(store: JobStore) -> None:
    job = await accepted(store, *REFERENCES)
    for number, upload in enumerate(UPLOADS, start=1):
        assert job.stage is Stage.ACCEPTED
        job = await store.uploaded(job.job_id, number, upload, f"{number}" * 64)
        assert job.uploads == UPLOADS[:number]
        assert await store.find(job.job_id) == job
    assert job.stage is Stage.UPLOADED
    assert [reference.sha256 for reference in job.request.references] == ["1" * 64, "2" * 64, "3" * 64]


async def test_an_upload_of_a_job_that_was_ended_changes_nothing(store: JobStore) -> None:
    job = await accepted(store, *REFERENCES)
    cancelled = await store.cancelled_in_time(job.job_id)
    assert cancelled is not None
    assert cancelled.request.references == REFERENCES
    with pytest.raises(ContractViolation):
        await store.uploaded(job.job_id, 1, UPLOADS[0], "1" * 64)
    assert await store.find(job.job_id) == cancelled


async def test_each_reference_is_one_statement_of_an_accept(store: JobStore, database: Database) -> None:
    await accepted(store)
    counts = []
    for references in ((), REFERENCES[:1], REFERENCES):
        async with traced(database) as statements:
            await accepted(store, *references)
        counts.append(len(statements))
    assert [count - counts[0] for count in counts] == [0, 1, 3]


async def test_the_number_and_the_name_of_a_wrong_one_are_in_the_error(store: JobStore) -> None:
    words = Reference("https://cdn/words", "words.txt", "text/plain", 9)
    for references, data in (
        ((REFERENCES[0], words), {"number": 2, "filename": "words.txt"}),
        ((words,), {}),
    ):
        with pytest.raises(MemberError) as refused:
            await accepted(store, *references)
        assert refused.value.reason is MemberReason.REFERENCE_TYPE
        assert refused.value.data == {"kind": "TXT", **data}
    assert await store.unfinished() == []


async def open_form(store: JobStore, request: Request, *, at: int | None = None) -> Draft:
    """Open the form of a request as *Use as reference* does."""
    found = await store.open_draft(request, NO_CONTEXT, catalog=CATALOG, at=at or now_ms(), extends=True)
    assert found is not None
    return found


async def test_references_are_added_to_the_newest_form_that_was_not_sent_in(
    store: JobStore, database: Database
) -> None:
    store_of_drafts = DraftStore(database, CATALOG)
    first = await open_form(store, request_with(REFERENCES[0]))
    await open_form(store, request_with(REFERENCES[2], user_id=8))
    await open_form(store, request_with(REFERENCES[2], guild_id=2))
    second = await open_form(store, request_with(REFERENCES[1]))
    assert (second.draft_id, second.references) == (first.draft_id, REFERENCES[:2])
    assert await store_of_drafts.find(first.draft_id) == second
    # The same address with another signature is the same picture.
    signed = replace(REFERENCES[0], url=REFERENCES[0].url + "?ex=1&hm=2")
    assert (await open_form(store, request_with(signed))).references == REFERENCES[:2]
    job = make_job(second.request(make_request().destination))
    assert await accept(store, job, NO_CONTEXT, draft_id=first.draft_id)
    assert (await open_form(store, request_with(REFERENCES[2]))).references == (REFERENCES[2],)


async def test_a_form_is_added_to_for_fifteen_minutes(store: JobStore) -> None:
    at = now_ms()
    first = await open_form(store, request_with(REFERENCES[0]), at=at)
    late = await open_form(store, request_with(REFERENCES[1]), at=at + UNSENT_MS - 1)
    assert late.draft_id == first.draft_id
    too_late = await open_form(store, request_with(REFERENCES[2]), at=at + UNSENT_MS)
    assert (too_late.references, too_late.full_model) == ((REFERENCES[2],), None)


async def test_a_reference_is_added_to_a_comparison_if_each_model_takes_it(store: JobStore) -> None:
    catalog = ModelCatalog(MODELS, ("nano-banana", "qwen-image", "z-image"))

    async def open_one(request: Request, *, extends: bool = True) -> Draft:
        found = await store.open_draft(request, NO_CONTEXT, catalog=catalog, at=now_ms(), extends=extends)
        assert found is not None
        return found

    first = await open_one(replace(request_with(), models=("nano-banana", "qwen-image")), extends=False)
    second = await open_one(request_with(REFERENCES[0]))
    assert (second.draft_id, second.models) == (first.draft_id, ("nano-banana", "qwen-image"))
    third = await open_one(request_with(REFERENCES[1]))
    assert (third.references, third.models, third.full_model) == ((REFERENCES[1],), (), "qwen-image")
    await open_one(replace(request_with(), models=("nano-banana", "z-image")), extends=False)
    alone = await open_one(request_with(REFERENCES[2]))
    assert (alone.references, alone.models, alone.full_model) == ((REFERENCES[2],), (), None)


async def test_a_form_that_is_full_is_left_as_it_is(store: JobStore, database: Database) -> None:
    ten = [replace(REFERENCES[0], url=f"https://cdn/{number}.png") for number in range(10)]
    full = await open_form(store, request_with(*ten))
    more = await open_form(store, request_with(REFERENCES[1]))
    assert (more.references, more.full_model) == ((REFERENCES[1],), "nano-banana")
    assert await DraftStore(database, CATALOG).find(full.draft_id) == full


async def test_a_picture_that_is_private_makes_the_form_private(store: JobStore, database: Database) -> None:
    await open_form(store, request_with(REFERENCES[0]))
    request = request_with(REFERENCES[1])
    private = replace(request, destination=replace(request.destination, private=True), spoiler=True)
    extended = await open_form(store, private)
    assert (extended.private, extended.spoiler) == (True, True)
    assert await DraftStore(database, CATALOG).find(extended.draft_id) == extended


async def test_references_go_with_their_draft(store: JobStore, database: Database) -> None:
    await open_form(store, request_with(*REFERENCES))
    expired = now_ms() + drafts.TTL_MS + 1
    await database.run(lambda tx: drafts.prune(tx, expired))
    assert await rows(database, "SELECT * FROM draft_references") == []


async def test_an_erasure_leaves_no_row_and_no_file(
    store: JobStore, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    picture_store = PictureStore(folder)
    names = [await picture_store.save(name.encode()) for name in ("one", "two", "three")]
    job = await accepted(store, *REFERENCES)
    for number, (upload, name) in enumerate(zip(UPLOADS, names, strict=True), start=1):
        await store.uploaded(job.job_id, number, upload, name)
    retention = PictureRetention(database, picture_store)
    for name in names:
        os.utime(picture_store.path(name), (0, 0))
    assert await retention.collect_garbage() == 0
    await store.cancelled(job.job_id)
    await ErasureRequests(database).erase(7)
    assert await rows(database, "SELECT * FROM job_references") == []
    assert await retention.collect_garbage() == 3
    assert list(folder.iterdir()) == []
