"""Of hundreds of concurrent requests under several limits, exactly as many are accepted as have room."""

from __future__ import annotations

import asyncio
from collections import Counter

from bot.credits import ledger as ledger_module
from bot.credits.admin import CreditAdmin
from bot.credits.grants import WHOLE_GUILD
from bot.credits.ledger import Ledger, Transaction
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import Failure, FailureCause, Job, RequestContext, Stage
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

COST = 4


def make_jobs(count: int, *, guild_id: int = 1, users: range = range(5, 6)) -> list[Job]:
    """Make `count` jobs of `users` in turn."""
    return [make_job(make_request(guild_id=guild_id, user_id=users[n % len(users)])) for n in range(count)]


async def accept_all(store: JobStore, requested: list[Job], roles: tuple[int, ...] = ()) -> list[Job]:
    """Accept jobs concurrently; returns those that no limit refused."""
    outcomes = await asyncio.gather(
        *(accept(store, job, RequestContext(role_ids=roles)) for job in requested), return_exceptions=True
    )
    assert all(isinstance(outcome, Job | LimitExceeded) for outcome in outcomes), outcomes
    passed = [job for job, outcome in zip(requested, outcomes, strict=True) if isinstance(outcome, Job)]
    assert passed == [outcome for outcome in outcomes if isinstance(outcome, Job)]
    return passed


async def sums_agree(database: Database) -> bool:
    """Whether reservations, grants and totals agree. That none is negative is checked by the schema."""

    def unit(tx: Transaction) -> bool:
        columns = "sum(counted_credits), sum(guild_credits)"
        total = tuple(tx.execute(f"SELECT {columns} FROM reservations").fetchone())
        sums = {
            tuple(row)
            for row in tx.execute(
                f"SELECT {columns} FROM tallies WHERE guild_id = 0 GROUP BY span UNION ALL"
                f" SELECT {columns} FROM tallies WHERE guild_id <> 0 GROUP BY span"
            )
        }
        wrong_grants = tx.execute(
            "SELECT count(*) FROM grants g WHERE credits <> left_credits"
            " + (SELECT coalesce(sum(d.credits), 0) FROM draws d WHERE d.grant_id = g.grant_id)"
        )
        wrong_shares = tx.execute(
            "SELECT count(*) FROM reservations r WHERE job_id NOT IN (SELECT job_id FROM refunds)"
            " AND 2 * counted_credits <> guild_credits + member_credits"
            " + (SELECT coalesce(sum(d.credits), 0) FROM draws d WHERE d.job_id = r.job_id)"
        )
        return sums == {total} and not wrong_grants.fetchone()[0] and not wrong_shares.fetchone()[0]

    return await database.run(unit)


