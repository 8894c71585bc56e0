"""A group is repeated as one request again, whole or in part, by who may see and use it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.access import AccessPolicy
from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.image_models import MODELS
from bot.domain.jobs import Reference, Stage
from bot.domain.model_catalog import ModelCatalog
from bot.jobs.groups import GroupStore, JobGroup
from bot.jobs.requests.derived_requests import repeat_jobs, require_group_visible
from bot.jobs.requests.submission import Accepted
from tests.support.factories import NO_CONTEXT, make_request

if TYPE_CHECKING:
    from bot.domain.jobs import Job, Request
    from bot.jobs.store import JobStore
    from bot.storage.database import Database

MEMBER, OTHER, GUILD = 7, 8, 1
THREE = ("qwen-image", "z-image", "nano-banana")
CATALOG = ModelCatalog(MODELS, THREE)
OPEN = AccessPolicy()
DRAFT = Reference("https://cdn.discordapp.com/a/b/draft.png", "draft.png", "image/png", 10)


async def accept(store: JobStore, request: Request) -> tuple[Job, ...]:
    result = await store.submit(
        request, NO_CONTEXT, job_id=str(uuid.uuid4()), catalog=CATALOG, at=now_ms(), confirmed=True
    )
    assert isinstance(result, Accepted)
    return result.jobs


async def make_group(store: JobStore, database: Database, **changes: Any) -> JobGroup:
    request = replace(make_request(), **changes)
    await accept(store, request)
    group = await GroupStore(database).find(request.destination.interaction_id)
    assert group is not None
    return group


def with_jobs(group: JobGroup, *numbers: int, **changes: Any) -> JobGroup:
    """Return a group in which some jobs are different."""
    jobs = [
        replace(job, **changes) if number in numbers else job
        for number, job in enumerate(group.jobs, start=1)
    ]
    return replace(group, jobs=tuple(jobs))


def again(
    group: JobGroup, jobs: Any = None, *, user_id: int = MEMBER, policy: AccessPolicy = OPEN
) -> Request:
    destination = make_request(user_id=user_id).destination
    return repeat_jobs(group.kind, group.jobs if jobs is None else jobs, destination, policy)


async def test_all_are_asked_for_again_and_a_second_click_is_refused(
    store: JobStore, database: Database
) -> None:
    group = await make_group(store, database, pictures=4)
    request = again(group)
    assert (request.pictures, request.models, request.prompt) == (4, (), "a red fox")
    jobs = await accept(store, request)
    assert [job.place and job.place.size for job in jobs] == [4] * 4
    with pytest.raises(MemberError) as caught:
        await accept(store, again(group))
    assert caught.value.reason is MemberReason.ALREADY_ASKED
    # Fewer of them are another request.
    (job,) = await accept(store, again(group, group.jobs[3:]))
    assert job.place is None
    with pytest.raises(MemberError) as caught:
        await accept(store, again(group, group.jobs[3:]))
    assert caught.value.reason is MemberReason.ALREADY_ASKED


async def test_compared_models_are_compared_again_or_those_that_are_missing(
    store: JobStore, database: Database
) -> None:
    group = await make_group(store, database, models=THREE)
    request = again(group)
    assert (request.pictures, request.models) == (1, THREE)
    assert [job.request.model for job in await accept(store, request)] == list(THREE)
    two = again(group, group.jobs[1:])
    assert (two.model, two.models) == ("z-image", THREE[1:])
    one = again(group, group.jobs[2:])
    assert (one.model, one.models, one.pictures) == ("nano-banana", (), 1)


async def test_a_painted_picture_is_the_parent_of_those_that_repeat_it(
    store: JobStore, database: Database
) -> None:
    group = with_jobs(await make_group(store, database, pictures=3), 1, stage=Stage.DELIVERED)
    assert again(group).parent_job_id == group.jobs[0].job_id
    assert again(group, group.jobs[1:]).parent_job_id is None


async def test_deleted_pictures_do_not_keep_the_others_from_being_repeated(
    store: JobStore, database: Database
) -> None:
    group = await make_group(store, database, pictures=3)
    some = with_jobs(group, 1, 2, deleted_at=now_ms())
    assert again(some).pictures == 3
    with pytest.raises(MemberError) as caught:
        again(with_jobs(group, 1, 2, 3, deleted_at=now_ms()))
    assert caught.value.reason is MemberReason.PICTURE_DELETED
    erased = with_jobs(group, 1, 2, 3, request=replace(group.jobs[0].request, prompt=""))
    with pytest.raises(MemberError) as caught:
        again(erased)
    assert caught.value.reason is MemberReason.PICTURE_DELETED


async def test_who_may_use_a_picture_may_use_its_group(store: JobStore, database: Database) -> None:
    group = await make_group(store, database, pictures=2, references=(DRAFT,))
    with pytest.raises(MemberError) as caught:
        again(group, user_id=OTHER)
    assert caught.value.reason is MemberReason.REFERENCE_NOT_YOURS
    with pytest.raises(MemberError) as caught:
        again(group, user_id=OTHER, policy=AccessPolicy(owner_only=True))
    assert caught.value.reason is MemberReason.NOT_YOURS
    assert again(group, policy=AccessPolicy(owner_only=True)).references == (DRAFT,)


async def test_a_group_shows_what_its_reader_may_see(store: JobStore, database: Database) -> None:
    public = await make_group(store, database, pictures=2)
    assert require_group_visible(public, GUILD, OTHER) == public
    private = replace(make_request().destination, private=True)
    hidden = await make_group(store, database, pictures=2, destination=private)
    assert require_group_visible(hidden, GUILD, MEMBER) == hidden
    assert require_group_visible(hidden, None, MEMBER) == hidden
    shared = with_jobs(hidden, 2, request=public.jobs[0].request)
    assert require_group_visible(shared, GUILD, OTHER).jobs == shared.jobs[1:]
    for group, guild_id, user_id in (
        (hidden, GUILD, OTHER),
        (hidden, 2, MEMBER),
        (public, 2, MEMBER),
        (public, None, OTHER),
        (None, GUILD, MEMBER),
    ):
        with pytest.raises(MemberError) as caught:
            require_group_visible(group, guild_id, user_id)
        assert caught.value.reason is MemberReason.JOB_UNKNOWN
