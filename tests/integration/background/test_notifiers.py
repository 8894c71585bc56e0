"""Who tells alerts and warns of a low wallet: once, never for ever, and not twice after a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.background.alert_notifier import Herald, Unheard
from bot.background.balance_monitor import Wallet
from bot.background.periodic import Rounds
from bot.credits.alerts import Alert, Alerts
from bot.domain.errors import OperatorError, TryLater
from bot.domain.limits import Limit
from bot.guilds.settings import Guilds, Setting
from bot.jobs.store import Store
from bot.observability.operator_log import Notices
from bot.storage.database import Database
from tests.support.factories import ANYWHERE, a_job, a_request

CHANNEL = 70


class Channel:
    """What was posted, and what becomes of the next posts."""

    def __init__(self) -> None:
        self.posted: list[tuple[int, int]] = []
        self.trouble: list[Exception] = []
        self.before: Callable[[], object] = lambda: None
        self.tried = asyncio.Queue[int]()

    async def cry(self, alert: Alert) -> None:
        self.tried.put_nowait(alert.percent)
        self.before()
        if self.trouble:
            raise self.trouble.pop(0)
        self.posted.append((alert.channel_id, alert.percent))

    async def warn(self, left_credits: int, alert_credits: int) -> None:
        self.tried.put_nowait(left_credits)
        if self.trouble:
            raise self.trouble.pop(0)
        self.posted.append((left_credits, alert_credits))


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def alerts(database: Database) -> Alerts:
    return Alerts(database, Limit(200, "month"), 4)


@pytest.fixture
async def half_used(database: Database, store: Store) -> None:
    guilds = Guilds(database)
    await guilds.change(1, Setting.ALERT_CHANNEL, str(CHANNEL), set_by=9)
    for _ in range(25):
        await store.accept(a_job(a_request()), ANYWHERE)


@pytest.fixture
async def herald(alerts: Alerts, channel: Channel) -> AsyncIterator[Herald]:
    opened = Herald(alerts, channel, Notices())
    try:
        yield opened
    finally:
        await opened.close()


async def quiet(herald: Herald) -> None:
    """Until the round under way is over."""
    while (task := herald._rounds._round) is not None and not task.done():
        await asyncio.wait([task])


@pytest.mark.usefixtures("half_used")
async def test_an_alert_is_posted_once(herald: Herald, channel: Channel) -> None:
    for _ in range(3):
        herald.wake(1)
        await quiet(herald)
    assert channel.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_what_the_process_before_could_not_tell_is_told_at_the_start(
    herald: Herald, channel: Channel
) -> None:
    herald.start()
    await channel.tried.get()
    await quiet(herald)
    assert channel.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_a_closed_channel_is_logged_and_left_alone(
    herald: Herald, channel: Channel, alerts: Alerts
) -> None:
    channel.trouble = [Unheard("unknown channel")]
    with capture_logs() as lines:
        for _ in range(2):
            herald.wake(1)
            await quiet(herald)
    assert channel.tried.qsize() == 1
    assert [line["percent"] for line in lines if line["event"] == "alert unheard"] == [50]
    assert await alerts.untold() == []


@pytest.mark.usefixtures("half_used")
async def test_without_discord_it_waits_for_the_next_beat_and_not_for_the_next_picture(
    herald: Herald, channel: Channel
) -> None:
    channel.trouble = [TryLater("away")]
    for _ in range(3):
        herald.wake(1)
        await quiet(herald)
    assert (channel.tried.qsize(), channel.posted) == (1, [])
    herald._not_before = dict.fromkeys(herald._not_before, 0.0)
    herald.wake(1)
    await quiet(herald)
    assert channel.posted == [(CHANNEL, 50)]


@pytest.mark.usefixtures("half_used")
async def test_after_a_crash_between_posting_and_writing_it_is_the_same_alert_again(
    alerts: Alerts, channel: Channel
) -> None:
    (before,) = await alerts.untold()
    await channel.cry(before)
    (after,) = await alerts.untold()
    assert after.key == before.key


@pytest.mark.usefixtures("half_used")
async def test_a_database_that_fails_after_the_post_leads_to_no_second_one(
    herald: Herald, channel: Channel, database: Database, database_path: Path, alerts: Alerts
) -> None:
    await database.run(lambda tx: tx.execute("PRAGMA busy_timeout = 20"))
    holder = sqlite3.connect(database_path, isolation_level=None)
    channel.before = lambda: holder.execute("BEGIN IMMEDIATE")
    with capture_logs() as lines:
        herald.wake(1)
        await quiet(herald)
    holder.close()
    assert [line["code"] for line in lines if line["event"] == "operator must act"] == ["database"]
    herald.wake(1)
    await quiet(herald)
    assert channel.posted == [(CHANNEL, 50)]
    assert await alerts.untold() == []


async def test_a_look_that_fails_stops_no_other_round(herald: Herald, channel: Channel) -> None:
    herald.wake(2**70)  # no such guild: SQLite holds no such number
    with capture_logs() as lines:
        await quiet(herald)
    assert [line["event"] for line in lines] == ["round broke"]
    herald.wake(1)
    await quiet(herald)
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


async def looks(wallet: Wallet, purse: Purse) -> None:
    while purse.answers:
        wallet._rounds.wake()
        task = wallet._rounds._round
        assert task is not None
        await asyncio.wait([task])


@pytest.mark.parametrize(
    ("threshold", "answers", "warned"),
    [
        (100, (100, 99, 98, 97), [(99, 100)]),
        (100, (99, 150, 99), [(99, 100), (99, 100)]),
        (100, (99, TryLater("away"), 98), [(99, 100)]),
        (0, (5, 4, 3, 0), [(3, 4)]),
    ],
    ids=["once", "again after it was filled", "an answer that fails changes nothing", "0: when empty"],
)
async def test_the_operator_is_warned_once_until_the_wallet_is_filled(
    channel: Channel, threshold: int, answers: tuple[int | Exception, ...], warned: list[tuple[int, int]]
) -> None:
    purse = Purse(*answers)
    await looks(Wallet(purse, channel, threshold, Notices()), purse)
    assert channel.posted == warned


async def test_a_warning_that_waits_for_discord_is_given_at_the_next_look(channel: Channel) -> None:
    purse = Purse(99, 98, 97)
    channel.trouble = [TryLater("away")]
    await looks(Wallet(purse, channel, 100, Notices()), purse)
    assert channel.posted == [(98, 100)]


async def test_a_warning_that_nobody_can_hear_is_an_error_in_the_log(channel: Channel) -> None:
    purse = Purse(99, 98)
    channel.trouble = [Unheard("no owner")]
    with capture_logs() as lines:
        await looks(Wallet(purse, channel, 100, Notices()), purse)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["code"], line["unheard"]) == ("wallet_low", "no owner")


async def test_a_key_that_may_not_ask_is_told_to_the_operator_and_ends_no_watch(channel: Channel) -> None:
    purse = Purse(OperatorError("scope_denied", "credits:read"), 99)
    with capture_logs() as lines:
        await looks(Wallet(purse, channel, 100, Notices()), purse)
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
    rounds = Rounds("work", work.do, 60, Notices())
    rounds.wake()
    await work.begun.wait()
    rounds.wake()
    rounds.wake()
    work.go_on.set()
    task = rounds._round
    assert task is not None
    await task
    assert work.rounds == 2
    await rounds.close()


async def test_closing_lets_the_round_end_and_begins_no_other() -> None:
    work = Work()
    rounds = Rounds("work", work.do, 60, Notices())
    rounds.start()
    await work.begun.wait()
    closing = asyncio.create_task(rounds.close())
    await asyncio.sleep(0)
    rounds.wake()
    work.go_on.set()
    await closing
    rounds.wake()
    rounds.start()
    await asyncio.sleep(0)
    assert work.rounds == 1
    await rounds.close()


async def test_closing_cuts_a_round_that_does_not_end() -> None:
    work = Work()
    rounds = Rounds("work", work.do, 60, Notices(), grace_seconds=0.01)
    rounds.wake()
    await work.begun.wait()
    await rounds.close()
    assert rounds._round is not None
    assert rounds._round.cancelled()