async def test_of_two_hundred_requests_at_once_the_ten_that_fit_are_accepted(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    # Room for ten pictures at 4 credits; 3 are left over.
    await credit_admin.set_limit(1, Limit(43, Period.MONTH), set_by=99)
    assert len(await accept_all(store, make_jobs(200))) == 10
    usage = await ledger.usage(1)
    assert (usage.spent_credits, usage.held_credits, usage.left_credits) == (0, 40, 3)
    assert len(await store.unfinished()) == 10


async def test_each_of_several_limits_stops_only_the_members_it_applies_to(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    for limit in (
        Limit(400, Period.MONTH),
        Limit(30, Period.DAY, scope=LimitScope.EVERYONE),  # seven each
        Limit(50, Period.WEEK, scope=LimitScope.MEMBER, subject_id=5),  # twelve
        Limit(0, Period.TOTAL, scope=LimitScope.MEMBER, subject_id=6, exempt=True),
    ):
        await credit_admin.set_limit(1, limit, set_by=99)
    passed = await accept_all(store, make_jobs(400, users=range(5, 15)))
    counts = Counter(job.request.destination.user_id for job in passed)
    # In turn; 6 is exempt, and gets what the others leave of the guild's hundred.
    assert counts == {5: 12, 6: 100 - 12 - 8 * 7} | dict.fromkeys(range(7, 15), 7)
    assert (await ledger.usage(1)).held_credits == 100 * COST
    assert await sums_agree(database)


async def test_ceilings_hold_over_all_guilds_and_in_each(
    store: JobStore, credit_admin: CreditAdmin, database: Database
) -> None:
    await credit_admin.set_limit(0, Limit(100, Period.DAY, scope=LimitScope.CEILING_ALL), set_by=99)
    await credit_admin.set_limit(0, Limit(60, Period.MONTH, scope=LimitScope.CEILING), set_by=99)
    await credit_admin.set_limit(2, Limit(21, Period.WEEK, scope=LimitScope.CEILING), set_by=99)
    for guild_id in (1, 2, 3):
        await credit_admin.set_limit(guild_id, Limit(1000, Period.MONTH), set_by=99)
        # A ceiling is of what Rivya charges, so that grants of an admin do not raise it.
        await credit_admin.grant(guild_id, WHOLE_GUILD, credits=500, reason="generous", granted_by=9)
    requested = [
        job for trio in zip(*(make_jobs(100, guild_id=g) for g in (2, 1, 3)), strict=True) for job in trio
    ]
    passed = await accept_all(store, requested)
    assert Counter(job.request.destination.guild_id for job in passed) == {1: 10, 2: 5, 3: 10}
    # In turn: five each, then 1 and 3 share what is left of the hundred of all guilds.
    assert sum(job.quote_credits for job in passed) == 100
    assert await sums_agree(database)


async def test_grants_pay_each_credit_once_and_only_beyond_the_limit(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    await credit_admin.set_limit(1, Limit(22, Period.MONTH), set_by=99)
    await credit_admin.set_limit(1, Limit(18, Period.MONTH, scope=LimitScope.EVERYONE), set_by=99)
    for credits in (5, 9, 3):
        await credit_admin.grant(1, WHOLE_GUILD, credits=credits, reason="more", granted_by=9)
    for credits in (7, 8):
        await credit_admin.grant(1, 5, credits=credits, reason="a prize", granted_by=9)
    passed = await accept_all(store, make_jobs(300))
    # The member: 18 and 15 of grants are eight pictures; the guild: 22 and 17 are nine.
    assert len(passed) == 8
    member_limits = await ledger.member_limits(1, 5, ())
    assert member_limits.personal is not None
    assert (member_limits.personal.used_credits, member_limits.personal.granted_credits) == (18, 1)
    assert (member_limits.guild.used_credits, member_limits.guild.granted_credits) == (22, 7)
    assert await sums_agree(database)
    await asyncio.gather(*(store.cancelled(job.job_id) for job in passed))
    member_limits = await ledger.member_limits(1, 5, ())
    assert member_limits.personal is not None
    assert (member_limits.personal.used_credits, member_limits.personal.granted_credits) == (0, 15)
    assert (member_limits.guild.used_credits, member_limits.guild.granted_credits) == (0, 17)


async def test_a_repeated_interaction_takes_effect_once(
    store: JobStore, credit_admin: CreditAdmin, database: Database
) -> None:
    (first,) = make_jobs(1)
    request = first.request
    again = [make_job(request) for _ in range(50)]
    outcomes = await asyncio.gather(*(accept(store, job, NO_CONTEXT) for job in [first, *again]))
    assert [job.job_id for job in outcomes if job is not None] == [first.job_id]
    await store.created(first.job_id, "task_1", None)
    await store.succeeded(first.job_id, None, COST)
    grants = (
        credit_admin.grant(1, 5, credits=5, reason="a prize", granted_by=9, interaction_id=70)
        for _ in range(50)
    )
    assert sum(grant is not None for grant in await asyncio.gather(*grants)) == 1
    limits = (
        credit_admin.set_limit(1, Limit(n, Period.DAY, reason="tighter"), set_by=99, interaction_id=71)
        for n in range(50)
    )
    assert {change.after.credits for change in await asyncio.gather(*limits) if change.after} == {0}
    refunds = (
        credit_admin.refund(1, first.job_id, reason="blurred", refunded_by=9, interaction_id=72)
        for _ in range(50)
    )
    refunded = await asyncio.gather(*refunds, return_exceptions=True)
    refused = [outcome for outcome in refunded if isinstance(outcome, MemberError)]
    assert {error.reason for error in refused} == {MemberReason.JOB_REFUNDED}
    assert len(refused) == 49
    assert await sums_agree(database)


async def test_after_interleaved_changes_all_sums_agree(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    await credit_admin.set_limit(1, Limit(120, Period.MONTH), set_by=99)
    await credit_admin.set_limit(1, Limit(50, Period.MONTH, scope=LimitScope.ROLE, subject_id=31), set_by=99)
    await credit_admin.grant(1, WHOLE_GUILD, credits=30, reason="more", granted_by=9)
    await credit_admin.grant(1, 5, credits=11, reason="a prize", granted_by=9)

    async def run(job: Job, number: int) -> str:
        try:
            await accept(store, job, RequestContext(role_ids=(31,)))
        except LimitExceeded:
            return "refused"
        if number % 3 == 0:
            return (await store.cancelled(job.job_id)).stage
        await store.created(job.job_id, f"task_{number}", number % 6)
        if number % 3 == 1:
            return (
                await store.failed(job.job_id, Failure(FailureCause.RIVYA, "no", charged_credits=number % 2))
            ).stage
        stage = (await store.succeeded(job.job_id, None, 1 + number % 5)).stage
        if number % 2:
            await credit_admin.refund(1, job.job_id, reason="blurred", refunded_by=9)
        return stage

    async def change_limits() -> None:
        for credits in range(60, 120):
            await credit_admin.set_limit(1, Limit(credits, Period.MONTH), set_by=99)

    jobs = make_jobs(300, users=range(5, 9))
    results = await asyncio.gather(
        *(run(job, number) for number, job in enumerate(jobs)),
        change_limits(),
    )
    assert set(results) == {None, "refused", Stage.FAILED, Stage.CANCELLED, Stage.SUCCEEDED}
    assert await sums_agree(database)
    member_limits = await ledger.member_limits(1, 5, (31,))
    assert member_limits.guild.limit_credits == 119
    assert member_limits.guild.held_credits == 0


async def test_without_price_changes_a_limit_is_never_exceeded(
    store: JobStore, ledger: Ledger, credit_admin: CreditAdmin, database: Database
) -> None:
    await credit_admin.set_limit(1, Limit(50, Period.MONTH), set_by=99)
    await credit_admin.grant(1, WHOLE_GUILD, credits=10, reason="more", granted_by=9)
    highest = 0
    for _ in range(6):
        passed = await accept_all(store, make_jobs(40, users=range(5, 9)))
        highest = max(highest, (await ledger.usage(1)).used_credits)
        await asyncio.gather(*(store.cancelled(job.job_id) for job in passed[::2]))
        assert await sums_agree(database)
    assert highest == 50
    usage = await ledger.usage(1)
    assert usage.used_credits + 10 - usage.granted_credits == COST * len(await store.unfinished())


async def test_closing_a_reservation_twice_changes_nothing(store: JobStore, ledger: Ledger) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, "task_1", 5)
    await store.succeeded(job.job_id, None, 3)
    outcomes = await asyncio.gather(
        store.succeeded(job.job_id, None, 9),
        store.failed(job.job_id, Failure(FailureCause.RIVYA, "generation_failed")),
        store.cancelled(job.job_id),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert (await ledger.usage(1)).spent_credits == 3
    assert (await ledger.receipt(job.job_id, 1)).charged_credits == 3


async def test_the_ledger_itself_closes_a_reservation_only_once(store: JobStore, database: Database) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)

    def unit(tx: Transaction) -> tuple[object, ...]:
        ledger_module.settle(tx, job_id=job.job_id, final_credits=3, at=5)
        ledger_module.release(tx, job_id=job.job_id, at=6)
        ledger_module.settle(tx, job_id=job.job_id, final_credits=9, at=7)
        ledger_module.adjust_reserved(
            tx, job_id=job.job_id, reserved_credits=8, default=Limit(200, Period.MONTH), at=8
        )
        ledger_module.annotate_held(tx, job_id=job.job_id, note="too late")
        row = tx.execute("SELECT state, reserved_credits, final_credits, closed_at, note FROM reservations")
        return tuple(row.fetchone())

    assert await database.run(unit) == ("settled", 4, 3, 5, None)


async def test_spending_is_counted_for_its_own_guild_and_member(store: JobStore, ledger: Ledger) -> None:
    await accept(store, make_job(make_request(guild_id=1, user_id=5)), NO_CONTEXT)
    await accept(store, make_job(make_request(guild_id=1, user_id=6)), NO_CONTEXT)
    await accept(store, make_job(make_request(guild_id=2, user_id=5)), NO_CONTEXT)
    assert (await ledger.usage(1)).held_credits == 8
    assert (await ledger.usage(2)).held_credits == 4
    assert await ledger.member_used(1, 5) == 4


async def test_a_finished_job_keeps_no_interaction_token(store: JobStore) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    await store.cancelled(job.job_id)
    found = await store.find(job.job_id)
    assert found is not None
    assert found.stage is Stage.CANCELLED
    assert found.request.destination.interaction_token == ""
