"""Submitting a request: its options are resolved, and one transaction accepts it or asks about its price."""

from __future__ import annotations

from typing import Any

import pytest

from bot.credits.ledger import Ledger
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import Preset, RequestContext, RequestOptions
from bot.domain.model_catalog import default_catalog
from bot.guilds.presets import PresetStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.requests.member_defaults import MemberDefaults, MemberDefaultsStore
from bot.jobs.requests.submission import Accepted, Duplicate, NeedsConfirmation, SubmitResult
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.sql import query_file

OIL = Preset("Oil", "oil painting of", "on canvas")


def make_options(**options: Any) -> RequestOptions:
    destination = make_request(interaction_id=options.pop("interaction_id", None)).destination
    return RequestOptions(destination, options.pop("prompt", "a fox"), "qwen-image", **options)


async def submit(store: JobStore, request: Any, **options: Any) -> SubmitResult:
    job = make_job()
    return await store.submit(
        request, NO_CONTEXT, job_id=job.job_id, catalog=default_catalog(), at=job.accepted_at, **options
    )


async def submit_accepted(store: JobStore, options: RequestOptions) -> Accepted:
    result = await submit(store, options)
    assert isinstance(result, Accepted)
    return result


@pytest.fixture
async def confirmation_required(database: Database) -> None:
    """Let the guild ask for a confirmation of every price."""
    await GuildSettingsStore(database).change(1, GuildSetting.CONFIRM_ABOVE, "0", set_by=9, interaction_id=9)


@pytest.fixture
def drafts(database: Database) -> DraftStore:
    return DraftStore(database, default_catalog())


async def test_without_options_the_defaults_of_the_model_apply(store: JobStore) -> None:
    request = (await submit_accepted(store, make_options())).job.request
    assert (request.size, request.format, request.destination.private) == ("square_hd", "png", False)


async def test_the_defaults_of_the_member_replace_those_of_the_model(
    store: JobStore, database: Database
) -> None:
    await MemberDefaultsStore(database).set(7, MemberDefaults("portrait_4_3", "jpeg", private=True))
    request = (await submit_accepted(store, make_options())).job.request
    assert (request.size, request.format, request.destination.private) == ("portrait_4_3", "jpeg", True)


async def test_a_preset_replaces_defaults_and_an_option_replaces_both(
    store: JobStore, database: Database
) -> None:
    await MemberDefaultsStore(database).set(7, MemberDefaults("portrait_4_3", None, private=True))
    await PresetStore(database).save(1, OIL, "landscape_4_3", set_by=9, interaction_id=1)
    request = (await submit_accepted(store, make_options(preset="ÓIL"))).job.request
    assert (request.size, request.preset) == ("landscape_4_3", OIL)
    assert request.full_prompt == "oil painting of a fox on canvas"
    chosen = make_options(preset="oil", size="square", private=False)
    request = (await submit_accepted(store, chosen)).job.request
    assert (request.size, request.destination.private) == ("square", False)


async def test_a_size_that_the_model_does_not_offer_is_ignored(store: JobStore, database: Database) -> None:
    await MemberDefaultsStore(database).set(7, MemberDefaults("panorama", "gif", private=None))
    request = (await submit_accepted(store, make_options(size="huge"))).job.request
    assert (request.size, request.format) == ("square_hd", "png")


async def test_a_preset_that_the_guild_does_not_have_is_refused(store: JobStore, database: Database) -> None:
    await PresetStore(database).save(2, OIL, None, set_by=9, interaction_id=1)  # of another guild
    with pytest.raises(MemberError) as error:
        await submit(store, make_options(preset="Oil"))
    assert (error.value.reason, error.value.data) == (MemberReason.PRESET_UNKNOWN, {"name": "Oil"})
    assert await store.unfinished() == []


async def test_a_draft_of_a_refused_request_has_the_defaults_and_no_unknown_preset(
    drafts: DraftStore, database: Database
) -> None:
    await MemberDefaultsStore(database).set(7, MemberDefaults("portrait_4_3", None, private=True))
    draft_id = await drafts.save(make_options(preset="Oil"))
    assert draft_id is not None
    draft = await drafts.find(draft_id)
    assert draft is not None
    assert (draft.prompt, draft.size, draft.private, draft.preset) == ("a fox", "portrait_4_3", True, None)


@pytest.mark.usefixtures("confirmation_required")
async def test_a_price_above_the_threshold_needs_a_confirmation_which_reserves_it(
    store: JobStore, ledger: Ledger, drafts: DraftStore
) -> None:
    result = await submit(store, make_options())
    assert isinstance(result, NeedsConfirmation)
    assert (result.quote.credits, result.member_limits.guild.left_credits) == (4, 200)
    assert await store.unfinished() == []
    assert (await ledger.usage(1)).used_credits == 0
    draft = await drafts.find(result.draft_id)
    assert draft is not None
    request = draft.request(make_request().destination)
    confirmed = await submit(store, request, draft_id=draft.draft_id, confirmed=True)
    assert isinstance(confirmed, Accepted)
    assert (await ledger.usage(1)).used_credits == 4


@pytest.mark.usefixtures("confirmation_required")
async def test_a_price_question_replaces_the_draft_of_its_form(store: JobStore, drafts: DraftStore) -> None:
    form = await store.open_draft(
        make_options(), NO_CONTEXT, catalog=default_catalog(), at=make_job().accepted_at
    )
    assert form is not None
    request = form.request(make_request().destination)
    result = await submit(store, request, draft_id=form.draft_id)
    assert isinstance(result, NeedsConfirmation)
    assert await drafts.find(form.draft_id) is None
    with pytest.raises(MemberError) as error:
        await submit(store, form.request(make_request().destination), draft_id=form.draft_id)
    assert error.value.reason is MemberReason.DRAFT_TAKEN


@pytest.mark.usefixtures("confirmation_required")
async def test_a_request_over_the_limit_is_refused_without_a_price_question(
    store: JobStore, database_path: Any, drafts: DraftStore
) -> None:
    for _ in range(50):
        assert await accept(store, make_job())
    options = make_options()
    with pytest.raises(LimitExceeded):
        await submit(store, options)
    assert await drafts.find(options.destination.interaction_id) is None
    assert query_file(database_path, "SELECT count(*) FROM drafts") == [(0,)]


async def test_an_interaction_that_comes_twice_is_one_job(store: JobStore) -> None:
    assert isinstance(await submit(store, make_options(interaction_id=5)), Accepted)
    assert await submit(store, make_options(interaction_id=5)) == Duplicate()
    assert len(await store.unfinished()) == 1


@pytest.mark.usefixtures("confirmation_required")
async def test_an_interaction_that_comes_twice_is_one_question(store: JobStore) -> None:
    assert isinstance(await submit(store, make_options(interaction_id=5)), NeedsConfirmation)
    assert await submit(store, make_options(interaction_id=5)) == Duplicate()


async def test_no_form_opens_if_the_limit_is_used_up(store: JobStore) -> None:
    for _ in range(50):
        assert await accept(store, make_job())
    with pytest.raises(LimitExceeded):
        await store.open_draft(
            make_options(prompt=""), RequestContext(), catalog=default_catalog(), at=make_job().accepted_at
        )
