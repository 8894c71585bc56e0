"""What a finished picture's receipt shows: the limit that leaves less, where it is known which binds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.credits.admin import Treasury
from bot.credits.ledger import Ledger
from bot.domain.jobs import Presence
from bot.domain.limits import Limit, Rule
from bot.jobs.store import Store
from tests.support.factories import ANYWHERE, a_job

ALICE, ADMIN = 7, 9
TWENTY = Limit(20, "day", rule=Rule.MEMBER, subject_id=ALICE)
EVERYONE = Limit(30, "day", rule=Rule.EVERYONE)
A_ROLE = Limit(10, "day", rule=Rule.ROLE, subject_id=55)
FREE = Limit(0, "total", rule=Rule.MEMBER, subject_id=ALICE, exempt=True)
WIDE = Limit(900, "month", rule=Rule.MEMBER, subject_id=ALICE)


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
    treasury: Treasury, store: Store, ledger: Ledger, limits: list[Limit], rule: str, left: int
) -> None:
    for limit in limits:
        await treasury.set_limit(1, limit, set_by=ADMIN)
    job = a_job()
    await store.accept(job, ANYWHERE)
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.usage.rule, receipt.usage.left_credits) == (4, rule, left)


@pytest.mark.parametrize(
    ("credits", "rule", "left"), [(10, "ceiling", 6), (300, "guild", 196)], ids=["tighter", "wider"]
)
async def test_a_receipt_shows_what_the_operator_leaves_the_server_if_that_is_less(
    treasury: Treasury, store: Store, ledger: Ledger, credits: int, rule: str, left: int
) -> None:
    await treasury.set_limit(1, Limit(credits, "day", rule=Rule.CEILING), set_by=ADMIN)
    await treasury.set_limit(0, Limit(5, "day", rule=Rule.CEILING_ALL), set_by=ADMIN)
    job = a_job()
    await store.accept(job, ANYWHERE)
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    shown = (await ledger.receipt(job.job_id, 1)).usage
    assert (shown.rule, shown.left_credits) == (rule, left)


async def test_a_receipt_of_nothing_charged_shows_the_servers_limit(store: Store, ledger: Ledger) -> None:
    job = a_job()
    await store.accept(job, ANYWHERE)
    receipt = await ledger.receipt(job.job_id, 1)
    assert (receipt.charged_credits, receipt.usage.rule) == (0, "guild")


async def test_a_role_that_ruled_at_the_request_is_shown_as_it_stands_now(
    treasury: Treasury, store: Store, ledger: Ledger
) -> None:
    for limit in (EVERYONE, A_ROLE):
        await treasury.set_limit(1, limit, set_by=ADMIN)
    job = a_job()
    await store.accept(job, Presence(role_ids=(A_ROLE.subject_id,)))
    await store.created(job.job_id, "task-1", None)
    await store.succeeded(job.job_id, None, None)
    shown = (await ledger.receipt(job.job_id, 1)).usage
    assert (shown.rule, shown.left_credits) == ("role", 6)
    await treasury.set_limit(1, replace(A_ROLE, credits=12), set_by=ADMIN)
    assert (await ledger.receipt(job.job_id, 1)).usage.left_credits == 8
    await treasury.remove_limit(1, Rule.ROLE, A_ROLE.subject_id, set_by=ADMIN)
    assert (await ledger.receipt(job.job_id, 1)).usage.rule == "guild"
