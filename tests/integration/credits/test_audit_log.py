"""The log of decisions, and the search for a paid picture, on a real database."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bot.credits.admin import Treasury
from bot.credits.audit_log import (
    PAGE_ENTRIES,
    Chronicle,
    Given,
    GivenBack,
    LimitSet,
    Mark,
    Paused,
    Revoked,
    SettingSet,
)
from bot.credits.grants import WHOLE_GUILD
from bot.credits.refundable import PaidPictures
from bot.domain.jobs import Failure
from bot.domain.limits import Limit, Rule
from bot.guilds.pauses import Pauses
from bot.guilds.settings import Guilds, Setting
from bot.jobs.store import Store
from bot.storage.database import Database
from tests.support.factories import ANYWHERE

GUILD, OTHER, ADMIN, MEMBER = 1, 2, 90, 7
_tasks = itertools.count()


@pytest.fixture
def chronicle(database: Database) -> Chronicle:
    return Chronicle(database)


@pytest.fixture
def pictures(database: Database) -> PaidPictures:
    return PaidPictures(database)


async def painted(store: Store, make_job: Callable, request: object) -> str:
    """A job that was paid for."""
    job = make_job(request)
    assert await store.accept(job, ANYWHERE)
    await store.acknowledged(job.job_id, 1)
    await store.creating(job.job_id, "{}")
    await store.created(job.job_id, f"task-{next(_tasks)}", 4)
    await store.succeeded(job.job_id, "https://example.com/a.png", 4)
    return str(job.job_id)


async def set_guild(treasury: Treasury, credits: int, guild_id: int = GUILD) -> None:
    await treasury.set_limit(guild_id, Limit(credits, "day"), set_by=ADMIN)


async def test_a_guild_without_decisions_has_an_empty_page(chronicle: Chronicle) -> None:
    page = await chronicle.older(GUILD)
    assert (page.entries, page.newer, page.older) == ((), None, None)


async def test_a_limit_is_told_from_what_to_what(chronicle: Chronicle, treasury: Treasury) -> None:
    await set_guild(treasury, 10)
    await treasury.set_limit(
        GUILD, Limit(5, "week", rule=Rule.MEMBER, subject_id=MEMBER, reason="a start"), set_by=ADMIN
    )
    await treasury.set_limit(GUILD, Limit(6, "week", rule=Rule.MEMBER, subject_id=MEMBER + 1), set_by=ADMIN)
    exempt = Limit(0, "total", rule=Rule.MEMBER, subject_id=MEMBER, exempt=True, reason="a friend")
    await treasury.set_limit(GUILD, exempt, set_by=91)
    await set_guild(treasury, 20)
    await treasury.remove_limit(GUILD, Rule.MEMBER, MEMBER, set_by=ADMIN, reason="enough")
    entries = (await chronicle.older(GUILD)).entries
    free = Limit(0, "total", exempt=True)
    assert [entry.event for entry in entries] == [
        LimitSet(Rule.MEMBER, MEMBER, free, None, "enough"),
        LimitSet(Rule.GUILD, 0, Limit(10, "day"), Limit(20, "day"), ""),
        LimitSet(Rule.MEMBER, MEMBER, Limit(5, "week"), free, "a friend"),
        LimitSet(Rule.MEMBER, MEMBER + 1, None, Limit(6, "week"), ""),
        LimitSet(Rule.MEMBER, MEMBER, None, Limit(5, "week"), "a start"),
        LimitSet(Rule.GUILD, 0, None, Limit(10, "day"), ""),
    ]
    assert [entry.by for entry in entries] == [ADMIN, ADMIN, 91, ADMIN, ADMIN, ADMIN]


async def test_everything_else_that_is_decided_stands_there_too(
    database: Database,
    chronicle: Chronicle,
    treasury: Treasury,
    store: Store,
    make_job: Callable,
    make_request: Callable,
) -> None:
    guilds, pauses = Guilds(database), Pauses(database)
    job_id = await painted(store, make_job, make_request(guild_id=GUILD, user_id=MEMBER))
    await treasury.refund(GUILD, job_id, reason="blurry", refunded_by=ADMIN)
    grant = await treasury.grant(GUILD, MEMBER, credits=8, reason="a prize", granted_by=ADMIN)
    await treasury.grant(GUILD, WHOLE_GUILD, credits=9, reason="a feast", granted_by=ADMIN, expires_at=2**42)
    assert grant is not None
    await treasury.revoke(GUILD, grant.grant_id, revoked_by=91, reason="by mistake")
    await guilds.change(GUILD, Setting.TIMEZONE, "Asia/Jakarta", set_by=ADMIN)
    await guilds.change(GUILD, Setting.TIMEZONE, "Europe/Berlin", set_by=ADMIN)
    await pauses.switch(GUILD, paused=True, sentence="Back soon", set_by=0)
    await treasury.set_limit(GUILD, Limit(50, "month", rule=Rule.CEILING), set_by=0)
    events = [entry.event for entry in (await chronicle.older(GUILD)).entries]
    expected = [
        LimitSet(Rule.CEILING, 0, None, Limit(50, "month"), ""),
        Paused(paused=True, sentence="Back soon"),
        SettingSet(Setting.TIMEZONE, "Asia/Jakarta", "Europe/Berlin"),
        SettingSet(Setting.TIMEZONE, None, "Asia/Jakarta"),
        Revoked(MEMBER, 8, 8, "by mistake"),
        Given(WHOLE_GUILD, 9, "a feast", 2**42),
        Given(MEMBER, 8, "a prize", None),
        GivenBack(job_id, MEMBER, 4, "blurry"),
    ]
    # What is decided in the same millisecond stands in the order of the tables.
    assert sorted(events, key=repr) == sorted(expected, key=repr)


async def test_a_log_is_of_one_guild_and_never_of_all(
    database: Database, chronicle: Chronicle, treasury: Treasury
) -> None:
    await set_guild(treasury, 10, OTHER)
    await treasury.grant(OTHER, MEMBER, credits=8, reason="a prize", granted_by=ADMIN)
    await treasury.set_limit(0, Limit(999, "day", rule=Rule.CEILING_ALL), set_by=0)
    await treasury.set_limit(0, Limit(99, "day", rule=Rule.CEILING), set_by=0)
    await Pauses(database).switch(0, paused=True, set_by=0)
    assert (await chronicle.older(GUILD)).entries == ()


async def test_pages_neither_lose_nor_repeat_a_row_while_new_ones_come(
    chronicle: Chronicle, treasury: Treasury
) -> None:
    rows = 2 * PAGE_ENTRIES + 3
    for credits in range(rows):
        await set_guild(treasury, credits)
    first = await chronicle.older(GUILD)
    assert first.newer is None
    await set_guild(treasury, 1000)
    second = await chronicle.older(GUILD, first.older)
    third = await chronicle.older(GUILD, second.older)
    assert third.older is None
    seen = [entry.event.after.credits for page in (first, second, third) for entry in page.entries]  # type: ignore[union-attr]
    assert seen == list(range(rows - 1, -1, -1))
    assert third.newer is not None
    assert (await chronicle.newer(GUILD, third.newer)).entries == second.entries
    assert second.newer is not None
    back = await chronicle.newer(GUILD, second.newer)
    assert back.entries == first.entries
    # Before it there is one row by now: too few for a page, so the newest are shown.
    assert back.newer is not None
    newest = await chronicle.newer(GUILD, back.newer)
    assert newest.entries[0].event.after == Limit(1000, "day")  # type: ignore[union-attr]
    assert (len(newest.entries), newest.newer) == (PAGE_ENTRIES, None)


async def test_a_mark_out_of_this_world_shows_an_end_and_breaks_nothing(
    chronicle: Chronicle, treasury: Treasury
) -> None:
    await set_guild(treasury, 10)
    assert len((await chronicle.older(GUILD, Mark(10**15, 6, "f"))).entries) == 1
    before = await chronicle.older(GUILD, Mark(0, 1, "0"))
    assert before.entries == ()
    assert before.newer is not None
    assert len((await chronicle.newer(GUILD, before.newer)).entries) == 1


async def test_paid_pictures_are_found_by_words_by_id_and_newest_first(
    store: Store, pictures: PaidPictures, make_job: Callable, make_request: Callable
) -> None:
    fox = await painted(store, make_job, make_request(prompt="a red Fox"))
    cat = await painted(store, make_job, make_request(prompt="a cat"))
    await painted(store, make_job, make_request(guild_id=OTHER, prompt="a strange fox"))
    free = make_job(make_request(prompt="a free fox"))
    await store.accept(free, ANYWHERE)
    await store.failed(free.job_id, Failure("rivya", "no"))
    held = make_job(make_request(prompt="a held fox"))
    await store.accept(held, ANYWHERE)

    async def found(typed: str, at_most: int = 25) -> list[str]:
        return [picture.job_id for picture in await pictures.newest(GUILD, typed, at_most)]

    assert set(await found("")) == {cat, fox}
    assert len(await found("", 1)) == 1
    assert await found(" FOX ") == [fox]
    assert await found(cat[:8]) == [cat]
    assert await found("dog") == []
    assert await pictures.ids(GUILD, fox[:8]) == [fox]
    assert await pictures.ids(GUILD, held.job_id) == [held.job_id]
    assert await pictures.ids(OTHER, fox) == []


async def test_a_refunded_picture_is_offered_no_more_and_a_private_prompt_never(
    store: Store,
    treasury: Treasury,
    database: Database,
    pictures: PaidPictures,
    make_job: Callable,
    make_request: Callable,
) -> None:
    fox = await painted(store, make_job, make_request(prompt="a fox"))
    secret = await painted(store, make_job, make_request(prompt="a secret"))
    await database.run(
        lambda tx: tx.execute("UPDATE jobs SET private = 1 WHERE job_id = ?", (secret,)).rowcount
    )
    await treasury.refund(GUILD, fox, reason="blurry", refunded_by=ADMIN)
    (left,) = await pictures.newest(GUILD, "", 25)
    assert (left.job_id, left.prompt, left.credits) == (secret, "", 4)
    assert await pictures.newest(GUILD, "secret", 25) == []


async def test_pictures_are_dated_in_the_guilds_own_time_zone(
    store: Store, database: Database, pictures: PaidPictures, make_job: Callable, make_request: Callable
) -> None:
    job = make_job(make_request(), accepted_at=1_750_000_000_000)
    await store.accept(job, ANYWHERE)
    await store.acknowledged(job.job_id, 1)
    await store.creating(job.job_id, "{}")
    await store.created(job.job_id, "task", 4)
    await store.succeeded(job.job_id, None, 4)
    await Guilds(database).change(GUILD, Setting.TIMEZONE, "Asia/Jakarta", set_by=ADMIN)
    (picture,) = await pictures.newest(GUILD, "", 25)
    assert f"{picture.asked:%Y-%m-%d %H:%M}" == "2025-06-15 22:06"


async def test_two_pictures_that_begin_alike_are_both_found(
    store: Store, pictures: PaidPictures, make_job: Callable, make_request: Callable
) -> None:
    ids = [await painted(store, make_job, make_request()) for _ in range(17)]
    # Seventeen ids and sixteen first characters.
    assert any([len(await pictures.ids(GUILD, first)) == 2 for first in {job_id[0] for job_id in ids}])
