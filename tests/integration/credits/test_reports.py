"""A report adds up to the same as the ledger, and its CSV file has every reservation."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import sys
import threading
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from bot.credits import limits, running_totals
from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.credits.ledger_export import export_ledger
from bot.credits.reports import csv_export, queries
from bot.credits.reports.builder import ReportBuilder
from bot.credits.reports.csv_export import CsvExport, CsvPart
from bot.credits.reports.models import ERASED, ChartLabels, Grouping, Report
from bot.domain.clock import HOUR_MS
from bot.domain.errors import OperatorError
from bot.domain.ids import ALL_GUILDS
from bot.domain.image_models import MODELS
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, FailureCause, Job, Stage
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from cogs.credits.chart_labels import chart_labels, period_title
from cogs.text.translation import use_locale
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.paths import ROOT
from tests.support.waiting import soon

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LARGE_UPLOAD = 10 * 2**20


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@dataclass(frozen=True)
class ReportHarness:
    """Accepts jobs at chosen times, and counts reports."""

    store: JobStore
    path: Path
    default: Limit

    async def accept(
        self, user_id: int, at: datetime = NOON, guild_id: int = 1, model: str = "qwen-image"
    ) -> Job:
        request = replace(make_request(guild_id=guild_id, user_id=user_id), model=model)
        job = replace(make_job(request, accepted_at=ms(at)), quote_credits=MODELS[model].cost_credits)
        assert await accept(self.store, job, NO_CONTEXT)
        return job

    async def deliver(
        self,
        user_id: int,
        at: datetime = NOON,
        final_credits: int | None = 4,
        model: str = "qwen-image",
    ) -> Job:
        job = await self.accept(user_id, at, model=model)
        await self.store.created(job.job_id, f"task-{job.job_id}", None)
        await self.store.succeeded(job.job_id, "https://rivya.ai/x.png", final_credits)
        return await self.store.delivered(job.job_id, DeliveredMessage(20, 21, DeliveryMethod.REPLY))

    def report(
        self,
        period: Period = Period.MONTH,
        ago: int = 0,
        at: datetime = NOON,
        guild_id: int = 1,
        grouping: Grouping = Grouping.MEMBER,
    ) -> Report:
        with queries.open_snapshot(self.path) as connection:
            return queries.build_report(
                connection,
                guild_id,
                period=period,
                periods_ago=ago,
                default=self.default,
                at=ms(at),
                grouping=grouping,
            )

    def export(self, report: Report, limit_bytes: int = LARGE_UPLOAD) -> CsvExport:
        with queries.open_snapshot(self.path) as connection:
            return csv_export.write(connection, report, "report", limit_bytes)


@pytest.fixture
def harness(store: JobStore, database_path: Path, default_limit: Limit) -> ReportHarness:
    return ReportHarness(store, database_path, default_limit)


def parse_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@time_machine.travel(NOON, tick=False)
async def test_a_report_adds_up_with_the_ledger(
    harness: ReportHarness, ledger: Ledger, credit_admin: CreditAdmin
) -> None:
    rng = random.Random(7)
    await credit_admin.set_limit(1, Limit(60, Period.MONTH), set_by=5)
    await credit_admin.grant(1, 0, credits=40, reason="a feast", granted_by=5)
    paid = [
        await harness.deliver(rng.randint(7, 15), NOON.replace(day=rng.randint(1, 23))) for _ in range(18)
    ]
    await harness.accept(7)
    charged, free = await harness.accept(7), await harness.accept(8)
    await harness.store.failed(charged.job_id, Failure(FailureCause.RIVYA, "flagged", charged_credits=4))
    await harness.store.failed(free.job_id, Failure(FailureCause.RIVYA, "flagged"))
    await harness.deliver(9, final_credits=3)
    await credit_admin.refund(1, paid[0].job_id, reason="a blot", refunded_by=5)

    report, usage = harness.report(), await ledger.usage(1)
    assert (report.spent_credits, report.held_credits) == (18 * 4 + 4 + 3, 4)
    assert report.limited_credits == usage.used_credits
    assert report.refunded_credits == 4
    assert report.granted_credits > 0
    assert (report.pictures, report.failures, report.reservations) == (19, 2, 22)
    assert report.average_credits == pytest.approx(79 / 19)
    assert sum(bar.credits for bar in report.buckets) == report.credits
    assert sum(spender.credits for spender in report.spenders) == report.credits
    assert report.members == len(report.spenders)
    assert sum(spender.refunded_credits for spender in report.spenders) == 4
    held = [entry for entry in export_ledger(harness.path) if entry["state"] == "held"]
    assert report.held_credits == sum(int(entry["reserved_credits"] or 0) for entry in held)


async def test_the_six_top_spenders_are_counted_apart_and_the_others_together(harness: ReportHarness) -> None:
    for user_id in range(1, 13):
        for _ in range(max(1, 9 - user_id)):
            await harness.accept(user_id, NOON.replace(day=2))
    report = harness.report()
    assert [spender.subject for spender in report.spenders] == list(range(1, 11))
    assert report.members == 12
    second = report.buckets[1]
    assert second.top == tuple(4 * asked for asked in (8, 7, 6, 5, 4, 3))
    assert second.others == 4 * (2 + 1 + 1 + 1 + 1 + 1)
    assert report.buckets[0].credits == 0


async def test_equal_spenders_are_listed_by_id(harness: ReportHarness) -> None:
    for user_id in (9, 3, 6):
        await harness.accept(user_id)
    assert [spender.subject for spender in harness.report().spenders] == [3, 6, 9]


async def test_erased_members_are_counted_together(harness: ReportHarness, database: Database) -> None:
    for user_id in (7, 8, 9):
        await harness.deliver(user_id)
    await database.run(lambda tx: tx.execute("UPDATE jobs SET user_id = 0").rowcount)
    await database.run(
        lambda tx: tx.execute("UPDATE reservations SET user_id = 0 WHERE user_id IN (7, 8)").rowcount
    )
    report = harness.report()
    assert [(spender.subject, spender.pictures) for spender in report.spenders] == [(9, 1)]
    assert report.members == 1
    assert (report.erased.subject, report.erased.credits, report.erased.pictures) == (ERASED, 8, 2)
    assert (report.buckets[22].top, report.buckets[22].others, report.buckets[22].erased) == ((4,), 0, 8)


async def test_pictures_and_failures_are_those_of_the_jobs_stages(
    harness: ReportHarness, database: Database
) -> None:
    """What is counted without a look at every job is what a look at every job counts."""
    rng = random.Random(3)
    for number in range(50):
        job = await harness.accept(rng.randint(7, 9), NOON.replace(day=1 + number % 23), 1 + number % 10 // 9)
        stage = rng.choice([*Stage])
        unfinished = stage in {Stage.ACCEPTED, Stage.UPLOADED, Stage.CREATED}
        changes = {"stage": stage, "id": job.job_id, "at": None if unfinished else ms(NOON)}
        await database.run(
            lambda tx, changes=changes: (
                tx.execute(  # type: ignore[misc]
                    "UPDATE jobs SET stage = :stage, finished_at = :at, task_id = :id, failure_who = 'rivya'"
                    " WHERE job_id = :id",
                    changes,
                ).rowcount
            )
        )
    plain = (
        "SELECT r.user_id, j.stage FROM reservations r JOIN jobs j USING (job_id)"
        " WHERE r.guild_id = 1 AND r.created_at >= ? AND r.created_at < ?"
    )
    for report in map(harness.report, Period):
        with queries.open_snapshot(harness.path) as connection:
            rows = [*connection.execute(plain, (report.start, report.end))]
        painted = {Stage.SUCCEEDED, Stage.DELIVERED, Stage.UNDELIVERABLE}
        pictures = Counter(row["user_id"] for row in rows if row["stage"] in painted)
        assert rows
        assert +Counter({each.subject: each.pictures for each in report.spenders}) == pictures
        assert report.failures == sum(row["stage"] == Stage.FAILED for row in rows)
    everything = harness.report(Period.TOTAL)
    assert 0 < everything.failures < everything.pictures < everything.reservations


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
async def test_sums_of_the_past_are_right_whether_or_not_their_quarters_are_kept(
    harness: ReportHarness, credit_admin: CreditAdmin, database: Database, zone: str
) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.TIMEZONE, zone, set_by=5)
    with time_machine.travel(datetime(2026, 6, 1, tzinfo=UTC), tick=False):
        await credit_admin.grant(1, 0, credits=100, reason="a feast", granted_by=5)
        await credit_admin.set_limit(1, Limit(8, Period.MONTH), set_by=5)
    for month in range(6, 11):
        for minute in (14, 15, 16):  # in Kathmandu the second of these minutes begins the next month
            moment = datetime(2026, month + 1, 1, 18, minute, tzinfo=UTC) - timedelta(days=1)
            with time_machine.travel(moment, tick=False):
                await harness.accept(7, moment)

    def totals(report: Report) -> tuple[int, int]:
        with queries.open_snapshot(harness.path) as connection:
            counted, granted = connection.execute(
                "SELECT total(counted_credits), total(counted_credits - guild_credits) FROM reservations"
                " WHERE created_at >= ? AND created_at < ?",
                (report.start, report.end),
            ).fetchone()
        return int(counted), int(granted)

    def assert_right() -> None:
        reports = [harness.report(Period.MONTH, ago) for ago in range(7)]
        expected = [totals(report) for report in reports]
        assert [(report.credits, report.granted_credits) for report in reports] == expected
        assert [report.before_credits for report in reports[:-1]] == [counted for counted, _ in expected[1:]]
        assert sum(granted for _, granted in expected) > 0

    assert_right()
    assert await database.run(lambda tx: running_totals.prune(tx, ms(NOON))) > 0
    assert_right()


@time_machine.travel(NOON, tick=False)
async def test_a_report_by_model_adds_up_to_the_same_as_one_by_member(
    harness: ReportHarness, credit_admin: CreditAdmin
) -> None:
    paid = [
        await harness.deliver(day, NOON.replace(day=day), None, model)
        for day, model in ((2, "flux-2-pro"), (2, "z-image"), (3, "flux-2-pro"), (3, "qwen-image"))
    ]
    await credit_admin.refund(1, paid[-1].job_id, reason="a blot", refunded_by=5)
    failed = await harness.accept(9, model="z-image")
    await harness.store.failed(failed.job_id, Failure(FailureCause.RIVYA, "flagged"))
    await harness.accept(9, model="flux-2-pro")
    report, by_member = harness.report(grouping=Grouping.MODEL), harness.report()
    assert [
        (each.subject, each.credits, each.refunded_credits, each.pictures) for each in report.spenders
    ] == [("flux-2-pro", 15, 0, 2), ("qwen-image", 4, 4, 1), ("z-image", 1, 0, 1)]
    assert (report.members, by_member.members) == (3, 3)
    assert [bar.top for bar in report.buckets[1:3]] == [(5, 0, 1), (5, 4, 0)]
    assert report.erased == by_member.erased
    for name in ("credits", "held_credits", "pictures", "failures", "refunded_credits", "reservations"):
        assert getattr(report, name) == getattr(by_member, name)
    assert [bar.credits for bar in report.buckets] == [bar.credits for bar in by_member.buckets]


async def test_models_of_members_whose_names_are_erased_are_counted(
    harness: ReportHarness, database: Database
) -> None:
    await harness.deliver(7, model="z-image", final_credits=None)
    await database.run(lambda tx: tx.execute("UPDATE reservations SET user_id = 0").rowcount)
    report = harness.report(grouping=Grouping.MODEL)
    assert [(each.subject, each.credits) for each in report.spenders] == [("z-image", 1)]
    assert (report.erased.credits, report.buckets[22].erased) == (0, 0)


async def test_the_files_of_reservations_have_the_model_in_the_last_column(
    harness: ReportHarness, database: Database
) -> None:
    await harness.deliver(7, NOON.replace(day=2), None, "flux-2-pro")
    await harness.deliver(7)
    odd = 'a "new", model'
    await database.run(
        lambda tx: tx.execute("UPDATE reservations SET model = ? WHERE model = 'qwen-image'", (odd,)).rowcount
    )
    rows = parse_csv(harness.export(harness.report()).data)
    assert [row["model"] for row in rows] == [odd, "flux-2-pro"]
    assert list(rows[0])[-1] == "model"
    entries = list(export_ledger(harness.path))
    assert [entry["model"] for entry in entries] == ["flux-2-pro", odd]
    assert list(entries[0])[-1] == "model"
    report = harness.report(grouping=Grouping.MODEL)
    assert {each.subject for each in report.spenders} == {odd, "flux-2-pro"}


async def test_a_ceiling_below_the_limit_is_that_of_the_report_and_its_pace(
    harness: ReportHarness, credit_admin: CreditAdmin, database: Database
) -> None:
    await database.run(lambda tx: limits.set_default_ceiling(tx, Limit(150, Period.MONTH)))
    assert harness.report().ceiling == Limit(150, Period.MONTH, scope=LimitScope.CEILING)
    assert harness.report().pace == 5
    ceiling = Limit(90, Period.MONTH, scope=LimitScope.CEILING)
    with time_machine.travel(NOON.replace(day=2), tick=False):
        await credit_admin.set_limit(ALL_GUILDS, ceiling, set_by=5)
    with time_machine.travel(NOON.replace(day=3), tick=False):
        await credit_admin.set_limit(1, replace(ceiling, credits=60), set_by=5)
    assert harness.report().pace == 2
    assert harness.report(guild_id=2).pace == 3
    assert harness.report(ago=1).pace == pytest.approx(150 / 31)
    with time_machine.travel(NOON.replace(day=4), tick=False):
        await credit_admin.set_limit(1, Limit(30, Period.MONTH), set_by=5)
    assert (harness.report().ceiling, harness.report().pace) == (None, 1)


async def test_other_servers_are_not_counted(harness: ReportHarness) -> None:
    await harness.accept(7, guild_id=2)
    report = harness.report()
    assert (report.reservations, report.credits, report.before_credits, report.spenders) == (0, 0, 0, ())
    assert report.average_credits is None
    assert len(report.buckets) == 30


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 11, 23), 24)])
async def test_a_day_has_a_bar_for_each_hour_even_if_clocks_change(
    harness: ReportHarness, database: Database, day: tuple[int, int, int], hours: int
) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.TIMEZONE, "Europe/Berlin", set_by=5)
    noon = datetime(*day, 12, tzinfo=UTC)
    first = harness.report(Period.DAY, at=noon).start
    await harness.accept(7, datetime.fromtimestamp(first / 1000, UTC))
    await harness.accept(7, datetime.fromtimestamp((first + hours * HOUR_MS - 1) / 1000, UTC))
    await harness.accept(7, datetime.fromtimestamp((first + hours * HOUR_MS) / 1000, UTC))
    report = harness.report(Period.DAY, at=noon)
    assert len(report.buckets) == hours
    assert [bar.credits for bar in report.buckets] == [4, *[0] * (hours - 2), 4]
    assert report.end - report.start == hours * HOUR_MS


async def test_days_begin_at_midnight_in_the_servers_time_zone(
    harness: ReportHarness, database: Database
) -> None:
    await GuildSettingsStore(database).change(1, GuildSetting.TIMEZONE, "Asia/Kathmandu", set_by=5)
    await harness.accept(7, datetime(2026, 11, 22, 18, 14, 59, tzinfo=UTC))
    await harness.accept(7, datetime(2026, 11, 22, 18, 15, tzinfo=UTC))
    report = harness.report(Period.WEEK)
    assert period_title(report) == "week of 23 November 2026"
    assert [bar.credits for bar in report.buckets] == [4, 0, 0, 0, 0, 0, 0]
    assert report.before_credits == 4


async def test_earlier_periods_can_be_reported(harness: ReportHarness) -> None:
    for month in (8, 9, 11):
        await harness.accept(7, datetime(2026, month, 30, 23, 59, tzinfo=UTC))
    assert harness.report(Period.MONTH, ago=0).credits == 4
    report = harness.report(Period.MONTH, ago=2)
    assert (period_title(report), report.credits, report.before_credits) == ("September 2026", 4, 4)
    assert harness.report(Period.MONTH, ago=1).credits == 0
    assert period_title(harness.report(Period.DAY, ago=24)) == "30 October 2026"


@pytest.mark.parametrize(
    ("first", "unit", "bars"),
    [
        (datetime(2026, 11, 23, 11, tzinfo=UTC), "day", 1),
        (datetime(2026, 10, 24, tzinfo=UTC), "day", 31),
        (datetime(2026, 10, 23, tzinfo=UTC), "week", 6),
        (datetime(2026, 4, 1, tzinfo=UTC), "month", 8),
        (datetime(2024, 5, 1, tzinfo=UTC), "month", 31),
        (datetime(2024, 4, 30, tzinfo=UTC), "months", 16),
        (datetime(2015, 1, 1, tzinfo=UTC), "months", 29),
    ],
)
async def test_a_report_of_everything_has_at_most_31_bars(
    harness: ReportHarness, first: datetime, unit: str, bars: int
) -> None:
    for at in (first, NOON):
        await harness.accept(7, at)
    report = harness.report(Period.TOTAL)
    assert (report.unit, len(report.buckets), report.credits) == (unit, bars, 8)
    assert report.buckets[0].credits >= 4
    assert report.buckets[-1].credits >= 4
    assert report.start <= ms(first)
    assert report.end > ms(NOON)
    assert report.before_credits is None
    assert report.pace is None


async def test_a_report_of_everything_without_jobs_is_one_empty_day(harness: ReportHarness) -> None:
    report = harness.report(Period.TOTAL, ago=3)
    assert (len(report.buckets), report.reservations) == (1, 0)
    assert period_title(report) == "since 23 November 2026"


async def test_the_pace_is_that_of_the_limit_at_the_time(
    harness: ReportHarness, credit_admin: CreditAdmin
) -> None:
    for day, limit in ((1, Limit(600, Period.MONTH)), (23, Limit(70, Period.WEEK))):
        with time_machine.travel(NOON.replace(month=10 if day == 1 else 11, day=day), tick=False):
            await credit_admin.set_limit(1, limit, set_by=5)
    assert harness.report(Period.MONTH).pace is None
    assert harness.report(Period.WEEK).pace == 10
    assert harness.report(Period.MONTH, ago=1).pace == pytest.approx(600 / 31)
    assert harness.report(Period.MONTH, ago=2).pace == pytest.approx(200 / 30)


async def test_a_removed_limit_is_the_default_again(
    harness: ReportHarness, credit_admin: CreditAdmin
) -> None:
    with time_machine.travel(NOON, tick=False):
        await credit_admin.set_limit(1, Limit(600, Period.WEEK), set_by=5)
        await credit_admin.remove_limit(1, LimitScope.GUILD, set_by=5)
        assert harness.report().limit == harness.default


async def test_a_pace_far_above_the_bars_is_not_drawn(
    harness: ReportHarness, credit_admin: CreditAdmin
) -> None:
    await harness.accept(7)
    with time_machine.travel(NOON, tick=False):
        await credit_admin.set_limit(1, Limit(4 * 4 * 30, Period.MONTH), set_by=5)
        assert harness.report().visible_pace == 16
        await credit_admin.set_limit(1, Limit(4 * 4 * 30 + 1, Period.MONTH), set_by=5)
    report = harness.report()
    assert report.visible_pace is None
    assert report.pace is not None


@time_machine.travel(NOON, tick=False)
async def test_the_csv_file_has_every_reservation_of_the_period_and_adds_up(
    harness: ReportHarness, credit_admin: CreditAdmin
) -> None:
    await harness.deliver(7, NOON.replace(month=10))
    first = await harness.deliver(10**18, NOON.replace(day=1))
    await harness.deliver(8, NOON.replace(day=2), final_credits=3)
    await harness.accept(9, NOON.replace(day=3, microsecond=7000))
    await credit_admin.refund(1, first.job_id, reason="a blot", refunded_by=5)
    report = harness.report()
    export = harness.export(report)
    assert (export.filename, export.rows) == ("report.csv", 3)
    rows = parse_csv(export.data)
    assert tuple(rows[0]) == csv_export.COLUMNS
    entries = [
        entry for entry in export_ledger(harness.path) if str(entry["created_at"]).startswith("2026-11")
    ]
    for line, entry in zip(rows, reversed(entries), strict=True):
        for name in ("job_id", "user_id", "state", "reserved_credits", "final_credits"):
            assert line[name] == str("" if entry[name] is None else entry[name])
        for name in ("created_at", "closed_at"):
            assert line[name] == (entry[name] or "")
    assert rows[0]["created_at"] == "2026-11-03T12:00:00.007Z"
    assert sum(int(line["final_credits"] or line["reserved_credits"]) for line in rows) == report.credits
    assert [line["refunded_credits"] for line in rows] == ["0", "0", "4"]
    assert f'"{10**18}"'.encode() in export.data, "a spreadsheet would round the id"


def parts_of(count: int) -> list[CsvPart]:
    rng = random.Random(1)
    return [
        CsvPart(b"head\r\n", 0),
        *(CsvPart(f"{rng.random()}\r\n".encode() * 500, 500) for _ in range(count)),
    ]


def test_a_csv_file_too_big_for_an_upload_is_zipped() -> None:
    whole = parts_of(100)
    size = sum(len(part.data) for part in whole)
    assert csv_export.pack(whole, "x", size).filename == "x.csv"
    packed = csv_export.pack(whole, "x", size - 1)
    assert (packed.filename, packed.rows) == ("x.zip", 50_000)
    assert len(packed.data) < size
    with zipfile.ZipFile(io.BytesIO(packed.data)) as archive:
        assert archive.namelist() == ["x.csv"]
        assert archive.read("x.csv") == b"".join(part.data for part in whole)


def test_a_zip_file_too_big_for_an_upload_keeps_the_newest_rows() -> None:
    rng = random.Random(1)
    whole = [CsvPart(b"head\r\n", 0), *(CsvPart(rng.randbytes(10_000), 100) for _ in range(100))]
    packed = csv_export.pack(whole, "x", 500_000)
    assert len(packed.data) <= 500_000
    assert 0 < packed.rows < 10_000
    with zipfile.ZipFile(io.BytesIO(packed.data)) as archive:
        newest = b"".join(part.data for part in whole[: 1 + packed.rows // 100])
        assert archive.read("x.csv") == newest


async def test_a_snapshot_neither_sees_nor_blocks_later_writes(harness: ReportHarness) -> None:
    await harness.accept(7)
    with queries.open_snapshot(harness.path) as connection:
        before = queries.build_report(
            connection, 1, period=Period.MONTH, periods_ago=0, default=harness.default, at=ms(NOON)
        )
        await harness.accept(8)
        assert csv_export.write(connection, before, "x", LARGE_UPLOAD).rows == 1
    assert harness.report().reservations == 2
    with pytest.raises(OperatorError, match="readonly"), queries.open_snapshot(harness.path) as connection:
        connection.execute("DELETE FROM reservations")


async def test_a_missing_database_is_an_operator_error(tmp_path: Path, default_limit: Limit) -> None:
    report_builder = ReportBuilder(tmp_path / "nothing.sqlite3", default_limit)
    with pytest.raises(OperatorError, match="no such file"):
        await report_builder.build(
            1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
        )


async def test_a_report_without_credits_has_no_chart(harness: ReportHarness) -> None:
    drawn: list[Report] = []

    def draw(report: Report, labels: ChartLabels) -> bytes:
        assert labels.title == chart_labels(report).title
        drawn.append(report)
        return b"picture"

    report_builder = ReportBuilder(harness.path, harness.default, draw)
    with time_machine.travel(NOON, tick=False):
        empty = await report_builder.build(
            1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
        )
        assert (empty.chart, empty.sheet, drawn) == (None, None, [])
        free = await harness.accept(7)
        await harness.store.failed(free.job_id, Failure(FailureCause.RIVYA, "flagged"))
        failed = await report_builder.build(
            1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
        )
        assert (failed.chart, failed.report.failures) == (None, 1)
        assert failed.sheet is not None
        await harness.accept(7)
        report_files = await report_builder.build(
            1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
        )
    assert report_files.chart == b"picture"
    assert report_files.sheet is not None
    assert report_files.sheet.filename == "report-month-2026-11-01.csv"
    assert len(drawn) == 1


@time_machine.travel(NOON, tick=False)
async def test_a_chart_has_labels_in_the_language_of_who_asked(harness: ReportHarness) -> None:
    await harness.accept(7)
    titles, amounts = list[str](), list[str]()

    def draw(_: Report, labels: ChartLabels) -> bytes:
        titles.append(labels.title)
        amounts.append(labels.number(1234.0))
        return b"picture"

    report_builder = ReportBuilder(harness.path, harness.default, draw)
    for locale in ("id", "en-US"):
        with use_locale(locale):
            await report_builder.build(
                1, period=Period.MONTH, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
            )
    assert titles == ["Kredit per hari, November 2026", "Credits by day, November 2026"]
    assert amounts == ["1.234", "1,234"]


async def test_two_reports_are_built_at_once_and_no_more(harness: ReportHarness) -> None:
    await harness.accept(7)
    running, peak = Counter[str](), Counter[str]()
    lock, barrier = threading.Lock(), threading.Barrier(2)

    def draw(report: Report, labels: ChartLabels) -> bytes:
        with lock:
            running["drawing"] += 1
            peak["drawing"] = max(peak["drawing"], running["drawing"])
        barrier.wait(10)  # raises if the second report waits for the first
        with lock:
            running["drawing"] -= 1
        return b"picture"

    report_builder = ReportBuilder(harness.path, harness.default, draw)
    with time_machine.travel(NOON, tick=False):
        built = await asyncio.gather(
            *(
                report_builder.build(
                    1, period=Period.DAY, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
                )
                for _ in range(6)
            )
        )
    assert [report_files.report.credits for report_files in built] == [4] * 6
    assert peak == {"drawing": 2}


async def test_a_report_beside_many_requests_is_of_one_moment(
    harness: ReportHarness, default_limit: Limit
) -> None:
    """Jobs are accepted and finished meanwhile; the parts of each report have the same sum."""
    report_builder = ReportBuilder(harness.path, default_limit)

    async def request(user_id: int) -> None:
        for _ in range(10):
            await harness.deliver(user_id, datetime.now(UTC))

    async def report() -> int:
        files = await report_builder.build(
            1, period=Period.TOTAL, periods_ago=0, upload_limit_bytes=LARGE_UPLOAD, label=chart_labels
        )
        assert sum(bar.credits for bar in files.report.buckets) == files.report.credits
        assert sum(spender.credits for spender in files.report.spenders) == files.report.credits
        assert files.report.granted_credits == 0
        rows = files.sheet.rows if files.sheet else 0
        assert rows * 4 == files.report.credits
        assert files.report.pictures * 4 <= files.report.credits
        return rows

    requests = asyncio.gather(*(request(user_id) for user_id in (7, 8, 9, 10)))
    while not requests.done():
        await asyncio.gather(report(), report())
    await requests
    assert await report() == 40
    report_builder.close()


async def test_a_drawing_that_hangs_does_not_delay_the_exit(harness: ReportHarness) -> None:
    await harness.accept(7, datetime.now(UTC))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.credits.hanging_draw",
        str(harness.path),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, error = await soon(process.communicate())
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, error) == (0, b"")
