"""The greeter: each server once, whatever fails in between."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot.background.alert_notifier import NotificationFailed
from bot.background.greeter import Greeter
from bot.credits.approvals import GuildApprovals, GuildStanding
from bot.domain.admission import AdmissionMode, AdmissionPolicy
from bot.domain.errors import ContractViolation, TransientError
from bot.domain.limits import Limit
from bot.domain.periods import Period
from bot.guilds.admission import AdmissionStore
from bot.guilds.greetings import DueGreeting, GreetingStore
from bot.observability.operator_log import OperatorLog
from bot.storage.database import Database
from tests.support.sql import rows

FRIENDS, STRANGERS = 1, 2


class RecordingMessenger:
    """Records who was greeted, and who was told that they are not admitted; raises `errors` first."""

    def __init__(self) -> None:
        self.is_ready = True
        self.guild_ids = {FRIENDS, STRANGERS}
        self.done: list[tuple[str, int]] = []
        self.errors: list[Exception] = []

    def is_in(self, guild_id: int) -> bool:
        return guild_id in self.guild_ids

    async def greet(self, due: DueGreeting, standing: GuildStanding) -> None:
        if self.errors:
            raise self.errors.pop(0)
        assert standing.guild_id == due.guild_id
        self.done.append(("greet" if due.refusal is None else "tell", due.guild_id))


@pytest.fixture
def messenger() -> RecordingMessenger:
    return RecordingMessenger()


@pytest.fixture
async def greetings(database: Database) -> GreetingStore:
    store = GreetingStore(database)
    await store.present([])
    await store.joined(FRIENDS)
    return store


@pytest.fixture
async def greeter(
    database: Database, greetings: GreetingStore, messenger: RecordingMessenger
) -> AsyncIterator[Greeter]:
    approvals = GuildApprovals(database, Limit(200, Period.MONTH))
    opened = Greeter(greetings, approvals, messenger, OperatorLog())
    try:
        yield opened
    finally:
        await opened.close()


async def states(database: Database) -> dict[int, str]:
    return dict(await rows(database, "SELECT guild_id, state FROM greetings"))


async def test_a_server_is_greeted_once(
    greeter: Greeter, messenger: RecordingMessenger, database: Database
) -> None:
    for _ in range(3):
        await greeter._run_once()
    assert messenger.done == [("greet", FRIENDS)]
    assert await states(database) == {FRIENDS: "greeted"}


async def test_nothing_is_posted_before_all_servers_are_known(
    greeter: Greeter, messenger: RecordingMessenger, database: Database
) -> None:
    messenger.is_ready, messenger.guild_ids = False, set()
    await greeter._run_once()
    assert await states(database) == {FRIENDS: "new"}


async def test_a_server_that_is_gone_is_forgotten(
    greeter: Greeter, messenger: RecordingMessenger, database: Database
) -> None:
    messenger.guild_ids = set()
    await greeter._run_once()
    assert messenger.done == []
    assert await states(database) == {}


async def test_an_outage_postpones_one_server_and_not_the_others(
    greeter: Greeter, greetings: GreetingStore, messenger: RecordingMessenger
) -> None:
    await greetings.joined(STRANGERS)
    messenger.errors = [TransientError("503")]
    await greeter._run_once()
    assert messenger.done == [("greet", STRANGERS)]
    await greeter._run_once()
    assert messenger.done == [("greet", STRANGERS), ("greet", FRIENDS)]


async def test_without_a_channel_it_is_not_tried_again(
    greeter: Greeter, messenger: RecordingMessenger, database: Database
) -> None:
    messenger.errors = [NotificationFailed("no channel")]
    with capture_logs() as lines:
        await greeter._run_once()
        await greeter._run_once()
    assert messenger.done == []
    assert await states(database) == {FRIENDS: "nowhere"}
    assert [(line["log_level"], line["event"]) for line in lines] == [("info", "server not greeted")]


async def test_who_could_not_be_told_of_the_waiting_is_greeted_all_the_same(
    greeter: Greeter, database: Database, messenger: RecordingMessenger
) -> None:
    admissions = AdmissionStore(database)
    await admissions.set_policy(AdmissionPolicy(AdmissionMode.LIST))
    messenger.errors = [NotificationFailed("no channel")]
    await greeter._run_once()
    assert await states(database) == {FRIENDS: "told"}
    await admissions.set_policy(AdmissionPolicy(AdmissionMode.LIST, frozenset({FRIENDS})))
    await greeter._run_once()
    assert messenger.done == [("greet", FRIENDS)]


async def test_a_greeting_that_cannot_be_recorded_is_not_posted_again(
    greeter: Greeter, messenger: RecordingMessenger, database: Database
) -> None:
    def refuse_updates(tx: sqlite3.Connection) -> None:
        tx.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON greetings BEGIN SELECT raise(ABORT, 'disk full'); END"
        )

    await database.run(refuse_updates)
    for _ in range(2):
        with pytest.raises(ContractViolation):
            await greeter._run_once()
    await database.run(lambda tx: tx.execute("DROP TRIGGER full"))
    await greeter._run_once()
    assert messenger.done == [("greet", FRIENDS)]
    assert await states(database) == {FRIENDS: "greeted"}
