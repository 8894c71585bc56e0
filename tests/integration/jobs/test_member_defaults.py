"""Defaults of a member: set, get and clear."""

from __future__ import annotations

import asyncio

import pytest

from bot.jobs.requests.member_defaults import MemberDefaults, MemberDefaultsStore
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


async def test_a_member_without_defaults_has_none_set(member_defaults: MemberDefaultsStore) -> None:
    assert await member_defaults.get(7) == MemberDefaults(None, None, None)


async def test_defaults_are_stored_for_each_member_and_the_last_ones_count(
    member_defaults: MemberDefaultsStore, database: Database
) -> None:
    await member_defaults.set(7, MemberDefaults("portrait", "jpeg", private=True))
    await member_defaults.set(8, MemberDefaults(private=False))
    await member_defaults.set(7, MemberDefaults(format="webp", private=False))
    assert await member_defaults.get(7) == MemberDefaults(None, "webp", private=False)
    assert await member_defaults.get(8) == MemberDefaults(None, None, private=False)
    assert await count(database, "member_defaults") == 2


async def test_empty_defaults_delete_the_row(
    member_defaults: MemberDefaultsStore, database: Database
) -> None:
    await member_defaults.set(7, MemberDefaults("portrait"))
    await member_defaults.set(7, MemberDefaults())
    assert await member_defaults.get(7) == MemberDefaults()
    assert await count(database, "member_defaults") == 0


async def test_of_concurrent_changes_one_remains(
    member_defaults: MemberDefaultsStore, database: Database
) -> None:
    choices = [MemberDefaults(size=f"size {number}") for number in range(20)]
    await asyncio.gather(*(member_defaults.set(7, choice) for choice in choices))
    assert await member_defaults.get(7) in choices
    assert await count(database, "member_defaults") == 1


async def test_every_combination_is_stored_unchanged(member_defaults: MemberDefaultsStore) -> None:
    for defaults in (*DEFAULTS, *DEFAULTS[::-1]):
        await member_defaults.set(7, defaults)
        assert await member_defaults.get(7) == defaults
