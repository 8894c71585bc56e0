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

ALICE, ADMIN = 7, 9
TWENTY = Limit(20, Period.DAY, scope=LimitScope.MEMBER, subject_id=ALICE)
EVERYONE = Limit(30, Period.DAY, scope=LimitScope.EVERYONE)
A_ROLE = Limit(10, Period.DAY, scope=LimitScope.ROLE, subject_id=55)
FREE = Limit(0, Period.TOTAL, scope=LimitScope.MEMBER, subject_id=ALICE, exempt=True)
WIDE = Limit(900, Period.MONTH, scope=LimitScope.MEMBER, subject_id=ALICE)


@pytest.mark.parametrize(
    ("limits", "rule", "left"),
    [
        ([], "guild", 196),
        ([TWENTY], "member", 16),
        ([EVERYONE], "everyone", 26),
        ([TWENTY, EVERYONE, A_ROLE], "member", 16),
        ([EVERYONE, A_ROLE], "everyone", 26),
        ([A_ROLE], "guild", 196),
        ([EVERYONE, FREE], "guild", 196),
        ([WIDE], "guild", 196),
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
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.usage.scope, receipt.usage.left_credits) == (4, rule, left)


@pytest.mark.parametrize(
    ("credits", "rule", "left"), [(10, "ceiling", 6), (300, "guild", 196)], ids=["tighter", "wider"]
)
async def test_a_receipt_shows_what_the_operator_leaves_the_server_if_that_is_less(
    credit_admin: CreditAdmin, store: JobStore, ledger: Ledger, credits: int, rule: str, left: int
) -> None:
    await credit_admin.set_limit(1, Limit(credits, Period.DAY, scope=LimitScope.CEILING), set_by=ADMIN)
    await credit_admin.set_limit(0, Limit(5, Period.DAY, scope=LimitScope.CEILING_ALL), set_by=ADMIN)
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    shown = (await ledger.receipt(job.job_id, 1)).usage
    assert (shown.scope, shown.left_credits) == (rule, left)


async def test_a_receipt_of_nothing_charged_shows_the_servers_limit(store: JobStore, ledger: Ledger) -> None:
    job = make_job()
    await accept(store, job, NO_CONTEXT)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.usage.scope) == (0, "guild")


async def test_a_role_that_ruled_at_the_request_is_shown_as_it_stands_now(
    credit_admin: CreditAdmin, store: JobStore, ledger: Ledger
) -> None:
    for limit in (EVERYONE, A_ROLE):
        await credit_admin.set_limit(1, limit, set_by=ADMIN)
    job = make_job()
    await accept(store, job, RequestContext(role_ids=(A_ROLE.subject_id,)))
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    shown = (await ledger.receipt(job.job_id, 1)).usage
    assert (shown.scope, shown.left_credits) == ("role", 6)
    await credit_admin.set_limit(1, replace(A_ROLE, credits=12), set_by=ADMIN)
    assert (await ledger.receipt(job.job_id, 1)).usage.left_credits == 8
    await credit_admin.remove_limit(1, LimitScope.ROLE, A_ROLE.subject_id, set_by=ADMIN)
    assert (await ledger.receipt(job.job_id, 1)).usage.scope == "guild"
