"""What is stored about a group of pictures, and about votes for them: shown, exported, erased, expired."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.clock import DAY_MS, now_ms
from bot.domain.jobs import Failure, FailureCause, Stage
from bot.domain.model_catalog import default_catalog
from bot.jobs.groups import GroupStore
from bot.jobs.requests.drafts import DraftStore
from bot.privacy.anonymization import expire
from bot.privacy.data_export import MemberData
from bot.privacy.erasure import ErasureRequests
from bot.privacy.guild_departures import GuildDepartures
from tests.support.factories import make_request
from tests.support.jobs import accept_group, deliver_group
from tests.support.sql import rows

if TYPE_CHECKING:
    from bot.domain.jobs import Job
    from bot.jobs.store import JobStore
    from bot.storage.database import Database

MEMBER, VOTER, OTHER = 1_234_567_890_123_456_789, 1_134_567_890_123_456_789, 1_034_567_890_123_456_789
COMPARED = ("qwen-image", "z-image")
GROUPS = "SELECT interaction_id, kind, channel_id, message_id, way FROM job_groups"


def group_of(jobs: tuple[Job, ...]) -> int:
    return jobs[0].request.destination.interaction_id


async def add_compared(store: JobStore, database: Database, *, guild_id: int = 1) -> tuple[Job, ...]:
    """Deliver the pictures of two compared models; one member votes for each."""
    jobs = await accept_group(store, make_request(user_id=MEMBER, guild_id=guild_id), models=COMPARED)
    await deliver_group(store, database, jobs)
    for number, voter in enumerate((VOTER, OTHER), start=1):
        assert await GroupStore(database).vote(group_of(jobs), voter, number)
    return jobs


async def votes(database: Database) -> list[tuple[int, int]]:
    found = await rows(database, "SELECT user_id, number FROM group_votes ORDER BY number")
    return [(user_id, number) for user_id, number in found]


async def test_an_export_shows_the_group_its_places_and_the_message(
    store: JobStore, database: Database
) -> None:
    jobs = await accept_group(store, make_request(user_id=MEMBER))
    await deliver_group(store, database, jobs)
    await deliver_group(store, database, alone := await accept_group(store, make_request(), pictures=1))
    export = await MemberData(database).export(MEMBER)
    in_order = sorted(export.requests, key=lambda request: str(request["number_in_group"]))
    assert [
        (each["job_id"], each["group_id"], each["number_in_group"], each["group_size"]) for each in in_order
    ] == [(job.job_id, group_of(jobs), number, 4) for number, job in enumerate(jobs, start=1)]
    assert [each["landed_attachment_id"] for each in in_order] == [101, 102, 103, 104]
    assert {(each["group_channel_id"], each["group_message_id"]) for each in in_order} == {(20, 78)}
    (single,) = (await MemberData(database).export(alone[0].request.destination.user_id)).requests
    assert [single[name] for name in ("group_id", "number_in_group", "group_size", "group_message_id")] == [
        None,
        None,
        1,
        None,
    ]


async def test_a_draft_is_exported_with_its_number_of_pictures_and_its_models(database: Database) -> None:
    drafts = DraftStore(database, default_catalog())
    await drafts.save(replace(make_request(user_id=MEMBER), pictures=3))
    await drafts.save(replace(make_request(user_id=MEMBER), models=COMPARED))
    exported = (await MemberData(database).export(MEMBER)).drafts
    assert [(draft["pictures"], draft["models"]) for draft in exported] == [(3, ()), (1, COMPARED)]


async def test_a_vote_is_shown_exported_and_erased_and_those_of_others_stay(
    store: JobStore, database: Database
) -> None:
    jobs = await add_compared(store, database, guild_id=2)
    member_data = MemberData(database)
    summary = await member_data.summarize(VOTER)
    assert (summary.requests, summary.votes, summary.is_erasable) == (0, 1, True)
    (vote,) = (await member_data.export(VOTER)).votes
    assert (vote["group_id"], vote["guild_id"], vote["number"]) == (group_of(jobs), 2, 1)
    assert set(vote) == {"group_id", "guild_id", "number", "voted_at"}

    assert await ErasureRequests(database).erase(VOTER) == 0

    assert await votes(database) == [(OTHER, 2)]
    left = await member_data.summarize(VOTER)
    assert (left.votes, left.is_erasable, left.asked_at) == (0, False, None)
    assert (await member_data.export(VOTER)).votes == ()


async def test_an_erased_group_keeps_nothing_personal(store: JobStore, database: Database) -> None:
    jobs = await add_compared(store, database)
    kept = await add_compared(store, database)
    await rows(database, "UPDATE jobs SET user_id = 5 WHERE interaction_id = ?", group_of(kept))
    assert await ErasureRequests(database).erase(MEMBER) == 2
    assert sorted(await rows(database, GROUPS)) == [
        (group_of(jobs), "compare", None, None, None),
        (group_of(kept), "compare", 20, 78, "reply"),
    ]
    assert await rows(database, "SELECT DISTINCT interaction_id FROM group_votes") == [(group_of(kept),)]
    assert await rows(
        database,
        "SELECT DISTINCT user_id, prompt, landed_attachment_id FROM jobs WHERE interaction_id = ?",
        group_of(jobs),
    ) == [(0, "", None)]
    # Its buttons are still under the message, where everybody can click them.
    assert not await GroupStore(database).vote(group_of(jobs), VOTER, 1)


async def test_a_group_is_erased_when_the_last_of_it_has_ended(store: JobStore, database: Database) -> None:
    *ended, running = await accept_group(store, make_request(user_id=MEMBER))
    await deliver_group(store, database, tuple(ended))
    await store.created(running.job_id, "task-running", 4)
    erasures = ErasureRequests(database)
    assert await erasures.erase(MEMBER) == 0
    assert await rows(database, "SELECT message_id FROM job_groups") == [(78,)], "its message is still edited"
    assert (await MemberData(database).summarize(MEMBER)).asked_at is not None
    await store.failed(running.job_id, Failure(FailureCause.RIVYA, "generation_failed"))
    await store.failure_notified(running.job_id)
    assert await erasures.process_due(now_ms()) == 4
    assert await rows(database, "SELECT DISTINCT user_id FROM jobs") == [(0,)]
    assert await rows(database, "SELECT message_id FROM job_groups") == [(None,)]


async def test_a_late_picture_of_an_erased_group_is_ended_and_its_credits_stay_held(
    store: JobStore, database: Database
) -> None:
    *ended, late = await accept_group(store, make_request(user_id=MEMBER))
    await deliver_group(store, database, tuple(ended))
    await store.created(late.job_id, "task-late", 4)
    await store.late(late.job_id, "")
    assert await ErasureRequests(database).erase(MEMBER) == 4
    found = await store.find(late.job_id)
    assert found is not None
    assert (found.stage, found.request.destination.user_id) == (Stage.FAILED, 0)
    states = await rows(database, "SELECT state, count(*) FROM reservations GROUP BY state ORDER BY state")
    assert states == [("held", 1), ("settled", 3)]


@pytest.mark.parametrize("old", [1, 2])
async def test_the_words_of_a_group_expire_together(store: JobStore, database: Database, old: int) -> None:
    jobs = await add_compared(store, database)
    for job in jobs[:old]:
        await rows(database, "UPDATE jobs SET finished_at = 6 WHERE job_id = ?", job.job_id)
    expired = 2 if old == 2 else 0
    a_day_ago = now_ms() - DAY_MS
    assert await database.run(lambda tx: expire(tx, a_day_ago)) == expired
    assert await rows(database, "SELECT count(*) FROM jobs WHERE prompt = ''") == [(expired,)]
    assert len(await votes(database)) == 2 - expired
    assert await rows(database, "SELECT message_id FROM job_groups") == [(None if expired else 78,)]


async def test_groups_of_a_left_server_keep_nothing_personal(store: JobStore, database: Database) -> None:
    await add_compared(store, database)
    stays = await add_compared(store, database, guild_id=2)
    departures = GuildDepartures(database, grace_days=30)
    await departures.left(1)
    await departures.process_due(now_ms() + 30 * DAY_MS)
    assert await rows(database, "SELECT count(*) FROM job_groups WHERE message_id IS NULL") == [(1,)]
    assert await rows(database, "SELECT DISTINCT interaction_id FROM group_votes") == [(group_of(stays),)]


async def test_an_erasure_finds_votes_by_their_index(database: Database) -> None:
    (plan,) = await rows(database, "EXPLAIN QUERY PLAN DELETE FROM group_votes WHERE user_id = 7")
    assert "INDEX group_votes_by_member (user_id=?)" in plan[-1]
