"""The receipt of a finished picture shows the tightest limit that is known to bind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.domain.jobs import RequestContext
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from tests.support.factories import NO_CONTEXT, accept, make_job
from tests.support.jobs import create_task

ALICE, ADMIN = 7, 9
MEMBER_LIMIT = Limit(20, Period.DAY, scope=LimitScope.MEMBER, subject_id=ALICE)
EVERYONE_LIMIT = Limit(30, Period.DAY, scope=LimitScope.EVERYONE)
ROLE_LIMIT = Limit(10, Period.DAY, scope=LimitScope.ROLE, subject_id=55)
EXEMPTION = Limit(0, Period.TOTAL, scope=LimitScope.MEMBER, subject_id=ALICE, exempt=True)
WIDE_MEMBER_LIMIT = Limit(900, Period.MONTH, scope=LimitScope.MEMBER, subject_id=ALICE)


@pytest.mark.parametrize(
    ("limits", "rule", "left"),
    [
        ([], "guild", 196),
        ([MEMBER_LIMIT], "member", 16),
        ([EVERYONE_LIMIT], "everyone", 26),
        ([MEMBER_LIMIT, EVERYONE_LIMIT, ROLE_LIMIT], "member", 16),
        ([EVERYONE_LIMIT, ROLE_LIMIT], "everyone", 26),
        ([ROLE_LIMIT], "guild", 196),
        ([EVERYONE_LIMIT, EXEMPTION], "guild", 196),
        ([WIDE_MEMBER_LIMIT], "guild", 196),
    ],
    ids=[
        "nothing but the server's",
        "an override",
        "the limit for everyone",
        "an override whatever their roles",
        "the limit for everyone beside a role they do not have",
        "a role they may not have",
        "exempt",
        "more than the server has",
    ],
)
async def test_a_receipt_shows_the_tighter_limit(
    credit_admin: CreditAdmin, store: JobStore, ledger: Ledger, limits: list[Limit], rule: str, left: int
) -> None:
    for limit in limits:
        await credit_admin.set_limit(1, limit, set_by=ADMIN)
    job = await create_task(store, reserved_credits=None)
    await store.succeeded(job.job_id, None, None)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.usage.scope, receipt.usage.left_credits) == (4, rule, left)


@pytest.mark.parametrize(
    ("credits", "rule", "left"), [(10, "ceiling", 6), (300, "guild", 196)], ids=["tighter", "wider"]
)
async def test_a_receipt_shows_a_ceiling_of_the_server_if_it_leaves_less(
    credit_admin: CreditAdmin, store: JobStore, ledger: Ledger, credits: int, rule: str, left: int
) -> None:
    await credit_admin.set_limit(1, Limit(credits, Period.DAY, scope=LimitScope.CEILING), set_by=ADMIN)
    await credit_admin.set_limit(0, Limit(5, Period.DAY, scope=LimitScope.CEILING_ALL), set_by=ADMIN)
    job = await create_task(store, reserved_credits=None)
    await store.succeeded(job.job_id, None, None)
    shown = (await ledger.receipt(job.job_id, 1)).usage
    assert (shown.scope, shown.left_credits) == (rule, left)


async def test_a_receipt_without_a_charge_shows_the_servers_limit(store: JobStore, ledger: Ledger) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.usage.scope) == (0, "guild")


async def test_the_role_limit_that_applied_at_the_request_is_shown_with_its_current_credits(
    credit_admin: CreditAdmin, store: JobStore, ledger: Ledger
) -> None:
    for limit in (EVERYONE_LIMIT, ROLE_LIMIT):
        await credit_admin.set_limit(1, limit, set_by=ADMIN)
    job = make_job()
    await accept(store, job, RequestContext(role_ids=(ROLE_LIMIT.subject_id,)))
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    shown = (await ledger.receipt(job.job_id, 1)).usage
    assert (shown.scope, shown.left_credits) == ("role", 6)
    await credit_admin.set_limit(1, replace(ROLE_LIMIT, credits=12), set_by=ADMIN)
    assert (await ledger.receipt(job.job_id, 1)).usage.left_credits == 8
    await credit_admin.remove_limit(1, LimitScope.ROLE, ROLE_LIMIT.subject_id, set_by=ADMIN)
    assert (await ledger.receipt(job.job_id, 1)).usage.scope == "guild"
