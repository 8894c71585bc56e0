"""Totals, limits and grants at their edges: old reservations, wrong clocks, changed limits."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine

from bot.credits import ledger as ledger_module
from bot.credits import running_totals
from bot.credits.admin import CreditAdmin
from bot.credits.grants import WHOLE_GUILD
from bot.credits.ledger import Ledger, Transaction
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.ids import ALL_GUILDS
from bot.domain.jobs import Failure, FailureCause, Job, RequestContext
from bot.domain.limits import Limit, LimitScope, ReservationState
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period, period_bounds
from bot.guilds.pauses import PauseStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.sql import traced

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def settle_job(store: JobStore, job: Job, cost: int | None = None) -> Job:
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, f"task_{job.job_id}", None)
    return await store.succeeded(job.job_id, None, cost)


async def prune(database: Database) -> None:
    at = int(datetime.now(UTC).timestamp() * 1000)
    await database.run(lambda tx: running_totals.prune(tx, at))


async def count_quarter_sums(database: Database) -> int:
    def unit(tx: Transaction) -> int:
        return int(tx.execute("SELECT count(*) FROM tallies WHERE span = 'quarter'").fetchone()[0])

    return await database.run(unit)


async def test_reservations_older_than_the_quarter_sums_can_still_be_changed(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await credit_admin.set_limit(1, Limit(100, Period.TOTAL), set_by=99)
        settled, doubtful, corrected = make_job(), make_job(), make_job()
        await settle_job(store, settled)
        await accept(store, doubtful, NO_CONTEXT)
        await accept(store, corrected, NO_CONTEXT)
        clock.move_to(NOON + 50 * DAY, tick=False)
        await accept(store, make_job(make_request(guild_id=2)), NO_CONTEXT)
        await prune(database)
        await credit_admin.refund(1, settled.job_id, reason="blurred", refunded_by=99)

        def unit(tx: Transaction) -> None:
            ledger_module.override(
                tx, job_id=corrected.job_id, state=ReservationState.SETTLED, final_credits=6, at=5
            )
            ledger_module.override(
                tx, job_id=doubtful.job_id, state=ReservationState.RELEASED, final_credits=0, at=5
            )

        await database.run(unit)
        assert (await ledger.usage(1)).used_credits == 6
        # Of guild 2 and of all guilds: a correction must not create a part of a pruned sum.
        assert await count_quarter_sums(database) == 2


async def test_a_months_first_hours_still_count_on_its_last_day(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    # In New York, August begins at 4:00 UTC: within a day whose total belongs to two months.
    with time_machine.travel(datetime(2026, 8, 1, 3, 59, tzinfo=UTC), tick=False) as clock:
        await GuildSettingsStore(database).change(1, GuildSetting.TIMEZONE, "America/New_York", set_by=99)
        await credit_admin.set_limit(1, Limit(100, Period.MONTH), set_by=99)
        await accept(store, make_job(), NO_CONTEXT)
        clock.move_to(datetime(2026, 8, 1, 4, 1, tzinfo=UTC), tick=False)
        await accept(store, make_job(), NO_CONTEXT)
        clock.move_to(datetime(2026, 9, 1, 3, 59, tzinfo=UTC), tick=False)
        await accept(store, make_job(), NO_CONTEXT)
        await prune(database)
        assert (await ledger.usage(1)).used_credits == 8
        clock.move_to(datetime(2026, 9, 1, 4, tzinfo=UTC), tick=False)
        assert (await ledger.usage(1)).used_credits == 0


async def test_under_an_exceeded_limit_a_grant_pays_only_the_price(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    await accept(store, make_job(), NO_CONTEXT)
    for limit in (Limit(1, Period.MONTH), Limit(1, Period.MONTH, scope=LimitScope.EVERYONE)):
        await credit_admin.set_limit(1, limit, set_by=99)
    for user_id in (WHOLE_GUILD, 7):
        await credit_admin.grant(1, user_id, credits=9, reason="more", granted_by=9)
    await accept(store, make_job(), NO_CONTEXT)
    member_limits = await ledger.member_limits(1, 7, ())
    assert {(usage.used_credits, usage.granted_credits) for usage in member_limits.binding} == {(4, 5)}


async def test_a_reservation_of_zero_credits_counts_once_it_has_a_price(
    store: JobStore, ledger: Ledger
) -> None:
    job = replace(make_job(), quote_credits=0)
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, "task_1", 5)
    assert (await ledger.usage(1)).held_credits == 5


async def test_pruning_with_a_clock_years_ahead_removes_no_sum_that_is_needed(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await GuildSettingsStore(database).change(1, GuildSetting.TIMEZONE, "America/New_York", set_by=99)
        await credit_admin.set_limit(1, Limit(10, Period.DAY), set_by=99)
        await accept(store, make_job(), NO_CONTEXT)
        clock.move_to(NOON + 4000 * DAY, tick=False)
        await prune(database)
        clock.move_to(NOON, tick=False)
        assert (await ledger.usage(1)).used_credits == 4


@pytest.mark.parametrize("ahead", [timedelta(minutes=1), 400 * DAY])
async def test_reservations_of_a_clock_that_was_ahead_count_on_their_day_only(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, ahead: timedelta
) -> None:
    late = datetime(2026, 11, 22, 23, 59, 30, tzinfo=UTC)
    with time_machine.travel(late + ahead, tick=False) as clock:
        for limit in (Limit(9, Period.DAY), Limit(9, Period.DAY, scope=LimitScope.EVERYONE)):
            await credit_admin.set_limit(1, limit, set_by=99)
        await credit_admin.set_limit(0, Limit(9, Period.DAY, scope=LimitScope.CEILING_ALL), set_by=99)
        await settle_job(store, make_job())
        await accept(store, make_job(), NO_CONTEXT)
        clock.move_to(late, tick=False)
        await accept(store, make_job(), NO_CONTEXT)
        member_limits = await ledger.member_limits(1, 7, ())
        assert {(usage.spent_credits, usage.held_credits) for usage in member_limits.binding} == {(0, 4)}
        clock.move_to(late + ahead, tick=False)
        member_limits = await ledger.member_limits(1, 7, ())
        assert {(usage.spent_credits, usage.held_credits) for usage in member_limits.binding} == {(4, 4)}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../etc/passwd", "a" * 300])
async def test_an_unknown_time_zone_is_taken_as_utc(
    database: Database, store: JobStore, ledger: Ledger, zone: str
) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.TIMEZONE, zone, set_by=99)
    assert await accept(store, make_job(), NO_CONTEXT)
    assert (await ledger.usage(1)).resets_at == (await ledger.usage(2)).resets_at


def test_periods_begin_on_a_quarter_of_an_hour_in_every_time_zone() -> None:
    names = sorted(available_timezones())
    assert names
    for name in names:
        for day in range(0, 365 * 4, 50):
            at = int((NOON + day * DAY).timestamp() * 1000)
            start, end = period_bounds(Period.MONTH, at, ZoneInfo(name))
            assert (start % running_totals.QUARTER_MS, (end or 0) % running_totals.QUARTER_MS) == (0, 0), name


async def test_only_members_and_roles_can_be_exempt(credit_admin: CreditAdmin, store: JobStore) -> None:
    for rule in (LimitScope.GUILD, LimitScope.EVERYONE, LimitScope.CEILING, LimitScope.CEILING_ALL):
        with pytest.raises(ValueError, match="an exemption for the scope"):
            await credit_admin.set_limit(1, Limit(0, Period.TOTAL, scope=rule, exempt=True), set_by=99)
    assert await accept(store, make_job(), NO_CONTEXT)


async def test_an_exemption_of_a_role_lifts_neither_a_members_own_limit_nor_a_ceiling(
    store: JobStore, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(0, Period.MONTH, scope=LimitScope.EVERYONE), set_by=99)
    await credit_admin.set_limit(1, Limit(0, Period.MONTH, scope=LimitScope.ROLE, subject_id=31), set_by=99)
    await credit_admin.set_limit(
        1, Limit(0, Period.TOTAL, scope=LimitScope.ROLE, subject_id=32, exempt=True), set_by=99
    )
    with pytest.raises(LimitExceeded):
        await accept(store, make_job(), RequestContext(role_ids=(31,)))
    assert await accept(store, make_job(), RequestContext(role_ids=(31, 32)))
    await credit_admin.set_limit(1, Limit(3, Period.MONTH, scope=LimitScope.MEMBER, subject_id=7), set_by=99)
    with pytest.raises(LimitExceeded) as closer:
        await accept(store, make_job(), RequestContext(role_ids=(31, 32)))
    assert closer.value.usage.scope == "member"
    await credit_admin.remove_limit(1, LimitScope.MEMBER, 7, set_by=99)
    await credit_admin.set_limit(0, Limit(7, Period.MONTH, scope=LimitScope.CEILING), set_by=99)
    with pytest.raises(LimitExceeded) as above:
        await accept(store, make_job(), RequestContext(role_ids=(32,)))
    assert above.value.usage.scope == "ceiling"


async def test_the_grant_that_expires_first_pays_first_and_is_refilled_last(
    store: JobStore, credit_admin: CreditAdmin, database: Database
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await credit_admin.set_limit(1, Limit(0, Period.MONTH), set_by=99)
        ends = [None, NOON + 2 * DAY, NOON + DAY]
        for end in ends:
            expires = None if end is None else int(end.timestamp() * 1000)
            await credit_admin.grant(
                1, WHOLE_GUILD, credits=3, reason="more", granted_by=9, expires_at=expires
            )

        async def left() -> list[int]:
            rows = "SELECT left_credits FROM grants ORDER BY grant_id"
            return await database.run(lambda tx: [int(row[0]) for row in tx.execute(rows)])

        job = replace(make_job(), quote_credits=7)
        await accept(store, job, NO_CONTEXT)
        assert await left() == [2, 0, 0]
        await store.created(job.job_id, "task_1", 4)
        assert await left() == [3, 2, 0]
        clock.move_to(NOON + 3 * DAY, tick=False)
        await store.failed(job.job_id, Failure(FailureCause.RIVYA, "generation_failed"))
        assert await left() == [3, 3, 3]
        with pytest.raises(LimitExceeded):  # credits returned to an expired grant cannot be used
            await accept(store, make_job(), NO_CONTEXT)


async def test_a_members_grant_is_refilled_when_the_price_falls(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(1, Period.MONTH, scope=LimitScope.EVERYONE), set_by=99)
    await credit_admin.grant(1, 7, credits=9, reason="a prize", granted_by=9)
    job = make_job()
    # The limit pays 1, the grant 3; the guild's limit has room for all 4.
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, "task_1", 2)
    member_limits = await ledger.member_limits(1, 7, ())
    assert [(usage.used_credits, usage.granted_credits) for usage in member_limits.binding] == [
        (2, 0),
        (1, 8),
    ]


async def test_a_members_spending_includes_grants_and_excludes_refunds(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(3, Period.MONTH, scope=LimitScope.MEMBER, subject_id=7), set_by=99)
    await credit_admin.grant(1, 7, credits=5, reason="a prize", granted_by=99)
    first, second = make_job(), make_job()
    await settle_job(store, first)
    await accept(store, second, NO_CONTEXT)
    assert await ledger.member_used(1, 7) == 8
    await credit_admin.refund(1, first.job_id, reason="blurred", refunded_by=99)
    assert await ledger.member_used(1, 7) == 4


async def test_a_revoked_grant_pays_nothing_even_when_it_is_refilled(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    await credit_admin.set_limit(1, Limit(0, Period.MONTH), set_by=99)
    grant = await credit_admin.grant(1, WHOLE_GUILD, credits=6, reason="more", granted_by=9)
    assert grant is not None
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    revoked = await credit_admin.revoke(1, grant.grant_id, revoked_by=9)
    assert revoked is not None
    assert revoked.left_credits == 2
    assert await credit_admin.revoke(1, grant.grant_id, revoked_by=9) is None
    await store.cancelled(job.job_id)
    assert (await ledger.usage(1)).left_credits == 0


async def test_a_draft_becomes_one_job_and_a_cancelled_job_frees_it(
    store: JobStore, database: Database
) -> None:
    drafts = DraftStore(database, default_catalog())
    draft_id = await drafts.save(make_request())
    assert draft_id is not None
    jobs = [make_job() for _ in range(30)]
    outcomes = await asyncio.gather(
        *(accept(store, job, NO_CONTEXT, draft_id=draft_id) for job in jobs), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, MemberError)]
    assert len(refused) == 29
    assert {error.reason for error in refused} == {MemberReason.DRAFT_TAKEN}
    (taken,) = await store.unfinished()
    assert (await drafts.find(draft_id) or pytest.fail("gone")).taken
    await store.cancelled(taken.job_id)
    assert not (await drafts.find(draft_id) or pytest.fail("gone")).taken
    assert await accept(store, make_job(), NO_CONTEXT, draft_id=draft_id)
    with pytest.raises(MemberError):
        await accept(store, make_job(), NO_CONTEXT, draft_id=draft_id)


async def test_a_pause_stops_new_jobs_only_and_stores_none_of_them(
    store: JobStore, database: Database
) -> None:
    before, pauses = make_job(), PauseStore(database)
    await accept(store, before, NO_CONTEXT)
    for guild_id in (1, ALL_GUILDS):
        await pauses.set(guild_id, paused=True, sentence="Back at six.", set_by=9)
        with pytest.raises(MemberError) as refused:
            await accept(store, make_job(), NO_CONTEXT)
        assert refused.value.reason is MemberReason.PAUSED
        assert refused.value.data == {"sentence": "Back at six."}
        await store.acknowledged(before.job_id, None)
        await pauses.set(guild_id, paused=False, set_by=9)
    assert len(await store.unfinished()) == 1
    assert await accept(store, make_job(), NO_CONTEXT)
    assert len(await store.unfinished()) == 2


async def test_no_request_scans_a_whole_table(
    store: JobStore, credit_admin: CreditAdmin, database: Database
) -> None:
    for limit in (
        Limit(2, Period.MONTH),
        Limit(90, Period.WEEK, scope=LimitScope.EVERYONE),
        Limit(90, Period.DAY, scope=LimitScope.ROLE, subject_id=31),
    ):
        await credit_admin.set_limit(1, limit, set_by=99)
    for rule in (LimitScope.CEILING, LimitScope.CEILING_ALL):
        await credit_admin.set_limit(0, Limit(900, Period.MONTH, scope=rule), set_by=99)
    await credit_admin.grant(1, WHOLE_GUILD, credits=50, reason="more", granted_by=9)
    draft_id = await DraftStore(database, default_catalog()).save(make_request())
    assert draft_id is not None
    job = make_job()
    async with traced(database) as statements:
        await accept(store, job, RequestContext(role_ids=(31,)), draft_id=draft_id)
        await DraftStore(database, default_catalog()).find(draft_id)
        await store.created(job.job_id, "task_1", 3)
        await store.succeeded(job.job_id, None, 2)
        await credit_admin.refund(1, job.job_id, reason="blurred", refunded_by=9)

    def unit(tx: Transaction) -> list[str]:
        steps = [
            str(row["detail"])
            for statement in set(statements)
            if statement.split()[0] in {"SELECT", "UPDATE", "INSERT", "DELETE"}
            for row in tx.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
        assert any("reservations_by_member" in step for step in steps)
        return [step for step in steps if step.startswith("SCAN")]

    # Held reservations are few. Constants are no table, and a subquery has steps of its own.
    allowed = r"SCAN (reservations USING INDEX reservations_held|(\d+ )?CONSTANT ROWS?|\(subquery-\d+\))"
    assert [step for step in await database.run(unit) if not re.match(allowed, step)] == []
