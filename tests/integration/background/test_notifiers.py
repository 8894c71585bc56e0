"""Who tells alerts and warns of a low wallet: once, never for ever, and not twice after a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.background.alert_notifier import AlertNotifier, NotificationFailed
from bot.background.balance_monitor import BalanceMonitor
from bot.background.periodic import PeriodicTask
from bot.credits.alerts import Alert, AlertStore
from bot.domain.errors import OperatorError, TransientError
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.store import JobStore
from bot.observability.operator_log import OperatorLog
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

CHANNEL = 70


class Channel:
    """What was posted, and what becomes of the next posts."""

    def __init__(self) -> None:
        self.posted: list[tuple[int, int]] = []
        self.trouble: list[Exception] = []
        self.before: Callable[[], object] = lambda: None
        self.tried = asyncio.Queue[int]()

    async def send_alert(self, alert: Alert) -> None:
        self.tried.put_nowait(alert.percent)
        self.before()
        if self.trouble:
            raise self.trouble.pop(0)
        self.posted.append((alert.channel_id, alert.percent))

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        self.tried.put_nowait(left_credits)
        if self.trouble:
            raise self.trouble.pop(0)
        self.posted.append((left_credits, alert_credits))


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def alerts(database: Database) -> AlertStore:
    return AlertStore(database, Limit(200, Period.MONTH), 4)


@pytest.fixture
async def half_used(database: Database, store: JobStore) -> None:
    guilds = GuildSettingsStore(database)
    await guilds.change(1, GuildSetting.ALERT_CHANNEL, str(CHANNEL), set_by=9)
    for _ in range(25):
        await accept(store, make_job(make_request()), NO_CONTEXT)


@pytest.fixture
async def alert_notifier(alerts: AlertStore, channel: Channel) -> AsyncIterator[AlertNotifier]:
    opened = AlertNotifier(alerts, channel, OperatorLog())
    try:
        yield opened
    finally:
        await opened.close()


async def quiet(alert_notifier: AlertNotifier) -> None:
    """Until the round under way is over."""
    while (task := alert_notifier._task._current_run) is not None and not task.done():
        await asyncio.wait([task])


@pytest.mark.usefixtures("half_used")
async def test_an_alert_is_posted_once(alert_notifier: AlertNotifier, channel: Channel) -> None:
    for _ in range(3):
        alert_notifier.check_soon(1)
        await quiet(alert_notifier)
    assert channel.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_what_the_process_before_could_not_tell_is_told_at_the_start(
    alert_notifier: AlertNotifier, channel: Channel
) -> None:
    alert_notifier.start()
    await channel.tried.get()
    await quiet(alert_notifier)
    assert channel.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_a_closed_channel_is_logged_and_left_alone(
    alert_notifier: AlertNotifier, channel: Channel, alerts: AlertStore
) -> None:
    channel.trouble = [NotificationFailed("unknown channel")]
    with capture_logs() as lines:
        for _ in range(2):
            alert_notifier.check_soon(1)
            await quiet(alert_notifier)
    assert channel.tried.qsize() == 1
    assert [line["percent"] for line in lines if line["event"] == "alert unheard"] == [50]
    assert await alerts.pending() == []


@pytest.mark.usefixtures("half_used")
async def test_without_discord_it_waits_for_the_next_beat_and_not_for_the_next_picture(
    alert_notifier: AlertNotifier, channel: Channel
) -> None:
    channel.trouble = [TransientError("away")]
    for _ in range(3):
        alert_notifier.check_soon(1)
        await quiet(alert_notifier)
    assert (channel.tried.qsize(), channel.posted) == (1, [])
    alert_notifier._not_before = dict.fromkeys(alert_notifier._not_before, 0.0)
    alert_notifier.check_soon(1)
    await quiet(alert_notifier)
    assert channel.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_after_a_crash_between_posting_and_writing_it_is_the_same_alert_again(
    alerts: AlertStore, channel: Channel
) -> None:
    (before,) = await alerts.pending()
    await channel.send_alert(before)
    (after,) = await alerts.pending()
    assert after.key == before.key


@pytest.mark.usefixtures("half_used")
async def test_a_database_that_fails_after_the_post_leads_to_no_second_one(
    alert_notifier: AlertNotifier,
    channel: Channel,
    database: Database,
    database_path: Path,
    alerts: AlertStore,
) -> None:
    await database.run(lambda tx: tx.execute("PRAGMA busy_timeout = 20"))
    holder = sqlite3.connect(database_path, isolation_level=None)
    channel.before = lambda: holder.execute("BEGIN IMMEDIATE")
    with capture_logs() as lines:
        alert_notifier.check_soon(1)
        await quiet(alert_notifier)
    holder.close()
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["database"]
    alert_notifier.check_soon(1)
    await quiet(alert_notifier)
    assert channel.posted == [(CHANNEL, 50)]
    assert await alerts.pending() == []


async def test_a_look_that_fails_stops_no_other_round(
    alert_notifier: AlertNotifier, channel: Channel
) -> None:
    alert_notifier.check_soon(2**70)  # no such guild: SQLite holds no such number
    with capture_logs() as lines:
        await quiet(alert_notifier)
    assert [line["event"] for line in lines] == ["round broke"]
    alert_notifier.check_soon(1)
    await quiet(alert_notifier)
    assert channel.posted == []


class Purse:
    """A wallet that says what it is told to."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)

    async def credits(self) -> int:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def looks(wallet: BalanceMonitor, purse: Purse) -> None:
    while purse.answers:
        wallet._task.trigger()
        task = wallet._task._current_run
        assert task is not None
        await asyncio.wait([task])


