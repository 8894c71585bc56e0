"""The setup of a server: all changes of one form or none, at once, and each in the log."""

from __future__ import annotations

import asyncio

import pytest

from bot.credits.admin import CreditAdmin
from bot.credits.audit_log import AuditLog, LimitChanged
from bot.credits.guild_setup import GuildSetup, SetupChanges
from bot.domain.access import AccessRule, Effect, RuleTarget
from bot.domain.limits import MAX_CREDITS, Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.guilds.access_rules import MAX_RULES, AccessRuleStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.storage.database import Database

DEFAULT = Limit(200, Period.MONTH)
ADMIN, OTHER = 7, 8
ALL = SetupChanges(
    credits=100,
    period=Period.WEEK,
    allowed=frozenset({3}),
    settings={GuildSetting.TIMEZONE: "Asia/Jakarta", GuildSetting.ALERT_CHANNEL: "5"},
)


@pytest.fixture
def setup(database: Database) -> GuildSetup:
    return GuildSetup(database, DEFAULT, default_catalog())


async def entries(database: Database) -> int:
    return len((await AuditLog(database).older(1)).entries)


async def test_everything_is_changed_and_in_the_log(database: Database, setup: GuildSetup) -> None:
    outcome = await setup.apply(1, ALL, set_by=ADMIN, interaction_id=1)
    assert outcome is not None
    assert outcome.limit is not None
    assert outcome.limit.usage is not None
    assert (outcome.limit.usage.limit_credits, outcome.limit.usage.period) == (100, Period.WEEK)
    current = await setup.current(1)
    assert (current.limit.credits, current.limit.period) == (100, Period.WEEK)
    assert (current.role_ids, current.alert_channel_id, current.timezone) == ((3,), 5, "Asia/Jakarta")
    page = await AuditLog(database).older(1)
    assert len(page.entries) == 4
    assert {entry.by for entry in page.entries} == {ADMIN}
    assert sum(isinstance(entry.event, LimitChanged) for entry in page.entries) == 1


async def test_an_interaction_that_comes_twice_changes_nothing_the_second_time(
    database: Database, setup: GuildSetup
) -> None:
    await setup.apply(1, ALL, set_by=ADMIN, interaction_id=1)
    again = await setup.apply(1, ALL, set_by=ADMIN, interaction_id=1)
    assert again is not None
    assert (again.limit, again.added, again.settings) == (None, (), {})
    assert await entries(database) == 4


async def test_too_many_rules_change_nothing_at_all(database: Database, setup: GuildSetup) -> None:
    words = [
        AccessRule(RuleTarget.WORD, f"word{number}", Effect.DENY, set_by=ADMIN) for number in range(MAX_RULES)
    ]
    assert await AccessRuleStore(database).set(1, words, interaction_id=9)
    assert await setup.apply(1, ALL, set_by=ADMIN, interaction_id=1) is None
    assert (await setup.current(1)).limit == DEFAULT
    assert await GuildSettingsStore(database).get(1, GuildSetting.TIMEZONE) is None


async def test_half_of_a_limit_is_changed_in_what_counts_by_then(
    database: Database, setup: GuildSetup
) -> None:
    await CreditAdmin(database, DEFAULT, default_catalog()).set_limit(1, Limit(60, Period.DAY), set_by=OTHER)
    await setup.apply(1, SetupChanges(period=Period.WEEK), set_by=ADMIN, interaction_id=1)
    await setup.apply(1, SetupChanges(credits=70), set_by=ADMIN, interaction_id=2)
    limit = (await setup.current(1)).limit
    assert (limit.credits, limit.period) == (70, Period.WEEK)


async def test_a_removed_limit_is_the_default_and_without_one_nothing_happens(
    database: Database, setup: GuildSetup
) -> None:
    removal = SetupChanges(removes_limit=True)
    outcome = await setup.apply(1, removal, set_by=ADMIN, interaction_id=1)
    assert outcome is not None
    assert outcome.limit is None
    assert await entries(database) == 0
    await setup.apply(1, SetupChanges(credits=5), set_by=ADMIN, interaction_id=2)
    outcome = await setup.apply(1, removal, set_by=ADMIN, interaction_id=3)
    assert outcome is not None
    assert outcome.limit is not None
    assert outcome.limit.after == DEFAULT


async def test_a_denied_role_that_is_chosen_may_paint(database: Database, setup: GuildSetup) -> None:
    rules = AccessRuleStore(database)
    await rules.set(1, [AccessRule(RuleTarget.ROLE, "3", Effect.DENY, set_by=OTHER)], interaction_id=1)
    await setup.apply(1, SetupChanges(allowed=frozenset({3})), set_by=ADMIN, interaction_id=2)
    assert [rule.effect for rule in (await rules.policy(1)).rules] == [Effect.ALLOW]
    # A form that was opened before cannot remove what is no permission.
    await rules.set(1, [AccessRule(RuleTarget.ROLE, "3", Effect.DENY, set_by=OTHER)], interaction_id=3)
    changes = SetupChanges(no_longer_allowed=frozenset({3}))
    await setup.apply(1, changes, set_by=ADMIN, interaction_id=4)
    assert [rule.effect for rule in (await rules.policy(1)).rules] == [Effect.DENY]


async def test_forms_that_are_sent_at_once_each_change_what_they_say(setup: GuildSetup) -> None:
    await asyncio.gather(
        *(
            setup.apply(1, SetupChanges(allowed=frozenset({role})), set_by=ADMIN, interaction_id=role)
            for role in range(10, 20)
        ),
        setup.apply(1, SetupChanges(credits=5), set_by=OTHER, interaction_id=1),
        setup.apply(1, SetupChanges(period=Period.DAY), set_by=OTHER, interaction_id=2),
    )
    current = await setup.current(1)
    assert current.role_ids == tuple(range(10, 20))
    assert (current.limit.credits, current.limit.period) == (5, Period.DAY)


@pytest.mark.parametrize("credits", [-1, MAX_CREDITS + 1])
async def test_impossible_credits_are_a_bug_and_change_nothing(setup: GuildSetup, credits: int) -> None:
    changes = SetupChanges(credits=credits, allowed=frozenset({7}))
    with pytest.raises(ValueError, match="a limit of"):
        await setup.apply(1, changes, set_by=ADMIN, interaction_id=1)
    assert (await setup.current(1)).role_ids == ()
