"""The ceiling of the settings: no admin can pass it, and an upgrade takes nothing from anybody."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bot.credits import limits
from bot.credits.admin import CreditAdmin
from bot.credits.grants import WHOLE_GUILD
from bot.credits.guild_ceilings import KEPT_REASON, apply_default_ceiling
from bot.credits.ledger import Ledger
from bot.credits.overview import GuildOverview
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded, OperatorError
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import accept, make_job, make_request

CEILING = Limit(20, Period.MONTH, scope=LimitScope.CEILING)
DEFAULT = Limit(20, Period.MONTH)


async def start(database: Database, ceiling: Limit = CEILING, default: Limit = DEFAULT) -> int:
    return await apply_default_ceiling(database, ceiling, default, now_ms())


async def ceiling_of(database: Database, guild_id: int) -> tuple[int, str] | None:
    limit = await database.run(lambda tx: limits.guild_ceiling(tx, guild_id))
    return None if limit is None else (limit.credits, limit.period)


@pytest.fixture
def default_limit() -> Limit:
    return DEFAULT


async def paint_all(store: JobStore, guild_id: int = 1) -> int:
    """Ask for pictures of 4 credits until one is refused; return the credits that were reserved."""
    for count in itertools.count():
        try:
            assert await accept(store, make_job(make_request(guild_id=guild_id)))
        except LimitExceeded:
            return 4 * count
    raise AssertionError


@pytest.mark.parametrize("period", Period)
async def test_no_admin_passes_it_by_a_limit_a_grant_or_a_refund(
    database: Database, store: JobStore, credit_admin: CreditAdmin, period: Period
) -> None:
    await start(database)
    change = await credit_admin.set_limit(1, Limit(1_000_000, period), set_by=9)
    assert change.lower_ceiling == CEILING
    await credit_admin.grant(1, WHOLE_GUILD, credits=1_000_000, reason="more", granted_by=9)
    job = make_job()
    await accept(store, job)
    await store.created(job.job_id, "task", None)
    await store.succeeded(job.job_id, None, 4)
    await credit_admin.refund(1, job.job_id, reason="blurred", refunded_by=9)
    assert 4 + await paint_all(store) == 20
    with pytest.raises(LimitExceeded) as refused:
        await accept(store, make_job())
    assert refused.value.usage.scope is LimitScope.CEILING


async def test_a_row_of_the_server_wins_then_that_of_each_then_the_setting(
    database: Database, store: JobStore, credit_admin: CreditAdmin
) -> None:
    await start(database)
    await credit_admin.set_limit(1, Limit(1000, Period.MONTH), set_by=9)
    assert await paint_all(store) == 20

    async def set_ceiling(guild_id: int, credits: int) -> None:
        limit = Limit(credits, Period.MONTH, scope=LimitScope.CEILING)
        await credit_admin.set_limit(guild_id, limit, set_by=5)

    await set_ceiling(ALL_GUILDS, 28)
    assert await paint_all(store) == 8
    await set_ceiling(1, 40)
    assert await paint_all(store) == 12
    await credit_admin.remove_limit(1, LimitScope.CEILING, set_by=5)
    assert await ceiling_of(database, 1) == (28, "month")
    change = await credit_admin.remove_limit(ALL_GUILDS, LimitScope.CEILING, set_by=5)
    assert change.after == CEILING
    assert await ceiling_of(database, 1) == (20, "month")
    assert await paint_all(store) == 0


async def test_a_changed_setting_counts_from_the_next_start(database: Database, store: JobStore) -> None:
    assert await ceiling_of(database, 1) is None
    await start(database)
    await start(database, Limit(9, Period.WEEK, scope=LimitScope.CEILING))
    assert await ceiling_of(database, 1) == (9, "week")
    await accept(store, make_job())
    (row,) = (await GuildOverview(database, DEFAULT).guilds(Period.MONTH, 1)).rows
    assert row.ceiling == Limit(9, Period.WEEK, scope=LimitScope.CEILING)


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (Limit(21, Period.MONTH), (21, "month")),
        (Limit(20, Period.MONTH), None),
        (Limit(1, Period.DAY), (1, "day")),  # 31 in a month
        (Limit(4, Period.WEEK), (4, "week")),  # a month touches up to six weeks
        (Limit(3, Period.WEEK), None),
        (Limit(20, Period.TOTAL), None),
        (Limit(MAX_CREDITS, Period.TOTAL), (MAX_CREDITS, "total")),
    ],
    ids=lambda value: f"{value.credits} a {value.period}" if isinstance(value, Limit) else str(value),
)
async def test_the_first_start_keeps_what_a_server_has(
    database: Database, credit_admin: CreditAdmin, limit: Limit, kept: tuple[int, str] | None
) -> None:
    await credit_admin.set_limit(1, limit, set_by=9)
    assert await start(database) == (kept is not None)
    assert await ceiling_of(database, 1) == (kept or (20, "month"))
    assert await ceiling_of(database, 2) == (20, "month")
    own = await database.run(lambda tx: limits.current(tx, 1, LimitScope.CEILING))
    if own is not None:
        assert (own.set_by, own.reason) == (0, KEPT_REASON)
    # It happens once: a limit that is raised later gives no ceiling.
    await credit_admin.set_limit(2, Limit(1_000_000, Period.MONTH), set_by=9)
    assert await start(database) == 0
    assert await ceiling_of(database, 2) == (20, "month")


async def test_what_was_spent_under_an_earlier_limit_takes_nothing_from_the_limit_now(
    database: Database, store: JobStore, credit_admin: CreditAdmin
) -> None:
    everybody = Limit(20, Period.MONTH, scope=LimitScope.CEILING_ALL)
    with time_machine.travel(datetime(2026, 6, 3, tzinfo=UTC), tick=False):
        await credit_admin.set_limit(1, Limit(100, Period.MONTH), set_by=9)
        for _ in range(5):
            await accept(store, make_job())
        await credit_admin.set_limit(1, Limit(3, Period.WEEK), set_by=9)
        await credit_admin.set_limit(2, Limit(3, Period.WEEK), set_by=9)
        await credit_admin.set_limit(ALL_GUILDS, everybody, set_by=5)  # used up as well
    with time_machine.travel(datetime(2026, 6, 17, tzinfo=UTC), tick=False):
        assert await start(database) == 1
        assert await ceiling_of(database, 1) == (3, "week")
        assert await ceiling_of(database, 2) == (20, "month")


async def test_an_upgrade_leaves_the_operators_own_ceilings_alone(
    database: Database, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(900, Period.MONTH), set_by=9)
    await credit_admin.set_limit(1, Limit(8, Period.DAY, scope=LimitScope.CEILING), set_by=5)
    assert await start(database) == 0
    assert await ceiling_of(database, 1) == (8, "day")


async def test_with_a_ceiling_for_each_server_an_upgrade_changes_nothing(
    database: Database, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(900, Period.MONTH), set_by=9)
    await credit_admin.set_limit(ALL_GUILDS, Limit(300, Period.MONTH, scope=LimitScope.CEILING), set_by=5)
    assert await start(database) == 0
    assert await ceiling_of(database, 1) == (300, "month")


@pytest.mark.parametrize(
    ("limit", "more"),
    [
        (Limit(1, Period.DAY), True),
        (Limit(0, Period.MONTH), False),
        (Limit(20, Period.TOTAL), False),
        (Limit(21, Period.TOTAL), True),
    ],
)
def test_below_a_ceiling_in_total_every_limit_that_resets_allows_more(limit: Limit, more: bool) -> None:
    assert limit.allows_more_than(Limit(20, Period.TOTAL, scope=LimitScope.CEILING)) is more


async def test_a_grant_that_was_taken_back_keeps_nothing(
    database: Database, credit_admin: CreditAdmin
) -> None:
    given = [
        await credit_admin.grant(guild_id, WHOLE_GUILD, credits=50, reason="more", granted_by=9)
        for guild_id in (1, 2)
    ]
    assert given[0] is not None
    await credit_admin.revoke(1, given[0].grant_id, revoked_by=9)
    assert await start(database) == 1
    assert await ceiling_of(database, 1) == (20, "month")
    assert await ceiling_of(database, 2) == (70, "month")


async def test_a_lower_setting_binds_servers_without_a_limit_of_their_own(
    database: Database, store: JobStore
) -> None:
    await accept(store, make_job())
    assert await start(database, Limit(8, Period.MONTH, scope=LimitScope.CEILING)) == 0
    assert await paint_all(store) == 4


async def test_a_first_start_that_is_undone_happens_again(
    database: Database, credit_admin: CreditAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for guild_id in (1, 2):
        await credit_admin.set_limit(guild_id, Limit(100, Period.MONTH), set_by=9)
    real = limits.append

    def append(transaction: sqlite3.Connection, guild_id: int, limit: Limit) -> bool:
        if guild_id == 2:
            raise sqlite3.OperationalError("disk I/O error")
        return real(transaction, guild_id, limit)

    monkeypatch.setattr(limits, "append", append)
    with pytest.raises(OperatorError):
        await start(database)
    assert await ceiling_of(database, 1) is None
    monkeypatch.undo()
    assert await start(database) == 2
    assert await ceiling_of(database, 1) == await ceiling_of(database, 2) == (100, "month")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("limit"), st.integers(0, 40), st.sampled_from(Period)),
        st.tuples(st.just("grant"), st.integers(1, 30)),
        st.tuples(st.just("paint"), st.booleans()),
    ),
    max_size=12,
)


@given(steps=STEPS)
def test_the_first_start_takes_nothing_from_anybody(steps: list[tuple[object, ...]]) -> None:
    """In UTC what a server has left is the same before and after, whatever happened to it before."""

    async def check() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            time_machine.travel(datetime(2026, 6, 17, 12, tzinfo=UTC), tick=False),
        ):
            database = await Database.open(Path(folder) / "bot.sqlite3")
            try:
                store, admin = JobStore(database, DEFAULT), CreditAdmin(database, DEFAULT, default_catalog())
                for step in steps:
                    await perform(store, admin, step)
                ledger = Ledger(database, DEFAULT)
                before = (await ledger.usage(1)).left_credits
                await start(database)
                member_limits = await ledger.member_limits(1, 7, ())
                assert min(usage.left_credits for usage in member_limits.binding) == before
            finally:
                await database.close()

    asyncio.run(check())


async def perform(store: JobStore, admin: CreditAdmin, step: tuple[object, ...]) -> None:
    match step:
        case ("limit", int(credits), Period() as period):
            await admin.set_limit(1, Limit(credits, period), set_by=9)
        case ("grant", int(credits)):
            await admin.grant(1, WHOLE_GUILD, credits=credits, reason="more", granted_by=9)
        case ("paint", bool(refunded)):
            job = make_job()
            try:
                await accept(store, job)
            except LimitExceeded:
                return
            await store.created(job.job_id, f"task_{job.job_id}", None)
            await store.succeeded(job.job_id, None, 4)
            if refunded:
                await admin.refund(1, job.job_id, reason="blurred", refunded_by=9)
        case _:
            raise AssertionError(step)
