"""What is stored about a member, its export, and that an erasure really removes it from the disk."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.credits import grants, limits
from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger
from bot.domain.access import AccessRule as Block
from bot.domain.access import Effect, RuleTarget
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.errors import LimitExceeded
from bot.domain.image_models import MODELS, Parameter
from bot.domain.jobs import (
    DeliveredMessage,
    DeliveryMethod,
    Failure,
    FailureCause,
    Job,
    Picture,
    Preset,
    Reference,
    UploadedReference,
)
from bot.domain.limits import Limit, LimitScope
from bot.domain.model_catalog import ModelCatalog, default_catalog
from bot.domain.periods import Period
from bot.domain.pictures import PostedPicture
from bot.guilds.access_rules import AccessRuleStore
from bot.guilds.presets import PresetStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.history import HistoryStore
from bot.jobs.picture_retention import PictureRetention
from bot.jobs.requests.drafts import DraftStore
from bot.jobs.requests.member_defaults import MemberDefaults, MemberDefaultsStore
from bot.jobs.store import JobStore
from bot.privacy.anonymization import counted_until, expire
from bot.privacy.data_export import MemberData
from bot.privacy.erasure import ErasureRequests
from bot.privacy.guild_departures import GuildDepartures
from bot.storage.database import Database
from bot.storage.picture_store import PictureStore, picture_folder
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.sql import rows

MEMBER = 1_234_567_890_123_456_789
OTHER = 1_134_567_890_123_456_789
ADMIN = 1_034_567_890_123_456_789
SECRET = "a-walrus-nobody-else-asks-for"
SHA256 = hashlib.sha256(SECRET.encode() * 50).hexdigest()
PICTURE = Picture(SECRET.encode() * 50, "png", 1, 1)
REFERENCE = Reference(f"https://cdn/{SECRET}", f"{SECRET}.png", "image/png", 5)


@pytest.fixture
def erasures(database: Database) -> ErasureRequests:
    return ErasureRequests(database)


@pytest.fixture
def member_data(database: Database) -> MemberData:
    return MemberData(database)


@pytest.fixture
def guilds(database: Database) -> GuildSettingsStore:
    return GuildSettingsStore(database)


async def add_created_job(
    store: JobStore, *, user_id: int = MEMBER, guild_id: int = 1, at: int | None = None
) -> Job:
    """Create a job up to its task at Rivya."""
    request = make_request(guild_id=guild_id, user_id=user_id, prompt=SECRET, reference=REFERENCE)
    job = make_job(request, accepted_at=at)
    assert await accept(store, job, NO_CONTEXT)
    await store.acknowledged(job.job_id, 77)
    await store.uploaded(
        job.job_id, 1, UploadedReference(f"https://rivya/{SECRET}", "image/png", SECRET, 1.5, SECRET), SHA256
    )
    await store.creating(job.job_id, f'{{"prompt": "{SECRET}"}}')
    return await store.created(job.job_id, f"task-{job.job_id}", 4)


async def add_finished_job(store: JobStore, *, keep: bool = False, **owner: Any) -> Job:
    """Create a finished job, delivered or, with `keep`, undeliverable and stored."""
    job = await add_created_job(store, **owner)
    more_urls = [f"https://rivya/{SECRET}-2"]
    await store.succeeded(job.job_id, f"https://rivya/{SECRET}", 4, more_urls=more_urls)
    if keep:
        for number in (1, 2):
            await store.record_kept_picture(job.job_id, PICTURE, SHA256, number=number)
        return await store.undeliverable(job.job_id, pictures=2)
    more = (PostedPicture(f"https://cdn/{SECRET}-2"),)
    message = DeliveredMessage(20, 78, DeliveryMethod.REPLY, more=more)
    return await store.delivered(job.job_id, message, pictures=2)


async def add_failed_job(store: JobStore, *, in_doubt: bool = False, **owner: Any) -> Job:
    job = await add_created_job(store, **owner)
    await store.failed(job.job_id, Failure(FailureCause.RIVYA, "refused", SECRET, in_doubt=in_doubt))
    return await store.failure_notified(job.job_id)


async def dump_tables(database: Database) -> str:
    """Return all rows of all tables as text."""
    tables = await rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return "\n".join([str(await rows(database, f"SELECT * FROM {name}")) for (name,) in tables])


async def read_files(database: Database, path: Path) -> bytes:
    """Return the bytes of the database file and its write-ahead log, free pages included."""
    assert await database.checkpoint()
    return path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()


async def read_ledger(database: Database) -> list[tuple[Any, ...]]:
    """Return what must never change: amounts, their sums, and the stages of jobs."""
    return [
        *await rows(
            database,
            "SELECT job_id, guild_id, state, reserved_credits, final_credits, counted_credits, guild_credits,"
            " member_credits, created_at, closed_at FROM reservations ORDER BY job_id",
        ),
        *await rows(database, "SELECT * FROM tallies ORDER BY 1, 2, 3"),
        *await rows(database, "SELECT job_id, stage, task_id, quote_credits FROM jobs ORDER BY job_id"),
    ]


async def test_an_erasure_leaves_no_text_on_the_disk(
    database: Database,
    database_path: Path,
    store: JobStore,
    credit_admin: CreditAdmin,
    erasures: ErasureRequests,
) -> None:
    done = await add_finished_job(store)
    await add_finished_job(store, keep=True)
    await add_failed_job(store)
    await add_failed_job(store, in_doubt=True)
    for number in range(40):  # enough for database pages to split and to be freed
        await add_finished_job(store, guild_id=number % 3 + 1)
    await credit_admin.refund(1, done.job_id, reason=f"for {SECRET}", refunded_by=ADMIN)
    await DraftStore(database, default_catalog()).save(
        make_request(user_id=MEMBER, prompt=SECRET, reference=REFERENCE)
    )
    before = await read_ledger(database)
    assert SECRET.encode() in await read_files(database, database_path)

    assert await erasures.erase(MEMBER) == 44

    assert SECRET not in await dump_tables(database)
    assert SECRET.encode() not in await read_files(database, database_path)
    assert await rows(database, "SELECT DISTINCT user_id, message_id, landed_message_id FROM jobs") == [
        (0, None, None)
    ]
    assert await read_ledger(database) == before


async def test_the_member_id_leaves_the_disk_once_no_limit_counts_the_amounts(
    database: Database,
    database_path: Path,
    store: JobStore,
    credit_admin: CreditAdmin,
    erasures: ErasureRequests,
    member_data: MemberData,
) -> None:
    done = await add_finished_job(store)
    await credit_admin.refund(1, done.job_id, reason="", refunded_by=ADMIN)
    await add_failed_job(store, in_doubt=True)
    await add_finished_job(store, user_id=OTHER)
    before = await read_ledger(database)
    await erasures.erase(MEMBER)
    expiry = (await member_data.summarize(MEMBER)).amounts_until
    assert expiry is not None
    name = MEMBER.to_bytes(8, "big")

    await erasures.process_due(expiry - 1)
    assert name in await read_files(database, database_path)
    assert await erasures.process_due(expiry) == 2

    assert name not in await read_files(database, database_path)
    assert OTHER.to_bytes(8, "big") in await read_files(database, database_path)
    assert await rows(database, "SELECT * FROM erasures") == []
    assert await read_ledger(database) == before


async def test_an_erasure_does_not_reset_a_limit(
    store: JobStore, credit_admin: CreditAdmin, ledger: Ledger, erasures: ErasureRequests
) -> None:
    await credit_admin.set_limit(1, Limit(4, Period.MONTH, scope=LimitScope.EVERYONE), set_by=ADMIN)
    await add_finished_job(store)
    await erasures.erase(MEMBER)
    with pytest.raises(LimitExceeded):
        await accept(store, make_job(make_request(user_id=MEMBER)), NO_CONTEXT)
    member_limits = await ledger.member_limits(1, MEMBER, ())
    assert member_limits.personal is not None
    assert member_limits.personal.used_credits == 4


async def test_a_limit_that_never_resets_keeps_the_member_id_on_its_amounts(
    store: JobStore,
    credit_admin: CreditAdmin,
    erasures: ErasureRequests,
    member_data: MemberData,
    database: Database,
) -> None:
    await credit_admin.set_limit(1, Limit(4, Period.TOTAL, scope=LimitScope.EVERYONE), set_by=ADMIN)
    await add_finished_job(store, at=now_ms() - 400 * DAY_MS)
    await add_finished_job(store, guild_id=2, at=now_ms() - 400 * DAY_MS)
    await erasures.erase(MEMBER)
    left = await member_data.summarize(MEMBER)
    assert (left.amounts, left.amounts_until, left.amounts_permanent) == (1, None, 1)
    with pytest.raises(LimitExceeded):
        await accept(store, make_job(make_request(user_id=MEMBER)), NO_CONTEXT)

    await credit_admin.remove_limit(1, LimitScope.EVERYONE, set_by=ADMIN)
    await erasures.process_due(now_ms())
    assert (await member_data.summarize(MEMBER)).amounts == 0
    assert await rows(database, "SELECT * FROM erasures") == []


@pytest.mark.parametrize(
    ("zone", "created", "until"),
    [
        (None, "2026-03-10T12:00", "2026-04-01T00:00+00:00"),
        ("Europe/Berlin", "2026-03-10T12:00", "2026-04-01T00:00+02:00"),  # clocks go forward meanwhile
        # Clocks go forward at midnight of the 6th.
        (
            "America/Santiago",
            "2026-09-05T12:00",
            "2026-10-01T00:00-03:00",
        ),
        ("Pacific/Auckland", "2026-03-31T11:30", "2026-05-01T00:00+12:00"),  # already April there
        ("Asia/Tehran", "2026-08-31T12:00", "2026-09-07T00:00+03:30"),  # a Monday: the week ends last
    ],
)
async def test_amounts_are_counted_until_month_and_week_end_in_the_guilds_time_zone(
    database: Database, guilds: GuildSettingsStore, zone: str | None, created: str, until: str
) -> None:
    await guilds.change(1, GuildSetting.TIMEZONE, zone, set_by=ADMIN)
    at = int(datetime.fromisoformat(created).replace(tzinfo=UTC).timestamp() * 1000)
    counted = await database.run(lambda tx: counted_until(tx, 1, at))
    assert counted == int(datetime.fromisoformat(until).timestamp() * 1000)


async def test_the_member_id_is_removed_at_midnight_in_the_guilds_time_zone(
    store: JobStore, guilds: GuildSettingsStore, erasures: ErasureRequests, member_data: MemberData
) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    await guilds.change(1, GuildSetting.TIMEZONE, zone.key, set_by=ADMIN)
    # The last quarter of an hour of a month that ends with a week, in this time zone and not in UTC.
    last = datetime(2026, 5, 31, 23, 45, tzinfo=zone)
    await add_finished_job(store, at=int(last.timestamp() * 1000))
    midnight = int(datetime(2026, 6, 1, tzinfo=zone).timestamp() * 1000)
    await erasures._database.run(
        lambda tx: tx.execute("INSERT INTO erasures VALUES (?, ?)", (MEMBER, midnight - 1)).rowcount
    )
    assert await erasures.process_due(midnight - 1) == 1  # the prompt alone
    assert (await member_data.summarize(MEMBER)).amounts == 1
    assert await erasures.process_due(midnight) == 1
    assert (await member_data.summarize(MEMBER)).amounts == 0


async def test_a_job_in_progress_is_erased_after_its_end(
    database: Database, store: JobStore, erasures: ErasureRequests, member_data: MemberData
) -> None:
    job = await add_created_job(store)
    assert await erasures.erase(MEMBER) == 0
    left = await member_data.summarize(MEMBER)
    assert (left.unfinished, left.prompts) == (1, 1)
    found = await store.find(job.job_id)
    assert found is not None
    assert found.request.prompt == SECRET

    await store.succeeded(job.job_id, f"https://rivya/{SECRET}", 4)
    assert await erasures.process_due(now_ms()) == 0
    await store.delivered(job.job_id, DeliveredMessage(20, 78, DeliveryMethod.REPLY))
    assert await erasures.process_due(now_ms()) == 1
    assert SECRET not in await dump_tables(database)


async def test_an_erasure_covers_only_earlier_requests(
    store: JobStore, erasures: ErasureRequests, member_data: MemberData
) -> None:
    await add_finished_job(store)
    await erasures.erase(MEMBER)
    await add_finished_job(store, at=now_ms() + 1)
    await erasures.process_due(now_ms() + 2)
    left = await member_data.summarize(MEMBER)
    assert (left.requests, left.prompts) == (1, 1)
    await erasures.process_due(now_ms() + 70 * DAY_MS)
    left = await member_data.summarize(MEMBER)
    assert (left.requests, left.amounts, left.asked_at) == (1, 1, None)


async def test_other_members_keep_their_data(
    store: JobStore, erasures: ErasureRequests, member_data: MemberData
) -> None:
    await add_finished_job(store, user_id=OTHER, keep=True)
    before = await member_data.export(OTHER)
    await add_finished_job(store)
    await erasures.erase(MEMBER)
    after = await member_data.export(OTHER)
    assert after.requests == before.requests
    assert after.requests[0]["picture_kept"] == 1


@pytest.mark.units_run_once
async def test_a_member_with_very_many_requests_is_erased_in_bounded_units(
    database: Database,
    store: JobStore,
    erasures: ErasureRequests,
    member_data: MemberData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("erasure", "anonymization"):
        monkeypatch.setattr(f"bot.privacy.{module}.BATCH", 5)
    for number in range(12):
        await add_finished_job(store, guild_id=number % 2 + 1, at=now_ms() - 100 * DAY_MS)
    changed: list[int] = []
    run = database.run

    async def counting(unit: Any) -> Any:
        def counted(tx: Any) -> Any:
            before = tx.total_changes
            result = unit(tx)
            changed.append(tx.total_changes - before)
            return result

        return await run(counted)

    monkeypatch.setattr(database, "run", counting)
    assert await erasures.erase(MEMBER) == 12
    # The request, and for each job four rows: its texts, its members, a picture, a note.
    assert max(changed) <= 1 + 5 * 4
    assert (await member_data.summarize(MEMBER)).amounts == 0


async def test_limits_and_grants_keep_the_member_id_until_they_end(
    database: Database,
    store: JobStore,
    credit_admin: CreditAdmin,
    erasures: ErasureRequests,
    member_data: MemberData,
) -> None:
    member = Limit(8, Period.MONTH, scope=LimitScope.MEMBER, subject_id=MEMBER, reason=SECRET)
    await credit_admin.set_limit(1, member, set_by=ADMIN)
    grant = await credit_admin.grant(1, MEMBER, credits=6, reason=SECRET, granted_by=ADMIN)
    assert grant is not None
    await erasures.erase(MEMBER)
    assert (await member_data.summarize(MEMBER)).about == 2
    member_limits = await Ledger(database, Limit(200, Period.MONTH)).member_limits(1, MEMBER, ())
    assert member_limits.personal is not None
    assert member_limits.personal.left_credits == 14

    await credit_admin.remove_limit(1, LimitScope.MEMBER, MEMBER, set_by=ADMIN)
    await credit_admin.revoke(1, grant.grant_id, revoked_by=ADMIN)
    await erasures.process_due(now_ms())
    assert (await member_data.summarize(MEMBER)).about == 0
    assert SECRET not in await dump_tables(database)
    assert await rows(database, "SELECT * FROM erasures") == []
    # The rows stay, without the member's id, and no longer apply.
    assert len(await rows(database, "SELECT 1 FROM limits WHERE rule = 'member' AND subject_id < 0")) == 2
    assert (await credit_admin.active(1)).limits == ()
    assert await rows(database, "SELECT credits FROM grants WHERE user_id < 0") == [(6,)]


async def test_a_refund_after_an_erasure_still_refills_a_used_grant(
    database: Database, store: JobStore, credit_admin: CreditAdmin, erasures: ErasureRequests
) -> None:
    await credit_admin.set_limit(1, Limit(0, Period.MONTH, scope=LimitScope.EVERYONE), set_by=ADMIN)
    await credit_admin.grant(1, MEMBER, credits=4, reason="", granted_by=ADMIN)
    job = await add_finished_job(store)
    await erasures.erase(MEMBER)
    await credit_admin.refund(1, job.job_id, reason=SECRET, refunded_by=ADMIN)
    assert await rows(database, "SELECT left_credits FROM grants WHERE revoked_at IS NULL") == [(4,)]
    await erasures.process_due(now_ms())
    assert await rows(database, "SELECT user_id, reason, credits FROM refunds") == [(0, "", 4)]


async def test_expired_prompts_are_deleted_and_member_ids_stay(
    database: Database, database_path: Path, store: JobStore
) -> None:
    old, new, unfinished_job = (
        await add_finished_job(store, keep=True),
        await add_finished_job(store),
        await add_created_job(store),
    )
    before = await read_ledger(database)
    for job in (old, unfinished_job):
        await rows(database, "UPDATE jobs SET accepted_at = 5 WHERE job_id = ?", job.job_id)
    await rows(database, "UPDATE jobs SET finished_at = 6 WHERE job_id = ?", old.job_id)
    a_day_ago = now_ms() - DAY_MS
    assert await database.run(lambda tx: expire(tx, a_day_ago)) == 1
    assert await database.run(lambda tx: expire(tx, a_day_ago)) == 0
    prompts = await rows(database, "SELECT job_id, prompt, user_id FROM jobs")
    assert sorted(prompts) == sorted(
        [
            (old.job_id, "", MEMBER),
            (new.job_id, SECRET, MEMBER),
            (unfinished_job.job_id, SECRET, MEMBER),
        ]
    )
    assert await rows(database, "SELECT * FROM kept_pictures") == []
    assert await rows(database, "SELECT * FROM more_pictures WHERE sha256 IS NOT NULL") == []
    assert await read_ledger(database) == before


async def test_an_export_has_everything_over_all_servers(
    database: Database,
    store: JobStore,
    credit_admin: CreditAdmin,
    member_data: MemberData,
    erasures: ErasureRequests,
) -> None:
    first = await add_finished_job(store, at=now_ms() - 2000)
    second = await add_failed_job(store, guild_id=2, at=now_ms() - 1000)
    await add_finished_job(store, user_id=OTHER)
    await credit_admin.refund(1, first.job_id, reason="it was blue", refunded_by=ADMIN)
    await credit_admin.set_limit(
        1, Limit(8, Period.MONTH, scope=LimitScope.MEMBER, subject_id=MEMBER, reason="calm"), set_by=MEMBER
    )
    await credit_admin.grant(2, MEMBER, credits=6, reason="thanks", granted_by=ADMIN)
    await DraftStore(database, default_catalog()).save(make_request(user_id=MEMBER, prompt="a question"))
    export = await member_data.export(MEMBER)
    assert [request["job_id"] for request in export.requests] == [second.job_id, first.job_id]
    newest, oldest = export.requests
    assert (newest["guild_id"], newest["failure_message"], newest["state"]) == (2, SECRET, "released")
    assert (oldest["prompt"], oldest["landed_message_id"]) == (SECRET, 78)
    assert [each["filename"] for each in oldest["references"]] == [f"{SECRET}.png"]  # type: ignore[attr-defined]
    assert (oldest["final_credits"], oldest["refund_reason"]) == (4, "it was blue")
    assert [draft["prompt"] for draft in export.drafts] == ["a question"]
    assert [(limit["reason"], limit["credits"]) for limit in export.limits] == [("calm", 8)]
    assert [(grant["reason"], grant["left_credits"]) for grant in export.grants] == [("thanks", 6)]
    assert [decision["kind"] for decision in export.decisions] == ["limit"]

    await erasures.erase(MEMBER)
    export = await member_data.export(MEMBER)
    assert (export.requests, export.drafts) == ((), ())
    assert {amount["job_id"] for amount in export.amounts} == {first.job_id, second.job_id}
    assert set(export.amounts[0]) == {"job_id", "guild_id", "created_at", "state", "counted_credits"}
    assert export.erasure_asked_at is not None


async def test_an_unknown_member_has_no_data(member_data: MemberData) -> None:
    assert (await member_data.summarize(MEMBER)).requests == 0
    assert (await member_data.export(MEMBER)).requests == ()


async def test_the_data_of_a_left_guild_is_erased_and_its_settings_are_reset(
    database: Database,
    database_path: Path,
    store: JobStore,
    credit_admin: CreditAdmin,
    guilds: GuildSettingsStore,
) -> None:
    await guilds.change(1, GuildSetting.TIMEZONE, "Asia/Jakarta", set_by=ADMIN)
    await credit_admin.set_limit(1, Limit(100, Period.TOTAL, reason=SECRET), set_by=ADMIN)
    await credit_admin.set_limit(
        1, Limit(9, Period.DAY, scope=LimitScope.MEMBER, subject_id=MEMBER), set_by=ADMIN
    )
    await credit_admin.set_limit(
        1, Limit(50, Period.DAY, scope=LimitScope.CEILING, reason="mine"), set_by=ADMIN
    )
    await credit_admin.grant(1, MEMBER, credits=6, reason=SECRET, granted_by=ADMIN)
    await credit_admin.grant(1, grants.WHOLE_GUILD, credits=7, reason=SECRET, granted_by=ADMIN)
    done = await add_finished_job(store)
    await add_finished_job(store, user_id=OTHER, keep=True)
    await add_finished_job(store, user_id=OTHER, guild_id=2)
    await credit_admin.refund(1, done.job_id, reason=SECRET, refunded_by=ADMIN)
    before = await read_ledger(database)
    departures = GuildDepartures(database, grace_days=30)
    await departures.left(1)
    assert await departures.process_due(now_ms() + 29 * DAY_MS) == 0
    assert await read_ledger(database) == before
    assert (await credit_admin.active(1)).guild.credits == 100

    assert await departures.process_due(now_ms() + 30 * DAY_MS) == 4  # two requests, two amounts

    names = "SELECT 1 FROM {} WHERE guild_id = 1 AND user_id > 0"
    for table in ("jobs", "reservations", "grants", "refunds"):
        assert await rows(database, names.format(table)) == []
    assert SECRET in await dump_tables(database)  # guild 2 has it
    assert SECRET not in str(await rows(database, "SELECT * FROM jobs WHERE guild_id = 1"))
    assert SECRET not in str(
        [*await rows(database, "SELECT * FROM limits"), *await rows(database, "SELECT * FROM grants")]
    )
    assert await guilds.get(1, GuildSetting.TIMEZONE) is None
    active = await credit_admin.active(1)
    assert (active.guild.credits, active.limits, active.grants) == (200, (), ())
    ceiling = await database.run(lambda tx: limits.current(tx, 1, LimitScope.CEILING))
    assert ceiling is not None
    assert (ceiling.credits, ceiling.reason, ceiling.set_by) == (50, "mine", ADMIN)
    assert await rows(database, "SELECT * FROM departures") == []
    assert await read_ledger(database) == before


async def test_a_guild_that_is_joined_again_in_time_keeps_its_data(
    database: Database, store: JobStore, member_data: MemberData
) -> None:
    await add_finished_job(store)
    departures = GuildDepartures(database, grace_days=30)
    await departures.left(1)
    await departures.joined(1)
    assert await departures.process_due(now_ms() + 60 * DAY_MS) == 0
    assert (await member_data.summarize(MEMBER)).prompts == 1


async def test_departures_and_returns_while_the_bot_was_down_are_found(
    database: Database, store: JobStore, credit_admin: CreditAdmin
) -> None:
    await add_finished_job(store)
    await add_finished_job(store, guild_id=2)
    await credit_admin.set_limit(3, Limit(9, Period.DAY), set_by=ADMIN)
    departures = GuildDepartures(database, grace_days=30)
    await departures.present([2])
    left = "SELECT guild_id FROM departures ORDER BY 1"
    assert await rows(database, left) == [(1,), (3,)]
    await departures.present([1, 2, 4])
    assert await rows(database, left) == [(3,)]
    await departures.process_due(now_ms() + 31 * DAY_MS)
    await departures.present([1, 2, 4])
    assert await rows(database, left) == []  # nothing is left of guild 3


async def test_a_job_under_way_keeps_a_departure_open(database: Database, store: JobStore) -> None:
    job = await add_created_job(store)
    departures = GuildDepartures(database, grace_days=0)
    await departures.left(1)
    assert await departures.process_due(now_ms()) == 0
    assert await rows(database, "SELECT guild_id FROM departures") == [(1,)]
    await store.succeeded(job.job_id, None, 4)
    await store.record_kept_picture(job.job_id, PICTURE, SHA256)
    await store.undeliverable(job.job_id)
    assert await departures.process_due(now_ms()) == 2
    assert await rows(database, "SELECT guild_id FROM departures") == []
    assert SECRET not in await dump_tables(database)


# Presets, drafts, defaults, stored pictures and blocks.


def block(*, until: int | None = None) -> Block:
    return Block(RuleTarget.MEMBER, str(MEMBER), Effect.DENY, reason=SECRET, expires_at=until, set_by=ADMIN)


async def add_private_job(store: JobStore, database: Database, **owner: Any) -> Job:
    """Create a private picture with all that a request can store: a preset, a parent, the result, a share."""
    parent = await add_finished_job(store, **owner)
    request = replace(
        make_request(user_id=owner.get("user_id", MEMBER), prompt=SECRET, reference=REFERENCE),
        preset=Preset(SECRET, SECRET, SECRET),
        parent_job_id=parent.job_id,
    )
    takes_settings = replace(MODELS["nano-banana-2"], parameters={"negative_prompt": Parameter(text=True)})
    request = replace(request, model=takes_settings.model_id, settings=(("negative_prompt", SECRET),))
    job = make_job(replace(request, destination=replace(request.destination, private=True)))
    catalog = ModelCatalog({takes_settings.model_id: takes_settings}, (takes_settings.model_id,))
    await store.submit(
        job.request, NO_CONTEXT, job_id=job.job_id, catalog=catalog, at=job.accepted_at, confirmed=True
    )
    await store.uploaded(
        job.job_id, 1, UploadedReference(f"https://rivya/{SECRET}", "image/png", SECRET, 1.5, SECRET), SHA256
    )
    await store.created(job.job_id, f"task-{job.job_id}", 4)
    await store.succeeded(job.job_id, None, 4)
    await store.record_kept_picture(job.job_id, PICTURE, SHA256)
    landed = await store.delivered(
        job.job_id, DeliveredMessage(20, 78, DeliveryMethod.REPLY, f"https://cdn/{SECRET}")
    )
    assert await HistoryStore(database).begin_share(job, None)
    assert await HistoryStore(database).finish_share(
        job, DeliveredMessage(20, 79, DeliveryMethod.SHARE, f"https://cdn/shared-{SECRET}")
    )
    return landed


async def test_defaults_drafts_kept_pictures_and_blocks_are_shown_and_exported(
    database: Database, store: JobStore, member_data: MemberData
) -> None:
    job = await add_private_job(store, database)
    await HistoryStore(database).mark_deleted(job.job_id, deleted_by=MEMBER)
    job = await add_private_job(store, database)
    await DraftStore(database, default_catalog()).save(
        make_request(user_id=MEMBER, prompt="a thought", reference=REFERENCE)
    )
    await MemberDefaultsStore(database).set(
        MEMBER, MemberDefaults("portrait", None, private=True, model="flux-2-pro")
    )
    await AccessRuleStore(database).set(1, [block(until=5)], interaction_id=1)
    await AccessRuleStore(database).remove(
        1, RuleTarget.MEMBER, str(MEMBER), removed_by=ADMIN, interaction_id=2
    )
    summary = await member_data.summarize(MEMBER)
    assert (summary.requests, summary.kept_references, summary.kept_pictures) == (4, 4, 1)
    assert (summary.drafts, summary.member_defaults, summary.about) == (1, 1, 1)

    export = await member_data.export(MEMBER)
    (newest,) = [request for request in export.requests if request["job_id"] == job.job_id]
    assert (newest["preset_name"], newest["picture_kept"]) == (SECRET, 1)
    assert newest["references"] == (
        {
            "number": 1,
            "filename": f"{SECRET}.png",
            "type": REFERENCE.content_type,
            "bytes": REFERENCE.size_bytes,
            "url": REFERENCE.url,
            "kept": 1,
            "uploaded_url": f"https://rivya/{SECRET}",
        },
    )
    assert newest["parent_job_id"] in {request["job_id"] for request in export.requests}
    assert (newest["landed_way"], newest["landed_url"]) == ("share", f"https://cdn/shared-{SECRET}")
    assert newest["shared_at"] is not None
    assert sum(request["deleted_at"] is not None for request in export.requests) == 1
    assert [(draft["prompt"], draft["references"]) for draft in export.drafts] == [
        ("a thought", ({"number": 1, "filename": f"{SECRET}.png"},))
    ]
    assert [
        (defaults["model"], defaults["size"], defaults["format"], defaults["private"])
        for defaults in export.member_defaults
    ] == [("flux-2-pro", "portrait", None, 1)]
    assert [(each["effect"], each["reason"], each["expires_at"]) for each in export.blocks] == [
        ("deny", SECRET, 5)
    ]
    await MemberDefaultsStore(database).set(ADMIN, MemberDefaults("square"))
    assert [decision["kind"] for decision in (await member_data.export(ADMIN)).decisions] == ["access rule"]


async def test_an_export_has_these_names_and_no_others(
    store: JobStore, database: Database, credit_admin: CreditAdmin, member_data: MemberData
) -> None:
    await add_finished_job(store)
    await DraftStore(database, default_catalog()).save(make_request(user_id=MEMBER, prompt="a thought"))
    await AccessRuleStore(database).set(1, [block()], interaction_id=1)
    await credit_admin.grant(2, MEMBER, credits=6, reason="thanks", granted_by=ADMIN)
    limit = Limit(8, Period.MONTH, scope=LimitScope.MEMBER, subject_id=MEMBER)
    await credit_admin.set_limit(1, limit, set_by=MEMBER)
    await MemberDefaultsStore(database).set(MEMBER, MemberDefaults("square"))
    export = await member_data.export(MEMBER)
    (request,) = export.requests
    assert set(request) == {
        *("job_id", "guild_id", "channel_id", "accepted_at", "acknowledged_at", "finished_at", "stage"),
        *("prompt", "model", "size", "asked_size", "format", "private", "spoiler", "locale", "guild_locale"),
        *("loose_safety", "preset_name", "settings"),
        *("parent_job_id", "references", "task_id", "result_url", "failure_code", "failure_message"),
        *("message_id", "landed_channel_id", "landed_message_id", "landed_way", "landed_url", "shared_at"),
        *("deleted_at", "picture_kept", "unreadable_result_kept", "late_at", "more_pictures"),
        *("state", "reserved_credits", "final_credits", "refunded_at"),
        "refund_reason",
        *("group_id", "number_in_group", "group_size", "group_channel_id", "group_message_id"),
        "landed_attachment_id",
    }
    granted = {"guild_id", "granted_at", "expires_at", "revoked_at"}
    decided = {"guild_id", "set_at", "effect", "reason"}
    for (record,), names in (
        (
            export.drafts,
            {
                "guild_id",
                "drafted_at",
                "prompt",
                "model",
                "size",
                "asked_size",
                "format",
                "settings",
                "references",
                "pictures",
                "models",
            },
        ),
        (export.member_defaults, {"set_at", "model", "size", "format", "private"}),
        (export.limits, {*decided, "credits", "period"}),
        (export.grants, {*granted, "credits", "left_credits", "reason"}),
        (export.blocks, {*decided, "expires_at"}),
        (export.decisions, {"kind", "guild_id", "decided_at"}),
    ):
        assert set(record) == names


async def test_an_erasure_deletes_drafts_defaults_and_stored_pictures(
    database: Database,
    database_path: Path,
    store: JobStore,
    member_data: MemberData,
    erasures: ErasureRequests,
) -> None:
    await add_private_job(store, database)
    await add_private_job(store, database, user_id=OTHER)
    for user_id in (MEMBER, OTHER):
        await DraftStore(database, default_catalog()).save(
            make_request(user_id=user_id, prompt=SECRET, reference=REFERENCE)
        )
        await MemberDefaultsStore(database).set(user_id, MemberDefaults("portrait"))
    before, others = await read_ledger(database), await member_data.export(OTHER)

    assert await erasures.erase(MEMBER) == 2

    assert await read_ledger(database) == before
    left = await member_data.summarize(MEMBER)
    assert (left.requests, left.drafts, left.member_defaults, left.kept_pictures, left.kept_references) == (
        0,
    ) * 5
    assert replace(await member_data.export(OTHER), made_at=others.made_at) == others
    assert (
        await rows(database, "SELECT * FROM jobs JOIN job_references USING (job_id) WHERE user_id = 0") == []
    )
    await erasures.erase(OTHER)
    assert SECRET not in await dump_tables(database)
    assert SHA256 not in await dump_tables(database)
    disk = await read_files(database, database_path)
    assert SECRET.encode() not in disk
    assert SHA256.encode() not in disk


async def test_stored_pictures_of_an_erased_member_are_deleted_unless_another_has_them(
    database: Database, database_path: Path, store: JobStore, erasures: ErasureRequests
) -> None:
    picture_store = PictureStore(picture_folder(database_path))
    picture_retention = PictureRetention(database, picture_store)
    assert await picture_store.save(SECRET.encode() * 50) == SHA256
    long_ago = time.time() - 3600
    os.utime(picture_store.path(SHA256), (long_ago, long_ago))
    await add_private_job(store, database)
    # The same file is the picture of the other member, too.
    await add_private_job(store, database, user_id=OTHER)
    await erasures.erase(MEMBER)
    assert await picture_retention.collect_garbage() == 0
    await erasures.erase(OTHER)
    assert await picture_retention.collect_garbage() == 1
    assert not picture_store.exists(SHA256)


async def test_drafts_and_defaults_made_after_the_request_stay(
    database: Database, member_data: MemberData, erasures: ErasureRequests, store: JobStore
) -> None:
    asked_at = now_ms() - 1000
    await erasures._database.run(
        lambda tx: tx.execute("INSERT INTO erasures VALUES (?, ?)", (MEMBER, asked_at)).rowcount
    )
    await DraftStore(database, default_catalog()).save(make_request(user_id=MEMBER))
    await MemberDefaultsStore(database).set(MEMBER, MemberDefaults("portrait"))
    await erasures.process_due(now_ms())
    left = await member_data.summarize(MEMBER)
    assert (left.drafts, left.member_defaults) == (1, 1)


async def test_a_block_keeps_the_member_id_while_it_applies(
    database: Database, member_data: MemberData, erasures: ErasureRequests
) -> None:
    access_rules = AccessRuleStore(database)
    await access_rules.set(1, [block()], interaction_id=1)
    await access_rules.set(2, [block(until=now_ms() + DAY_MS)], interaction_id=2)
    await access_rules.set(3, [block(until=now_ms() - 1)], interaction_id=3)
    await erasures.erase(MEMBER)
    assert (await member_data.summarize(MEMBER)).about == 2, "an erasure must not lift a block"
    assert [each["guild_id"] for each in (await member_data.export(MEMBER)).blocks] == [1, 2]
    assert len((await access_rules.policy(1)).rules) == 1
    assert await rows(database, "SELECT user_id FROM erasures") == [(MEMBER,)]

    await erasures.process_due(now_ms() + DAY_MS)
    assert [each["guild_id"] for each in (await member_data.export(MEMBER)).blocks] == [1]
    # The rows stay, without the member's id, and no longer apply.
    written = await rows(database, "SELECT guild_id, CAST(subject AS INTEGER) < 0, reason FROM access_rules")
    assert sorted(written) == [(1, 0, SECRET), (2, 1, ""), (3, 1, "")]
    with time_machine.travel((now_ms() + DAY_MS) / 1000, tick=False):
        for guild_id in (2, 3):
            assert (await access_rules.policy(guild_id)).rules == ()


async def test_a_block_lifted_after_the_request_loses_the_member_id(
    database: Database, member_data: MemberData, erasures: ErasureRequests
) -> None:
    access_rules = AccessRuleStore(database)
    with time_machine.travel("2026-03-01 03:00:00+00:00", tick=False) as clock:
        await access_rules.set(1, [block()], interaction_id=1)
        await erasures.erase(MEMBER)
        clock.shift(5)
        await access_rules.remove(1, RuleTarget.MEMBER, str(MEMBER), removed_by=ADMIN, interaction_id=2)
        clock.shift(5)
        await erasures.process_due(now_ms())
        assert (await access_rules.policy(1)).rules == ()
        assert (await member_data.summarize(MEMBER)).about == 0
    assert SECRET not in await dump_tables(database)
    assert await rows(database, "SELECT user_id FROM erasures") == []


async def test_a_block_set_after_the_request_applies(
    database: Database, member_data: MemberData, erasures: ErasureRequests
) -> None:
    access_rules = AccessRuleStore(database)
    with time_machine.travel("2026-03-01 03:00:00+00:00", tick=False) as clock:
        await access_rules.set(1, [block()], interaction_id=1)
        await erasures.erase(MEMBER)
        clock.shift(5)
        await access_rules.remove(1, RuleTarget.MEMBER, str(MEMBER), removed_by=ADMIN, interaction_id=2)
        await access_rules.set(1, [block()], interaction_id=3)
        await erasures.process_due(now_ms())
        (rule,) = (await access_rules.policy(1)).rules
    assert rule.subject_id == MEMBER
    assert (await member_data.summarize(MEMBER)).about == 3


async def test_texts_of_presets_and_stored_pictures_expire_with_the_prompt(
    database: Database, store: JobStore
) -> None:
    job = await add_private_job(store, database)
    await rows(database, "UPDATE jobs SET finished_at = 6")
    assert await database.run(lambda tx: expire(tx, 7)) == 2
    found = await store.find(job.job_id)
    assert found is not None
    assert (found.request.prompt, found.request.preset, found.request.references) == ("", None, ())
    assert await rows(database, "SELECT * FROM kept_pictures") == []
    assert await rows(database, "SELECT * FROM more_pictures WHERE sha256 IS NOT NULL") == []
    assert SECRET not in await dump_tables(database)


async def test_presets_rules_and_drafts_of_a_left_server_are_deleted(
    database: Database, database_path: Path, store: JobStore
) -> None:
    await add_private_job(store, database)
    access_rules, presets = AccessRuleStore(database), PresetStore(database)
    for guild_id in (1, 2):
        await access_rules.set(guild_id, [block()], interaction_id=guild_id)
        words = Preset(f"{SECRET} {guild_id}", SECRET, SECRET)
        await presets.save(guild_id, words, None, set_by=ADMIN, interaction_id=guild_id)
        await DraftStore(database, default_catalog()).save(
            make_request(user_id=MEMBER, guild_id=guild_id, prompt=SECRET)
        )
    await MemberDefaultsStore(database).set(MEMBER, MemberDefaults("portrait"))
    departures = GuildDepartures(database, grace_days=30)
    await departures.left(1)
    await departures.process_due(now_ms() + 29 * DAY_MS)
    assert len(await presets.active(1)) == 1
    await departures.process_due(now_ms() + 30 * DAY_MS)
    for table in ("drafts", "access_rules", "presets"):
        assert await rows(database, f"SELECT DISTINCT guild_id FROM {table}") == [(2,)]
    assert (await MemberDefaultsStore(database).get(MEMBER)).size == "portrait", (
        "defaults apply in every server"
    )
    assert await rows(database, "SELECT * FROM kept_pictures") == []
    assert await rows(database, "SELECT * FROM more_pictures WHERE sha256 IS NOT NULL") == []
    await departures.left(2)
    await departures.process_due(now_ms() + 60 * DAY_MS)
    assert SECRET.encode() not in await read_files(database, database_path)


@pytest.mark.parametrize("what", ["preset", "rule", "job"])
async def test_a_server_with_any_data_is_found_to_be_left(
    database: Database, store: JobStore, what: str
) -> None:
    match what:
        case "job":
            await add_finished_job(store)
        case "rule":
            await AccessRuleStore(database).set(1, [block()], interaction_id=1)
        case _:
            words = Preset("oil", "", "")
            await PresetStore(database).save(1, words, None, set_by=ADMIN, interaction_id=1)
    await GuildDepartures(database, grace_days=30).present([2])
    assert await rows(database, "SELECT guild_id FROM departures") == [(1,)]
