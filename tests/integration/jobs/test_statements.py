"""How many statements an accepted request and a settled job take, however rich their guild is."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.credits.admin import CreditAdmin
from bot.credits.grants import WHOLE_GUILD
from bot.credits.guild_ceilings import apply_default_ceiling
from bot.domain.access import AccessRule, Effect, RuleTarget
from bot.domain.admission import AdmissionPolicy
from bot.domain.errors import ContractViolation
from bot.domain.jobs import Failure, FailureCause, Job, Preset, RequestContext, RequestOptions
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.guilds.access_rules import AccessRuleStore
from bot.guilds.admission import AdmissionStore
from bot.guilds.presets import PresetStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.requests.member_defaults import MemberDefaults, MemberDefaultsStore
from bot.jobs.requests.submission import Accepted
from bot.jobs.store import JobStore
from bot.storage import database as database_module
from bot.storage.database import Database
from bot.storage.read_cache import CachingConnection
from tests.support.factories import accept, make_job, make_request
from tests.support.sql import rows as rows_of
from tests.support.sql import traced

ADMIN = 99
ROLES = tuple(range(1000, 1060))
ACCEPT, SETTLE = 9, 4
"""Of a guild and its member that have set nothing."""


def counted(statements: list[str]) -> list[str]:
    """Leave out BEGIN, COMMIT and pragmas, and comments, by which SQLite reports triggers."""
    return [each for each in statements if each.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}]


@pytest.fixture(autouse=True)
async def started(database: Database) -> None:
    """Store what the bot stores at its start."""
    await apply_default_ceiling(database, Limit(10**6, Period.MONTH), Limit(200, Period.MONTH), 0)
    await AdmissionStore(database).set_policy(AdmissionPolicy())


async def submit(
    store: JobStore, user_id: int = 7, preset: str | None = None, draft_id: int | None = None
) -> Job:
    """Submit a request as `/imagine` does."""
    job, request = make_job(), make_request(user_id=user_id)
    options = RequestOptions(request.destination, "a red fox", request.model, preset=preset)
    context = RequestContext(role_ids=ROLES, channel_ids=(20, 21))
    result = await store.submit(
        *(options, context),
        job_id=job.job_id,
        catalog=default_catalog(),
        at=job.accepted_at,
        draft_id=draft_id,
    )
    assert isinstance(result, Accepted)
    return result.job


async def forget(database: Database) -> None:
    """Let the next transaction read everything anew, as the first one after a start."""
    await database.run(lambda tx: tx.values.clear())  # type: ignore[attr-defined]  # a CachingConnection


async def make_rich(database: Database, credit_admin: CreditAdmin, rows: int) -> None:
    """Let an admin and the operator set whatever can be set, in `rows` rows each."""
    interactions = iter(range(1, 10**6))
    access_rules, settings, presets = (
        AccessRuleStore(database),
        GuildSettingsStore(database),
        PresetStore(database),
    )
    for number in range(rows):
        for scope, subject in (
            (LimitScope.GUILD, 0),
            (LimitScope.EVERYONE, 0),
            (LimitScope.MEMBER, 7 + number),
            (LimitScope.ROLE, ROLES[number % len(ROLES)]),
            (LimitScope.ROLE, 5000 + number),
        ):
            limit = Limit(100 + number, list(Period)[number % 4], scope=scope, subject_id=subject)
            await credit_admin.set_limit(1, limit, set_by=ADMIN)
        for scope, guild_id in (
            (LimitScope.CEILING, 0),
            (LimitScope.CEILING_ALL, 0),
            (LimitScope.CEILING, 1),
        ):
            await credit_admin.set_limit(guild_id, Limit(900, Period.WEEK, scope=scope), set_by=ADMIN)
        await credit_admin.grant(1, WHOLE_GUILD, credits=1, reason="", granted_by=ADMIN)
        rules = [
            AccessRule(RuleTarget.WORD, f"word{number}", Effect.DENY),
            AccessRule(RuleTarget.ROLE, str(ROLES[number % len(ROLES)]), Effect.ALLOW),
            AccessRule(RuleTarget.SPOILER_CHANNEL, str(number), Effect.ALLOW),
        ]
        assert await access_rules.set(1, rules, interaction_id=next(interactions))
        for name, value in (
            (GuildSetting.TIMEZONE, "Asia/Jakarta"),
            (GuildSetting.ALERT_CHANNEL, "20"),
            (GuildSetting.COOLDOWN_SECONDS, "0"),
            (GuildSetting.RUNNING_LIMIT, "1000"),
            (GuildSetting.CONFIRM_ABOVE, "100"),
        ):
            await settings.change(1, name, value, set_by=ADMIN, interaction_id=next(interactions))
        interaction = next(interactions)
        await presets.save(
            1, Preset(f"Oil {number}", "oil of", ""), None, set_by=ADMIN, interaction_id=interaction
        )
        await presets.record_known_words(interaction, ["oil"])
    await MemberDefaultsStore(database).set(7, MemberDefaults(size="square", private=True))


async def test_an_accept_and_a_settle_of_a_plain_guild(store: JobStore, database: Database) -> None:
    await forget(database)
    async with traced(database) as cold:
        await submit(store)
    assert 1 <= len(counted(cold)) <= ACCEPT
    async with traced(database) as warm:
        job = await submit(store)
    assert [each.split()[:3] for each in counted(warm)] == [
        ["INSERT", "INTO", "jobs"],
        ["SELECT", "(SELECT", "sum(guild_credits)"],
        ["INSERT", "INTO", "reservations"],
        ["INSERT", "INTO", "tallies"],
    ]
    await store.created(job.job_id, "task_1", 4)
    async with traced(database) as settled:
        await store.succeeded(job.job_id, None, 4)
    assert [each.split()[:2] for each in counted(settled)] == [
        ["UPDATE", "reservations"],
        ["UPDATE", "jobs"],
        ["SELECT", "*,"],
    ]


@pytest.mark.parametrize(("final", "more"), [(None, 0), (4, 0), (2, 2), (9, 5)])
async def test_a_settle_at_another_price_adds_few_statements(
    store: JobStore, database: Database, final: int | None, more: int
) -> None:
    job = await submit(store)
    await store.created(job.job_id, "task_1", 4)
    async with traced(database) as settled:
        await store.succeeded(job.job_id, None, final)
    # Another price is also read, and changes the running totals; a higher one is compared with the limits.
    assert 1 <= len(counted(settled)) <= SETTLE + more


@pytest.mark.parametrize("rows", [1, 30])
async def test_what_is_set_in_a_guild_adds_a_bounded_number(
    store: JobStore, database: Database, credit_admin: CreditAdmin, rows: int
) -> None:
    await make_rich(database, credit_admin, rows)
    for spent in range(18):  # until alerts are raised
        await submit(store, user_id=100 + spent)
    assert await rows_of(database, "SELECT max(percent) FROM alerts") == [(50,)]
    draft_id = await DraftStore(database, default_catalog()).save(make_request())
    await forget(database)
    async with traced(database) as cold:
        await submit(store, preset="Oil 0", draft_id=draft_id)
    draft_id = await DraftStore(database, default_catalog()).save(make_request())
    async with traced(database) as warm:
        job = await submit(store, preset="Oil 0", draft_id=draft_id)
    # The preset, its known words, the member's other jobs, the draft, and two about alerts.
    assert len(counted(cold)) <= ACCEPT + 6
    assert len(counted(warm)) <= ACCEPT
    await store.created(job.job_id, "task_1", 4)
    async with traced(database) as settled:
        await store.succeeded(job.job_id, None, 4)
    assert len(counted(settled)) <= SETTLE


async def test_a_settle_with_the_job_at_hand_reads_nothing_and_returns_the_same(
    store: JobStore, database: Database
) -> None:
    job = make_job()
    await accept(store, job)
    created = await store.created(job.job_id, "task_1", 4)
    late = await store.late(created.job_id, "running")
    async with traced(database) as statements:
        settled = await store.succeeded(job.job_id, "https://example.org/p.png", 4, known=late)
    assert [each.split()[:2] for each in counted(statements)] == [
        ["UPDATE", "reservations"],
        ["UPDATE", "jobs"],
    ]
    assert settled == await store.find(job.job_id)


async def test_a_job_that_is_not_as_it_is_known_is_not_settled(store: JobStore, database: Database) -> None:
    job = make_job()
    await accept(store, job)
    created = await store.created(job.job_id, "task_1", 4)
    await store.failed(job.job_id, Failure(FailureCause.RIVYA, "no"))
    with pytest.raises(ContractViolation):
        await store.succeeded(job.job_id, None, 4, known=created)
    assert await rows_of(database, "SELECT state FROM reservations") == [("released",)]


async def test_few_indexes_change_with_a_settled_job(store: JobStore, database: Database) -> None:
    """Each costs a page in the write-ahead log."""
    job = make_job()
    await accept(store, job)
    await store.created(job.job_id, "task_1", 4)
    async with traced(database) as statements:
        await store.succeeded(job.job_id, None, 4)

    def written(tx: sqlite3.Connection) -> set[str]:
        names = {
            row["rootpage"]: row["name"] for row in tx.execute("SELECT name, rootpage FROM sqlite_schema")
        }
        return {
            names[row["p2"]]
            for statement in counted(statements)
            for row in tx.execute(f"EXPLAIN {statement}")
            if row["opcode"] == "OpenWrite"
        }

    changed = await database.run(written)
    # A partial index is opened also where no entry of it changes, that of the key to find the row.
    assert {name for name in changed if not name.startswith("sqlite_autoindex")} == {
        "jobs",
        "jobs_late",
        "jobs_without_picture",
        "reservations",
        "reservations_by_guild",
        "reservations_held",
    }


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT job_id FROM jobs WHERE finished_at < 5 AND prompt <> '' ORDER BY finished_at", "with_words"),
        ("SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY accepted_at, job_id", "unfinished"),
        ("SELECT stage, count(*) FROM jobs WHERE finished_at IS NULL GROUP BY stage", "unfinished"),
    ],
)
async def test_unfinished_and_expired_jobs_are_found_by_an_index(
    database: Database, statement: str, index: str
) -> None:
    plan = [row[3] for row in await rows_of(database, f"EXPLAIN QUERY PLAN {statement}")]
    assert any(f"INDEX jobs_{index}" in step for step in plan), plan


async def test_each_statement_is_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their texts depend on how many limits there are for a member, but on no id and no number."""
    texts: set[str] = set()

    class RecordingConnection(CachingConnection):
        def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
            texts.add(statement)
            return super().execute(statement, values)

    monkeypatch.setattr(database_module, "CachingConnection", RecordingConnection)
    opened = await Database.open(tmp_path / "bot.sqlite3")
    try:
        await make_rich(opened, CreditAdmin(opened, Limit(200, Period.MONTH), default_catalog()), 3)
        store = JobStore(opened, Limit(200, Period.MONTH))

        async def run_jobs(first: int) -> None:
            for user_id in range(first, first + 5):
                roles = ROLES[: user_id % 7]
                job = make_job(make_request(user_id=user_id))
                assert await accept(store, job, RequestContext(role_ids=(*roles, ROLES[0])))
                await store.created(job.job_id, f"task_{user_id}", 4)
                await store.succeeded(job.job_id, None, user_id % 3 + 3)

        await run_jobs(100)
        seen = set(texts)
        await run_jobs(240)
        assert texts == seen
        assert len(texts) < database_module.STATEMENTS
    finally:
        await opened.close()
