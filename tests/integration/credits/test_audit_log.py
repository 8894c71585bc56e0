"""The audit log, and the search for pictures to refund."""

from __future__ import annotations

import pytest

from bot.credits.admin import CreditAdmin
from bot.credits.audit_log import (
    PAGE_ENTRIES,
    AuditLog,
    Cursor,
    GrantIssued,
    GrantRevoked,
    LimitChanged,
    PauseChanged,
    RefundIssued,
    SettingChanged,
)
from bot.credits.grants import WHOLE_GUILD
from bot.credits.refundable import RefundablePictures
from bot.domain.jobs import Failure, FailureCause, Request
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.pauses import PauseStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.jobs import create_task

GUILD, OTHER, ADMIN, MEMBER = 1, 2, 90, 7


@pytest.fixture
def audit_log(database: Database) -> AuditLog:
    return AuditLog(database)


@pytest.fixture
def pictures(database: Database) -> RefundablePictures:
    return RefundablePictures(database)


async def add_paid_job(store: JobStore, request: Request) -> str:
    """Accept and settle a job."""
    job = await create_task(store, request)
    await store.succeeded(job.job_id, "https://example.com/a.png", 4)
    return job.job_id


async def set_guild_limit(credit_admin: CreditAdmin, credits: int, guild_id: int = GUILD) -> None:
    await credit_admin.set_limit(guild_id, Limit(credits, Period.DAY), set_by=ADMIN)


async def test_a_guild_without_changes_has_an_empty_page(audit_log: AuditLog) -> None:
    page = await audit_log.older(GUILD)
    assert (page.entries, page.newer, page.older) == ((), None, None)


async def test_a_change_of_a_limit_has_the_limits_before_and_after(
    audit_log: AuditLog, credit_admin: CreditAdmin
) -> None:
    await set_guild_limit(credit_admin, 10)
    await credit_admin.set_limit(
        GUILD,
        Limit(5, Period.WEEK, scope=LimitScope.MEMBER, subject_id=MEMBER, reason="a start"),
        set_by=ADMIN,
    )
    await credit_admin.set_limit(
        GUILD, Limit(6, Period.WEEK, scope=LimitScope.MEMBER, subject_id=MEMBER + 1), set_by=ADMIN
    )
    exempt = Limit(
        0, Period.TOTAL, scope=LimitScope.MEMBER, subject_id=MEMBER, exempt=True, reason="a friend"
    )
    await credit_admin.set_limit(GUILD, exempt, set_by=91)
    await set_guild_limit(credit_admin, 20)
    await credit_admin.remove_limit(GUILD, LimitScope.MEMBER, MEMBER, set_by=ADMIN, reason="enough")
    entries = (await audit_log.older(GUILD)).entries
    free = Limit(0, Period.TOTAL, exempt=True)
    assert [entry.event for entry in entries] == [
        LimitChanged(LimitScope.MEMBER, MEMBER, free, None, "enough"),
        LimitChanged(LimitScope.GUILD, 0, Limit(10, Period.DAY), Limit(20, Period.DAY), ""),
        LimitChanged(LimitScope.MEMBER, MEMBER, Limit(5, Period.WEEK), free, "a friend"),
        LimitChanged(LimitScope.MEMBER, MEMBER + 1, None, Limit(6, Period.WEEK), ""),
        LimitChanged(LimitScope.MEMBER, MEMBER, None, Limit(5, Period.WEEK), "a start"),
        LimitChanged(LimitScope.GUILD, 0, None, Limit(10, Period.DAY), ""),
    ]
    assert [entry.by for entry in entries] == [ADMIN, ADMIN, 91, ADMIN, ADMIN, ADMIN]


