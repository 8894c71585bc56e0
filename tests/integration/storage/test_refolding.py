"""The upgrade that folds blocked words and names of presets anew, with their emoji."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.domain.access import Effect, RuleTarget, blocked_words
from bot.domain.jobs import Preset
from bot.domain.text_folding import fold_text
from bot.guilds.access_rules import AccessRuleStore
from bot.guilds.presets import PresetStore
from bot.storage.database import Database
from bot.storage.schema import APPLICATION_ID, add_functions, migrations

FILE = "emoji_in_words_and_names.sql"
BEFORE = next(number for number, file in enumerate(migrations()) if file.name.endswith(FILE))
"""The version before the upgrade."""
ADMIN = 99
# (kind, subject, as it was typed, effect), as versions without emoji have stored them; the oldest first.
RULES = [
    ("word", "fox", "Fox", "deny"),
    ("word", "fox", "🦊 fox", "deny"),
    ("word", "walrus", "walrus", "deny"),
    ("word", "owl", "owl", "deny"),
    ("word", "owl", "owl", "lifted"),
    ("word", "hen", "hen 🐔", "deny"),
    ("word", "hen", "hen 🐔", "lifted"),
    ("word", "crow", "crow", "deny"),
    ("word", "crow", "🐦 crow", "lifted"),
    ("word", "duck", "🦆duck", "lifted"),
    ("word", "duck", "duck", "deny"),
    ("word", "seven", "", "deny"),
    ("member", "7", "", "deny"),
    ("role", "31", "", "allow"),
]
# (folded, name, removed).
PRESETS = [
    ("oil", "Oil", 0),
    ("oil", "Oil 🎨", 0),
    ("ink", "Ink 🖋️", 0),
    ("ink", "Ink", 0),
    ("noir", "🎬 Noir", 0),
    ("noir", "🎬 Noir", 1),
    ("pencil", "pencil", 0),
    ("chalk", "chalk", 0),
    ("chalk", "chalk ✏️", 1),
]


def insert(connection: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def fill(connection: sqlite3.Connection, guild_id: int) -> None:
    by: dict[str, Any] = {"guild_id": guild_id, "set_by": ADMIN}
    for number, (kind, subject, typed, effect) in enumerate(RULES):
        rule = {"kind": kind, "subject": subject, "words": typed, "effect": effect}
        key = {"set_at": number, "interaction_id": 100 * guild_id + number}
        insert(connection, "access_rules", by | rule | key)
    for number, (folded, name, removed) in enumerate(PRESETS):
        preset = {"name": name, "folded": folded, "before_words": f"{number}", "after_words": ""}
        key = {"removed": removed, "set_at": number, "interaction_id": 100 * guild_id + number}
        insert(connection, "presets", by | preset | key)


@pytest.fixture
def old_database(database_path: Path) -> Path:
    database_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database_path, isolation_level=None)) as connection:
        add_functions(connection)
        for file in migrations()[:BEFORE]:
            connection.executescript(file.read_text("utf-8"))
        for guild_id in (1, 2):
            fill(connection, guild_id)
        connection.execute(f"PRAGMA user_version = {BEFORE}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return database_path


@pytest.fixture
async def upgraded(old_database: Path) -> AsyncIterator[Database]:
    database = await Database.open(old_database)
    yield database
    await database.close()


@pytest.mark.parametrize("guild_id", [1, 2])
async def test_rules_say_what_they_refuse_and_refuse_what_they_did(upgraded: Database, guild_id: int) -> None:
    policy = await AccessRuleStore(upgraded).policy(guild_id)
    words = [
        (rule.words or rule.subject, rule.subject) for rule in policy.rules if rule.kind is RuleTarget.WORD
    ]
    assert sorted(words) == [
        ("duck", "duck"),
        ("fox", "fox"),
        ("seven", "seven"),
        ("walrus", "walrus"),
        ("🦊 fox", "🦊 fox"),
    ]
    assert all(rule.set_by == ADMIN for rule in policy.rules)
    others = [
        (rule.kind, rule.subject, rule.effect) for rule in policy.rules if rule.kind is not RuleTarget.WORD
    ]
    assert others == [(RuleTarget.MEMBER, "7", Effect.DENY), (RuleTarget.ROLE, "31", Effect.ALLOW)]
    prompts = ("fox", "🦊 fox", "walrus", "owl", "hen 🐔", "crow", "duck", "seven", "🦊")
    assert [text for text in prompts if any(blocked_words(text, policy))] == [
        "fox",
        "🦊 fox",
        "walrus",
        "duck",
        "seven",
    ]


async def test_each_rule_can_be_removed_and_set_again_without_doubles(upgraded: Database) -> None:
    access_rules = AccessRuleStore(upgraded)
    for number, typed in enumerate(("🦊 fox", "fox", "walrus", "duck", "seven"), start=1000):
        removed = await access_rules.remove(
            1, RuleTarget.WORD, fold_text(typed), removed_by=ADMIN, interaction_id=number
        )
        assert removed is not None, typed
    rules = (await access_rules.policy(1)).rules
    assert [rule for rule in rules if rule.kind is RuleTarget.WORD] == []


@pytest.mark.parametrize("guild_id", [1, 2])
async def test_a_preset_that_was_replaced_does_not_come_back(upgraded: Database, guild_id: int) -> None:
    presets = PresetStore(upgraded)

    async def names() -> set[tuple[str, str]]:
        return {(each.preset.name, each.preset.before) for each in await presets.active(guild_id)}

    assert await names() == {("Oil 🎨", "1"), ("Ink", "3"), ("pencil", "6")}
    found = await presets.find(guild_id, "oil")
    assert found is not None, "members typed it so"
    new = Preset("OIL🎨", "new", "")
    assert await presets.save(guild_id, new, None, set_by=ADMIN, interaction_id=1000)
    assert await names() == {("OIL🎨", "new"), ("Ink", "3"), ("pencil", "6")}
    for number, name in enumerate(("oil 🎨", "Ink", "pencil"), start=1001):
        assert await presets.remove(guild_id, name, set_by=ADMIN, interaction_id=number)
    assert await presets.active(guild_id) == []


async def test_every_stored_word_and_name_is_folded_as_it_is_compared(upgraded: Database) -> None:
    def unit(tx: sqlite3.Connection) -> list[tuple[str, str]]:
        newest = "SELECT words, subject, max(rule_id) FROM access_rules WHERE kind = 'word'"
        rows = tx.execute(f"{newest} AND words <> '' GROUP BY guild_id, subject").fetchall()
        rows += tx.execute(
            "SELECT name, folded, max(preset_id) FROM presets GROUP BY guild_id, folded"
        ).fetchall()
        return [(row[0], row[1]) for row in rows]

    stored = await upgraded.run(unit)
    assert len(stored) > 20
    assert [(typed, folded) for typed, folded in stored if fold_text(typed) != folded] == []


async def test_names_that_fold_to_the_same_now_are_one(old_database: Path) -> None:
    """Unicode may have changed under a stored name, such as one with a letter that was unknown then."""
    with closing(sqlite3.connect(old_database, isolation_level=None)) as connection:
        for table, column in (("access_rules", "subject"), ("presets", "folded")):
            connection.execute(
                f"UPDATE {table} SET {column} = 'walr s' WHERE {column} IN ('walrus', 'pencil')"
            )
        both = {"guild_id": 1, "set_by": ADMIN, "set_at": 50}
        walrus = {
            "kind": "word",
            "subject": "walrus",
            "words": "walrus",
            "effect": "deny",
            "interaction_id": 102,  # that of the rule it becomes equal to
        }
        insert(connection, "access_rules", both | walrus)
        pencil = {
            "name": "Pencil",
            "folded": "pencil",
            "before_words": "new",
            "after_words": "",
            "removed": 0,
        }
        insert(connection, "presets", both | pencil)
    database = await Database.open(old_database)
    try:
        rules = (await AccessRuleStore(database).policy(1)).rules
        assert [rule.subject for rule in rules].count("walrus") == 1
        presets = [each.preset for each in await PresetStore(database).active(1)]
        assert [each for each in presets if fold_text(each.name) == "pencil"] == [Preset("Pencil", "new", "")]
    finally:
        await database.close()