@pytest.mark.parametrize(
    ("threshold", "answers", "warned"),
    [
        (100, (100, 99, 98, 97), [(99, 100)]),
        (100, (99, 150, 99), [(99, 100), (99, 100)]),
        (100, (99, TransientError("away"), 98), [(99, 100)]),
        (0, (5, 4, 3, 0), [(3, 4)]),
    ],
    ids=["once", "again after it was filled", "an answer that fails changes nothing", "0: when empty"],
)
async def test_the_operator_is_warned_once_until_the_wallet_is_filled(
    channel: Channel, threshold: int, answers: tuple[int | Exception, ...], warned: list[tuple[int, int]]
) -> None:
    purse = Purse(*answers)
    await looks(BalanceMonitor(purse.credits, channel, threshold, OperatorLog()), purse)
    assert channel.posted == warned


async def test_a_warning_that_waits_for_discord_is_given_at_the_next_look(channel: Channel) -> None:
    purse = Purse(99, 98, 97)
    channel.trouble = [TransientError("away")]
    await looks(BalanceMonitor(purse.credits, channel, 100, OperatorLog()), purse)
    assert channel.posted == [(98, 100)]


async def test_a_warning_that_nobody_can_hear_is_an_error_in_the_log(channel: Channel) -> None:
    purse = Purse(99, 98)
    channel.trouble = [NotificationFailed("no owner")]
    with capture_logs() as lines:
        await looks(BalanceMonitor(purse.credits, channel, 100, OperatorLog()), purse)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["code"], line["unheard"]) == ("wallet_low", "no owner")


async def test_a_key_that_may_not_ask_is_told_to_the_operator_and_ends_no_watch(channel: Channel) -> None:
    purse = Purse(OperatorError("scope_denied", "credits:read"), 99)
    with capture_logs() as lines:
        await looks(BalanceMonitor(purse.credits, channel, 100, OperatorLog()), purse)
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["scope_denied"]
    assert channel.posted == [(99, 100)]


class Work:
    """Something that takes until it is let go."""

    def __init__(self) -> None:
        self.rounds = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def do(self) -> None:
        self.begun.set()
        await self.go_on.wait()
        self.rounds += 1


async def test_a_wake_during_a_round_leads_to_one_more() -> None:
    work = Work()
    rounds = PeriodicTask("work", work.do, 60, OperatorLog())
    rounds.trigger()
    await work.begun.wait()
    rounds.trigger()
    rounds.trigger()
    work.go_on.set()
    task = rounds._current_run
    assert task is not None
    await task
    assert work.rounds == 2
    await rounds.close()


async def test_closing_lets_the_round_end_and_begins_no_other() -> None:
    work = Work()
    rounds = PeriodicTask("work", work.do, 60, OperatorLog())
    rounds.start()
    await work.begun.wait()
    closing = asyncio.create_task(rounds.close())
    await asyncio.sleep(0)
    rounds.trigger()
    work.go_on.set()
    await closing
    rounds.trigger()
    rounds.start()
    await asyncio.sleep(0)
    assert work.rounds == 1
    await rounds.close()


async def test_closing_cuts_a_round_that_does_not_end() -> None:
    work = Work()
    rounds = PeriodicTask("work", work.do, 60, OperatorLog(), grace_seconds=0.01)
    rounds.trigger()
    await work.begun.wait()
    await rounds.close()
    assert rounds._current_run is not None
    assert rounds._current_run.cancelled()
