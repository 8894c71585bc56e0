"""The alert notifier, the balance monitor and periodic tasks."""

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


class RecordingNotifier:
    """Records what is posted; `errors` are raised by the next calls."""

    def __init__(self) -> None:
        self.posted: list[tuple[int, int]] = []
        self.errors: list[Exception] = []
        self.before: Callable[[], object] = lambda: None
        self.attempts = asyncio.Queue[int]()

    async def send_alert(self, alert: Alert) -> None:
        self.attempts.put_nowait(alert.percent)
        self.before()
        if self.errors:
            raise self.errors.pop(0)
        self.posted.append((alert.channel_id, alert.percent))

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        self.attempts.put_nowait(left_credits)
        if self.errors:
            raise self.errors.pop(0)
        self.posted.append((left_credits, alert_credits))


@pytest.fixture
def notifier() -> RecordingNotifier:
    return RecordingNotifier()


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
async def alert_notifier(alerts: AlertStore, notifier: RecordingNotifier) -> AsyncIterator[AlertNotifier]:
    opened = AlertNotifier(alerts, notifier, OperatorLog())
    try:
        yield opened
    finally:
        await opened.close()


async def run_ended(alert_notifier: AlertNotifier) -> None:
    """Wait for the end of the current run."""
    while (task := alert_notifier._task._current_run) is not None and not task.done():
        await asyncio.wait([task])


@pytest.mark.usefixtures("half_used")
async def test_an_alert_is_posted_once(alert_notifier: AlertNotifier, notifier: RecordingNotifier) -> None:
    for _ in range(3):
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    assert notifier.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_what_the_process_before_could_not_tell_is_told_at_the_start(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier
) -> None:
    alert_notifier.start()
    await notifier.attempts.get()
    await run_ended(alert_notifier)
    assert notifier.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_a_closed_channel_is_logged_and_left_alone(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier, alerts: AlertStore
) -> None:
    notifier.errors = [NotificationFailed("unknown channel")]
    with capture_logs() as lines:
        for _ in range(2):
            alert_notifier.check_soon(1)
            await run_ended(alert_notifier)
    assert notifier.attempts.qsize() == 1
    assert [line["percent"] for line in lines if line["event"] == "alert unheard"] == [50]
    assert await alerts.pending() == []


@pytest.mark.usefixtures("half_used")
async def test_without_discord_it_waits_for_the_next_beat_and_not_for_the_next_picture(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier
) -> None:
    notifier.errors = [TransientError("away")]
    for _ in range(3):
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    assert (notifier.attempts.qsize(), notifier.posted) == (1, [])
    alert_notifier._not_before = dict.fromkeys(alert_notifier._not_before, 0.0)
    alert_notifier.check_soon(1)
    await run_ended(alert_notifier)
    assert notifier.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_after_a_crash_between_posting_and_writing_it_is_the_same_alert_again(
    alerts: AlertStore, notifier: RecordingNotifier
) -> None:
    (before,) = await alerts.pending()
    await notifier.send_alert(before)
    (after,) = await alerts.pending()
    assert after.key == before.key


@pytest.mark.usefixtures("half_used")
async def test_a_database_that_fails_after_the_post_leads_to_no_second_one(
    alert_notifier: AlertNotifier,
    notifier: RecordingNotifier,
    database: Database,
    database_path: Path,
    alerts: AlertStore,
) -> None:
    await database.run(lambda tx: tx.execute("PRAGMA busy_timeout = 20"))
    holder = sqlite3.connect(database_path, isolation_level=None)
    notifier.before = lambda: holder.execute("BEGIN IMMEDIATE")
    with capture_logs() as lines:
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    holder.close()
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["database"]
    alert_notifier.check_soon(1)
    await run_ended(alert_notifier)
    assert notifier.posted == [(CHANNEL, 50)]
    assert await alerts.pending() == []


async def test_a_look_that_fails_stops_no_other_round(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier
) -> None:
    alert_notifier.check_soon(2**70)  # no such guild: SQLite holds no such number
    with capture_logs() as lines:
        await run_ended(alert_notifier)
    assert [line["event"] for line in lines] == ["round broke"]
    alert_notifier.check_soon(1)
    await run_ended(alert_notifier)
    assert notifier.posted == []


class FakeBalance:
    """Returns or raises the given answers in turn."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)

    async def credits(self) -> int:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def check_all(balance_monitor: BalanceMonitor, balance: FakeBalance) -> None:
    while balance.answers:
        balance_monitor._task.trigger()
        task = balance_monitor._task._current_run
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
    notifier: RecordingNotifier,
    threshold: int,
    answers: tuple[int | Exception, ...],
    warned: list[tuple[int, int]],
) -> None:
    balance = FakeBalance(*answers)
    await check_all(BalanceMonitor(balance.credits, notifier, threshold, OperatorLog()), balance)
    assert notifier.posted == warned


async def test_a_warning_that_waits_for_discord_is_given_at_the_next_look(
    notifier: RecordingNotifier,
) -> None:
    balance = FakeBalance(99, 98, 97)
    notifier.errors = [TransientError("away")]
    await check_all(BalanceMonitor(balance.credits, notifier, 100, OperatorLog()), balance)
    assert notifier.posted == [(98, 100)]


async def test_a_warning_that_nobody_can_hear_is_an_error_in_the_log(notifier: RecordingNotifier) -> None:
    balance = FakeBalance(99, 98)
    notifier.errors = [NotificationFailed("no owner")]
    with capture_logs() as lines:
        await check_all(BalanceMonitor(balance.credits, notifier, 100, OperatorLog()), balance)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["code"], line["unheard"]) == ("wallet_low", "no owner")


async def test_a_key_that_may_not_ask_is_told_to_the_operator_and_ends_no_watch(
    notifier: RecordingNotifier,
) -> None:
    balance = FakeBalance(OperatorError("scope_denied", "credits:read"), 99)
    with capture_logs() as lines:
        await check_all(BalanceMonitor(balance.credits, notifier, 100, OperatorLog()), balance)
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["scope_denied"]
    assert notifier.posted == [(99, 100)]


class BlockingWork:
    """Work that waits for `go_on`."""

    def __init__(self) -> None:
        self.rounds = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def do(self) -> None:
        self.begun.set()
        await self.go_on.wait()
        self.rounds += 1


async def test_a_wake_during_a_round_leads_to_one_more() -> None:
    work = BlockingWork()
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
    work = BlockingWork()
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
    work = BlockingWork()
    rounds = PeriodicTask("work", work.do, 60, OperatorLog(), grace_seconds=0.01)
    rounds.trigger()
    await work.begun.wait()
    await rounds.close()
    assert rounds._current_run is not None
    assert rounds._current_run.cancelled()
