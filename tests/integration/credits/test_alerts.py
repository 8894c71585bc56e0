"""Alerts about a guild's limit: each once per period unless left, none lost, none sent when outdated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from time_machine import Traveller

from bot.credits import limits
from bot.credits.admin import CreditAdmin
from bot.credits.alerts import Alert, AlertStore
from bot.credits.grants import WHOLE_GUILD
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded
from bot.domain.ids import ALL_GUILDS
from bot.domain.jobs import Failure, FailureCause
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import default_catalog
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

    async def accept(self, times: int = 1) -> str:
        jobs = [make_job(make_request(guild_id=GUILD), accepted_at=now_ms()) for _ in range(times)]
        for job in jobs:
            assert await accept(self.store, job, NO_CONTEXT)
        return jobs[-1].job_id

    async def fail(self, job_id: str) -> None:
        await self.store.failed(job_id, Failure(FailureCause.RIVYA, "refused"))

    async def set_limit(self, credits: int, period: Period = Period.MONTH) -> None:
        await self.credit_admin.set_limit(GUILD, Limit(credits, period), set_by=ADMIN)

    async def set_channel(self, channel_id: int | None) -> None:
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

    async def only_pending_alert(self) -> Alert:
        (alert,) = await self.alerts.pending()
        return alert


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
async def harness(
    clock: Traveller,
    database: Database,
    store: JobStore,
    credit_admin: CreditAdmin,
    default_limit: Limit,
) -> AlertHarness:
    made = AlertHarness(
        store,
        credit_admin,
        GuildSettingsStore(database),
        AlertStore(database, default_limit, default_catalog()),
        clock,
    )
    await made.set_limit(40)
    await made.set_channel(CHANNEL)
    return made


async def test_each_threshold_is_sent_once(harness: AlertHarness) -> None:
    sent = []
    for _ in range(10):
        await harness.accept()
        sent.append(await harness.send())
    assert sent == [[], [], [], [], [50], [], [], [80], [], [100]]
    with pytest.raises(LimitExceeded):
        await harness.accept()
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []


async def test_several_thresholds_at_once_are_one_alert(harness: AlertHarness) -> None:
    await harness.set_limit(4)
    await harness.accept()
    assert await harness.send() == [100]
    assert await harness.send() == []


async def test_thresholds_reached_before_sending_are_one_alert(harness: AlertHarness) -> None:
    await harness.accept(9)
    assert await harness.send() == [80]
    assert await harness.send() == []


async def test_a_limit_is_used_up_when_it_cannot_pay_another_picture(harness: AlertHarness) -> None:
    await harness.set_limit(7)
    await harness.accept()
    alert = await harness.only_pending_alert()
    assert (alert.percent, alert.usage.used_credits, alert.usage.limit_credits) == (100, 4, 7)


async def test_without_a_channel_nothing_is_raised_and_a_channel_set_later_gets_the_next(
    harness: AlertHarness,
) -> None:
    await harness.set_channel(None)
    await harness.accept(6)
    assert await harness.pending_percents() == []
    await harness.set_channel(CHANNEL)
    assert await harness.pending_percents() == []
    await harness.accept()
    assert await harness.send() == [50]


async def test_a_removed_channel_gets_nothing_and_no_old_alert_when_it_is_set_again(
    harness: AlertHarness,
) -> None:
    await harness.accept(5)
    await harness.set_channel(None)
    assert await harness.pending_percents() == []
    await harness.set_channel(CHANNEL)
    assert await harness.pending_percents() == []


async def test_an_alert_goes_to_the_current_channel(harness: AlertHarness) -> None:
    await harness.accept(5)
    await harness.set_channel(71)
    assert (await harness.only_pending_alert()).channel_id == 71


async def test_credits_released_and_used_again_repeat_no_alert(harness: AlertHarness) -> None:
    await harness.accept(4)
    last = await harness.accept()
    assert await harness.send() == [50]
    await harness.fail(last)
    await harness.accept()
    assert await harness.send() == []


async def test_an_alert_withdrawn_before_it_was_sent_is_sent_when_its_threshold_is_reached_again(
    harness: AlertHarness,
) -> None:
    await harness.accept(4)
    last = await harness.accept()
    await harness.fail(last)
    assert await harness.pending_percents() == []
    await harness.accept()
    assert await harness.send() == [50]


async def test_the_next_period_has_alerts_of_its_own(harness: AlertHarness) -> None:
    await harness.accept(5)
    assert await harness.send() == [50]
    harness.clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    await harness.accept(5)
    assert await harness.send() == [50]


async def test_an_alert_of_an_earlier_period_is_not_sent(harness: AlertHarness) -> None:
    harness.clock.move_to(datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    await harness.accept(5)
    harness.clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    assert await harness.pending_percents() == []


async def test_an_alert_older_than_a_day_is_not_sent(harness: AlertHarness) -> None:
    await harness.accept(5)
    harness.clock.shift(timedelta(hours=23, minutes=59))
    assert await harness.pending_percents() == [50]
    harness.clock.shift(timedelta(minutes=2))
    assert await harness.pending_percents() == []
    harness.clock.shift(timedelta(hours=-12))
    assert await harness.pending_percents() == []


async def test_a_raised_limit_repeats_only_thresholds_that_it_left(harness: AlertHarness) -> None:
    await harness.accept(8)
    assert await harness.send() == [80]
    await harness.set_limit(60)  # 53 percent
    await harness.accept()
    assert await harness.send() == []
    await harness.accept(3)
    assert await harness.send() == [80]


async def test_a_lowered_limit_sends_the_next_threshold_alone(harness: AlertHarness) -> None:
    await harness.accept(5)
    assert await harness.send() == [50]
    await harness.set_limit(32)  # 62 percent
    await harness.accept()
    assert await harness.send() == []
    await harness.accept()
    assert await harness.send() == [80]


async def test_a_limit_that_was_raised_and_lowered_again_repeats_what_was_left(harness: AlertHarness) -> None:
    await harness.accept(8)
    assert await harness.send() == [80]
    await harness.set_limit(60)  # 53 percent: the 80 are left, the 50 are not
    await harness.set_limit(40)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [80]
    await harness.set_limit(44)  # 72 percent
    await harness.set_limit(50)  # 64 percent
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []


async def test_a_limit_that_is_removed_repeats_nothing_that_the_default_has_reached(
    harness: AlertHarness,
) -> None:
    await harness.set_limit(220)
    await harness.accept(28)
    assert await harness.send() == [50]
    await harness.credit_admin.remove_limit(GUILD, LimitScope.GUILD, set_by=ADMIN)  # 56 percent of 200
    await harness.accept()
    assert await harness.send() == []


async def test_a_limit_with_another_period_repeats_nothing_that_it_has_reached(harness: AlertHarness) -> None:
    await harness.accept(4)
    harness.clock.shift(timedelta(days=1))
    await harness.accept(2)
    assert await harness.send() == [50]
    harness.clock.shift(timedelta(days=1))
    await harness.accept(2)
    assert await harness.send() == [80]
    await harness.set_limit(8, Period.DAY)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [100]
    await harness.set_limit(12, Period.DAY)  # 66 percent
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []
    harness.clock.shift(timedelta(days=1))
    await harness.accept(2)
    assert await harness.send() == [50]


async def test_what_was_released_before_the_limit_changed_was_left(harness: AlertHarness) -> None:
    await harness.accept(4)
    last = await harness.accept()
    assert await harness.send() == [50]
    await harness.fail(last)  # 40 percent of 40
    await harness.set_limit(30)  # 53 percent of 30
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [50]


async def test_an_alert_that_was_not_sent_before_the_limit_changed_is_sent_for_the_new_limit(
    harness: AlertHarness,
) -> None:
    await harness.accept(5)
    await harness.set_limit(36)  # 55 percent
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [50]


async def test_a_used_up_limit_is_told_again_after_a_grant_that_pays_a_picture(harness: AlertHarness) -> None:
    await harness.accept(10)
    assert await harness.send() == [100]
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=3, reason="too little", granted_by=ADMIN)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=4, reason="a party", granted_by=ADMIN)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []
    await harness.accept()
    assert await harness.send() == [100]


async def test_a_grant_that_is_taken_back_makes_a_full_limit_used_up(harness: AlertHarness) -> None:
    grant = await harness.credit_admin.grant(
        GUILD, WHOLE_GUILD, credits=8, reason="a party", granted_by=ADMIN
    )
    assert grant is not None
    await harness.accept(10)
    assert await harness.send() == [80]
    await harness.credit_admin.revoke(GUILD, grant.grant_id, revoked_by=ADMIN)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [100]


async def test_a_grant_to_a_member_repeats_nothing(harness: AlertHarness) -> None:
    await harness.accept(10)
    assert await harness.send() == [100]
    await harness.credit_admin.grant(GUILD, 7, credits=8, reason="a prize", granted_by=ADMIN)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []


async def test_an_alert_that_is_raised_again_while_it_is_sent_stays_pending(harness: AlertHarness) -> None:
    await harness.accept(10)
    sent = await harness.only_pending_alert()
    harness.clock.shift(1)
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=4, reason="a party", granted_by=ADMIN)
    await harness.accept()
    await harness.alerts.mark_sent(sent)
    assert await harness.send() == [100]


async def test_no_alert_is_sent_for_a_limit_that_was_raised_since(harness: AlertHarness) -> None:
    await harness.accept(10)
    await harness.set_limit(400)
    assert await harness.pending_percents() == []


async def test_after_a_change_of_the_limit_only_thresholds_of_the_new_one_are_sent(
    harness: AlertHarness,
) -> None:
    await harness.accept(9)
    await harness.set_limit(60)
    assert await harness.pending_percents() == []
    await harness.accept()
    assert await harness.send() == [50]
    assert await harness.send() == []


async def test_a_limit_too_small_for_any_picture_raises_no_alert(harness: AlertHarness) -> None:
    await harness.set_limit(3)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []


async def test_the_lower_threshold_is_sent_if_the_higher_is_no_longer_reached(harness: AlertHarness) -> None:
    await harness.accept(7)
    await harness.fail(await harness.accept())
    assert await harness.send() == [50]


async def test_the_same_limit_set_again_repeats_nothing(harness: AlertHarness) -> None:
    await harness.accept(5)
    assert await harness.send() == [50]
    await harness.set_limit(40)
    await harness.accept()
    assert await harness.pending_percents() == []


async def test_another_time_zone_repeats_nothing(harness: AlertHarness) -> None:
    await harness.accept(5)
    assert await harness.send() == [50]
    await harness.guilds.change(GUILD, GuildSetting.TIMEZONE, "Asia/Tokyo", set_by=ADMIN)
    await harness.accept()
    assert await harness.pending_percents() == []


async def test_a_limit_with_a_grant_is_used_up_when_both_are(harness: AlertHarness) -> None:
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=8, reason="a party", granted_by=ADMIN)
    await harness.accept(10)
    assert await harness.send() == [80]
    await harness.accept()
    assert await harness.send() == []
    await harness.accept()
    assert await harness.send() == [100]


async def test_a_limit_of_zero_has_one_alert_when_its_grants_are_used_up(harness: AlertHarness) -> None:
    await harness.set_limit(0)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []
    await harness.credit_admin.grant(GUILD, WHOLE_GUILD, credits=8, reason="a party", granted_by=ADMIN)
    await harness.accept()
    assert await harness.send() == []
    await harness.accept()
    assert await harness.send() == [100]


async def test_a_limit_set_to_zero_raises_no_alert(harness: AlertHarness) -> None:
    await harness.accept()
    await harness.set_limit(0)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []


async def test_a_limit_used_up_by_a_raised_price_is_found_by_check_guild(harness: AlertHarness) -> None:
    await harness.accept(4)
    last = await harness.accept()
    assert await harness.send() == [50]
    await harness.store.created(last, "task-1", 24)
    with pytest.raises(LimitExceeded):
        await harness.accept()
    assert await harness.pending_percents() == []
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == [100]


async def test_spending_of_another_guild_raises_no_alert(harness: AlertHarness) -> None:
    for _ in range(10):
        assert await accept(harness.store, make_job(make_request(guild_id=2)), NO_CONTEXT)
    await harness.alerts.check_guild(GUILD)
    assert await harness.pending_percents() == []


async def test_the_forecast_of_a_total_limit_starts_at_the_guilds_first_picture(
    harness: AlertHarness,
) -> None:
    await harness.set_limit(40, Period.TOTAL)
    await harness.accept()
    harness.clock.shift(timedelta(days=4))
    await harness.accept(4)
    alert = await harness.only_pending_alert()
    assert alert.exhausted_at == now_ms() + timedelta(days=4) // timedelta(milliseconds=1)


async def test_the_forecast_of_a_month_starts_at_its_first_day(harness: AlertHarness) -> None:
    harness.clock.move_to(datetime(2026, 2, 10, tzinfo=UTC))
    await harness.accept()
    harness.clock.move_to(datetime(2026, 3, 11, tzinfo=UTC))
    await harness.accept(5)
    assert (await harness.only_pending_alert()).exhausted_at == int(
        datetime(2026, 3, 21, tzinfo=UTC).timestamp() * 1000
    )


async def test_there_is_no_forecast_after_the_reset(harness: AlertHarness) -> None:
    harness.clock.move_to(datetime(2026, 2, 10, tzinfo=UTC))
    await harness.accept()
    harness.clock.move_to(datetime(2026, 3, 20, tzinfo=UTC))
    await harness.accept(5)
    assert (await harness.only_pending_alert()).exhausted_at is None


async def test_a_changed_default_limit_has_alerts_of_its_own(clock: Traveller, database: Database) -> None:
    guilds = GuildSettingsStore(database)
    await guilds.change(GUILD, GuildSetting.ALERT_CHANNEL, str(CHANNEL), set_by=ADMIN)
    sent = []
    for default, pictures in (
        (Limit(16, Period.MONTH), 2),
        (Limit(16, Period.MONTH), 0),
        (Limit(40, Period.MONTH), 3),
    ):
        harness = AlertHarness(
            JobStore(database, default),
            CreditAdmin(database, default, default_catalog()),
            guilds,
            AlertStore(database, default, default_catalog()),
            clock,
        )
        await harness.accept(pictures) if pictures else await harness.alerts.check_guild(GUILD)
        sent.append(await harness.send())
    assert sent == [[50], [], [50]]


async def set_ceiling(
    harness: AlertHarness, credits: int, period: Period = Period.MONTH, guild_id: int = GUILD
) -> None:
    ceiling = Limit(credits, period, scope=LimitScope.CEILING)
    await harness.credit_admin.set_limit(guild_id, ceiling, set_by=ADMIN)


async def test_a_ceiling_below_the_limit_has_the_alerts_instead_of_it(harness: AlertHarness) -> None:
    await set_ceiling(harness, 20)
    sent = []
    for _ in range(5):
        await harness.accept()
        alerts = await harness.alerts.pending()
        sent += [(alert.percent, alert.usage.scope, alert.usage.used_credits) for alert in alerts]
        assert all(alert.ceiling is not None for alert in alerts)
        await harness.send()
    scope = LimitScope.CEILING
    assert sent == [(50, scope, 12), (80, scope, 16), (100, scope, 20)]
    with pytest.raises(LimitExceeded):
        await harness.accept()
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []


async def test_a_ceiling_in_the_settings_and_the_default_limit_do_not_mix_their_alerts(
    database: Database, store: JobStore, credit_admin: CreditAdmin, clock: Traveller, default_limit: Limit
) -> None:
    """Neither has a row, so both have limit 0."""
    await database.run(lambda tx: limits.set_default_ceiling(tx, Limit(100, Period.MONTH)))
    alerts = AlertStore(database, default_limit, default_catalog())
    harness = AlertHarness(store, credit_admin, GuildSettingsStore(database), alerts, clock)
    await harness.set_channel(CHANNEL)
    await harness.accept(13)
    assert (await harness.only_pending_alert()).usage.limit_credits == 100
    assert await harness.send() == [50]
    await database.run(lambda tx: limits.set_default_ceiling(tx, Limit(300, Period.MONTH)))
    await harness.accept(12)
    assert (await harness.only_pending_alert()).usage.limit_credits == 200
    assert await harness.send() == [50]


@pytest.mark.parametrize("guild_id", [GUILD, ALL_GUILDS])
async def test_a_raised_ceiling_repeats_only_thresholds_that_it_left(
    harness: AlertHarness, guild_id: int
) -> None:
    await harness.set_limit(1000)
    await set_ceiling(harness, 20, guild_id=guild_id)
    await harness.accept(5)
    assert await harness.send() == [100]
    await set_ceiling(harness, 36, guild_id=guild_id)
    await harness.accept()
    assert await harness.send() == []
    await harness.accept(2)
    assert await harness.send() == [80]
    await harness.accept()
    assert await harness.send() == [100]


async def test_an_alert_of_the_limit_is_not_sent_once_the_ceiling_decides(harness: AlertHarness) -> None:
    await harness.accept(5)
    await set_ceiling(harness, 30)
    assert await harness.send() == []
    await harness.alerts.check_guild(GUILD)
    assert (await harness.only_pending_alert()).usage.scope is LimitScope.CEILING
    assert await harness.send() == [50]


async def test_a_refund_does_not_repeat_the_alerts_for_an_equal_ceiling(harness: AlertHarness) -> None:
    await set_ceiling(harness, 40)
    await harness.accept(5)
    job_id = await harness.accept(1)
    await harness.store.created(job_id, "task-1", 4)
    await harness.store.succeeded(job_id, "https://example.org/p.png", 4)
    assert await harness.send() == [50]
    await harness.credit_admin.refund(GUILD, job_id, reason="a blot", refunded_by=ADMIN)
    await harness.accept()
    assert await harness.send() == []
    await harness.accept(3)
    alert = await harness.only_pending_alert()
    assert (alert.percent, alert.usage.scope) == (100, LimitScope.CEILING), "the limit has room for one more"


async def test_a_day_of_the_ceiling_is_one_in_utc(
    harness: AlertHarness, database: Database, clock: Traveller
) -> None:
    await GuildSettingsStore(database).change(GUILD, GuildSetting.TIMEZONE, "Asia/Jakarta", set_by=ADMIN)
    await set_ceiling(harness, 8, Period.DAY)
    await harness.accept(2)
    assert await harness.send() == [100]
    clock.move_to(datetime(2026, 3, 4, 18, tzinfo=UTC))  # the next day in Jakarta
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []
    clock.move_to(datetime(2026, 3, 5, 1, tzinfo=UTC))
    await harness.accept(2)
    assert await harness.send() == [100]


async def test_the_ceiling_of_all_guilds_raises_no_alert(harness: AlertHarness) -> None:
    ceiling = Limit(8, Period.MONTH, scope=LimitScope.CEILING_ALL)
    await harness.credit_admin.set_limit(ALL_GUILDS, ceiling, set_by=ADMIN)
    await harness.accept(2)
    await harness.alerts.check_guild(GUILD)
    assert await harness.send() == []
