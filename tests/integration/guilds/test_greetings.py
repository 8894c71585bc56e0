"""Which servers are greeted: those that join, once, and none that were there before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.admission import AdmissionMode, AdmissionPolicy
from bot.domain.clock import now_ms
from bot.guilds.admission import AdmissionStore, SeenGuild, decide
from bot.guilds.greetings import FIRST_START_MS, GreetingState, GreetingStore, JoinedGuild
from bot.privacy.guild_departures import GuildDepartures
from bot.storage.database import Database
from bot.storage.schema import APPLICATION_ID, add_functions, migrations
from tests.support.sql import rows

BEFORE_GREETINGS = 10
"""The version before the migration that made the tables."""


@pytest.fixture
def greetings(database: Database) -> GreetingStore:
    return GreetingStore(database)


async def due(greetings: GreetingStore) -> list[int]:
    return [each.guild_id for each in await greetings.due()]


@pytest.mark.parametrize("used", [False, True])
async def test_servers_of_an_upgraded_database_are_never_greeted(database_path: Path, used: bool) -> None:
    database_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database_path, isolation_level=None)) as connection:
        add_functions(connection)
        for file in migrations()[:BEFORE_GREETINGS]:
            connection.executescript(file.read_text("utf-8"))
        if used:
            connection.execute("INSERT INTO command_syncs VALUES (1, 0, 'sha', 1)")
        connection.execute(f"PRAGMA user_version = {BEFORE_GREETINGS}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database = await Database.open(database_path)
    try:
        greetings = GreetingStore(database)
        await greetings.present([JoinedGuild(1, now_ms()), JoinedGuild(2)])
        assert await due(greetings) == ([] if used else [1])
        await greetings.present([JoinedGuild(1, now_ms()), JoinedGuild(2), JoinedGuild(3)])
        assert await due(greetings) == ([3] if used else [1, 3])
    finally:
        await database.close()


async def test_at_a_first_start_only_servers_that_were_joined_lately_are_greeted(
    greetings: GreetingStore,
) -> None:
    lately, long_ago = now_ms() - FIRST_START_MS + 60_000, now_ms() - FIRST_START_MS - 60_000
    await greetings.present([JoinedGuild(1, lately), JoinedGuild(2, long_ago), JoinedGuild(3)])
    assert await due(greetings) == [1]


async def test_joinings_before_the_first_count_decide_nothing(greetings: GreetingStore) -> None:
    await greetings.joined(1)  # discord.py calls every server a new one at its start
    await greetings.present([JoinedGuild(1)])
    await greetings.joined(1)
    assert await due(greetings) == []
    await greetings.joined(2)
    assert await due(greetings) == [2]


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (GreetingState.KNOWN, True),
        (GreetingState.NEW, True),
        (GreetingState.NOWHERE, True),
        (GreetingState.TOLD, True),  # it is admitted now
        (GreetingState.GREETED, False),
    ],
)
async def test_a_server_that_comes_back_is_greeted_unless_it_was(
    greetings: GreetingStore, state: GreetingState, again: bool
) -> None:
    for down in (False, True):
        await greetings.present([JoinedGuild(1)])
        await greetings.record(1, state)
        if down:  # the bot does not see it go
            await greetings.present([])
        else:
            await greetings.left(1)
        await greetings.joined(1)
        assert await due(greetings) == ([1] if again else [])


async def test_a_server_that_is_not_admitted_is_told_once_and_greeted_once_it_is(
    database: Database, greetings: GreetingStore
) -> None:
    admissions = AdmissionStore(database)
    await admissions.set_policy(AdmissionPolicy(AdmissionMode.APPROVE, contact="mira"))
    await admissions.present([])
    await greetings.present([])
    await greetings.joined(1)
    (waiting,) = await greetings.due()
    assert waiting.refusal is not None
    assert (waiting.refusal["state"], waiting.refusal["contact"]) == ("waiting", "mira")
    await greetings.record(1, GreetingState.TOLD)
    assert await greetings.due() == []
    await database.run(lambda tx: decide(tx, 1, admitted=True, decided_by=9, at=1))
    (admitted,) = await greetings.due()
    assert admitted.refusal is None
    await greetings.record(1, GreetingState.GREETED)
    assert await greetings.due() == []


@pytest.mark.parametrize("mode", [AdmissionMode.APPROVE, AdmissionMode.LIST])
async def test_a_refused_server_is_told_by_the_refusal_alone(
    database: Database, greetings: GreetingStore, mode: AdmissionMode
) -> None:
    admissions = AdmissionStore(database)
    await admissions.set_policy(AdmissionPolicy(AdmissionMode.APPROVE))
    await admissions.present([])
    await greetings.present([])
    await admissions.seen(SeenGuild(1, "Strangers"))
    await greetings.joined(1)
    now = now_ms()
    await database.run(lambda tx: decide(tx, 1, admitted=False, decided_by=9, at=now))
    await admissions.set_policy(AdmissionPolicy(mode))
    assert await greetings.due() == []


async def test_what_is_known_of_a_left_server_is_deleted_with_its_data(
    database: Database, greetings: GreetingStore
) -> None:
    await greetings.present([])
    for guild_id in (1, 2):
        await greetings.joined(guild_id)
        await greetings.record(guild_id, GreetingState.GREETED)
    departures = GuildDepartures(database, grace_days=0)
    await departures.present([2])
    assert await rows(database, "SELECT guild_id FROM departures") == [(1,)]
    await departures.process_due(now_ms())
    assert await rows(database, "SELECT guild_id FROM greetings") == [(2,)]
