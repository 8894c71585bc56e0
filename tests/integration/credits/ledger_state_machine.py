"""The base of the state machine in `test_ledger_properties`: the ledger, its model, and their comparison."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from bot.credits import running_totals
from bot.credits.admin import CreditAdmin
from bot.credits.ledger import Ledger, Transaction
from bot.credits.ledger_export import export_ledger
from bot.credits.reports import queries
from bot.credits.reports.models import Grouping
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.image_models import MODELS
from bot.domain.jobs import Request, RequestContext
from bot.domain.limits import Limit, Usage
from bot.domain.model_catalog import ModelCatalog, default_catalog
from bot.domain.periods import Period
from bot.jobs.requests.submission import SubmitResult
from bot.jobs.store import JobStore
from bot.storage.database import Database
from tests.integration.credits.ledger_model import ALL, Booking, Cap, Model
from tests.integration.credits.ledger_model import Usage as ModelUsage

T = TypeVar("T")
GUILDS = (1, 2)
MODEL_IDS = ("qwen-image", "z-image", "flux-2-pro")
MEMBERS = (5, 6)
ROLES = (31, 32)
DEFAULT = Cap(12, "month")
PERIODS = st.sampled_from(Period)
ANY_GUILD = st.sampled_from(GUILDS)
ANY_MEMBER = st.sampled_from(MEMBERS)
CREDITS = st.integers(0, 9)
GROUP_COSTS = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(2, 4)).map(lambda drawn: (drawn[0],) * drawn[1]),
    st.lists(st.integers(1, 6), min_size=2, max_size=3).map(tuple),
)
"""The prices of the pictures of one request: the same several times, or those of compared models."""
CAPS = st.integers(0, 16)
HOURS = st.sampled_from([None, 1, 30, 24 * 20])
"""After which a grant expires."""
ANY_ROLES = st.sampled_from([(), ROLES[:1], ROLES[1:], ROLES])
ZONES = st.sampled_from(
    [
        "UTC",
        "America/New_York",
        "Asia/Kathmandu",  # a quarter of an hour off
        "Australia/Lord_Howe",  # clocks move by half an hour
        "America/Santiago",  # clocks skip midnight
        "Asia/Beirut",  # the same, in the other hemisphere
        "America/Havana",  # clocks go back at 1:00: two midnights
        "Pacific/Apia",  # a day before everybody
        "Pacific/Pago_Pago",  # a day after Apia
    ]
)
START_TIMES = st.sampled_from(
    [
        "2026-01-28T22:30",
        "2026-03-07T20:00",  # New York and Havana go forward
        "2026-03-28T18:00",  # Beirut
        "2026-04-04T10:00",  # Santiago and Lord Howe go back
        "2026-09-05T22:00",  # Santiago goes forward
        "2026-10-31T23:00",  # New York and Havana go back
        "2026-12-30T09:00",  # the year ends in a week of two years
        "2028-02-27T13:00",
    ]
).map(lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC))
# The keys of limits: guild, scope, subject.
SUBJECTS = st.one_of(
    st.tuples(ANY_GUILD, st.just("guild"), st.just(0)),
    st.tuples(ANY_GUILD, st.just("everyone"), st.just(0)),
    st.tuples(ANY_GUILD, st.just("member"), ANY_MEMBER),
    st.tuples(ANY_GUILD, st.just("role"), st.sampled_from(ROLES)),
    st.tuples(st.sampled_from((ALL, *GUILDS)), st.just("ceiling"), st.just(0)),
    st.tuples(st.just(ALL), st.just("ceiling_all"), st.just(0)),
)


def cap_of(limit: Limit) -> Cap:
    return Cap(None if limit.exempt else limit.credits, limit.period)


def usage_of(usage: Usage) -> ModelUsage:
    return ModelUsage(
        usage.scope,
        usage.subject_id,
        usage.limit_credits,
        usage.spent_credits,
        usage.held_credits,
        usage.granted_credits,
        None if usage.resets_at is None else datetime.fromtimestamp(usage.resets_at / 1000, UTC),
    )


def is_open(booking: Booking) -> bool:
    return not booking.over


def is_before_task(booking: Booking) -> bool:
    return not booking.over and not booking.has_task


class LedgerStateMachine(RuleBasedStateMachine):
    """A ledger, its model and a clock; the invariants compare ledger and model after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "bot.sqlite3"
        self.interactions = 0
        self.pruned_at: datetime | None = None
        self.models: dict[str, str] = {}
        self.model = Model(DEFAULT, {}, datetime(2026, 1, 1, tzinfo=UTC))
        self.traveller = time_machine.travel(self.model.now, tick=False)
        self.clock = self.traveller.start()
        self.open()

    def run_async(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def open(self) -> None:
        self.database = self.run_async(Database.open(self.path))
        default = Limit(credits=DEFAULT.credits or 0, period=Period(DEFAULT.period))
        self.ledger = Ledger(self.database, default)
        self.credit_admin = CreditAdmin(self.database, default, default_catalog())
        self.store = JobStore(self.database, default)

    def teardown(self) -> None:
        self.run_async(self.database.close())
        self.loop.close()
        self.traveller.stop()
        shutil.rmtree(self.folder)

    def interaction(self) -> int:
        self.interactions += 1
        return self.interactions

    def submit(
        self, request: Request, roles: tuple[int, ...], costs: tuple[int, ...], **more: Any
    ) -> SubmitResult:
        """Submit a request for pictures, or for models to compare, at these prices."""
        model_ids = request.models or (request.model,)
        prices = {
            model_id: replace(MODELS[model_id], cost_credits=cost)
            for model_id, cost in zip(model_ids, costs, strict=False)
        }
        return self.run_async(
            self.store.submit(
                request,
                RequestContext(role_ids=roles),
                job_id=str(uuid.uuid4()),
                catalog=ModelCatalog(prices, tuple(prices)),
                at=now_ms(),
                **more,
            )
        )

    def move_to(self, now: datetime) -> None:
        self.model.now = now
        self.clock.move_to(now, tick=False)

    def has_booking(self, wanted: Callable[[Booking], bool]) -> bool:
        return any(map(wanted, self.model.bookings.values()))

    def draw_booking(self, data: st.DataObject, wanted: Callable[[Booking], bool]) -> tuple[str, Booking]:
        # In the order of reservation: ids are random, so sorting by them would make replays differ.
        job_id = data.draw(st.sampled_from([j for j, b in self.model.bookings.items() if wanted(b)]))
        return job_id, self.model.bookings[job_id]

    def end(self, job_id: str, cost: int, state: str) -> None:
        self.model.recost(job_id, cost, state)
        self.model.bookings[job_id].over = True

    @invariant()
    def limits_agree(self) -> None:
        members = [(g, m, r) for g in self.model.zones for m, r in ((MEMBERS[0], ()), (MEMBERS[1], ROLES))]

        async def query() -> list[Any]:
            limits = (self.ledger.member_limits(*who) for who in members)
            return await asyncio.gather(*limits, *(self.ledger.member_used(g, m) for g, m, _ in members))

        found = self.run_async(query()) if members else []
        for (guild_id, user_id, roles), member_limits, used in zip(
            members, found[: len(members)], found[len(members) :], strict=True
        ):
            decision = self.model.decision(guild_id, user_id, roles)
            assert [usage_of(usage) for usage in member_limits.binding] == decision.binding
            assert (member_limits.personal and usage_of(member_limits.personal)) == decision.personal
            assert [usage_of(usage) for usage in member_limits.superseded] == decision.superseded
            assert (member_limits.exempt is not None) is decision.exempt
            assert used == self.model.member_spent(guild_id, user_id)

    @invariant()
    def rows_agree(self) -> None:
        def unit(tx: Transaction) -> tuple[list[Any], ...]:
            return tuple(
                tx.execute(query).fetchall()
                for query in (
                    "SELECT grant_id, left_credits FROM grants",
                    "SELECT job_id, grant_id, credits FROM draws",
                    "SELECT * FROM tallies WHERE counted_credits > 0 OR guild_credits > 0",
                )
            )

        grants, draws, sums = self.run_async(self.database.run(unit))
        assert {row["grant_id"]: row["left_credits"] for row in grants} == {
            number: grant.left for number, grant in self.model.grants.items()
        }
        assert {(row["job_id"], row["grant_id"]): row["credits"] for row in draws} == {
            (job_id, number): credits
            for job_id, booking in self.model.bookings.items()
            for level in booking.levels.values()
            for number, credits in level.drawn
        }
        for span, width in (("day", DAY_MS), ("quarter", running_totals.QUARTER_MS)):
            for guild_id in (ALL, *self.model.zones):
                mine = [row for row in sums if (row["span"], row["guild_id"]) == (span, guild_id)]
                found = {row["slot"]: (row["counted_credits"], row["guild_credits"]) for row in mine}
                assert found == self.without_pruned(
                    span, self.model.slots(timedelta(milliseconds=width), guild_id)
                )

    @invariant()
    def ledger_agrees(self) -> None:
        booked = {str(line["job_id"]): line for line in export_ledger(self.path)}
        assert booked.keys() == self.model.bookings.keys()
        for job_id, booking in self.model.bookings.items():
            line = booked[job_id]
            assert line["state"] == booking.state
            assert (line["state"] == "held") == (line["closed_at"] is None)
            assert line["reserved_credits" if booking.state == "held" else "final_credits"] == booking.cost

    def assert_reports_agree(self, guild_id: int, period: str) -> None:
        """Compare a report by model with the model of the ledger, and with the report by member."""
        at = int(self.model.now.timestamp() * 1000)
        with queries.open_snapshot(self.path) as snapshot:
            by_model, by_member = (
                queries.build_report(
                    snapshot,
                    guild_id,
                    period=Period(period),
                    periods_ago=0,
                    default=self.ledger.default,
                    at=at,
                    grouping=grouping,
                )
                for grouping in (Grouping.MODEL, Grouping.MEMBER)
            )
        cost, refunded = Counter[str](), Counter[str]()
        for job_id, booking in self.model.bookings.items():
            if (
                booking.guild_id == guild_id
                and by_model.start <= booking.at.timestamp() * 1000 < by_model.end
            ):
                cost[self.models[job_id]] += booking.cost
                refunded[self.models[job_id]] += booking.cost if booking.refunded else 0
        assert {each.subject: each.credits for each in by_model.spenders} == cost
        assert {each.subject: each.refunded_credits for each in by_model.spenders} == refunded
        assert by_model.credits == by_member.credits == sum(bar.credits for bar in by_model.buckets)
        assert [bar.credits for bar in by_model.buckets] == [bar.credits for bar in by_member.buckets]
        alone: dict[str, Any] = {"buckets": (), "spenders": (), "members": 0, "grouping": Grouping.MEMBER}
        assert replace(by_model, **alone) == replace(by_member, **alone)
        for read in (attrgetter("refunded_credits"), attrgetter("pictures")):
            assert sum(map(read, by_model.spenders)) == sum(map(read, by_member.spenders))

    def without_pruned(self, span: str, slots: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
        if span == "day" or self.pruned_at is None:
            return slots
        oldest = self.pruned_at - timedelta(days=40)
        first = int(oldest.timestamp() * 1000) // running_totals.QUARTER_MS
        return {slot: sums for slot, sums in slots.items() if slot >= first}
