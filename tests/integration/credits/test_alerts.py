"""Alerts about a guild's limit: each once per limit and period, none lost, none sent when outdated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from time_machine import Traveller

from bot.credits.admin import CreditAdmin
from bot.credits.alerts import Alert, AlertStore
from bot.credits.grants import WHOLE_GUILD
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded
from bot.domain.jobs import Failure, FailureCause
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

GUILD, CHANNEL, ADMIN = 1, 70, 9
COST = 4
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@dataclass
class AlertHarness:
    """One guild with a limit and a channel for alerts."""

    store: JobStore
    credit_admin: CreditAdmin
    guilds: GuildSettingsStore
    alerts: AlertStore
    clock: Traveller

    async def paint(self, times: int = 1) -> str:
        jobs = [make_job(make_request(guild_id=GUILD), accepted_at=now_ms()) for _ in range(times)]
        for job in jobs:
            assert await accept(self.store, job, NO_CONTEXT)
        return jobs[-1].job_id

    async def fail(self, job_id: str) -> None:
        await self.store.failed(job_id, Failure(FailureCause.RIVYA, "refused"))

    async def limit(self, credits: int, period: Period = Period.MONTH) -> None:
        await self.credit_admin.set_limit(GUILD, Limit(credits, period), set_by=ADMIN)

    async def channel(self, channel_id: int | None) -> None:
        value = None if channel_id is None else str(channel_id)
        await self.guilds.change(GUILD, GuildSetting.ALERT_CHANNEL, value, set_by=ADMIN)

    async def pending_percents(self) -> list[int]:
        return [alert.percent for alert in await self.alerts.pending()]

    async def send(self) -> list[int]:
        """Send the pending alerts; returns their percentages."""
        alerts = await self.alerts.pending()
        for alert in alerts:
            await self.alerts.mark_sent(alert)
        return [alert.percent for alert in alerts]

    async def only_pending(self) -> Alert:
        (alert,) = await self.alerts.pending()
        return alert


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(NOON, tick=False) as travelled:
        yield travelled


@pytest.fixture
async def harness(
    clock: Traveller,
    database: Database,
    store: JobStore,
    credit_admin: CreditAdmin,
    default_limit: Limit,
) -> AlertHarness:
    made = AlertHarness(
        store, credit_admin, GuildSettingsStore(database), AlertStore(database, default_limit, COST), clock
    )
    await made.limit(40)
    await made.channel(CHANNEL)
    return made


async def test_each_mark_is_told_once(harness: AlertHarness) -> None:
    told = []
    for _ in range(10):
        await harness.paint()
        told.append(await harness.send())
    assert told == [[], [], [], [], [50], [], [], [80], [], [100]]
    with pytest.raises(LimitExceeded):
        await harness.paint()
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []


async def test_several_marks_at_once_are_one_alert(harness: AlertHarness) -> None:
    await harness.limit(4)
    await harness.paint()
    assert await harness.send() == [100]
    assert await harness.send() == []


async def test_marks_that_waited_are_one_alert_too(harness: AlertHarness) -> None:
    await harness.paint(9)
    assert await harness.send() == [80]
    assert await harness.send() == []


async def test_used_up_is_when_no_picture_can_be_paid(harness: AlertHarness) -> None:
    await harness.limit(7)
    await harness.paint()
    alert = await harness.only_pending()
    assert (alert.percent, alert.usage.used_credits, alert.usage.limit_credits) == (100, 4, 7)


async def test_without_a_channel_nothing_is_raised_and_a_channel_set_later_hears_the_next(
    harness: AlertHarness,
) -> None:
    await harness.channel(None)
    await harness.paint(6)
    assert await harness.pending_percents() == []
    await harness.channel(CHANNEL)
    assert await harness.pending_percents() == []
    await harness.paint()
    assert await harness.send() == [50]


async def test_a_channel_taken_away_hears_nothing_and_nothing_old_when_it_is_back(
    harness: AlertHarness,
) -> None:
    await harness.paint(5)
    await harness.channel(None)
    assert await harness.pending_percents() == []
    await harness.channel(CHANNEL)
    assert await harness.pending_percents() == []


async def test_an_alert_goes_to_the_channel_of_now(harness: AlertHarness) -> None:
    await harness.paint(5)
    await harness.channel(71)
    assert (await harness.only_pending()).channel_id == 71


async def test_what_is_released_and_used_again_is_not_told_again(harness: AlertHarness) -> None:
    await harness.paint(4)
    last = await harness.paint()
    assert await harness.send() == [50]
    await harness.fail(last)
    await harness.paint()
    assert await harness.send() == []


async def test_what_is_released_before_it_was_told_is_told_when_it_comes_to_that_again(
    harness: AlertHarness,
) -> None:
    await harness.paint(4)
    last = await harness.paint()
    await harness.fail(last)
    assert await harness.pending_percents() == []
    await harness.paint()
    assert await harness.send() == [50]


async def test_the_next_period_begins_anew(harness: AlertHarness) -> None:
    await harness.paint(5)
    assert await harness.send() == [50]
    harness.clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    await harness.paint(5)
    assert await harness.send() == [50]


async def test_an_alert_of_the_period_before_is_no_news(harness: AlertHarness) -> None:
    harness.clock.move_to(datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    await harness.paint(5)
    harness.clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    assert await harness.pending_percents() == []


async def test_an_alert_of_yesterday_is_no_news(harness: AlertHarness) -> None:
    await harness.paint(5)
    harness.clock.shift(timedelta(hours=23, minutes=59))
    assert await harness.pending_percents() == [50]
    harness.clock.shift(timedelta(minutes=2))
    assert await harness.pending_percents() == []
    harness.clock.shift(timedelta(hours=-12))
    assert await harness.pending_percents() == []


async def test_a_new_limit_has_marks_of_its_own(harness: AlertHarness) -> None:
    await harness.paint(8)
    assert await harness.send() == [80]
    await harness.limit(60)
    await harness.paint()
    assert await harness.send() == [50]
    await harness.paint(3)
    assert await harness.send() == [80]


async def test_a_limit_that_was_raised_before_it_was_told_is_no_news(harness: AlertHarness) -> None:
    await harness.paint(10)
    await harness.limit(400)
    assert await harness.pending_percents() == []


async def test_a_limit_changed_before_it_was_told_is_told_as_the_new_one_or_not(
    harness: AlertHarness,
) -> None:
    await harness.paint(9)
    await harness.limit(60)
    assert await harness.pending_percents() == []
    await harness.paint()
    assert await harness.send() == [50]
    assert await harness.send() == []


async def test_a_limit_too_small_for_any_picture_is_not_called_used_up(harness: AlertHarness) -> None:
    await harness.limit(3)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []


async def test_the_lower_of_two_marks_is_told_if_the_higher_is_undone_before(harness: AlertHarness) -> None:
    await harness.paint(7)
    await harness.fail(await harness.paint())
    assert await harness.send() == [50]


async def test_the_same_limit_set_again_repeats_nothing(harness: AlertHarness) -> None:
    await harness.paint(5)
    assert await harness.send() == [50]
    await harness.limit(40)
    await harness.paint()
    assert await harness.pending_percents() == []


async def test_another_time_zone_repeats_nothing(harness: AlertHarness) -> None:
    await harness.paint(5)
    assert await harness.send() == [50]
    await harness.guilds.change(GUILD, GuildSetting.TIMEZONE, "Asia/Tokyo", set_by=ADMIN)
    await harness.paint()
    assert await harness.pending_percents() == []


async def test_a_grant_pays_before_the_limit_is_used_up(harness: AlertHarness) -> None:
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=8, reason="a party", granted_by=ADMIN)
    await harness.paint(10)
    assert await harness.send() == [80]
    await harness.paint()
    assert await harness.send() == []
    await harness.paint()
    assert await harness.send() == [100]


async def test_a_limit_of_zero_has_no_half_but_its_grants_have_an_end(harness: AlertHarness) -> None:
    await harness.limit(0)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=8, reason="a party", granted_by=ADMIN)
    await harness.paint()
    assert await harness.send() == []
    await harness.paint()
    assert await harness.send() == [100]


async def test_a_limit_set_to_zero_is_no_news_to_who_set_it(harness: AlertHarness) -> None:
    await harness.paint()
    await harness.limit(0)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []


async def test_a_price_that_rivya_raised_is_seen_by_looking(harness: AlertHarness) -> None:
    await harness.paint(4)
    last = await harness.paint()
    assert await harness.send() == [50]
    await harness.store.created(last, "task-1", 24)
    with pytest.raises(LimitExceeded):
        await harness.paint()
    assert await harness.pending_percents() == []
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [100]


async def test_a_guild_is_told_of_its_own_limit_only(harness: AlertHarness) -> None:
    await accept(harness.store, make_job(make_request(guild_id=2)), NO_CONTEXT)
    await harness.alerts.check_guild(2)
    assert await harness.pending_percents() == []


async def test_the_forecast_goes_on_from_the_guilds_first_picture(harness: AlertHarness) -> None:
    await harness.limit(40, Period.TOTAL)
    await harness.paint()
    harness.clock.shift(timedelta(days=4))
    await harness.paint(4)
    alert = await harness.only_pending()
    assert alert.exhausted_at == now_ms() + timedelta(days=4) // timedelta(milliseconds=1)


async def test_the_forecast_of_a_month_goes_on_from_its_first_day(harness: AlertHarness) -> None:
    harness.clock.move_to(datetime(2026, 2, 10, tzinfo=UTC))
    await harness.paint()
    harness.clock.move_to(datetime(2026, 3, 11, tzinfo=UTC))
    await harness.paint(5)
    assert (await harness.only_pending()).exhausted_at == int(
        datetime(2026, 3, 21, tzinfo=UTC).timestamp() * 1000
    )


async def test_a_forecast_after_the_reset_is_none(harness: AlertHarness) -> None:
    harness.clock.move_to(datetime(2026, 2, 10, tzinfo=UTC))
    await harness.paint()
    harness.clock.move_to(datetime(2026, 3, 20, tzinfo=UTC))
    await harness.paint(5)
    assert (await harness.only_pending()).exhausted_at is None


async def test_a_host_who_changes_the_default_has_set_another_limit(
    clock: Traveller, database: Database
) -> None:
    guilds = GuildSettingsStore(database)
    await guilds.change(GUILD, GuildSetting.ALERT_CHANNEL, str(CHANNEL), set_by=ADMIN)
    told = []
    for default, pictures in (
        (Limit(16, Period.MONTH), 2),
        (Limit(16, Period.MONTH), 0),
        (Limit(40, Period.MONTH), 3),
    ):
        harness = AlertHarness(
            JobStore(database, default),
            CreditAdmin(database, default),
            guilds,
            AlertStore(database, default, COST),
            clock,
        )
        await harness.paint(pictures) if pictures else await harness.alerts.check_guild(GUILD)
        told.append(await harness.send())
    assert told == [[50], [], [50]]
