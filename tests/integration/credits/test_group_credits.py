"""The credits of requests for several pictures: refunds, the ledger's export, reports, the audit log."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING

import pytest

from bot.credits.admin import CreditAdmin
from bot.credits.audit_log import AuditLog, RefundIssued
from bot.credits.ledger import Ledger
from bot.credits.ledger_export import export_ledger
from bot.credits.refundable import RefundablePictures
from bot.credits.reports import csv_export, queries
from bot.credits.reports.models import Grouping
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.limits import Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.jobs.store import JobStore
from tests.support.factories import make_request
from tests.support.jobs import accept_group, deliver, deliver_group
from tests.support.sql import rows

if TYPE_CHECKING:
    from pathlib import Path

    from bot.domain.jobs import Job
    from bot.storage.database import Database

ADMIN = 99
DEFAULT = Limit(200, Period.MONTH)


@pytest.fixture
def credit_admin(database: Database) -> CreditAdmin:
    return CreditAdmin(database, DEFAULT, default_catalog())


@pytest.fixture
async def group(store: JobStore, database: Database) -> tuple[Job, ...]:
    """A group of four, of which the second failed."""
    return await deliver_group(store, database, await accept_group(store), failed=(2,))


async def used(database: Database) -> int:
    usage = await Ledger(database, DEFAULT).usage(1)
    return usage.spent_credits + usage.held_credits


async def refuse(credit_admin: CreditAdmin, job: Job, *, whole_request: bool) -> MemberReason:
    with pytest.raises(MemberError) as caught:
        await credit_admin.refund(
            1, job.job_id, reason="again", refunded_by=ADMIN, whole_request=whole_request
        )
    return caught.value.reason


async def test_one_picture_of_a_group_is_refunded_and_then_the_rest(
    group: tuple[Job, ...], credit_admin: CreditAdmin, database: Database
) -> None:
    assert await used(database) == 12
    third = await credit_admin.refund(1, group[2].job_id, reason="blurry", refunded_by=ADMIN)
    assert (third.job_id, third.credits, third.pictures, third.left_out) == (group[2].job_id, 4, 1, 0)
    assert await used(database) == 8
    # By any of its pictures, the failed one included.
    rest = await credit_admin.refund(
        1, group[1].job_id, reason="all blurry", refunded_by=ADMIN, interaction_id=5, whole_request=True
    )
    assert (rest.job_id, rest.credits, rest.pictures, rest.left_out) == (group[0].job_id, 8, 2, 2)
    assert await used(database) == 0
    for job in group:
        assert await refuse(credit_admin, job, whole_request=True) is MemberReason.JOB_REFUNDED
    assert await refuse(credit_admin, group[1], whole_request=False) is MemberReason.JOB_NOT_CHARGED
    logged = (await AuditLog(database).older(1)).entries
    assert sorted(each.event.job_id for each in logged if isinstance(each.event, RefundIssued)) == sorted(
        group[place].job_id for place in (0, 2, 3)
    )


async def test_a_refund_that_is_delivered_twice_is_one(
    group: tuple[Job, ...], credit_admin: CreditAdmin, database: Database
) -> None:
    calls = [
        credit_admin.refund(
            1, group[0].job_id, reason="x", refunded_by=ADMIN, interaction_id=5, whole_request=True
        )
        for _ in range(2)
    ]
    first, second = await asyncio.gather(*calls, return_exceptions=True)
    assert getattr(first, "pictures", None) == 3
    assert isinstance(second, MemberError)
    assert await rows(database, "SELECT count(*), sum(credits) FROM refunds") == [(3, 12)]


async def test_a_group_is_refunded_in_its_own_server_alone(
    group: tuple[Job, ...], credit_admin: CreditAdmin
) -> None:
    with pytest.raises(MemberError) as caught:
        await credit_admin.refund(2, group[0].job_id, reason="x", refunded_by=ADMIN, whole_request=True)
    assert caught.value.reason is MemberReason.JOB_UNKNOWN


async def test_what_is_still_held_is_left_out_of_a_refund(
    store: JobStore, database: Database, credit_admin: CreditAdmin
) -> None:
    jobs = await accept_group(store)
    assert await refuse(credit_admin, jobs[0], whole_request=True) is MemberReason.JOB_NOT_CHARGED
    await deliver_group(store, database, jobs[:1])
    refund = await credit_admin.refund(1, jobs[3].job_id, reason="x", refunded_by=ADMIN, whole_request=True)
    assert (refund.credits, refund.pictures, refund.left_out) == (4, 1, 3)
    assert await used(database) == 12


async def test_the_list_of_refundable_pictures_has_an_entry_for_all_of_a_group(
    store: JobStore, database: Database, group: tuple[Job, ...], credit_admin: CreditAdmin
) -> None:
    alone = await deliver(store, make_request(prompt="a cat"))
    pictures = RefundablePictures(database)

    async def found(typed: str) -> list[tuple[str, int, int, int, int]]:
        newest = await pictures.newest(1, typed, 25)
        return [(each.job_id, each.number, each.group_size, each.pictures, each.credits) for each in newest]

    of_group = [(group[place - 1].job_id, place, 4, 1, 4) for place in (1, 3, 4)]
    everything = (group[0].job_id, 1, 4, 3, 12)
    assert sorted(await found("")) == sorted([(alone.job_id, 1, 1, 1, 4), everything, *of_group])
    assert await found("FOX") == [everything, *of_group]
    assert await found(group[2].job_id[:13]) == [everything, of_group[1]]
    await credit_admin.refund(1, group[0].job_id, reason="x", refunded_by=ADMIN)
    await credit_admin.refund(1, group[2].job_id, reason="x", refunded_by=ADMIN)
    assert await found("fox") == [of_group[2]]


async def test_reports_and_exports_count_each_picture(
    store: JobStore,
    database: Database,
    database_path: Path,
    group: tuple[Job, ...],
    credit_admin: CreditAdmin,
) -> None:
    compared = await accept_group(store, make_request(user_id=8), models=("qwen-image", "z-image"))
    await deliver_group(store, database, compared)
    prices = [job.quote_credits for job in compared]
    await credit_admin.refund(1, group[3].job_id, reason="x", refunded_by=ADMIN)
    lines = {line["job_id"]: line for line in export_ledger(database_path)}
    assert len(lines) == 6
    assert [lines[job.job_id]["final_credits"] for job in (*group, *compared)] == [4, 0, 4, 4, *prices]
    with queries.open_snapshot(database_path) as snapshot:
        report = queries.build_report(
            snapshot,
            1,
            period=Period.MONTH,
            periods_ago=0,
            default=DEFAULT,
            at=now_ms(),
            grouping=Grouping.MEMBER,
        )
        table = csv_export.write(snapshot, report, "report", 100_000)
    assert (report.credits, report.refunded_credits) == (12 + sum(prices), 4)
    assert {each.subject: each.pictures for each in report.spenders if each.pictures} == {7: 3, 8: 2}
    lines_of_table = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert len(lines_of_table) == table.rows == 6
    assert sum(int(line["refunded_credits"]) for line in lines_of_table) == 4
    assert await rows(
        database, "SELECT counted_credits FROM tallies WHERE span = 'day' AND guild_id = 1"
    ) == [(12 + sum(prices),)]


async def test_of_two_groups_at_once_with_room_for_one_and_a_half_one_is_refused(database: Database) -> None:
    tight = JobStore(database, Limit(24, Period.MONTH))
    ways = await asyncio.gather(
        *(accept_group(tight, make_request(user_id=user_id)) for user_id in (7, 8)), return_exceptions=True
    )
    (accepted,) = [way for way in ways if isinstance(way, tuple)]
    (refused,) = [way for way in ways if isinstance(way, LimitExceeded)]
    assert (refused.pictures, refused.fitting, refused.usage.left_credits) == (4, 2, 8)
    reserved = await rows(database, "SELECT job_id, state FROM reservations")
    assert sorted(reserved) == sorted((job.job_id, "held") for job in accepted)
    assert await used(database) == 16
    # What has room is accepted afterwards.
    assert len(await accept_group(tight, make_request(user_id=9), pictures=2)) == 2


async def test_many_groups_at_once_never_pass_the_limit(database: Database) -> None:
    tight = JobStore(database, Limit(90, Period.MONTH))
    sizes = [1, 4, 3, 2] * 5
    ways = await asyncio.gather(
        *(accept_group(tight, make_request(), pictures=size) for size in sizes), return_exceptions=True
    )
    accepted = [way for way in ways if isinstance(way, tuple)]
    assert all(isinstance(way, tuple | LimitExceeded) for way in ways)
    assert await used(database) == 4 * sum(map(len, accepted)) <= 90
    assert await used(database) > 90 - 16
    assert await rows(database, "SELECT count(*) FROM reservations") == [(sum(map(len, accepted)),)]