async def test_refunds_grants_settings_pauses_and_ceilings_are_logged(
    database: Database,
    audit_log: AuditLog,
    credit_admin: CreditAdmin,
    store: JobStore,
) -> None:
    guilds, pauses = GuildSettingsStore(database), PauseStore(database)
    job_id = await add_paid_job(store, make_request(guild_id=GUILD, user_id=MEMBER))
    await credit_admin.refund(GUILD, job_id, reason="blurry", refunded_by=ADMIN)
    grant = await credit_admin.grant(GUILD, MEMBER, credits=8, reason="a prize", granted_by=ADMIN)
    await credit_admin.grant(
        GUILD, WHOLE_GUILD, credits=9, reason="a feast", granted_by=ADMIN, expires_at=2**42
    )
    assert grant is not None
    await credit_admin.revoke(GUILD, grant.grant_id, revoked_by=91, reason="by mistake")
    await guilds.change(GUILD, GuildSetting.TIMEZONE, "Asia/Jakarta", set_by=ADMIN)
    await guilds.change(GUILD, GuildSetting.TIMEZONE, "Europe/Berlin", set_by=ADMIN)
    await pauses.set(GUILD, paused=True, sentence="Back soon", set_by=0)
    await credit_admin.set_limit(GUILD, Limit(50, Period.MONTH, scope=LimitScope.CEILING), set_by=0)
    events = [entry.event for entry in (await audit_log.older(GUILD)).entries]
    expected = [
        LimitChanged(LimitScope.CEILING, 0, None, Limit(50, Period.MONTH), ""),
        PauseChanged(paused=True, sentence="Back soon"),
        SettingChanged(GuildSetting.TIMEZONE, "Asia/Jakarta", "Europe/Berlin"),
        SettingChanged(GuildSetting.TIMEZONE, None, "Asia/Jakarta"),
        GrantRevoked(MEMBER, 8, 8, "by mistake"),
        GrantIssued(WHOLE_GUILD, 9, "a feast", 2**42),
        GrantIssued(MEMBER, 8, "a prize", None),
        RefundIssued(job_id, MEMBER, 4, "blurry"),
    ]
    # Decisions of the same millisecond are in the order of the tables.
    assert sorted(events, key=repr) == sorted(expected, key=repr)


async def test_changes_of_other_guilds_and_of_all_guilds_are_not_listed(
    database: Database, audit_log: AuditLog, credit_admin: CreditAdmin
) -> None:
    await set_guild_limit(credit_admin, 10, OTHER)
    await credit_admin.grant(OTHER, MEMBER, credits=8, reason="a prize", granted_by=ADMIN)
    await credit_admin.set_limit(0, Limit(999, Period.DAY, scope=LimitScope.CEILING_ALL), set_by=0)
    await credit_admin.set_limit(0, Limit(99, Period.DAY, scope=LimitScope.CEILING), set_by=0)
    await PauseStore(database).set(0, paused=True, set_by=0)
    assert (await audit_log.older(GUILD)).entries == ()


async def test_pages_neither_lose_nor_repeat_an_entry_while_new_ones_come(
    audit_log: AuditLog, credit_admin: CreditAdmin
) -> None:
    rows = 2 * PAGE_ENTRIES + 3
    for credits in range(rows):
        await set_guild_limit(credit_admin, credits)
    first = await audit_log.older(GUILD)
    assert first.newer is None
    await set_guild_limit(credit_admin, 1000)
    second = await audit_log.older(GUILD, first.older)
    third = await audit_log.older(GUILD, second.older)
    assert third.older is None
    seen = [entry.event.after.credits for page in (first, second, third) for entry in page.entries]  # type: ignore[union-attr]
    assert seen == list(range(rows - 1, -1, -1))
    assert third.newer is not None
    assert (await audit_log.newer(GUILD, third.newer)).entries == second.entries
    assert second.newer is not None
    back = await audit_log.newer(GUILD, second.newer)
    assert back.entries == first.entries
    # One newer entry does not fill a page, so the newest page is shown.
    assert back.newer is not None
    newest = await audit_log.newer(GUILD, back.newer)
    assert newest.entries[0].event.after == Limit(1000, Period.DAY)  # type: ignore[union-attr]
    assert (len(newest.entries), newest.newer) == (PAGE_ENTRIES, None)


