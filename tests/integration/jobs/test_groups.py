"""A request for several pictures becomes as many jobs of one group, all or none."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.credits.ledger import Ledger
from bot.domain.access import AccessRule, Effect, RuleTarget
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.image_models import MODELS
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, GroupKind, GroupPlace, Reference, RequestOptions
from bot.domain.limits import Limit
from bot.domain.model_catalog import ModelCatalog, default_catalog
from bot.domain.periods import Period
from bot.domain.pictures import PostedPicture
from bot.guilds.access_rules import AccessRuleStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.groups import GroupStore
from bot.jobs.history import HistoryStore
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.requests.submission import Accepted, Duplicate, NeedsConfirmation, SubmitResult
from tests.support.factories import NO_CONTEXT, make_request
from tests.support.sql import rows

if TYPE_CHECKING:
    from bot.jobs.store import JobStore
    from bot.storage.database import Database

THREE = ("qwen-image", "z-image", "nano-banana")
THREE_MODELS = ModelCatalog(MODELS, THREE)


async def submit(
    store: JobStore, request: Any, *, catalog: ModelCatalog | None = None, **more: Any
) -> SubmitResult:
    return await store.submit(
        request,
        NO_CONTEXT,
        job_id=str(uuid.uuid4()),
        catalog=catalog or default_catalog(),
        at=now_ms(),
        **more,
    )


def four(**changes: Any) -> Any:
    return replace(make_request(**changes), pictures=4)


async def test_four_pictures_are_four_jobs_with_their_own_credits(
    store: JobStore, database: Database
) -> None:
    result = await submit(store, request := four())
    assert isinstance(result, Accepted)
    assert [job.place for job in result.jobs] == [GroupPlace(number, 4) for number in (1, 2, 3, 4)]
    assert len({job.job_id for job in result.jobs}) == 4
    assert {(job.request.pictures, job.request.models) for job in result.jobs} == {(1, ())}
    group = await GroupStore(database).find(request.destination.interaction_id)
    assert group is not None
    assert (group.kind, group.message, group.charged_credits) == (GroupKind.PICTURES, None, {})
    assert group.jobs == result.jobs
    reserved = await rows(database, "SELECT job_id, state, reserved_credits FROM reservations")
    assert sorted(reserved) == sorted((job.job_id, "held", 4) for job in result.jobs)
    assert (await Ledger(database, Limit(200, Period.MONTH)).usage(1)).held_credits == 16


async def test_one_picture_is_no_group(store: JobStore, database: Database) -> None:
    result = await submit(store, request := make_request())
    assert isinstance(result, Accepted)
    assert (result.jobs, result.job.place) == ((result.job,), None)
    assert await GroupStore(database).find(request.destination.interaction_id) is None


async def test_an_interaction_that_comes_twice_is_one_group(store: JobStore, database: Database) -> None:
    request = four()
    assert isinstance(await submit(store, request), Accepted)
    assert isinstance(await submit(store, request), Duplicate)
    assert await rows(database, "SELECT count(*) FROM jobs") == [(4,)]


async def test_without_room_for_all_there_is_none_and_the_refusal_says_how_many_would_fit(
    store: JobStore, database: Database
) -> None:
    assert isinstance(await submit(store, four()), Accepted)
    ledger = Ledger(database, Limit(28, Period.MONTH))
    tight = type(store)(database, ledger.default)
    with pytest.raises(LimitExceeded) as caught:
        await submit(tight, four())
    error = caught.value
    assert (error.pictures, error.fitting, error.cost_credits, error.usage.left_credits) == (4, 3, 16, 12)
    for table, count in (("jobs", 4), ("reservations", 4), ("job_groups", 1)):
        assert await rows(database, f"SELECT count(*) FROM {table}") == [(count,)]
    assert isinstance(await submit(tight, replace(make_request(), pictures=3)), Accepted)


async def test_models_are_compared_at_their_own_prices(store: JobStore, database: Database) -> None:
    request = replace(make_request(), models=THREE)
    result = await submit(store, request, catalog=THREE_MODELS)
    assert isinstance(result, Accepted)
    assert [job.request.model for job in result.jobs] == list(THREE)
    prices = [MODELS[model_id].cost_credits for model_id in THREE]
    assert [job.quote_credits for job in result.jobs] == prices
    group = await GroupStore(database).find(request.destination.interaction_id)
    assert group is not None
    assert group.kind is GroupKind.COMPARE
    unknown = replace(make_request(), models=("qwen-image", "unknown"))
    with pytest.raises(MemberError) as caught:
        await submit(store, unknown, catalog=THREE_MODELS)
    assert (caught.value.reason, caught.value.data["model"]) == (MemberReason.MODEL_UNAVAILABLE, "unknown")


async def test_an_admin_says_how_many_pictures_a_request_may_have(
    store: JobStore, database: Database
) -> None:
    with pytest.raises(MemberError) as caught:
        await submit(store, replace(make_request(), pictures=5))
    assert (caught.value.reason, caught.value.data) == (
        MemberReason.TOO_MANY_PICTURES,
        {"count": 5, "limit": 4, "compared": False},
    )
    await GuildSettingsStore(database).change(1, GuildSetting.PICTURE_LIMIT, "1", set_by=9, interaction_id=9)
    with pytest.raises(MemberError) as caught:
        await submit(store, four())
    assert caught.value.data == {"count": 4, "limit": 1, "compared": False}
    with pytest.raises(MemberError) as caught:
        await submit(store, replace(make_request(), models=THREE), catalog=THREE_MODELS)
    assert caught.value.data == {"count": 3, "limit": 1, "compared": True}
    assert isinstance(await submit(store, make_request()), Accepted)


async def test_an_error_about_one_of_the_compared_models_names_that_one(
    store: JobStore, database: Database
) -> None:
    rule = AccessRule(RuleTarget.MODEL, "nano-banana", Effect.DENY, model="nano-banana")
    assert await AccessRuleStore(database).set(1, [rule], interaction_id=9)
    with pytest.raises(MemberError) as caught:
        await submit(store, replace(make_request(), models=THREE), catalog=THREE_MODELS)
    assert (caught.value.reason, caught.value.data["model"]) == (MemberReason.MODEL_REFUSED, "Nano Banana")
    referenced = replace(
        make_request(reference=Reference("https://cdn/r.png", "r.png", None, 1)),
        models=("qwen-image", "z-image"),
    )
    with pytest.raises(MemberError) as caught:
        await submit(store, referenced, catalog=THREE_MODELS)
    assert caught.value.reason is MemberReason.REFERENCE_UNSUPPORTED
    assert (caught.value.data["model"], caught.value.data["others"]) == ("Z Image", ["Qwen Image"])
    assert await rows(database, "SELECT count(*) FROM jobs") == [(0,)]


async def test_models_that_are_compared_have_one_picture_each(store: JobStore, database: Database) -> None:
    with pytest.raises(MemberError) as caught:
        await submit(store, replace(make_request(), models=THREE, pictures=2), catalog=THREE_MODELS)
    assert caught.value.reason is MemberReason.PICTURES_AND_MODELS


async def test_of_compared_models_the_cheapest_are_said_to_fit(store: JobStore, database: Database) -> None:
    tight = type(store)(database, Limit(5, Period.MONTH))
    models = ("qwen-image", "nano-banana", "z-image")  # 4, 3 and 1 credits
    with pytest.raises(LimitExceeded) as caught:
        await submit(tight, replace(make_request(), models=models), catalog=THREE_MODELS)
    error = caught.value
    assert (error.pictures, error.fitting, error.cost_credits) == (3, 2, 8)
    assert (error.model_name, error.cheaper) == (None, None)


async def test_a_cheaper_model_is_named_if_all_pictures_fit(store: JobStore, database: Database) -> None:
    for limit, cheaper in ((7, "Z Image"), (3, None)):
        tight = type(store)(database, Limit(limit, Period.MONTH))
        with pytest.raises(LimitExceeded) as caught:
            await submit(tight, four(), catalog=ModelCatalog(MODELS, ("qwen-image", "z-image")))
        named = caught.value.cheaper
        assert (named and named.model_name) == cheaper


async def test_the_format_that_was_asked_for_outlives_the_question(
    store: JobStore, database: Database
) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.CONFIRM_ABOVE, "0", set_by=9, interaction_id=9)
    request = replace(make_request(), models=("z-image", "qwen-image"), format="jpeg")
    question = await submit(store, request, catalog=THREE_MODELS)
    assert isinstance(question, NeedsConfirmation)
    assert [(each.model.model_id, each.price.credits) for each in question.pictures] == [
        ("z-image", 1),
        ("qwen-image", 4),
    ]
    draft = await DraftStore(database, THREE_MODELS).find(question.draft_id)
    assert draft is not None
    answer = make_request().destination
    result = await submit(
        store, draft.request(answer), draft_id=draft.draft_id, confirmed=True, catalog=THREE_MODELS
    )
    assert isinstance(result, Accepted)
    assert [job.request.format for job in result.jobs] == ["any", "jpeg"]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"pictures": 2, "settings": "max_images=6"}, 12),
        ({"pictures": 3, "settings": "max_images=4"}, 12),
        ({"pictures": 2, "settings": "max_images=5"}, None),
        ({"pictures": 1, "settings": "max_images=6"}, None),
        ({"pictures": 4, "settings": "max_images=1"}, None),
    ],
)
async def test_tasks_for_several_pictures_together_make_no_more_than_one_message_shows(
    store: JobStore, asked: dict[str, Any], count: int | None
) -> None:
    catalog = ModelCatalog(MODELS, ("seedream-4-0",))
    options = RequestOptions(make_request().destination, "a fox", **asked)
    if count is None:
        assert isinstance(await submit(store, options, catalog=catalog), Accepted)
        return
    with pytest.raises(MemberError) as caught:
        await submit(store, options, catalog=catalog)
    assert (caught.value.reason, caught.value.data) == (
        MemberReason.TOO_MANY_RESULTS,
        {"count": count, "limit": 10, "by_admin": False},
    )


@pytest.mark.parametrize(("most", "accepted"), [("1", False), ("2", True), ("4", True)])
async def test_what_an_admin_allows_counts_the_pictures_of_a_task(
    store: JobStore, database: Database, most: str, accepted: bool
) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.PICTURE_LIMIT, most, set_by=9, interaction_id=9)
    catalog = ModelCatalog(MODELS, ("seedream-4-0",))
    options = RequestOptions(make_request().destination, "a fox", settings="max_images=2")
    if accepted:
        assert isinstance(await submit(store, options, catalog=catalog), Accepted)
        return
    with pytest.raises(MemberError) as caught:
        await submit(store, options, catalog=catalog)
    assert caught.value.data == {"count": 2, "limit": 1, "by_admin": True}


async def test_each_picture_counts_as_one_under_way_and_the_cooldown_once(
    store: JobStore, database: Database
) -> None:
    settings = GuildSettingsStore(database)
    await settings.change(1, GuildSetting.RUNNING_LIMIT, "6", set_by=9, interaction_id=9)
    assert isinstance(await submit(store, four()), Accepted)
    with pytest.raises(MemberError) as caught:
        await submit(store, replace(make_request(), pictures=3))
    assert caught.value.data == {"running": 4, "limit": 6, "pictures": 3}
    assert isinstance(await submit(store, replace(make_request(), pictures=2)), Accepted)
    await settings.change(1, GuildSetting.RUNNING_LIMIT, None, set_by=9, interaction_id=10)
    await settings.change(1, GuildSetting.COOLDOWN_SECONDS, "60", set_by=9, interaction_id=11)
    assert isinstance(await submit(store, four(user_id=8)), Accepted)
    with pytest.raises(MemberError) as caught:
        await submit(store, four(user_id=8))
    assert caught.value.reason is MemberReason.COOLDOWN


async def test_the_question_is_about_the_price_of_all(store: JobStore, database: Database) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.CONFIRM_ABOVE, "15", set_by=9, interaction_id=9)
    assert isinstance(await submit(store, replace(make_request(), pictures=3)), Accepted)
    question = await submit(store, four())
    assert isinstance(question, NeedsConfirmation)
    assert (question.quote.credits, question.request.pictures) == (16, 4)
    draft = await DraftStore(database, default_catalog()).find(question.draft_id)
    assert draft is not None
    assert draft.pictures == 4
    answer = make_request().destination
    result = await submit(store, draft.request(answer), draft_id=draft.draft_id, confirmed=True)
    assert isinstance(result, Accepted)
    assert len(result.jobs) == 4
    with pytest.raises(MemberError) as caught:
        await submit(
            store, draft.request(make_request().destination), draft_id=draft.draft_id, confirmed=True
        )
    assert caught.value.reason is MemberReason.DRAFT_TAKEN
    # The draft stays taken while one of its jobs is not cancelled.
    await store.cancelled(result.job.job_id)
    with pytest.raises(MemberError) as caught:
        await submit(
            store, draft.request(make_request().destination), draft_id=draft.draft_id, confirmed=True
        )
    assert caught.value.reason is MemberReason.DRAFT_TAKEN


async def test_compared_models_stay_in_a_draft(store: JobStore, database: Database) -> None:
    drafts = DraftStore(database, default_catalog())
    options = RequestOptions(make_request().destination, "a fox", models=("qwen-image", "what was typed"))
    draft_id = await drafts.save(options)
    assert draft_id is not None
    draft = await drafts.find(draft_id)
    assert draft is not None
    assert draft.models == options.models


async def test_a_group_knows_its_message_and_each_picture_in_it(store: JobStore, database: Database) -> None:
    result = await submit(store, request := four())
    assert isinstance(result, Accepted)
    groups, interaction_id = GroupStore(database), request.destination.interaction_id
    message = DeliveredMessage(20, 555, DeliveryMethod.CHANNEL)
    pictures = {
        job.job_id: replace(message, url=f"https://cdn/{job.job_id}.png", attachment_id=600 + number)
        for number, job in enumerate(result.jobs[:2])
    }
    await groups.posted(interaction_id, message, pictures)
    group = await groups.find(interaction_id)
    assert group is not None
    assert group.message == message
    assert [job.delivered_message for job in group.jobs] == [*pictures.values(), None, None]


async def test_a_member_has_one_vote(store: JobStore, database: Database) -> None:
    result = await submit(store, request := four())
    assert isinstance(result, Accepted)
    groups, interaction_id = GroupStore(database), request.destination.interaction_id
    assert [await groups.vote(interaction_id, *vote) for vote in ((7, 1), (8, 1), (7, 3), (7, 3))] == [
        True,
        True,
        True,
        False,
    ]
    group = await groups.find(interaction_id)
    assert group is not None
    assert group.votes == {1: 1, 3: 1}


async def test_a_shared_or_deleted_picture_stays_where_it_is(store: JobStore, database: Database) -> None:
    result = await submit(store, request := four())
    assert isinstance(result, Accepted)
    groups, interaction_id = GroupStore(database), request.destination.interaction_id
    shared, deleted, *others = (job.job_id for job in result.jobs)
    await rows(database, f"UPDATE jobs SET shared_at = 1 WHERE job_id = '{shared}'")
    await HistoryStore(database).mark_deleted(deleted, deleted_by=9)
    message = DeliveredMessage(20, 555, DeliveryMethod.DM, more=(PostedPicture("https://cdn/2.png", 602),))
    await groups.posted(interaction_id, message, dict.fromkeys((shared, deleted, *others), message))
    group = await groups.find(interaction_id)
    assert group is not None
    assert [job.delivered_message for job in group.jobs] == [None, None, message, message]
    assert [len(job.more_pictures) for job in group.jobs] == [0, 0, 1, 1]


async def test_all_of_a_group_are_deleted_in_one(store: JobStore, database: Database) -> None:
    result = await submit(store, four())
    assert isinstance(result, Accepted)
    history, job_ids = HistoryStore(database), [job.job_id for job in result.jobs]
    await history.mark_deleted(*job_ids[:2], deleted_by=9)
    await history.mark_deleted(*job_ids, deleted_by=8)
    found = await rows(database, "SELECT deleted_by FROM jobs WHERE deleted_at IS NOT NULL ORDER BY number")
    assert found == [(9,), (9,), (8,), (8,)]
