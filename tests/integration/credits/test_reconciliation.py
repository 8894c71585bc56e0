"""The comparison of the ledger with Rivya finds every difference, and corrects once what Rivya proves."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger, Transaction
from bot.credits.ledger_export import export_ledger
from bot.credits.overview import PAGE_GUILDS, GuildOverview
from bot.credits.reconciliation import store as store_module
from bot.credits.reconciliation.models import ApplyResult, CloseResult, Discrepancy, DiscrepancyKind
from bot.credits.reconciliation.reconciler import Reconciler, ReconcileRun
from bot.credits.reconciliation.store import PAGE, DiscrepancyStore
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.errors import MemberError, MemberReason, OperatorError
from bot.domain.jobs import DeliveredMessage, DeliveryMethod, Failure, FailureCause
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds.pauses import PauseStore
from bot.jobs.store import JobStore
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database
from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.models import Task
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request
from tests.support.sql import rows

LARGE_LIMIT = Limit(1_000_000_000, Period.TOTAL)
_tasks = itertools.count(1)


def add_task(rivya: FakeRivya, status: str, credits: int) -> str:
    """Add a task that is over to Rivya; returns its id."""
    task_id = f"task_{next(_tasks)}"
    rivya.tasks[task_id] = Task(
        id=task_id,
        model="qwen-image",
        key=None,
        client_request_id=None,
        prompt="a fox",
        size="square",
        output_format="png",
        reference_ids=(),
        reserved_credits=4,
        created_at=time.time(),
        status=status,  # type: ignore[arg-type]  # the tests' own words
        final_credits=credits,
        error_code="generation_failed" if status == "failed" else None,
    )
    return task_id


class ReconcileHarness:
    """A ledger and a Rivya with different amounts."""

    def __init__(self, database: Database, rivya: FakeRivya, client: RivyaClient) -> None:
        self.database = database
        self.rivya = rivya
        self.store = JobStore(database, LARGE_LIMIT)
        self.ledger = Ledger(database, LARGE_LIMIT)
        self.discrepancies = DiscrepancyStore(database)
        self.reconciler = Reconciler(self.discrepancies, client, backoff_seconds=0.01)

    async def settled(self, booked: int, status: str, charged: int, *, age_ms: int = 0) -> str:
        """A delivered picture, settled with `booked`, for which Rivya charged `charged`."""
        return await self._delivered(add_task(self.rivya, status, charged), booked, age_ms)

    async def released(self, status: str, charged: int) -> str:
        """A failed job whose reservation was released."""
        task_id = add_task(self.rivya, status, charged)
        return await self._failed(task_id, Failure(FailureCause.RIVYA, "generation_failed"))

    async def doubtful(self, task_id: str | None, *, age_ms: int = 2 * DAY_MS) -> str:
        """A failed job whose reservation stays held."""
        return await self._failed(
            task_id, Failure(FailureCause.DEVELOPER, "task_vanished", in_doubt=True), age_ms
        )

    async def in_progress(self, task_id: str | None, *, age_ms: int = 2 * DAY_MS) -> str:
        """A job that is not over."""
        job = make_job(accepted_at=now_ms() - age_ms)
        await accept(self.store, job, NO_CONTEXT)
        if task_id is not None:
            await self.store.created(job.job_id, task_id, 4)
        return job.job_id

    async def _delivered(self, task_id: str, booked: int, age_ms: int) -> str:
        job_id = await self.in_progress(task_id, age_ms=age_ms)
        await self.store.succeeded(job_id, "https://example.org/p.png", booked)
        await self.store.delivered(job_id, DeliveredMessage(1, 2, DeliveryMethod.REPLY))
        return job_id

    async def _failed(self, task_id: str | None, failure: Failure, age_ms: int = 0) -> str:
        job_id = await self.in_progress(task_id, age_ms=age_ms)
        await self.store.failed(job_id, failure)
        await self.store.failure_notified(job_id)
        return job_id

    async def compare(self, days: int = 30) -> tuple[ReconcileRun, dict[str, Discrepancy]]:
        run = await self.reconciler.compare(now_ms() - days * DAY_MS)
        return run, {found.booked.job_id: found for found in await self.discrepancies.list_run(run.run_id)}

    async def kinds(self) -> dict[str, DiscrepancyKind]:
        return {job_id: found.kind for job_id, found in (await self.compare())[1].items()}

    async def query(self, sql: str) -> list[tuple[object, ...]]:
        return await rows(self.database, sql)


@pytest.fixture
async def rivya() -> AsyncIterator[FakeRivya]:
    async with FakeRivya(painting_seconds=0.01) as fake_rivya:
        yield fake_rivya


@pytest.fixture
async def harness(database: Database, rivya: FakeRivya) -> AsyncIterator[ReconcileHarness]:
    async with open_session() as session:
        client = RivyaClient(
            session, base_url=rivya.url, api_key=rivya.api_key, attempts=1, first_wait_seconds=0.01
        )
        yield ReconcileHarness(database, rivya, client)


async def test_a_task_of_another_model_is_a_difference_that_changes_no_credits(
    harness: ReconcileHarness,
) -> None:
    same, other = await harness.settled(4, "succeeded", 4), await harness.settled(4, "succeeded", 4)
    dearer = await harness.settled(4, "succeeded", 5)
    silent = await harness.settled(4, "succeeded", 4)
    tasks = list(harness.rivya.tasks.values())
    for task in tasks[1:3]:
        task.model = "z-image"
    tasks[3].model = ""
    run, found = await harness.compare()
    assert {job_id: (each.kind, each.other_model) for job_id, each in found.items()} == {
        other: (DiscrepancyKind.OTHER_MODEL, "z-image"),
        dearer: (DiscrepancyKind.CHARGED_OTHER, "z-image"),
    }
    assert not found.keys() & {same, silent}
    result = await harness.discrepancies.apply(run.run_id, by=9)
    assert (result.booked, result.difference_credits) == (1, 1)
    assert (await harness.discrepancies.apply(run.run_id, by=9)).before == 1


async def test_a_run_of_an_older_version_has_no_model_of_rivya(harness: ReconcileHarness) -> None:
    job_id = await harness.settled(4, "succeeded", 6)
    run, _ = await harness.compare()
    await harness.query("UPDATE findings SET rivya_model = NULL RETURNING 1")
    (found,) = await harness.discrepancies.list_run(run.run_id)
    assert (found.booked.job_id, found.booked.model, found.other_model) == (job_id, "qwen-image", None)


async def test_a_ledger_that_agrees_has_no_discrepancies(harness: ReconcileHarness) -> None:
    await harness.settled(4, "succeeded", 4)
    await harness.released("failed", 0)
    await harness.in_progress(add_task(harness.rivya, "processing", 0), age_ms=0)
    run, found = await harness.compare()
    assert (run.looked_at, run.found, run.stopped, found) == (2, 0, "", {})


async def test_every_kind_of_discrepancy_is_found(harness: ReconcileHarness) -> None:
    expected = {
        await harness.settled(4, "succeeded", 6): DiscrepancyKind.CHARGED_OTHER,
        await harness.settled(4, "failed", 0): DiscrepancyKind.CHARGED_OTHER,
        await harness.released("failed", 4): DiscrepancyKind.CHARGED_AFTER_RELEASE,
        await harness.released("processing", 0): DiscrepancyKind.NOT_OVER,
        await harness.doubtful(add_task(harness.rivya, "succeeded", 4)): DiscrepancyKind.HELD_DONE,
        await harness.doubtful(add_task(harness.rivya, "processing", 0)): DiscrepancyKind.HELD_RUNNING,
        await harness.doubtful("task_unheard_of"): DiscrepancyKind.VANISHED,
        await harness.doubtful(None): DiscrepancyKind.HELD_UNKNOWN,
        await harness.in_progress(None): DiscrepancyKind.HELD_WAITING,
    }
    await harness.doubtful(None, age_ms=DAY_MS // 2)  # not old enough to be compared
    assert await harness.kinds() == expected


async def test_a_discrepancy_has_the_note_of_its_reservation(harness: ReconcileHarness) -> None:
    job_id = await harness.doubtful(None)
    _, found = await harness.compare()
    assert "task_vanished" in found[job_id].booked.note


async def test_held_reservations_of_any_age_and_closed_ones_of_the_last_days_are_compared(
    harness: ReconcileHarness,
) -> None:
    held = await harness.doubtful(None, age_ms=90 * DAY_MS)
    await harness.settled(4, "succeeded", 6, age_ms=40 * DAY_MS)
    _, found = await harness.compare(days=30)
    assert found.keys() == {held}
    _, found = await harness.compare(days=50)
    assert len(found) == 2


async def test_a_comparison_alone_changes_nothing(harness: ReconcileHarness, database_path: Path) -> None:
    await harness.settled(4, "succeeded", 6)
    await harness.doubtful(add_task(harness.rivya, "succeeded", 4))
    before = list(export_ledger(database_path))
    await harness.compare()
    assert list(export_ledger(database_path)) == before
    assert await harness.query("SELECT * FROM corrections") == []


async def test_apply_makes_the_ledger_say_what_rivya_charged(
    harness: ReconcileHarness, database_path: Path
) -> None:
    other = await harness.settled(4, "succeeded", 6)
    failed = await harness.settled(4, "failed", 0)
    late = await harness.released("failed", 4)
    done = await harness.doubtful(add_task(harness.rivya, "succeeded", 5))
    run, _ = await harness.compare()
    assert await harness.discrepancies.apply(run.run_id, by=77) == ApplyResult(booked=4, difference_credits=3)
    booked = {
        str(line["job_id"]): (line["state"], line["final_credits"]) for line in export_ledger(database_path)
    }
    assert booked == {
        other: ("settled", 6),
        failed: ("released", 0),
        late: ("settled", 4),
        done: ("settled", 5),
    }
    assert sum(int(final or 0) for _, final in booked.values()) == harness.rivya.charged_credits
    assert (await harness.ledger.usage(1)).spent_credits == harness.rivya.charged_credits
    corrections = await harness.query(
        "SELECT job_id, from_state, from_credits, to_state, to_credits, reason, made_by FROM corrections"
    )
    assert (other, "settled", 4, "settled", 6, f"reconcile {run.run_id}: charged_other", 77) in corrections
    assert (done, "held", 4, "settled", 5, f"reconcile {run.run_id}: held_done", 77) in corrections
    assert await harness.kinds() == {}


async def test_applying_a_run_twice_corrects_it_once(harness: ReconcileHarness, database_path: Path) -> None:
    await harness.settled(4, "succeeded", 6)
    run, _ = await harness.compare()
    first, second = await asyncio.gather(
        harness.discrepancies.apply(run.run_id, by=1), harness.discrepancies.apply(run.run_id, by=2)
    )
    assert {first, second} == {ApplyResult(booked=1, difference_credits=2), ApplyResult(before=1)}
    assert await harness.query("SELECT to_credits FROM corrections") == [(6,)]
    assert [line["final_credits"] for line in export_ledger(database_path)] == [6]


async def test_discrepancies_without_proof_from_rivya_are_never_corrected(
    harness: ReconcileHarness, database_path: Path
) -> None:
    await harness.doubtful("task_unheard_of")
    await harness.doubtful(None)
    await harness.released("processing", 0)
    before = list(export_ledger(database_path))
    run, found = await harness.compare()
    assert len(found) == 3
    assert await harness.discrepancies.apply(run.run_id, by=1) == ApplyResult()
    assert list(export_ledger(database_path)) == before


async def test_a_reservation_that_changed_after_the_run_is_not_corrected(
    harness: ReconcileHarness, database_path: Path
) -> None:
    job_id = await harness.doubtful(add_task(harness.rivya, "succeeded", 4))
    run, _ = await harness.compare()
    assert (
        await harness.discrepancies.close_reservation(job_id, 9, reason="by hand", by=1) is CloseResult.CLOSED
    )
    assert await harness.discrepancies.apply(run.run_id, by=1) == ApplyResult(changed=1)
    assert [line["final_credits"] for line in export_ledger(database_path)] == [9]


async def test_a_reservation_that_changes_while_rivya_is_asked_is_no_discrepancy(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await harness.doubtful(add_task(harness.rivya, "succeeded", 4))
    get_task = harness.reconciler._rivya.get_task

    async def close_meanwhile(task_id: str) -> object:
        answer = await get_task(task_id)
        await harness.discrepancies.close_reservation(job_id, 4, reason="by hand", by=1)
        return answer

    monkeypatch.setattr(harness.reconciler._rivya, "get_task", close_meanwhile)
    _, found = await harness.compare()
    assert found == {}


async def test_a_job_in_progress_is_left_to_the_engine(
    harness: ReconcileHarness, database_path: Path
) -> None:
    task_id = add_task(harness.rivya, "succeeded", 4)
    job_id = await harness.in_progress(task_id)
    run, found = await harness.compare()
    assert found[job_id].kind is DiscrepancyKind.HELD_DONE
    assert await harness.discrepancies.apply(run.run_id, by=1) == ApplyResult(in_progress=1)
    await harness.store.succeeded(job_id, None, 4)
    assert await harness.discrepancies.apply(run.run_id, by=1) == ApplyResult(before=1)
    assert [line["state"] for line in export_ledger(database_path)] == ["settled"]


async def test_an_unknown_run_has_nothing_to_apply(harness: ReconcileHarness) -> None:
    assert await harness.discrepancies.apply("0123456789ab", by=1) == ApplyResult()


@pytest.mark.parametrize(("final_credits", "state"), [(0, "released"), (3, "settled")])
async def test_the_operator_closes_a_reservation_in_doubt_by_hand(
    harness: ReconcileHarness, database_path: Path, final_credits: int, state: str
) -> None:
    job_id = await harness.doubtful(None)
    closing = harness.discrepancies.close_reservation(
        job_id, final_credits, reason="Rivya's support said so", by=5
    )
    assert await closing is CloseResult.CLOSED
    (line,) = export_ledger(database_path)
    assert (line["state"], line["final_credits"]) == (state, final_credits)
    assert await harness.query(
        "SELECT from_state, to_state, to_credits, reason, made_by FROM corrections"
    ) == [("held", state, final_credits, "Rivya's support said so", 5)]
    assert (
        await harness.discrepancies.close_reservation(job_id, 9, reason="again", by=5)
    ) is CloseResult.NOT_HELD
    assert len(await harness.query("SELECT * FROM corrections")) == 1


async def test_only_a_reservation_in_doubt_can_be_closed_by_hand(harness: ReconcileHarness) -> None:
    in_progress, settled = await harness.in_progress(None), await harness.settled(4, "succeeded", 4)
    assert (
        await harness.discrepancies.close_reservation(in_progress, 0, reason="no", by=1)
        is CloseResult.IN_PROGRESS
    )
    assert (
        await harness.discrepancies.close_reservation(settled, 0, reason="no", by=1) is CloseResult.NOT_HELD
    )
    assert (
        await harness.discrepancies.close_reservation("no such job", 0, reason="no", by=1)
        is CloseResult.UNKNOWN
    )
    with pytest.raises(ValueError, match="-1"):
        await harness.discrepancies.close_reservation(in_progress, -1, reason="no", by=1)
    assert await harness.query("SELECT * FROM corrections") == []


async def test_a_reservation_in_doubt_can_be_closed_after_its_quarter_sums_were_pruned(
    harness: ReconcileHarness,
) -> None:
    job_id = await harness.doubtful(None, age_ms=90 * DAY_MS)
    await harness.query("DELETE FROM tallies WHERE span = 'quarter'")
    assert (
        await harness.discrepancies.close_reservation(job_id, 0, reason="long ago", by=1)
        is CloseResult.CLOSED
    )


async def test_an_outage_is_waited_out_and_a_long_one_stops_the_run_with_what_was_found(
    harness: ReconcileHarness,
) -> None:
    await harness.doubtful(None)
    await harness.settled(4, "succeeded", 6)
    harness.rivya.faults.add("status", "status", times=2, code=503)
    run, found = await harness.compare()
    assert (run.stopped, len(found)) == ("", 2)
    harness.rivya.faults.add("status", "status", times=None, code=503)
    run, found = await harness.compare()
    assert "503" in run.stopped
    assert len(found) == 1


async def test_a_refused_key_stops_the_run(harness: ReconcileHarness) -> None:
    await harness.settled(4, "succeeded", 4)
    harness.rivya.api_key = "rvya_sk_another"
    run, _ = await harness.compare()
    assert "refuses the API key" in run.stopped


async def test_several_pages_are_compared_with_progress_after_each(harness: ReconcileHarness) -> None:
    jobs = [await harness.settled(4, "succeeded", 4 + n % 2) for n in range(PAGE + 7)]
    steps: list[ReconcileRun] = []

    async def progress(run: ReconcileRun) -> None:
        steps.append(run)

    run = await harness.reconciler.compare(0, progress=progress)
    assert (run.looked_at, run.found, run.total) == (len(jobs), len(jobs) // 2, len(jobs))
    assert [step.looked_at for step in steps] == [PAGE, len(jobs)]
    assert (await harness.discrepancies.apply(run.run_id, by=1)).booked == len(jobs) // 2
    usage = await harness.ledger.usage(1)
    assert usage.spent_credits == harness.rivya.charged_credits
    again = await harness.reconciler.compare(run.reached_at or 0)
    assert (again.looked_at >= 1, again.found) == (True, 0)


async def test_pages_are_read_from_indexes(harness: ReconcileHarness) -> None:
    async def plan(query: str) -> str:
        steps = await harness.query(f"EXPLAIN QUERY PLAN {query.replace('?', '5')}")
        return " ".join(str(step[3]) for step in steps)

    closed, held = await plan(store_module._CLOSED), await plan(store_module._HELD)
    assert "reservations_by_time ((created_at,job_id)>(?,?))" in closed
    assert "TEMP B-TREE" not in closed
    assert "reservations_held" in held


CASES = st.lists(
    st.tuples(
        st.sampled_from(["settled", "released", "doubtful"]),
        st.integers(0, 9),
        st.sampled_from(["succeeded", "failed"]),
        st.integers(0, 9),
    ),
    max_size=8,
)


@given(cases=CASES)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_after_apply_the_ledger_says_what_rivya_charged_whatever_was_booked(
    tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[str, int, str, int]]
) -> None:
    database = await Database.open(tmp_path_factory.mktemp("books") / "bot.sqlite3")
    try:
        async with FakeRivya(painting_seconds=0.01) as rivya, open_session() as session:
            await check_reconciliation(
                ReconcileHarness(
                    database, rivya, RivyaClient(session, base_url=rivya.url, api_key=rivya.api_key)
                ),
                cases,
            )
    finally:
        await database.close()


async def check_reconciliation(harness: ReconcileHarness, cases: list[tuple[str, int, str, int]]) -> None:
    for state, booked, status, charged in cases:
        if state == "settled":
            await harness.settled(booked, status, charged)
        elif state == "released":
            await harness.released(status, charged)
        else:
            await harness.doubtful(add_task(harness.rivya, status, charged))
    run, _ = await harness.compare()
    await harness.discrepancies.apply(run.run_id, by=1)
    assert await harness.kinds() == {}
    usage = await harness.ledger.usage(1)
    assert (usage.spent_credits, usage.held_credits) == (harness.rivya.charged_credits, 0)
    tallied = await harness.query(
        "SELECT coalesce(sum(counted_credits), 0) FROM tallies WHERE guild_id = 0 AND span = 'day'"
    )
    assert tallied == [(harness.rivya.charged_credits,)]


# The overview of all guilds.


async def test_guilds_are_listed_by_spending_with_their_limit_ceiling_and_pause(
    harness: ReconcileHarness, credit_admin: CreditAdmin, database: Database
) -> None:
    for guild_id in range(1, PAGE_GUILDS + 3):
        for _ in range(guild_id):
            await accept(harness.store, make_job(make_request(guild_id=guild_id)), NO_CONTEXT)
    await credit_admin.set_limit(3, Limit(500, Period.WEEK), set_by=1)
    await credit_admin.set_limit(4, Limit(40, Period.DAY, scope=LimitScope.CEILING), set_by=1)
    await credit_admin.set_limit(0, Limit(70, Period.MONTH, scope=LimitScope.CEILING), set_by=1)
    await PauseStore(database).set(5, paused=True, set_by=1)
    overview = GuildOverview(database, LARGE_LIMIT)
    first, second = await overview.guilds(Period.MONTH, 1), await overview.guilds(Period.MONTH, 99)
    assert [row.guild_id for row in first.rows] == list(range(PAGE_GUILDS + 2, 2, -1))
    assert [row.guild_id for row in second.rows] == [2, 1]
    assert (second.page, second.pages, second.guilds) == (2, 2, PAGE_GUILDS + 2)
    assert first.used_credits == sum(4 * n for n in range(1, PAGE_GUILDS + 3))
    listed = {row.guild_id: row for row in first.rows}
    assert (listed[3].limit.credits, listed[6].limit) == (500, LARGE_LIMIT)
    ceilings = {n: ceiling.credits for n in (3, 4) if (ceiling := listed[n].ceiling) is not None}
    assert ceilings == {3: 70, 4: 40}
    assert [n for n, row in listed.items() if row.paused] == [5]


async def test_held_credits_and_the_part_in_doubt_are_summed(
    harness: ReconcileHarness, database: Database
) -> None:
    overview = GuildOverview(database, LARGE_LIMIT)
    assert (await overview.held()).oldest_at is None
    await harness.in_progress(None, age_ms=0)
    await harness.doubtful(None)
    await harness.settled(4, "succeeded", 4)
    held = await overview.held()
    assert (held.credits, held.reservations, held.doubtful_credits, held.doubtful) == (8, 2, 4, 1)
    assert held.oldest_at is not None
    assert now_ms() - held.oldest_at >= 2 * DAY_MS


# A second connection to the database of a running bot.


async def test_writes_of_a_second_connection_are_seen_by_the_first(
    database: Database, database_path: Path, store: JobStore
) -> None:
    shared = await Database.open_shared(database_path)
    try:
        await PauseStore(shared).set(0, paused=True, sentence="Back soon.", set_by=0)
        with pytest.raises(MemberError) as refused:
            await accept(store, make_job(), NO_CONTEXT)
        assert refused.value.reason is MemberReason.PAUSED

        def insert(n: int) -> Callable[[Transaction], object]:
            return lambda tx: tx.execute(
                "INSERT INTO pauses (guild_id, paused, set_by, set_at) VALUES (9, 0, 0, ?)", (n,)
            )

        await asyncio.gather(
            *(connection.run(insert(n)) for n in range(50) for connection in (database, shared))
        )
    finally:
        await shared.close()
    count = await database.run(
        lambda tx: tx.execute("SELECT count(*) FROM pauses WHERE guild_id = 9").fetchone()[0]
    )
    assert count == 100


async def test_open_shared_needs_an_existing_database_of_the_current_version(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no such file"):
        await Database.open_shared(tmp_path / "none.sqlite3")
    (tmp_path / "empty.sqlite3").touch()
    with pytest.raises(OperatorError, match="start the bot once"):
        await Database.open_shared(tmp_path / "empty.sqlite3")
