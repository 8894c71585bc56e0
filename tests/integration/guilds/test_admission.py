"""Which servers may ask: the modes, decisions, and servers that leave and come back."""

from __future__ import annotations

import asyncio

import pytest

from bot.credits.approvals import GuildApprovals
from bot.domain.admission import AdmissionMode, AdmissionPolicy, AdmissionState
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.limits import MAX_CREDITS, Limit
from bot.domain.model_catalog import default_catalog
from bot.domain.periods import Period
from bot.guilds.admission import GRACE_MS, AdmissionStore, SeenGuild
from bot.jobs.store import JobStore
from bot.privacy.data_export import MemberData
from bot.privacy.guild_departures import GuildDepartures
from bot.storage.database import Database
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.sql import rows

APPROVE = AdmissionPolicy(AdmissionMode.APPROVE)
OWN = 5


@pytest.fixture
def admissions(database: Database) -> AdmissionStore:
    return AdmissionStore(database)


@pytest.fixture
def approvals(database: Database) -> GuildApprovals:
    return GuildApprovals(database, Limit(200, Period.MONTH))


@pytest.fixture
async def asking(admissions: AdmissionStore) -> AdmissionStore:
    """The bot is in server 1 and begins to ask; server 2 joins."""
    await admissions.set_policy(APPROVE)
    await admissions.present([SeenGuild(1, "Painters", 5)])
    await admissions.seen(SeenGuild(2, "Strangers", 9))
    return admissions


async def refusal(store: JobStore, guild_id: int) -> dict[str, object] | None:
    """Return the data of the refusal; None if the server may ask."""
    try:
        assert await accept(store, make_job(make_request(guild_id=guild_id)))
    except MemberError as error:
        return error.data if error.reason is MemberReason.GUILD_NOT_ADMITTED else {"reason": error.reason}
    return None


async def state(admissions: AdmissionStore, guild_id: int) -> AdmissionState | None:
    found = await admissions.get(guild_id)
    return None if found is None else found.state


async def test_before_a_bot_has_started_everybody_may_ask(store: JobStore) -> None:
    assert await refusal(store, 1) is None


async def test_a_server_that_waits_writes_nothing_at_all(
    asking: AdmissionStore, store: JobStore, database: Database
) -> None:
    await asking.set_contacts([7, 8])
    assert await refusal(store, 2) == {
        "state": "waiting",
        "contacts": [7, 8],
        "contact": "",
        "leave_at": None,
    }
    with pytest.raises(MemberError):
        await store.open_draft(make_request(guild_id=2), NO_CONTEXT, catalog=default_catalog(), at=now_ms())
    for table in ("jobs", "reservations", "drafts", "tallies"):
        assert await rows(database, f"SELECT * FROM {table}") == []
    assert await refusal(store, 1) is None


async def test_an_accepted_request_that_is_delivered_twice_is_still_one(
    asking: AdmissionStore, store: JobStore
) -> None:
    job = make_job(make_request(guild_id=1))
    assert await accept(store, job)
    assert await accept(store, make_job(job.request)) is None


@pytest.mark.parametrize(
    ("mode", "admitted"),
    [
        (AdmissionMode.OPEN, {1, 2, 3, 4, OWN}),
        (AdmissionMode.APPROVE, {1, 3, 4, OWN}),
        (AdmissionMode.LIST, {3, OWN}),
    ],
)
async def test_each_mode_admits_these(
    admissions: AdmissionStore,
    approvals: GuildApprovals,
    store: JobStore,
    mode: AdmissionMode,
    admitted: set[int],
) -> None:
    """Server 1 was there before, 2 waits, 3 is listed and allowed, 4 is allowed, 6 is refused."""
    await admissions.set_policy(APPROVE)
    await admissions.present([SeenGuild(1)])
    for guild_id in (2, 3, 4, OWN, 6):
        await admissions.seen(SeenGuild(guild_id))
    for guild_id in (3, 4):
        await approvals.allow(guild_id, 50, decided_by=9)
    await approvals.refuse(6, decided_by=9)
    await admissions.set_policy(AdmissionPolicy(mode, frozenset({3}), OWN))
    assert {guild_id for guild_id in range(1, 7) if await refusal(store, guild_id) is None} == admitted
    data = await refusal(store, 6)
    assert data is not None
    assert data["state"] == ("unlisted" if mode is AdmissionMode.LIST else "refused")


async def test_until_the_first_count_nobody_is_shut_out(admissions: AdmissionStore, store: JobStore) -> None:
    await admissions.set_policy(APPROVE)
    assert await refusal(store, 1) is None
    await admissions.present([SeenGuild(1)])
    assert await refusal(store, 1) is None
    assert await refusal(store, 2) is not None


async def test_servers_of_an_open_time_stay_admitted_and_later_ones_wait(admissions: AdmissionStore) -> None:
    await admissions.set_policy(AdmissionPolicy())
    await admissions.present([SeenGuild(1)])
    await admissions.seen(SeenGuild(2))
    await admissions.set_policy(APPROVE)
    await admissions.present([SeenGuild(1), SeenGuild(2), SeenGuild(3)])  # the third joined in between
    assert [await state(admissions, guild_id) for guild_id in (1, 2, 3)] == [
        "admitted",
        "admitted",
        "waiting",
    ]
    # A server that waits is admitted if the mode becomes open, and stays so.
    await admissions.set_policy(AdmissionPolicy())
    await admissions.present([SeenGuild(3)])
    await admissions.set_policy(APPROVE)
    assert await state(admissions, 3) == "admitted"
    assert await admissions.to_ask() == []


