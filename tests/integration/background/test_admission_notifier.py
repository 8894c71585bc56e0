"""The admission notifier: each card and each explanation once, whatever fails in between."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from structlog.testing import capture_logs

from bot.background.admission_notifier import UNREACHABLE_RETRY_SECONDS, AdmissionNotifier
from bot.background.alert_notifier import NotificationFailed
from bot.credits.approvals import GuildApprovals, GuildStanding
from bot.domain.admission import Admission, AdmissionMode, AdmissionPolicy
from bot.domain.errors import OperatorError, TransientError
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.guilds.admission import AdmissionStore, SeenGuild
from bot.observability.operator_log import OperatorLog
from bot.storage.database import Database

STRANGER = 2


class RecordingMessenger:
    """Records what is done; `errors` are raised by the next calls."""

    def __init__(self) -> None:
        self.is_ready = True
        self.guild_ids = {1, STRANGER}
        self.done: list[tuple[str, int]] = []
        self.errors: list[Exception] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """What happens while the next server is told of its refusal."""

    def is_in(self, guild_id: int) -> bool:
        return guild_id in self.guild_ids

    async def ask(self, standing: GuildStanding) -> None:
        self._do("ask", standing.guild_id)

    async def explain(self, admission: Admission) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
            self.meanwhile = None
        self._do("explain", admission.guild_id)

    async def leave(self, guild_id: int) -> None:
        self._do("leave", guild_id)
        self.guild_ids.discard(guild_id)

    def _do(self, what: str, guild_id: int) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.done.append((what, guild_id))


@pytest.fixture
def messenger() -> RecordingMessenger:
    return RecordingMessenger()


@pytest.fixture
def approvals(database: Database) -> GuildApprovals:
    return GuildApprovals(database, Limit(200, Period.MONTH))


@pytest.fixture
async def admissions(database: Database) -> AdmissionStore:
    store = AdmissionStore(database)
    await store.set_policy(AdmissionPolicy(AdmissionMode.APPROVE))
    await store.present([SeenGuild(1)])
    await store.seen(SeenGuild(STRANGER, "Strangers"))
    return store


@pytest.fixture
async def notifier(
    admissions: AdmissionStore, approvals: GuildApprovals, messenger: RecordingMessenger
) -> AsyncIterator[AdmissionNotifier]:
    opened = AdmissionNotifier(admissions, approvals, messenger, OperatorLog())
    try:
        yield opened
    finally:
        await opened.close()


async def run(notifier: AdmissionNotifier) -> None:
    await notifier._run_once()


async def test_the_operator_is_asked_once(notifier: AdmissionNotifier, messenger: RecordingMessenger) -> None:
    for _ in range(3):
        await run(notifier)
    assert messenger.done == [("ask", STRANGER)]


async def test_nothing_is_done_before_all_servers_are_known(
    notifier: AdmissionNotifier, approvals: GuildApprovals, messenger: RecordingMessenger
) -> None:
    await approvals.refuse(STRANGER, decided_by=9)
    messenger.is_ready, messenger.guild_ids = False, set()
    await run(notifier)
    messenger.is_ready, messenger.guild_ids = True, {STRANGER}
    await run(notifier)
    assert messenger.done == [("explain", STRANGER)]


async def test_a_server_that_left_before_it_was_asked_about_is_asked_about_when_it_comes_back(
    notifier: AdmissionNotifier, messenger: RecordingMessenger
) -> None:
    messenger.guild_ids.discard(STRANGER)
    await run(notifier)
    assert messenger.done == []
    messenger.guild_ids.add(STRANGER)
    await run(notifier)
    assert messenger.done == [("ask", STRANGER)]


async def test_while_discord_is_down_it_is_tried_again(
    notifier: AdmissionNotifier, messenger: RecordingMessenger
) -> None:
    messenger.errors = [TransientError("down"), TransientError("down")]
    for _ in range(4):
        await run(notifier)
    assert messenger.done == [("ask", STRANGER)]


async def test_an_operator_whom_nothing_reaches_is_not_tried_every_minute(
    notifier: AdmissionNotifier, messenger: RecordingMessenger
) -> None:
    messenger.errors = [NotificationFailed("closed")]
    before = time.monotonic()
    with capture_logs() as lines:
        for _ in range(3):
            await run(notifier)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["code"], f"operator allow {STRANGER} CREDITS" in str(line)) == ("admission", True)
    assert messenger.done == []
    assert notifier._not_before[STRANGER] >= before + UNREACHABLE_RETRY_SECONDS
    notifier._not_before.clear()  # an hour later
    await run(notifier)
    assert messenger.done == [("ask", STRANGER)]


async def test_a_card_that_was_posted_but_not_marked_is_not_posted_again(
    notifier: AdmissionNotifier,
    admissions: AdmissionStore,
    messenger: RecordingMessenger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(_: int) -> None:
        raise OperatorError("database", "the disk is full")

    monkeypatch.setattr(admissions, "mark_asked", fail)
    with capture_logs() as lines:
        await run(notifier)
    assert [line["code"] for line in lines if line.get("code")] == ["database"]
    monkeypatch.undo()
    await run(notifier)
    assert messenger.done == [("ask", STRANGER)]
    assert await admissions.to_ask() == []


async def test_a_refused_server_is_told_and_left_a_day_later_by_any_process(
    notifier: AdmissionNotifier,
    admissions: AdmissionStore,
    approvals: GuildApprovals,
    messenger: RecordingMessenger,
) -> None:
    start = datetime(2026, 6, 3, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        await approvals.refuse(STRANGER, decided_by=9)
        await run(notifier)
        clock.move_to(start + timedelta(hours=23, minutes=59))
        await run(notifier)
        assert messenger.done == [("explain", STRANGER)]
        clock.move_to(start + timedelta(hours=24))
        messenger.errors = [TransientError("down"), OperatorError("discord", "refused")]
        another = AdmissionNotifier(admissions, approvals, messenger, OperatorLog())
        for _ in range(4):
            await run(another)
    assert messenger.done == [("explain", STRANGER), ("leave", STRANGER)]


async def test_a_refused_server_that_the_bot_is_not_in_is_neither_told_nor_left(
    notifier: AdmissionNotifier,
    admissions: AdmissionStore,
    approvals: GuildApprovals,
    messenger: RecordingMessenger,
    database: Database,
) -> None:
    await approvals.refuse(STRANGER, decided_by=9)
    messenger.guild_ids.discard(STRANGER)
    await run(notifier)
    assert await admissions.to_explain() == []
    await admissions.seen(SeenGuild(STRANGER))  # it came back, and went before the next look
    await database.run(_end_grace)
    await admissions.mark_explained(STRANGER)
    await run(notifier)
    assert await admissions.to_leave() == []
    assert messenger.done == []


async def test_a_server_that_can_be_told_nowhere_is_left_all_the_same(
    notifier: AdmissionNotifier, approvals: GuildApprovals, messenger: RecordingMessenger, database: Database
) -> None:
    await approvals.refuse(STRANGER, decided_by=9)
    messenger.errors = [NotificationFailed("closed")]
    await run(notifier)
    await database.run(_end_grace)
    await run(notifier)
    assert messenger.done == [("leave", STRANGER)]


async def test_a_server_that_is_allowed_while_others_are_left_is_neither_told_nor_left(
    notifier: AdmissionNotifier, approvals: GuildApprovals, messenger: RecordingMessenger, database: Database
) -> None:
    for guild_id in (1, STRANGER):
        await approvals.refuse(guild_id, decided_by=9)
    await database.run(_end_grace)
    messenger.meanwhile = lambda: approvals.allow(STRANGER, 50, decided_by=9, again=True)
    await run(notifier)
    assert messenger.done == [("explain", 1), ("leave", 1)]


def _end_grace(transaction: sqlite3.Connection) -> None:
    transaction.execute("UPDATE admissions SET leave_at = 1 WHERE leave_at IS NOT NULL")
