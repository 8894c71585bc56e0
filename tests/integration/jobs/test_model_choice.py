"""The model of a request: defaults, rules about models, the models that are named, and safety."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.credits.admin import CreditAdmin
from bot.domain.access import AccessRule, Effect, RuleTarget
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.image_models import MODELS
from bot.domain.jobs import Job, Preset, Reference, RequestContext, RequestOptions
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import LiveModel, ModelCatalog
from bot.domain.periods import Period
from bot.guilds.access_rules import AccessRuleStore
from bot.guilds.presets import PresetStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.requests.guild_defaults import GuildDefaultsStore
from bot.jobs.requests.member_defaults import MemberDefaults, MemberDefaultsStore
from bot.jobs.requests.member_standing import MemberStandingReader
from bot.jobs.requests.submission import Accepted, SubmitResult
from bot.jobs.store import JobStore
from bot.rivya.models import create_body
from bot.storage.database import Database
from tests.support.factories import make_job, make_request
from tests.support.sql import traced

OFFERED = ("qwen-image", "flux-2-pro", "z-image", "nano-banana")
REFERENCE = Reference("https://cdn.discordapp.com/a/b/r.png", "r.png", "image/png", 100)
MEMBER = RequestContext(role_ids=(31,), channel_ids=(20,))
RED = RequestContext(channel_ids=(20,), age_restricted=True)


@pytest.fixture
def catalog() -> ModelCatalog:
    return ModelCatalog(MODELS, OFFERED)


def options(prompt: str = "a red fox", **given: Any) -> RequestOptions:
    return RequestOptions(make_request().destination, prompt, **given)


async def submit(
    store: JobStore,
    catalog: ModelCatalog,
    request: Any = None,
    context: RequestContext = MEMBER,
    **given: Any,
) -> SubmitResult:
    job = make_job()
    request = request or options()
    return await store.submit(
        request, context, job_id=job.job_id, catalog=catalog, at=job.accepted_at, **given
    )


async def accepted(*args: Any, **given: Any) -> Job:
    result = await submit(*args, **given)
    assert isinstance(result, Accepted)
    return result.job


async def refused(*args: Any, **given: Any) -> MemberError:
    with pytest.raises(MemberError) as error:
        await submit(*args, **given)
    return error.value


async def rule(
    database: Database,
    model: str,
    effect: Effect,
    *,
    role_id: int | None = None,
    channel_id: int | None = None,
) -> None:
    kind, subject = RuleTarget.MODEL, model
    if role_id is not None:
        kind, subject = RuleTarget.MODEL_ROLE, str(role_id)
    if channel_id is not None:
        kind, subject = RuleTarget.MODEL_CHANNEL, str(channel_id)
    interaction_id = make_request().destination.interaction_id
    rules = [AccessRule(kind, subject, effect, words=model, model=model)]
    assert await AccessRuleStore(database).set(1, rules, interaction_id=interaction_id)


async def set_guild_defaults(database: Database, defaults: MemberDefaults, guild_id: int = 1) -> None:
    interaction_id = make_request().destination.interaction_id
    await GuildDefaultsStore(database).set(guild_id, defaults, set_by=9, interaction_id=interaction_id)


async def test_an_option_is_before_the_members_default_the_servers_and_the_first_model(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    assert (await accepted(store, catalog)).request.model == "qwen-image"
    await set_guild_defaults(database, MemberDefaults(model="z-image"))
    job = await accepted(store, catalog)
    assert (job.request.model, job.quote_credits) == ("z-image", 1)
    await MemberDefaultsStore(database).set(7, MemberDefaults(model="flux-2-pro"))
    job = await accepted(store, catalog)
    assert (job.request.model, job.quote_credits) == ("flux-2-pro", 5)
    assert (await accepted(store, catalog, options(model="nano-banana"))).request.model == "nano-banana"
    await PresetStore(database).save(
        1, Preset("Oil", "oil of", ""), None, set_by=9, interaction_id=1, model="z-image"
    )
    assert (await accepted(store, catalog, options(preset="oil"))).request.model == "z-image"
    chosen = options(preset="oil", model="nano-banana")
    assert (await accepted(store, catalog, chosen)).request.model == "nano-banana"


async def test_size_format_and_privacy_have_the_same_order(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await set_guild_defaults(database, MemberDefaults("portrait_4_3", "jpeg", private=True))
    request = (await accepted(store, catalog)).request
    assert (request.size, request.format, request.destination.private) == ("portrait_4_3", "jpeg", True)
    await MemberDefaultsStore(database).set(7, MemberDefaults("portrait_16_9", "png", private=False))
    request = (await accepted(store, catalog)).request
    assert (request.size, request.format, request.destination.private) == ("portrait_16_9", "png", False)
    await PresetStore(database).save(
        1, Preset("Oil", "oil of", ""), "landscape_4_3", set_by=9, interaction_id=1
    )
    assert (await accepted(store, catalog, options(preset="Oil"))).request.size == "landscape_4_3"
    chosen = options(preset="Oil", size="square", private=True)
    request = (await accepted(store, catalog, chosen)).request
    assert (request.size, request.destination.private) == ("square", True)


async def test_the_defaults_of_another_server_and_of_another_member_do_not_count(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await set_guild_defaults(database, MemberDefaults("portrait_4_3", model="z-image"), guild_id=2)
    await MemberDefaultsStore(database).set(8, MemberDefaults(model="z-image"))
    request = (await accepted(store, catalog)).request
    assert (request.model, request.size) == ("qwen-image", "square_hd")


async def test_only_changed_defaults_of_a_server_are_in_its_log(database: Database) -> None:
    store = GuildDefaultsStore(database)
    defaults = MemberDefaults("square", None, private=False, model="z-image")
    await store.set(1, defaults, set_by=9, interaction_id=1)
    await store.set(1, defaults, set_by=9, interaction_id=2)
    assert await store.get(1) == defaults
    await store.set(1, replace(defaults, size=None), set_by=9, interaction_id=3)
    rows = await database.run(
        lambda tx: [
            tuple(row)
            for row in tx.execute(
                "SELECT name, value, interaction_id FROM guild_settings ORDER BY setting_id"
            )
        ]
    )
    assert rows == [
        ("default_model", "z-image", 1),
        ("default_size", "square", 1),
        ("default_private", "off", 1),
        ("default_size", None, 3),
    ]


@pytest.mark.parametrize("whose", ["member", "guild", "preset"])
async def test_a_default_that_is_not_offered_any_more_is_refused_as_such(
    store: JobStore, database: Database, catalog: ModelCatalog, whose: str
) -> None:
    defaults = MemberDefaults(model="flux-2-flex")
    asked = options(preset="Oil" if whose == "preset" else None)
    if whose == "member":
        await MemberDefaultsStore(database).set(7, defaults)
    elif whose == "guild":
        await set_guild_defaults(database, defaults)
    else:
        preset = Preset("Oil", "oil of", "")
        await PresetStore(database).save(1, preset, None, set_by=9, interaction_id=1, model="flux-2-flex")
    error = await refused(store, catalog, asked)
    assert error.reason is MemberReason.MODEL_UNAVAILABLE
    assert {name: error.data[name] for name in ("model", "nearest", "instead", "default_of")} == {
        "model": "Flux 2 Flex",
        "nearest": "Flux 2 Pro",
        "instead": "flux-2-pro",
        "default_of": whose,
    }
    # Who chooses a model is not told about a default.
    assert (await accepted(store, catalog, options(model="z-image"))).request.model == "z-image"


async def test_where_one_model_is_offered_defaults_of_others_do_not_matter(
    store: JobStore, database: Database
) -> None:
    await MemberDefaultsStore(database).set(7, MemberDefaults(model="flux-2-pro"))
    await set_guild_defaults(database, MemberDefaults(model="z-image"))
    preset = Preset("Oil", "oil of", "")
    await PresetStore(database).save(1, preset, None, set_by=9, interaction_id=1, model="z-image")
    catalog = ModelCatalog(MODELS, ("qwen-image",))
    for asked in (options(), options(preset="Oil")):
        assert (await accepted(store, catalog, asked)).request.model == "qwen-image"


async def test_a_default_that_is_too_expensive_is_named_as_a_default(
    store: JobStore, database: Database, catalog: ModelCatalog, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(4, Period.MONTH), set_by=9)
    await MemberDefaultsStore(database).set(7, MemberDefaults(model="flux-2-pro"))
    error = await refused(store, catalog)
    assert isinstance(error, LimitExceeded)
    assert error.data["default_of"] == "member"
    error = await refused(store, catalog, options(model="flux-2-pro"))
    assert "default_of" not in error.data


WAYS: Sequence[Any] = [
    pytest.param(lambda: options(model="flux-2-pro"), id="an option"),
    pytest.param(lambda: replace(make_request(), model="flux-2-pro"), id="a button or a form"),
    pytest.param(lambda: options(model="flux-2-pro", preset="Oil"), id="with a preset"),
    pytest.param(lambda: options(model="flux-2-pro", references=(REFERENCE,)), id="with a reference"),
]


@pytest.mark.parametrize("make", WAYS)
async def test_a_denied_model_is_refused_whatever_the_way_and_others_are_named(
    store: JobStore, database: Database, catalog: ModelCatalog, make: Any
) -> None:
    await PresetStore(database).save(1, Preset("Oil", "oil of", ""), None, set_by=9, interaction_id=1)
    await rule(database, "flux-2-pro", Effect.DENY)
    await rule(database, "nano-banana", Effect.DENY, role_id=31)
    error = await refused(store, catalog, make())
    assert error.reason is MemberReason.MODEL_REFUSED
    assert (error.data["model"], error.data["instead"]) == ("Flux 2 Pro", "qwen-image")
    names = error.data["others"]
    assert isinstance(names, list)
    assert names[0] == "Qwen Image"
    assert "Nano Banana" not in names
    assert ("Z Image" in names) is (make().references == ())
    assert await store.unfinished() == []


async def test_a_confirmation_and_a_form_are_refused_as_well(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await rule(database, "flux-2-pro", Effect.DENY, channel_id=20)
    await GuildSettingsStore(database).change(1, GuildSetting.CONFIRM_ABOVE, "0", set_by=9, interaction_id=9)
    assert (await refused(store, catalog, options(model="flux-2-pro"))).reason is MemberReason.MODEL_REFUSED
    with pytest.raises(MemberError) as error:
        await store.open_draft(
            options(model="flux-2-pro"), MEMBER, catalog=catalog, at=make_job().accepted_at
        )
    assert error.value.reason is MemberReason.MODEL_REFUSED


async def test_a_model_that_was_denied_after_the_question_is_refused_at_the_yes(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    drafts = DraftStore(database, catalog)
    await GuildSettingsStore(database).change(1, GuildSetting.CONFIRM_ABOVE, "0", set_by=9, interaction_id=9)
    question: Any = await submit(store, catalog, options(model="flux-2-pro"))
    await rule(database, "flux-2-pro", Effect.DENY)
    draft = await drafts.find(question.draft_id)
    assert draft is not None
    request = draft.request(make_request().destination)
    error = await refused(store, catalog, request, draft_id=draft.draft_id, confirmed=True)
    assert error.reason is MemberReason.MODEL_REFUSED


async def test_with_no_model_left_none_is_named(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    for model in OFFERED:
        await rule(database, model, Effect.DENY)
    error = await refused(store, catalog)
    assert (error.data["others"], error.data["instead"]) == ([], None)


async def test_a_removed_rule_binds_no_more_and_other_rules_of_its_model_stay(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await rule(database, "flux-2-pro", Effect.DENY, role_id=31)
    await rule(database, "z-image", Effect.DENY, role_id=31)
    removed = await AccessRuleStore(database).remove(
        1, RuleTarget.MODEL_ROLE, "31", model="flux-2-pro", removed_by=9, interaction_id=5
    )
    assert removed is not None
    assert removed.model == "flux-2-pro"
    await accepted(store, catalog, options(model="flux-2-pro"))
    assert (await refused(store, catalog, options(model="z-image"))).reason is MemberReason.MODEL_REFUSED
    again = await AccessRuleStore(database).remove(
        1, RuleTarget.MODEL_ROLE, "31", model="flux-2-pro", removed_by=9, interaction_id=6
    )
    assert again is None


async def test_a_reference_for_a_model_without_references_names_those_that_the_member_may_use(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await rule(database, "nano-banana", Effect.DENY)
    request = options(model="z-image", references=(REFERENCE,))
    error = await refused(store, catalog, request)
    assert error.reason is MemberReason.REFERENCE_UNSUPPORTED
    assert error.data == {"model": "Z Image", "others": ["Qwen Image", "Flux 2 Pro"]}
    with pytest.raises(MemberError) as of_form:
        await store.open_draft(request, MEMBER, catalog=catalog, at=make_job().accepted_at)
    assert of_form.value.data == error.data


async def test_a_prompt_that_is_too_long_names_models_that_take_it(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await rule(database, "nano-banana", Effect.DENY)
    error = await refused(store, catalog, options("x" * 1001, model="z-image"))
    assert error.reason is MemberReason.PROMPT_TOO_LONG
    assert error.data == {"limit": 1000, "model": "Z Image", "others": ["Qwen Image", "Flux 2 Pro"]}
    error = await refused(store, catalog, options("x" * 5001, model="z-image"))
    assert error.data["others"] == []


@pytest.mark.parametrize("is_form", [False, True])
async def test_words_of_the_preset_count_for_models_that_are_named_instead(
    store: JobStore, database: Database, catalog: ModelCatalog, credit_admin: CreditAdmin, is_form: bool
) -> None:
    preset = Preset("Long", "x" * 700, "y" * 700)
    await PresetStore(database).save(1, preset, None, set_by=9, interaction_id=1)

    def asked(model: str) -> Any:
        if is_form:
            return replace(make_request(), prompt="a red fox", model=model, preset=preset)
        return options(preset="long", model=model)

    await rule(database, "nano-banana", Effect.DENY)
    assert (await refused(store, catalog, asked("nano-banana"))).data["others"] == [
        "Qwen Image",
        "Flux 2 Pro",
    ]
    await credit_admin.set_limit(1, Limit(3, Period.MONTH), set_by=9)
    error: Any = await refused(store, catalog, asked("flux-2-pro"))
    assert (error.usage.left_credits, error.cheaper) == (3, None)
    error = await refused(store, catalog, options(model="flux-2-pro"))
    assert error.cheaper.model_name == "Z Image"


async def test_where_a_reference_decides_the_closest_model_that_takes_one_is_taken(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    at = make_job().accepted_at
    await MemberDefaultsStore(database).set(7, MemberDefaults(model="z-image"))
    draft = await store.open_draft(
        options(references=(REFERENCE,)), MEMBER, catalog=catalog, at=at, extends=True
    )
    assert draft is not None
    assert draft.model == "nano-banana"
    await rule(database, "nano-banana", Effect.DENY, role_id=31)
    draft = await store.open_draft(
        options(references=(REFERENCE,)), MEMBER, catalog=catalog, at=at, extends=True
    )
    assert draft is not None
    assert draft.model == "qwen-image"


async def test_a_refused_draft_of_a_member_with_a_lost_default_has_an_offered_model(
    database: Database, catalog: ModelCatalog
) -> None:
    await MemberDefaultsStore(database).set(7, MemberDefaults(model="flux-2-flex"))
    drafts = DraftStore(database, catalog)
    draft_id = await drafts.save(options())
    assert draft_id is not None
    draft = await drafts.find(draft_id)
    assert draft is not None
    assert (draft.model, draft.prompt) == ("flux-2-pro", "a red fox")


async def test_rules_and_defaults_add_no_statement_to_an_accept(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    await accepted(store, catalog)
    async with traced(database) as plain:
        await accepted(store, catalog)
    for number in range(20):
        await rule(database, "flux-2-pro", Effect.DENY, role_id=100 + number)
    await set_guild_defaults(database, MemberDefaults("portrait_4_3", model="z-image"))
    await MemberDefaultsStore(database).set(7, MemberDefaults(model="nano-banana"))
    await accepted(store, catalog)
    async with traced(database) as rich:
        assert (await accepted(store, catalog)).request.model == "nano-banana"
    assert len(rich) == len(plain)


async def test_what_a_member_may_spend_is_read_in_one_statement(
    database: Database, catalog: ModelCatalog, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(3, Period.MONTH, scope=LimitScope.MEMBER, subject_id=7), set_by=9)
    await rule(database, "flux-2-pro", Effect.DENY)
    await set_guild_defaults(database, MemberDefaults(model="z-image"))
    standings = MemberStandingReader(database, catalog, Limit(200, Period.MONTH))
    await standings.read(1, 7, (31,))
    async with traced(database) as statements:
        standing = await standings.read(1, 7, (31,))
    assert (standing.tightest.left_credits, standing.default_model) == (3, "z-image")
    assert [each.model for each in standing.policy.rules] == ["flux-2-pro"]
    assert len([each for each in statements if each.startswith("SELECT")]) == 1


# Safety.


async def loosen(database: Database, value: str | None = "on") -> None:
    interaction_id = make_request().destination.interaction_id
    await GuildSettingsStore(database).change(
        1, GuildSetting.LOOSE_SAFETY, value, set_by=9, interaction_id=interaction_id
    )


SAFE = ("qwen-image", "flux-kontext-pro", "seedream-4-0")


@pytest.mark.parametrize("model", SAFE)
@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("context", [MEMBER, RED], ids=["a plain channel", "an age-restricted one"])
async def test_checks_are_loosened_where_admins_say_so_in_age_restricted_channels(
    store: JobStore, database: Database, model: str, allowed: bool, context: RequestContext
) -> None:
    if allowed:
        await loosen(database)
    catalog = ModelCatalog(MODELS, SAFE)
    job = await accepted(store, catalog, options(model=model), context)
    loose = allowed and context is RED and model != "qwen-image"
    assert job.request.loose_safety is loose
    assert await store.find(job.job_id) == job
    body = json.loads(
        create_body(
            MODELS[model],
            prompt="a fox",
            size=job.request.size,
            format=job.request.format,
            references=(),
            client_request_id=job.job_id,
            loose_safety=job.request.loose_safety,
        )
    )
    strictness: dict[str, dict[str, object]] = {
        "qwen-image": {},
        "flux-kontext-pro": {"safetyTolerance": 2 if loose else 0},
        "seedream-4-0": {"nsfw_checker": "false" if loose else "true"},
    }
    expected = strictness[model]
    assert {name: body["params"].get(name) for name in expected} == expected


async def test_what_was_decided_stays_in_the_row_when_the_rule_changes(
    store: JobStore, database: Database
) -> None:
    await loosen(database)
    catalog = ModelCatalog(MODELS, SAFE)
    job = await accepted(store, catalog, options(model="seedream-4-0"), RED)
    await loosen(database, None)
    found = await store.find(job.job_id)
    assert found is not None
    assert found.request.loose_safety


async def test_a_repeat_is_as_strict_as_the_channel_where_it_is_asked_for(
    store: JobStore, database: Database
) -> None:
    await loosen(database)
    catalog = ModelCatalog(MODELS, SAFE)
    job = await accepted(store, catalog, options(model="seedream-4-0"), RED)
    assert job.request.loose_safety
    again = replace(job.request, destination=make_request().destination, repeats=job.job_id)
    assert not (await accepted(store, catalog, again, MEMBER)).request.loose_safety
    back = replace(again, prompt="another", destination=make_request().destination, loose_safety=False)
    assert (await accepted(store, catalog, back, RED)).request.loose_safety


async def test_rivyas_list_counts_for_what_is_named(
    store: JobStore, database: Database, catalog: ModelCatalog
) -> None:
    catalog.update([LiveModel(each, 1) for each in OFFERED if each != "qwen-image"])
    await rule(database, "flux-2-pro", Effect.DENY)
    error = await refused(store, catalog)
    assert (error.reason, error.data["instead"]) == (MemberReason.MODEL_UNAVAILABLE, "nano-banana")