async def test_with_a_list_the_others_leave_no_row_and_are_new_ones_afterwards(
    admissions: AdmissionStore,
) -> None:
    await admissions.set_policy(AdmissionPolicy(AdmissionMode.LIST, frozenset({1})))
    await admissions.present([SeenGuild(1), SeenGuild(2)])
    assert await state(admissions, 2) is None
    assert await admissions.to_ask() == []
    await admissions.set_policy(APPROVE)
    await admissions.present([SeenGuild(1), SeenGuild(2)])
    assert [await state(admissions, guild_id) for guild_id in (1, 2)] == ["admitted", "waiting"]


async def test_of_two_who_decide_at_once_one_does(asking: AdmissionStore, approvals: GuildApprovals) -> None:
    decisions = await asyncio.gather(
        approvals.allow(2, 50, decided_by=8, interaction_id=1),
        approvals.refuse(2, decided_by=9),
        approvals.allow(2, 200, decided_by=9, interaction_id=2),
    )
    assert [decision.decided_now for decision in decisions].count(True) == 1
    assert len({decision.admission for decision in decisions}) == 1


async def test_the_command_line_replaces_a_decision(
    asking: AdmissionStore, approvals: GuildApprovals, store: JobStore
) -> None:
    await approvals.refuse(2, decided_by=9)
    assert await refusal(store, 2) is not None
    standing = await approvals.allow(2, 8, decided_by=0, period=Period.TOTAL, again=True)
    assert standing.decided_now
    assert standing.ceiling is not None
    assert (standing.ceiling.credits, standing.ceiling.period) == (8, "total")
    assert await refusal(store, 2) is None
    assert await asking.to_leave() == await asking.to_explain() == []


@pytest.mark.parametrize("credits", [-1, MAX_CREDITS + 1])
async def test_an_impossible_ceiling_decides_nothing(
    asking: AdmissionStore, approvals: GuildApprovals, credits: int
) -> None:
    with pytest.raises(ValueError, match="a limit of"):
        await approvals.allow(2, credits, decided_by=9)
    assert await state(asking, 2) == "waiting"


async def test_a_refused_server_is_left_a_day_later_even_if_it_is_renamed_meanwhile(
    asking: AdmissionStore, approvals: GuildApprovals, database: Database
) -> None:
    before = now_ms()
    await approvals.refuse(2, decided_by=9)
    await asking.mark_explained(2)
    await asking.seen(SeenGuild(2, "Friends"))
    await asking.present([SeenGuild(1), SeenGuild(2)])
    found = await asking.get(2)
    assert found is not None
    assert (found.name, found.members, found.state) == ("Friends", 9, "refused")
    assert found.leave_at is not None
    assert before + GRACE_MS <= found.leave_at <= now_ms() + GRACE_MS
    assert await asking.to_leave() == await asking.to_explain() == []
    await database.run(
        lambda tx: tx.execute("UPDATE admissions SET leave_at = ? WHERE guild_id = 2", (before,))
    )
    assert [each.guild_id for each in await asking.to_leave()] == [2]


async def test_a_list_takes_back_the_end_of_a_grace(
    asking: AdmissionStore, approvals: GuildApprovals
) -> None:
    await approvals.refuse(2, decided_by=9)
    await asking.set_policy(AdmissionPolicy(AdmissionMode.LIST, frozenset({2})))
    assert await asking.to_explain() == []


async def test_a_kick_while_the_bot_is_down_ends_the_grace(
    asking: AdmissionStore, approvals: GuildApprovals
) -> None:
    await approvals.refuse(2, decided_by=9)
    await asking.present([SeenGuild(1)])
    found = await asking.get(2)
    assert found is not None
    assert (found.state, found.leave_at) == ("refused", None)
    await asking.seen(SeenGuild(2))  # invited again
    assert [each.guild_id for each in await asking.to_explain()] == [2]


async def test_a_server_that_left_for_good_is_deleted_and_a_new_one_afterwards(
    asking: AdmissionStore, approvals: GuildApprovals, database: Database
) -> None:
    await approvals.allow(2, 50, decided_by=9)
    departures = GuildDepartures(database, grace_days=30)
    await departures.present([1])  # noticed at a start, although nothing else is kept of it
    await departures.process_due(now_ms() + 29 * DAY_MS)
    assert await state(asking, 2) == "admitted"
    await departures.process_due(now_ms() + 31 * DAY_MS)
    assert await state(asking, 2) is None
    assert "Strangers" not in str(await rows(database, "SELECT * FROM admissions"))
    await asking.seen(SeenGuild(2, "Strangers"))
    assert [each.guild_id for each in await asking.to_ask()] == [2]
    standing = await approvals.standing(2)
    assert standing.ceiling is not None
    assert standing.ceiling.credits == 50  # the operator's ceilings stay


async def test_the_export_of_who_decided_names_the_decision(
    asking: AdmissionStore, approvals: GuildApprovals, database: Database
) -> None:
    await approvals.refuse(2, decided_by=9)
    export = await MemberData(database).export(9)
    assert [decision["kind"] for decision in export.decisions] == ["admission"]
