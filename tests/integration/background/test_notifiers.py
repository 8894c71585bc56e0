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
from bot.credits.admin import CreditAdmin
from bot.credits.alerts import Alert, AlertStore
from bot.credits.balance_warning import BalanceWarningStore
from bot.credits.grants import WHOLE_GUILD
from bot.domain.errors import OperatorError, TransientError
from bot.domain.limits import Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.store import JobStore
from bot.observability.operator_log import OperatorLog
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request

CHANNEL_ID = 70


class RecordingNotifier:
    """Records what is posted; `errors` are raised by the next calls."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int]] = []
        self.errors: list[Exception] = []
        self.before_send: Callable[[], object] = lambda: None
        self.attempts = asyncio.Queue[int]()

    async def send_alert(self, alert: Alert) -> None:
        self.attempts.put_nowait(alert.percent)
        self.before_send()
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((alert.channel_id, alert.percent))

    async def warn_low_balance(self, left_credits: int, alert_credits: int) -> None:
        self.attempts.put_nowait(left_credits)
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((left_credits, alert_credits))


@pytest.fixture
def notifier() -> RecordingNotifier:
    return RecordingNotifier()


@pytest.fixture
def alerts(database: Database) -> AlertStore:
    return AlertStore(database, Limit(200, Period.MONTH), default_catalog())


@pytest.fixture
async def half_used_limit(database: Database, store: JobStore) -> None:
    guilds = GuildSettingsStore(database)
    await guilds.change(1, GuildSetting.ALERT_CHANNEL, str(CHANNEL_ID), set_by=9)
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


@pytest.mark.usefixtures("half_used_limit")
async def test_an_alert_is_posted_once(alert_notifier: AlertNotifier, notifier: RecordingNotifier) -> None:
    for _ in range(3):
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    assert notifier.sent == [(CHANNEL_ID, 50)]


@pytest.mark.usefixtures("half_used_limit")
async def test_an_alert_that_an_earlier_process_left_is_sent_at_the_start(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier
) -> None:
    alert_notifier.start()
    await notifier.attempts.get()
    await run_ended(alert_notifier)
    assert notifier.sent == [(CHANNEL_ID, 50)]


@pytest.mark.usefixtures("half_used_limit")
async def test_an_alert_that_cannot_be_delivered_is_logged_and_dropped(
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


@pytest.mark.usefixtures("half_used_limit")
async def test_after_a_transient_error_an_alert_waits_for_its_retry_time_whatever_is_checked(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier
) -> None:
    notifier.errors = [TransientError("away")]
    for _ in range(3):
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    assert (notifier.attempts.qsize(), notifier.sent) == (1, [])
    alert_notifier._not_before = dict.fromkeys(alert_notifier._not_before, 0.0)
    alert_notifier.check_soon(1)
    await run_ended(alert_notifier)
    assert notifier.sent == [(CHANNEL_ID, 50)]


@pytest.mark.usefixtures("half_used_limit")
async def test_an_alert_that_was_sent_and_not_recorded_has_the_same_key_again(
    alerts: AlertStore, notifier: RecordingNotifier
) -> None:
    (before,) = await alerts.pending()
    await notifier.send_alert(before)
    (after,) = await alerts.pending()
    assert after.key == before.key


@pytest.mark.usefixtures("half_used_limit")
async def test_a_database_error_after_sending_leads_to_no_second_message(
    alert_notifier: AlertNotifier,
    notifier: RecordingNotifier,
    database: Database,
    database_path: Path,
    alerts: AlertStore,
) -> None:
    await database.run(lambda tx: tx.execute("PRAGMA busy_timeout = 20"))
    holder = sqlite3.connect(database_path, isolation_level=None)
    notifier.before_send = lambda: holder.execute("BEGIN IMMEDIATE")
    with capture_logs() as lines:
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    holder.close()
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["database"]
    alert_notifier.check_soon(1)
    await run_ended(alert_notifier)
    assert notifier.sent == [(CHANNEL_ID, 50)]
    assert await alerts.pending() == []


@pytest.mark.usefixtures("half_used_limit")
async def test_a_threshold_that_is_reached_again_at_once_is_posted_again(
    alert_notifier: AlertNotifier,
    notifier: RecordingNotifier,
    store: JobStore,
    credit_admin: CreditAdmin,
) -> None:
    await credit_admin.set_limit(1, Limit(100, Period.MONTH), set_by=9)
    for user_id in (7, 8):
        await credit_admin.grant(1, WHOLE_GUILD, credits=4, reason="", granted_by=9)
        await accept(store, make_job(make_request(user_id=user_id)), NO_CONTEXT)
        alert_notifier.check_soon(1)
        await run_ended(alert_notifier)
    assert notifier.sent == [(CHANNEL_ID, 100)] * 2


@pytest.mark.usefixtures("half_used_limit")
async def test_a_check_that_fails_does_not_stop_the_next_one(
    alert_notifier: AlertNotifier, notifier: RecordingNotifier
) -> None:
    alert_notifier.check_soon(2**70)  # SQLite stores no number of this size
    with capture_logs() as lines:
        await run_ended(alert_notifier)
    assert [line["event"] for line in lines] == ["round broke"]
    alert_notifier.check_soon(1)
    await run_ended(alert_notifier)
    assert notifier.sent == [(CHANNEL_ID, 50)]


@pytest.fixture
def warning(database: Database) -> BalanceWarningStore:
    return BalanceWarningStore(database)


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
    """Check until every answer was given."""
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
    ids=[
        "once",
        "again after it was topped up",
        "a failed request changes nothing",
        "0: below the price of a picture",
    ],
)
async def test_the_operator_is_warned_once_until_the_balance_is_topped_up(
    notifier: RecordingNotifier,
    warning: BalanceWarningStore,
    threshold: int,
    answers: tuple[int | Exception, ...],
    warned: list[tuple[int, int]],
) -> None:
    balance = FakeBalance(*answers)
    await check_all(
        BalanceMonitor(balance.credits, notifier, warning, threshold, default_catalog(), OperatorLog()),
        balance,
    )
    assert notifier.sent == warned


async def test_a_restart_does_not_warn_again(
    notifier: RecordingNotifier, warning: BalanceWarningStore, database: Database
) -> None:
    for answers in ((99,), (98,), (150, 97)):
        balance = FakeBalance(*answers)
        restarted = BalanceWarningStore(database)
        await check_all(
            BalanceMonitor(balance.credits, notifier, restarted, 100, default_catalog(), OperatorLog()),
            balance,
        )
    assert notifier.sent == [(99, 100), (97, 100)]
    assert await warning.is_sent()


async def test_a_warning_that_failed_transiently_is_sent_at_the_next_check(
    notifier: RecordingNotifier,
    warning: BalanceWarningStore,
) -> None:
    balance = FakeBalance(99, 98, 97)
    notifier.errors = [TransientError("away")]
    await check_all(
        BalanceMonitor(balance.credits, notifier, warning, 100, default_catalog(), OperatorLog()), balance
    )
    assert notifier.sent == [(98, 100)]


async def test_an_undeliverable_warning_is_logged_as_an_error(
    notifier: RecordingNotifier, warning: BalanceWarningStore
) -> None:
    balance = FakeBalance(99, 98)
    notifier.errors = [NotificationFailed("no owner")]
    with capture_logs() as lines:
        await check_all(
            BalanceMonitor(balance.credits, notifier, warning, 100, default_catalog(), OperatorLog()), balance
        )
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["code"], line["unheard"]) == ("wallet_low", "no owner")


async def test_a_key_without_the_scope_is_reported_to_the_operator_and_the_monitor_goes_on(
    notifier: RecordingNotifier,
    warning: BalanceWarningStore,
) -> None:
    balance = FakeBalance(OperatorError("scope_denied", "credits:read"), 99)
    with capture_logs() as lines:
        await check_all(
            BalanceMonitor(balance.credits, notifier, warning, 100, default_catalog(), OperatorLog()), balance
        )
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["scope_denied"]
    assert notifier.sent == [(99, 100)]


class BlockingWork:
    """Work that waits for `go_on`."""

    def __init__(self) -> None:
        self.runs = 0
        self.started = asyncio.Event()
        self.release = asyncio.Event()

    async def do(self) -> None:
        self.started.set()
        await self.release.wait()
        self.runs += 1


async def test_a_trigger_during_a_run_leads_to_one_more_run() -> None:
    work = BlockingWork()
    periodic = PeriodicTask("work", work.do, 60, OperatorLog())
    periodic.trigger()
    await work.started.wait()
    periodic.trigger()
    periodic.trigger()
    work.release.set()
    task = periodic._current_run
    assert task is not None
    await task
    assert work.runs == 2
    await periodic.close()


async def test_close_lets_the_current_run_end_and_starts_no_other() -> None:
    work = BlockingWork()
    periodic = PeriodicTask("work", work.do, 60, OperatorLog())
    periodic.start()
    await work.started.wait()
    closing = asyncio.create_task(periodic.close())
    await asyncio.sleep(0)
    periodic.trigger()
    work.release.set()
    await closing
    periodic.trigger()
    periodic.start()
    await asyncio.sleep(0)
    assert work.runs == 1
    await periodic.close()


async def test_close_cancels_a_run_that_does_not_end() -> None:
    work = BlockingWork()
    periodic = PeriodicTask("work", work.do, 60, OperatorLog(), grace_seconds=0.01)
    periodic.trigger()
    await work.started.wait()
    await periodic.close()
    assert periodic._current_run is not None
    assert periodic._current_run.cancelled()
