"""Drafts: everything of a request is stored, and a draft becomes at most one job."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import time_machine

from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.ids import MAX_ID
from bot.domain.jobs import MOST_PICTURES, Job, Preset, Reference, Request, Stage
from bot.domain.limits import Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.jobs.requests import drafts as drafts_module
from bot.jobs.requests.drafts import TTL_MS, Draft, DraftStore, draft_from
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

AT = 1_790_000_000
REFERENCE = Reference("https://cdn/fox.png?ex=1", "fox.png", None, 9, "ab" * 32)


@pytest.fixture
def drafts(database: Database) -> DraftStore:
    return DraftStore(database, default_catalog())


async def save_draft(drafts: DraftStore, request: Request | None = None) -> int:
    draft_id = await drafts.save(request or make_request())
    assert draft_id is not None
    return draft_id


async def find_draft(drafts: DraftStore, draft_id: int) -> Draft:
    draft = await drafts.find(draft_id)
    assert draft is not None
    return draft


def make_confirmed_job(draft: Draft) -> Job:
    """A job made from a draft by an interaction of its own, as Confirm makes it."""
    return make_job(draft.request(make_request(guild_id=draft.guild_id, user_id=draft.user_id).destination))


async def refusal_reason(store: JobStore, draft: Draft) -> MemberReason:
    with pytest.raises(MemberError) as error:
        await accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
    return error.value.reason


async def test_a_draft_has_everything_of_a_request_but_its_destination(
    drafts: DraftStore, store: JobStore
) -> None:
    parent = await accept(store, make_job(), NO_CONTEXT)
    assert parent is not None
    request = replace(
        make_request(prompt="ein Füchslein 🦊\n狐", reference=REFERENCE),
        size="portrait_4_3",
        format="jpeg",
        spoiler=True,
        preset=Preset("oil", "an oil painting of", ""),
        parent_job_id=parent.job_id,
    )
    request = replace(request, destination=replace(request.destination, private=True))
    draft = await find_draft(drafts, await save_draft(drafts, request))
    assert draft == replace(draft_from(request), picture_limit=MOST_PICTURES)
    assert draft.draft_id == request.destination.interaction_id
    elsewhere = replace(make_request().destination, channel_id=21, private=draft.private)
    assert draft.request(elsewhere) == replace(request, destination=elsewhere)


async def test_an_empty_form_can_be_a_draft(drafts: DraftStore) -> None:
    draft = await find_draft(drafts, await save_draft(drafts, make_request(prompt="")))
    assert (draft.prompt, draft.references, draft.preset, draft.taken) == ("", (), None, False)


async def test_a_repeated_interaction_makes_one_draft(drafts: DraftStore) -> None:
    request = make_request(prompt="the first")
    first = await save_draft(drafts, request)
    assert await drafts.save(replace(request, prompt="the second")) is None
    assert (await find_draft(drafts, first)).prompt == "the first"


@pytest.mark.parametrize("draft_id", [0, 1, MAX_ID, MAX_ID + 1, 10**30])
async def test_an_unknown_draft_is_not_found(drafts: DraftStore, draft_id: int) -> None:
    await save_draft(drafts)
    assert await drafts.find(draft_id) is None


async def test_of_fifty_confirmations_one_becomes_the_job(
    drafts: DraftStore, store: JobStore, ledger: Ledger
) -> None:
    draft = await find_draft(drafts, await save_draft(drafts))
    ended = await asyncio.gather(
        *(accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id) for _ in range(50)),
        return_exceptions=True,
    )
    jobs = [each for each in ended if isinstance(each, Job)]
    errors = [each for each in ended if isinstance(each, MemberError)]
    assert (len(jobs), len(errors)) == (1, 49)
    assert {error.reason for error in errors} == {MemberReason.DRAFT_TAKEN}
    assert (await ledger.usage(1)).used_credits == 4
    assert (await find_draft(drafts, draft.draft_id)).taken
    # The same interaction delivered twice is ignored, not refused.
    again = make_job(jobs[0].request)
    assert await accept(store, again, NO_CONTEXT, draft_id=draft.draft_id) is None


async def test_of_a_confirmation_and_a_deletion_at_once_exactly_one_takes_effect(
    drafts: DraftStore, store: JobStore, ledger: Ledger
) -> None:
    confirmed = 0
    for number in range(40):
        draft = await find_draft(drafts, await save_draft(drafts))
        confirm = accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
        discard = drafts.delete(draft.draft_id)
        both = (confirm, discard) if number % 2 else (discard, confirm)
        ended = await asyncio.gather(*both, return_exceptions=True)
        jobs = [each for each in ended if isinstance(each, Job)]
        deleted = True in ended
        assert len(jobs) == (not deleted), ended
        assert (await drafts.find(draft.draft_id) is None) is deleted
        confirmed += len(jobs)
    assert 0 < confirmed < 40
    assert (await ledger.usage(1)).used_credits == 4 * confirmed


async def test_a_refused_request_leaves_the_draft_for_another_try(
    drafts: DraftStore, store: JobStore, credit_admin: CreditAdmin
) -> None:
    draft = await find_draft(drafts, await save_draft(drafts))
    await credit_admin.set_limit(1, Limit(0, Period.MONTH), set_by=99)
    with pytest.raises(LimitExceeded):
        await accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
    assert not (await find_draft(drafts, draft.draft_id)).taken
    await credit_admin.set_limit(1, Limit(4, Period.MONTH), set_by=99)
    assert await accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
    assert await refusal_reason(store, draft) is MemberReason.DRAFT_TAKEN


async def test_a_draft_can_be_used_again_after_its_job_was_cancelled(
    drafts: DraftStore, store: JobStore
) -> None:
    draft = await find_draft(drafts, await save_draft(drafts))
    first = await accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
    assert first is not None
    assert (await find_draft(drafts, draft.draft_id)).taken
    assert not await drafts.delete(draft.draft_id)
    await store.cancelled(first.job_id)
    assert not (await find_draft(drafts, draft.draft_id)).taken
    second = await accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
    assert second is not None
    await store.created(second.job_id, "task", 4)
    assert (await find_draft(drafts, draft.draft_id)).taken
    assert await refusal_reason(store, draft) is MemberReason.DRAFT_TAKEN


async def test_a_draft_expires_after_its_ttl(drafts: DraftStore, store: JobStore, database: Database) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        old = await find_draft(drafts, await save_draft(drafts))
        clock.shift(10)
        young = await find_draft(drafts, await save_draft(drafts))
        clock.shift(TTL_MS / 1000 - 10)
        assert await drafts.find(old.draft_id) == old
        clock.shift(0.001)
        assert await drafts.find(old.draft_id) is None
        assert await drafts.find(young.draft_id) == young
        now = now_ms()
        await database.run(lambda tx: drafts_module.prune(tx, now))
    left = await database.run(lambda tx: [row[0] for row in tx.execute("SELECT draft_id FROM drafts")])
    assert left == [young.draft_id]


async def test_a_draft_is_deleted_once(drafts: DraftStore) -> None:
    draft_id = await save_draft(drafts)
    assert await drafts.delete(draft_id)
    assert not await drafts.delete(draft_id)
    assert await drafts.find(draft_id) is None


async def test_a_deleted_draft_becomes_no_job(drafts: DraftStore, store: JobStore, ledger: Ledger) -> None:
    draft = await find_draft(drafts, await save_draft(drafts))
    await drafts.delete(draft.draft_id)
    assert await refusal_reason(store, draft) is MemberReason.DRAFT_TAKEN
    assert (await ledger.usage(1)).used_credits == 0
    assert await store.unfinished() == []


async def test_a_job_has_everything_of_its_draft(drafts: DraftStore, store: JobStore) -> None:
    request = replace(
        make_request(reference=REFERENCE), preset=Preset("oil", "an oil painting of", "at dusk")
    )
    draft = await find_draft(drafts, await save_draft(drafts, request))
    job = await accept(store, make_confirmed_job(draft), NO_CONTEXT, draft_id=draft.draft_id)
    assert job is not None
    assert job == await store.find(job.job_id)
    assert job.stage is Stage.ACCEPTED
    assert (job.request.preset, job.request.references) == (request.preset, (REFERENCE,))
    assert job.request.full_prompt == "an oil painting of a red fox at dusk"
