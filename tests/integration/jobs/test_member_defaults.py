"""Defaults of a member: set, read back, cleared."""

from __future__ import annotations

import asyncio

import pytest

from bot.jobs.member_defaults import MemberDefaults, MemberDefaultsStore
from bot.storage.database import Database


@pytest.fixture
def member_defaults(database: Database) -> MemberDefaultsStore:
    return MemberDefaultsStore(database)


async def count(database: Database, table: str) -> int:
    return int(await database.run(lambda tx: tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


DEFAULTS = [
    MemberDefaults(size, file_format, private)
    for size in (None, "square", "portrait")
    for file_format in (None, "png", "jpeg")
    for private in (None, False, True)
]


async def test_who_has_said_nothing_leaves_it_to_the_bot(member_defaults: MemberDefaultsStore) -> None:
    assert await member_defaults.get(7) == MemberDefaults(None, None, None)


async def test_a_habit_is_the_members_own_and_the_last_one_counts(
    member_defaults: MemberDefaultsStore, database: Database
) -> None:
    await member_defaults.set(7, MemberDefaults("portrait", "jpeg", private=True))
    await member_defaults.set(8, MemberDefaults(private=False))
    await member_defaults.set(7, MemberDefaults(format="webp", private=False))
    assert await member_defaults.get(7) == MemberDefaults(None, "webp", private=False)
    assert await member_defaults.get(8) == MemberDefaults(None, None, private=False)
    assert await count(database, "member_defaults") == 2


async def test_a_habit_that_says_nothing_is_forgotten(
    member_defaults: MemberDefaultsStore, database: Database
) -> None:
    await member_defaults.set(7, MemberDefaults("portrait"))
    await member_defaults.set(7, MemberDefaults())
    assert await member_defaults.get(7) == MemberDefaults()
    assert await count(database, "member_defaults") == 0


async def test_changes_at_once_leave_one_of_them(
    member_defaults: MemberDefaultsStore, database: Database
) -> None:
    wishes = [MemberDefaults(size=f"size {number}") for number in range(20)]
    await asyncio.gather(*(member_defaults.set(7, wish) for wish in wishes))
    assert await member_defaults.get(7) in wishes
    assert await count(database, "member_defaults") == 1


async def test_any_habit_comes_back_as_it_was_set(member_defaults: MemberDefaultsStore) -> None:
    for defaults in (*DEFAULTS, *DEFAULTS[::-1]):
        await member_defaults.set(7, defaults)
        assert await member_defaults.get(7) == defaults
