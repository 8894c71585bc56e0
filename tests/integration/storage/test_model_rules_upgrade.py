"""The upgrade after which access rules and defaults know models: what was set before stays as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.access import AccessRule, Effect, RuleTarget
from bot.guilds.access_rules import AccessRuleStore
from bot.jobs.requests.member_defaults import MemberDefaults, MemberDefaultsStore
from bot.storage.database import Database
from bot.storage.schema import APPLICATION_ID, add_functions, migrations

FILE = "models_of_servers_and_members.sql"
BEFORE = next(number for number, file in enumerate(migrations()) if file.name.endswith(FILE))
"""The version before the upgrade."""
# (kind, subject, effect, words, reason, expires_at), the oldest first.
RULES = [
    ("role", "31", "deny", "", "", None),
    ("role", "31", "allow", "", "", None),
    ("channel", "20", "deny", "", "", None),
    ("word", "fox", "deny", "Fox", "", None),
    ("member", "7", "deny", "", "spam", 2**50),
    ("spoiler_role", "32", "allow", "", "", None),
    ("spoiler_channel", "21", "allow", "", "", None),
    ("word", "owl", "deny", "owl", "", None),
    ("word", "owl", "lifted", "owl", "", None),
]


@pytest.fixture
async def upgraded(database_path: Path) -> AsyncIterator[Database]:
    database_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database_path, isolation_level=None)) as connection:
        add_functions(connection)
        for file in migrations()[:BEFORE]:
            connection.executescript(file.read_text("utf-8"))
        connection.executemany(
            "INSERT INTO access_rules"
            " (guild_id, kind, subject, effect, words, reason, expires_at, set_by, set_at, interaction_id)"
            " VALUES (1, ?, ?, ?, ?, ?, ?, 99, ?, ?)",
            [(*rule, number, 500 + number) for number, rule in enumerate(RULES)],
        )
        connection.execute("INSERT INTO member_defaults VALUES (7, 'portrait_4_3', 'jpeg', 1, 5)")
        connection.execute(f"PRAGMA user_version = {BEFORE}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database = await Database.open(database_path)
    yield database
    await database.close()


async def test_rules_and_defaults_are_as_they_were(upgraded: Database) -> None:
    policy = await AccessRuleStore(upgraded).policy(1)
    found = {
        (rule.kind.value, rule.subject, rule.effect.value, rule.words, rule.reason, rule.expires_at)
        for rule in policy.rules
    }
    assert found == set(RULES[1:7])
    assert all((rule.set_by, rule.model) == (99, "") for rule in policy.rules)
    assert not policy.loose_safety
    assert await MemberDefaultsStore(upgraded).get(7) == MemberDefaults("portrait_4_3", "jpeg", private=True)


async def test_an_interaction_that_was_stored_before_changes_nothing_after_the_upgrade(
    upgraded: Database,
) -> None:
    store = AccessRuleStore(upgraded)
    before = await store.policy(1)
    again = AccessRule(RuleTarget.CHANNEL, "20", Effect.ALLOW, set_by=99)
    assert await store.set(1, [again], interaction_id=502)
    assert await store.policy(1) == before


async def test_a_rule_about_a_model_stands_beside_an_old_one_of_the_same_role(upgraded: Database) -> None:
    store = AccessRuleStore(upgraded)
    for model in ("flux-2-pro", "z-image"):
        rule = AccessRule(RuleTarget.MODEL_ROLE, "31", Effect.DENY, words=model, model=model, set_by=99)
        assert await store.set(1, [rule], interaction_id=900)
    rules = [
        (rule.kind, rule.model, rule.effect) for rule in (await store.policy(1)).rules if rule.subject == "31"
    ]
    assert rules == [
        (RuleTarget.MODEL_ROLE, "flux-2-pro", Effect.DENY),
        (RuleTarget.MODEL_ROLE, "z-image", Effect.DENY),
        (RuleTarget.ROLE, "", Effect.ALLOW),
    ]
