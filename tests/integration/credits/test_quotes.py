"""What is known of the price of settings before Rivya is asked, and what becomes of a price beyond it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.credits.admin import CreditAdmin
from bot.credits.grants import WHOLE_GUILD
from bot.credits.ledger import Ledger
from bot.credits.ledger_export import export_ledger
from bot.credits.model_prices import quote, record_reserved
from bot.domain.errors import LimitExceeded
from bot.domain.image_models import MODELS, ImageModel
from bot.domain.jobs import Job
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import ModelCatalog
from bot.domain.model_settings import SettingValues
from bot.domain.periods import Period
from bot.domain.prices import NO_PRICES, PricedSettings, Quote, SettingsPrices
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.requests.submission import Accepted, NeedsConfirmation, SubmitResult
from bot.jobs.store import JobStore
from bot.storage.database import Database
from bot.storage.schema import migrate
from tests.support.factories import NO_CONTEXT, make_job, make_request
from tests.support.sql import rows, traced

NANO = MODELS["nano-banana-pro"]
BASE = NANO.cost_credits
IN_2K: SettingValues = (("resolution", "2K"),)
LARGE: SettingValues = (("resolution", "4K"),)


def priced(settings: SettingValues, base_credits: int = BASE) -> PricedSettings:
    return PricedSettings(NANO.model_id, settings, base_credits)


async def submit(
    store: JobStore, settings: SettingValues = (), model: ImageModel = NANO, **options: Any
) -> SubmitResult:
    job = make_job(replace(make_request(), model=model.model_id, settings=settings))
    catalog = ModelCatalog({model.model_id: model}, (model.model_id,))
    return await store.submit(
        job.request, NO_CONTEXT, job_id=job.job_id, catalog=catalog, at=job.accepted_at, **options
    )


async def accepted(store: JobStore, settings: SettingValues = (), model: ImageModel = NANO) -> Job:
    result = await submit(store, settings, model)
    assert isinstance(result, Accepted)
    return result.job


async def quoted(database: Database, settings: SettingValues, base: int = BASE) -> Quote:
    model = replace(NANO, cost_credits=base)
    return await database.run(lambda tx: quote(tx, model, settings, NO_PRICES))


async def test_until_a_price_is_known_it_is_that_of_the_model(database: Database) -> None:
    assert await quoted(database, LARGE) == Quote(BASE, is_exact=False)
    assert await quoted(database, ()) == Quote(BASE)
    assert await quoted(database, (("resolution", "1K"),)) == Quote(BASE)  # the default


async def test_what_rivya_reserved_last_is_the_next_quote(store: JobStore, database: Database) -> None:
    for credits in (16, 12):
        job = await accepted(store, LARGE)
        await store.created(job.job_id, f"task_{credits}", credits, priced(LARGE))
        assert await quoted(database, LARGE) == Quote(credits)
        assert (await accepted(store, LARGE)).quote_credits == credits
    assert await quoted(database, IN_2K) == Quote(BASE, is_exact=False)
    assert await rows(database, "SELECT model_id, settings, credits FROM reserved_prices") == [
        ("nano-banana-pro", '[["resolution","4K"]]', 12)
    ]


async def test_a_base_price_that_changes_changes_what_was_learned(database: Database) -> None:
    await database.run(lambda tx: record_reserved(tx, priced(LARGE), 16, 1))
    assert await quoted(database, LARGE, base=BASE + 3) == Quote(19)
    assert await quoted(database, LARGE, base=1) == Quote(16 - BASE + 1)


async def test_a_price_that_would_be_nothing_is_not_known(
    store: JobStore, database: Database, credit_admin: CreditAdmin
) -> None:
    """At 0 credits no limit would refuse it."""
    await database.run(lambda tx: record_reserved(tx, priced(LARGE), BASE - 2, 1))
    assert await quoted(database, LARGE, base=3) == Quote(1)
    for base in (2, 1):
        assert await quoted(database, LARGE, base=base) == Quote(base, is_exact=False)
    await credit_admin.set_limit(1, Limit(0, Period.MONTH), set_by=9)
    with pytest.raises(LimitExceeded):
        await accepted(store, LARGE, replace(NANO, cost_credits=1))
    # What cost nothing goes on to.
    await database.run(lambda tx: record_reserved(tx, priced(LARGE), 0, 1))
    assert await quoted(database, LARGE, base=BASE - 1) == Quote(0)


async def test_a_price_of_the_operator_comes_before_what_was_learned(database: Database) -> None:
    store = JobStore(
        database, Limit(200, Period.MONTH), prices={(NANO.model_id, LARGE): 30, ("other", IN_2K): 1}
    )
    await database.run(lambda tx: record_reserved(tx, priced(LARGE), 16, 1))
    assert (await accepted(store, LARGE)).quote_credits == 30
    assert (await accepted(store, IN_2K)).quote_credits == BASE


@settings(max_examples=50)
@given(
    known=st.dictionaries(st.sampled_from([IN_2K, LARGE]), st.integers(1, 50)),
    learned=st.dictionaries(
        st.sampled_from([IN_2K, LARGE]), st.tuples(st.integers(0, 50), st.integers(1, 20))
    ),
    base=st.integers(1, 20),
    chosen=st.sampled_from([(), IN_2K, LARGE, (("resolution", "1K"),)]),
)
def test_a_quote_is_the_best_that_is_known(
    known: dict[SettingValues, int],
    learned: dict[SettingValues, tuple[int, int]],
    base: int,
    chosen: SettingValues,
) -> None:
    prices: SettingsPrices = {(NANO.model_id, each): credits for each, credits in known.items()}

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        migrate(connection)
        for each, (credits, then) in learned.items():
            record_reserved(connection, priced(each, then), credits, 1)
        found = quote(connection, replace(NANO, cost_credits=base), chosen, prices)
    if chosen not in {IN_2K, LARGE}:
        assert found == Quote(base)
    elif chosen in known:
        assert found == Quote(known[chosen])
    elif chosen in learned and (learned[chosen][0] == 0 or learned[chosen][0] + base > learned[chosen][1]):
        credits, then = learned[chosen]
        assert found == Quote(max(0, credits + base - then))
    else:
        assert found == Quote(base, is_exact=False)


async def test_a_request_without_settings_that_move_the_price_takes_no_further_statement(
    store: JobStore, database: Database
) -> None:
    await accepted(store)
    async with traced(database) as plain:
        job = await accepted(store, (("resolution", "1K"),))
        await store.created(job.job_id, "task_1", BASE)
    async with traced(database) as moving:
        job = await accepted(store, LARGE)
        await store.created(job.job_id, "task_2", BASE, priced(LARGE))
    assert not [each for each in plain if "reserved_prices" in each]
    assert len([each for each in moving if "reserved_prices" in each]) == 2
    assert len(moving) == len(plain) + 2


async def test_a_price_that_is_not_known_is_asked_about_where_prices_are(
    store: JobStore, database: Database
) -> None:
    await GuildSettingsStore(database).change(
        1, GuildSetting.CONFIRM_ABOVE, str(BASE), set_by=9, interaction_id=9
    )
    assert isinstance(await submit(store), Accepted)  # not above it
    asked = await submit(store, LARGE)
    assert isinstance(asked, NeedsConfirmation)
    assert asked.quote == Quote(BASE, is_exact=False)
    # Learned meanwhile, by another's picture: the yes was to less.
    await database.run(lambda tx: record_reserved(tx, priced(LARGE), 16, 1))
    again = await submit(store, LARGE, draft_id=asked.draft_id, confirmed=True)
    assert isinstance(again, NeedsConfirmation)
    assert again.quote == Quote(16)
    assert isinstance(await submit(store, LARGE, draft_id=again.draft_id, confirmed=True), Accepted)


@pytest.mark.parametrize(
    ("scope", "limit", "beyond"),
    [
        (LimitScope.GUILD, 20, None),
        (LimitScope.GUILD, 16, None),
        (LimitScope.GUILD, 13, 3),
        (LimitScope.GUILD, BASE, 16 - BASE),
        (LimitScope.MEMBER, 10, 6),
        (LimitScope.CEILING, 12, 4),
    ],
)
async def test_a_price_beyond_a_limit_is_kept_and_recorded(
    store: JobStore,
    database: Database,
    database_path: Path,
    ledger: Ledger,
    credit_admin: CreditAdmin,
    scope: LimitScope,
    limit: int,
    beyond: int | None,
) -> None:
    subject = 7 if scope is LimitScope.MEMBER else 0
    await credit_admin.set_limit(1, Limit(limit, Period.MONTH, scope=scope, subject_id=subject), set_by=9)
    job = await accepted(store, LARGE)
    await store.created(job.job_id, "task_1", 16, priced(LARGE))
    await store.succeeded(job.job_id, None, 16)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.over_limit_credits) == (16, beyond or 0)
    (entry,) = export_ledger(database_path)
    assert (entry["quoted_credits"], entry["final_credits"], entry["over_limit_credits"]) == (
        BASE,
        16,
        beyond,
    )
    assert (await ledger.usage(1)).used_credits == 16


async def test_what_grants_hold_is_no_room_for_a_rise_which_the_limit_pays(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(BASE + 2, Period.MONTH), set_by=9)
    await credit_admin.grant(1, WHOLE_GUILD, credits=20, reason="more", granted_by=9)
    job = await accepted(store, LARGE)
    await store.created(job.job_id, "task_1", BASE + 8, priced(LARGE))
    await store.succeeded(job.job_id, None, BASE + 8)
    usage = await ledger.usage(1)
    assert (usage.used_credits - usage.limit_credits, usage.granted_credits) == (6, 20)
    assert (await ledger.receipt(job.job_id, 1)).over_limit_credits == 6


@pytest.mark.parametrize(("charged", "beyond"), [(16, 3), (15, 2), (13, None), (BASE, None), (0, None)])
async def test_what_was_not_charged_at_last_is_not_beyond_a_limit(
    store: JobStore,
    database_path: Path,
    ledger: Ledger,
    credit_admin: CreditAdmin,
    charged: int,
    beyond: int | None,
) -> None:
    await credit_admin.set_limit(1, Limit(13, Period.MONTH), set_by=9)
    job = await accepted(store, LARGE)
    await store.created(job.job_id, "task_1", 16, priced(LARGE))
    await store.succeeded(job.job_id, None, charged)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.over_limit_credits) == (charged, beyond or 0)
    (entry,) = export_ledger(database_path)
    assert entry["over_limit_credits"] == beyond


@pytest.mark.parametrize(
    ("reserved", "charged", "beyond"), [(BASE, 16, 3), (14, 16, 3), (14, 15, 2), (BASE, 13, None)]
)
async def test_a_charge_above_what_was_reserved_is_beyond_a_limit_too(
    store: JobStore,
    database_path: Path,
    ledger: Ledger,
    credit_admin: CreditAdmin,
    reserved: int,
    charged: int,
    beyond: int | None,
) -> None:
    await credit_admin.set_limit(1, Limit(13, Period.MONTH), set_by=9)
    job = await accepted(store, LARGE)
    await store.created(job.job_id, "task_1", reserved, priced(LARGE))
    await store.succeeded(job.job_id, None, charged)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.over_limit_credits) == (charged, beyond or 0)
    (entry,) = export_ledger(database_path)
    assert entry["over_limit_credits"] == beyond