async def test_a_cursor_beyond_every_entry_shows_the_first_or_an_empty_page(
    audit_log: AuditLog, credit_admin: CreditAdmin
) -> None:
    await set_guild_limit(credit_admin, 10)
    assert len((await audit_log.older(GUILD, Cursor(10**15, 6, "f"))).entries) == 1
    before = await audit_log.older(GUILD, Cursor(0, 1, "0"))
    assert before.entries == ()
    assert before.newer is not None
    assert len((await audit_log.newer(GUILD, before.newer)).entries) == 1


async def test_paid_pictures_are_found_by_prompt_and_by_id(
    store: JobStore, pictures: RefundablePictures
) -> None:
    fox = await add_paid_job(store, make_request(prompt="a red Fox"))
    cat = await add_paid_job(store, make_request(prompt="a cat"))
    await add_paid_job(store, make_request(guild_id=OTHER, prompt="a strange fox"))
    free = make_job(make_request(prompt="a free fox"))
    await accept(store, free, NO_CONTEXT)
    await store.failed(free.job_id, Failure(FailureCause.RIVYA, "no"))
    held = make_job(make_request(prompt="a held fox"))
    await accept(store, held, NO_CONTEXT)

    async def found(typed: str, at_most: int = 25) -> list[str]:
        return [picture.job_id for picture in await pictures.newest(GUILD, typed, at_most)]

    assert set(await found("")) == {cat, fox}
    assert len(await found("", 1)) == 1
    assert await found(" FOX ") == [fox]
    assert await found(cat[:8]) == [cat]
    assert await found("dog") == []
    assert await pictures.match_ids(GUILD, fox[:8]) == [fox]
    assert await pictures.match_ids(GUILD, held.job_id) == [held.job_id]
    assert await pictures.match_ids(OTHER, fox) == []


async def test_refunded_pictures_and_private_prompts_are_not_offered(
    store: JobStore,
    credit_admin: CreditAdmin,
    database: Database,
    pictures: RefundablePictures,
) -> None:
    fox = await add_paid_job(store, make_request(prompt="a fox"))
    secret = await add_paid_job(store, make_request(prompt="a secret"))
    await database.run(
        lambda tx: tx.execute("UPDATE jobs SET private = 1 WHERE job_id = ?", (secret,)).rowcount
    )
    await credit_admin.refund(GUILD, fox, reason="blurry", refunded_by=ADMIN)
    (left,) = await pictures.newest(GUILD, "", 25)
    assert (left.job_id, left.prompt, left.credits) == (secret, "", 4)
    assert await pictures.newest(GUILD, "secret", 25) == []


async def test_pictures_are_dated_in_the_guilds_own_time_zone(
    store: JobStore,
    database: Database,
    pictures: RefundablePictures,
) -> None:
    job = make_job(make_request(), accepted_at=1_750_000_000_000)
    await accept(store, job, NO_CONTEXT)
    await store.acknowledged(job.job_id, 1)
    await store.creating(job.job_id, "{}")
    await store.created(job.job_id, "task", 4)
    await store.succeeded(job.job_id, None, 4)
    await GuildSettingsStore(database).change(GUILD, GuildSetting.TIMEZONE, "Asia/Jakarta", set_by=ADMIN)
    (picture,) = await pictures.newest(GUILD, "", 25)
    assert f"{picture.asked:%Y-%m-%d %H:%M}" == "2025-06-15 22:06"


async def test_two_ids_with_the_same_beginning_are_both_found(
    store: JobStore, pictures: RefundablePictures
) -> None:
    ids = [await add_paid_job(store, make_request()) for _ in range(17)]
    # Two of seventeen ids have the same first hexadecimal digit.
    assert any([len(await pictures.match_ids(GUILD, first)) == 2 for first in {job_id[0] for job_id in ids}])
