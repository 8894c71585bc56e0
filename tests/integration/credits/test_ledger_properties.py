"""The ledger agrees with a plain model of it, after random steps."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from bot.credits import ledger as ledger_module
from bot.credits import running_totals
from bot.credits.guild_ceilings import apply_default_ceiling
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import Failure, FailureCause, Request, RequestContext
from bot.domain.limits import Limit, LimitScope, ReservationState
from bot.domain.periods import Period
from bot.guilds.pauses import PauseStore
from bot.guilds.settings import GuildSetting, GuildSettingsStore
from bot.jobs.requests.submission import Accepted, Duplicate, NeedsConfirmation
from tests.integration.credits.ledger_model import ALL, Cap, Grant, end_of
from tests.integration.credits.ledger_state_machine import (
    ANY_GUILD,
    ANY_MEMBER,
    ANY_ROLES,
    CAPS,
    CREDITS,
    DEFAULT,
    GROUP_COSTS,
    GUILDS,
    HOURS,
    MODEL_IDS,
    PERIODS,
    ROLES,
    START_TIMES,
    SUBJECTS,
    ZONES,
    LedgerStateMachine,
    cap_of,
    is_before_task,
    is_open,
    usage_of,
)
from tests.support.factories import NO_CONTEXT, accept, make_job, make_request


class LedgerMachine(LedgerStateMachine):
    """Every operation on credits, in any order, at any time and in any time zone."""

    @initialize(
        now=START_TIMES,
        zones=st.tuples(*[ZONES] * len(GUILDS)),
        ceiling=st.none() | st.tuples(CAPS, PERIODS),
    )
    def begin(self, now: datetime, zones: tuple[str, ...], ceiling: tuple[int, str] | None) -> None:
        self.move_to(now)
        for guild_id, zone in zip(GUILDS, zones, strict=True):
            self.set_time_zone(guild_id, zone)
        if ceiling is not None:
            self.start_with_ceiling(*ceiling)

    def start_with_ceiling(self, amount: int, period: str) -> None:
        ceiling = Limit(amount, Period(period), scope=LimitScope.CEILING)
        default = self.ledger.default
        assert self.run_async(apply_default_ceiling(self.database, ceiling, default, now_ms())) == 0
        self.model.default_ceiling = Cap(amount, period)

    @precondition(lambda self: self.model.default_ceiling is not None)
    @rule(amount=CAPS, period=PERIODS)
    def restart_with_another_ceiling(self, amount: int, period: str) -> None:
        self.restart()
        self.start_with_ceiling(amount, period)

    @rule(guild_id=ANY_GUILD, zone=ZONES)
    def set_time_zone(self, guild_id: int, zone: str) -> None:
        work = GuildSettingsStore(self.database).change(guild_id, GuildSetting.TIMEZONE, zone, set_by=99)
        self.run_async(work)
        self.model.zones[guild_id] = zone

    @rule(guild_id=ANY_GUILD, user_id=ANY_MEMBER, roles=ANY_ROLES, cost=CREDITS)
    def reserve(self, guild_id: int, user_id: int, roles: tuple[int, ...], cost: int) -> None:
        model_id = MODEL_IDS[len(self.models) % len(MODEL_IDS)]
        request = replace(make_request(guild_id=guild_id, user_id=user_id), model=model_id)
        job = replace(make_job(request), quote_credits=cost)
        decision = self.model.decision(guild_id, user_id, roles)
        if self.model.is_paused(guild_id):
            with pytest.raises(MemberError) as refused:
                self.run_async(accept(self.store, job, RequestContext(role_ids=roles)))
            assert refused.value.reason is MemberReason.PAUSED
            for paused_id in (ALL, guild_id):
                self.set_pause(paused_id, paused=False)
        elif (refusal := decision.refusal(cost)) is not None:
            with pytest.raises(LimitExceeded) as full:
                self.run_async(accept(self.store, job, RequestContext(role_ids=roles)))
            assert usage_of(full.value.usage) == refusal
            assert self.run_async(self.store.find(job.job_id)) is None
        else:
            assert self.run_async(accept(self.store, job, RequestContext(role_ids=roles)))
            self.model.book(job.job_id, guild_id, user_id, cost, decision)
            self.models[job.job_id] = model_id
            assert not cost or not self.model.exceeds_ceiling(guild_id)
            again = make_job(make_request(interaction_id=job.request.destination.interaction_id))
            assert self.run_async(accept(self.store, again, NO_CONTEXT)) is None

    @rule(guild_id=ANY_GUILD, user_id=ANY_MEMBER, roles=ANY_ROLES, costs=GROUP_COSTS, asks=st.booleans())
    def reserve_group(
        self, guild_id: int, user_id: int, roles: tuple[int, ...], costs: tuple[int, ...], asks: bool
    ) -> None:
        """All pictures of a request have room, or none is reserved."""
        request = make_request(guild_id=guild_id, user_id=user_id)
        if len(set(costs)) > 1:
            request = replace(request, models=MODEL_IDS[: len(costs)])
        else:
            request = replace(request, pictures=len(costs))
        draft_id = self.ask_for_group(request, roles, costs) if asks else None
        answer = request
        if draft_id is not None:
            destination = make_request(guild_id=guild_id, user_id=user_id).destination
            answer = replace(request, destination=destination)
        if self.is_refused(answer, roles, costs, draft_id=draft_id, confirmed=True):
            return
        result = self.submit(answer, roles, costs, draft_id=draft_id, confirmed=True)
        assert isinstance(result, Accepted)
        assert [job.quote_credits for job in result.jobs] == list(costs)
        for job in result.jobs:
            decision = self.model.decision(guild_id, user_id, roles)
            self.model.book(job.job_id, guild_id, user_id, job.quote_credits, decision)
            self.models[job.job_id] = job.request.model
        assert not self.model.exceeds_ceiling(guild_id)
        assert isinstance(self.submit(answer, roles, costs, confirmed=True), Duplicate)

    def ask_for_group(self, request: Request, roles: tuple[int, ...], costs: tuple[int, ...]) -> int | None:
        """Submit a request whose total has to be confirmed; None if it is refused."""
        guild_id = request.destination.guild_id
        self.set_confirmation(guild_id, str(sum(costs) - 1))
        draft_id = None
        if not self.is_refused(request, roles, costs):
            question = self.submit(request, roles, costs)
            assert isinstance(question, NeedsConfirmation)
            assert question.quote.credits == sum(costs)
            draft_id = question.draft_id
        self.set_confirmation(guild_id, None)
        return draft_id

    def set_confirmation(self, guild_id: int, above: str | None) -> None:
        settings_store = GuildSettingsStore(self.database)
        self.run_async(settings_store.change(guild_id, GuildSetting.CONFIRM_ABOVE, above, set_by=99))

    def is_refused(
        self, request: Request, roles: tuple[int, ...], costs: tuple[int, ...], **more: Any
    ) -> bool:
        """Compare how a request for several pictures is refused with the model; False if it has room."""
        destination = request.destination
        decision = self.model.decision(destination.guild_id, destination.user_id, roles)
        if self.model.is_paused(destination.guild_id):
            with pytest.raises(MemberError) as refused:
                self.submit(request, roles, costs, **more)
            assert refused.value.reason is MemberReason.PAUSED
            for paused_id in (ALL, destination.guild_id):
                self.set_pause(paused_id, paused=False)
            return True
        if (refusal := decision.refusal(sum(costs))) is None:
            return False
        with pytest.raises(LimitExceeded) as full:
            self.submit(request, roles, costs, **more)
        assert usage_of(full.value.usage) == refusal
        cheapest_first = accumulate(sorted(costs))
        fitting = sum(total <= refusal.left for total in cheapest_first)
        assert (full.value.pictures, full.value.fitting) == (len(costs), fitting)
        assert full.value.cost_credits == sum(costs)
        return True

    @rule(
        guild_id=ANY_GUILD,
        user_id=ANY_MEMBER,
        roles=ANY_ROLES,
        costs=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    )
    def reserve_several(self, guild_id: int, user_id: int, roles: tuple[int, ...], costs: list[int]) -> None:
        for cost in costs:
            self.reserve(guild_id, user_id, roles, cost)

    @rule(
        guild_id=ANY_GUILD,
        user_id=ANY_MEMBER,
        caps=st.tuples(st.integers(0, 5), st.integers(0, 5)),
        grants=st.lists(st.tuples(st.booleans(), st.integers(1, 5), HOURS), min_size=2, max_size=4),
        costs=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    )
    def spend_grants(
        self,
        guild_id: int,
        user_id: int,
        caps: tuple[int, int],
        grants: list[tuple[bool, int, int | None]],
        costs: list[int],
    ) -> None:
        for name, amount in zip(("guild", "everyone"), caps, strict=True):
            self.set_limit((guild_id, name, 0), amount, "month", exempt=False)
        for personal, amount, hours in grants:
            self.grant(guild_id, user_id if personal else ALL, amount, hours)
        self.reserve_several(guild_id, user_id, (), costs)

    @precondition(lambda self: self.has_booking(is_before_task))
    @rule(data=st.data(), reserved=st.none() | CREDITS)
    def create(self, data: st.DataObject, reserved: int | None) -> None:
        job_id, booking = self.draw_booking(data, is_before_task)
        self.run_async(self.store.created(job_id, f"task_{job_id}", reserved))
        booking.has_task = True
        if reserved is not None:
            self.model.recost(job_id, reserved, "held")

    @precondition(lambda self: self.has_booking(is_open))
    @rule(data=st.data(), final=st.none() | CREDITS, refunded=st.booleans())
    def settle(self, data: st.DataObject, final: int | None, refunded: bool) -> None:
        job_id, booking = self.draw_booking(data, is_open)
        if not booking.has_task:
            self.run_async(self.store.created(job_id, f"task_{job_id}", None))
        self.run_async(self.store.succeeded(job_id, "https://example.org/p.png", final))
        self.end(job_id, booking.cost if final is None else final, "settled")
        if refunded:
            self.refund_job(job_id)
        self.assert_reports_agree(booking.guild_id, "total")

    @precondition(lambda self: self.has_booking(is_open))
    @rule(data=st.data(), charged=CREDITS, in_doubt=st.booleans())
    def fail(self, data: st.DataObject, charged: int, in_doubt: bool) -> None:
        job_id, booking = self.draw_booking(data, is_open)
        failure = Failure(FailureCause.RIVYA, "generation_failed", charged_credits=charged, in_doubt=in_doubt)
        self.run_async(self.store.failed(job_id, failure))
        if in_doubt:
            self.end(job_id, booking.cost, "held")  # credits in doubt stay held
        else:
            self.end(job_id, charged, "settled" if charged else "released")

    @precondition(lambda self: self.has_booking(is_before_task))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id, _ = self.draw_booking(data, is_before_task)
        self.run_async(self.store.cancelled(job_id))
        self.end(job_id, 0, "released")

    @precondition(lambda self: self.has_booking(lambda booking: booking.over))
    @rule(data=st.data(), final=CREDITS)
    def override(self, data: st.DataObject, final: int) -> None:
        job_id, _ = self.draw_booking(data, lambda booking: booking.over)
        state = ReservationState.SETTLED if final else ReservationState.RELEASED
        at = int(self.model.now.timestamp() * 1000)
        self.run_async(
            self.database.run(
                lambda tx: ledger_module.override(tx, job_id=job_id, state=state, final_credits=final, at=at)
            )
        )
        self.model.recost(job_id, final, state)

    @precondition(lambda self: self.has_booking(lambda _: True))
    @rule(data=st.data(), other_guild=st.sampled_from([False, False, True]))
    def refund(self, data: st.DataObject, other_guild: bool) -> None:
        job_id, _ = self.draw_booking(data, lambda _: True)
        self.refund_job(job_id, other_guild=other_guild)

    def refund_job(self, job_id: str, *, other_guild: bool = False) -> None:
        booking = self.model.bookings[job_id]
        guild_id = 3 - booking.guild_id if other_guild else booking.guild_id
        expected_reason = None
        if other_guild:
            expected_reason = MemberReason.JOB_UNKNOWN
        elif booking.state != "settled" or not booking.cost:
            expected_reason = MemberReason.JOB_NOT_CHARGED
        elif booking.refunded:
            expected_reason = MemberReason.JOB_REFUNDED
        work = self.credit_admin.refund(guild_id, job_id, reason="blurred", refunded_by=99)
        if expected_reason is None:
            assert self.run_async(work).credits == booking.cost
            self.model.refund(job_id)
            self.assert_reports_agree(guild_id, "total")
            return
        with pytest.raises(MemberError) as refused:
            self.run_async(work)
        assert refused.value.reason is expected_reason

    @rule(subject=SUBJECTS, amount=CAPS, period=PERIODS, exempt=st.booleans())
    def set_limit(self, subject: tuple[int, str, int], amount: int, period: str, exempt: bool) -> None:
        guild_id, name, subject_id = subject
        exempt = exempt and name in {"member", "role"}
        cap = Cap(None, "total") if exempt else Cap(amount, period)
        limit = Limit(amount, Period(period), scope=LimitScope(name), subject_id=subject_id, exempt=exempt)
        for new in (limit, replace(limit, credits=7, exempt=False)):  # the second repeats the interaction
            number = self.interaction() if new is limit else self.interactions
            work = self.credit_admin.set_limit(guild_id, new, set_by=99, interaction_id=number)
            change = self.run_async(work)
            defaults = {"guild": DEFAULT}
            if guild_id == ALL and self.model.default_ceiling is not None:
                defaults["ceiling"] = self.model.default_ceiling
            before = self.model.caps.get(subject, defaults.get(name))
            assert (change.before and cap_of(change.before)) == before
            assert change.after is not None
            assert cap_of(change.after) == cap
            self.model.caps[subject] = cap

    @rule(
        guild_id=ANY_GUILD,
        user_id=ANY_MEMBER,
        caps=st.tuples(CAPS, CAPS),
        periods=st.tuples(PERIODS, PERIODS),
        exempt=st.sampled_from([False, False, True]),
    )
    def set_role_limits(
        self,
        guild_id: int,
        user_id: int,
        caps: tuple[int, int],
        periods: tuple[str, str],
        exempt: bool,
    ) -> None:
        self.remove_limit((guild_id, "member", user_id))
        for role_id, amount, period, is_exempt in zip(ROLES, caps, periods, (False, exempt), strict=True):
            self.set_limit((guild_id, "role", role_id), amount, period, is_exempt)
        self.reserve_several(guild_id, user_id, ROLES, [3, 2, 1])

    @rule(subject=SUBJECTS)
    def remove_limit(self, subject: tuple[int, str, int]) -> None:
        guild_id, name, subject_id = subject
        self.run_async(self.credit_admin.remove_limit(guild_id, LimitScope(name), subject_id, set_by=99))
        self.model.caps.pop(subject, None)

    @rule(
        guild_id=ANY_GUILD,
        user_id=st.just(ALL) | ANY_MEMBER,
        amount=st.integers(1, 9),
        hours=HOURS,
    )
    def grant(self, guild_id: int, user_id: int, amount: int, hours: int | None) -> None:
        expires = None if hours is None else self.model.now + timedelta(hours=hours)
        number = self.interaction()
        for again in (False, True):
            created = self.run_async(
                self.credit_admin.grant(
                    guild_id,
                    user_id,
                    credits=amount,
                    reason="a prize",
                    granted_by=99,
                    expires_at=None if expires is None else int(expires.timestamp() * 1000),
                    interaction_id=number,
                )
            )
            assert (created is None) is again
            if created is not None:
                self.model.grants[created.grant_id] = Grant(guild_id, user_id, amount, expires)

    @precondition(lambda self: self.model.grants)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(list(self.model.grants)))
        grant = self.model.grants[number]
        revoked = self.run_async(self.credit_admin.revoke(grant.guild_id, number, revoked_by=99))
        assert (revoked and revoked.left_credits) == (None if grant.revoked or not grant.left else grant.left)
        grant.revoked = grant.revoked or revoked is not None

    @rule(guild_id=st.sampled_from((ALL, *GUILDS)), paused=st.booleans())
    def set_pause(self, guild_id: int, paused: bool) -> None:
        self.run_async(PauseStore(self.database).set(guild_id, paused=paused, set_by=99))
        (self.model.paused.add if paused else self.model.paused.discard)(guild_id)

    @rule(hours=st.sampled_from([0.25, 1, 5, 24, 24 * 7, 24 * 31, 24 * 100]))
    def advance_clock(self, hours: float) -> None:
        self.move_to(self.model.now + timedelta(hours=hours))

    @rule(hours=st.sampled_from([1, 30, 24 * 5]))
    def set_clock_back(self, hours: int) -> None:
        earlier = self.model.now - timedelta(hours=hours)
        # Quarters are kept for 40 days, so totals are right only if the clock is set back by about a week.
        if self.pruned_at is None or earlier > self.pruned_at - timedelta(days=7):
            self.move_to(earlier)

    @rule(guild_id=ANY_GUILD, user_id=ANY_MEMBER, period=PERIODS.filter(lambda period: period != "total"))
    def reserve_around_the_end_of_a_period(self, guild_id: int, user_id: int, period: str) -> None:
        for name, amount in (("guild", 3), ("everyone", 2), ("ceiling", 4)):
            self.set_limit((guild_id, name, 0), amount, period, exempt=False)
        end = end_of(period, self.model.now, self.model.zones[guild_id])
        assert end is not None
        for moment in (end - timedelta(hours=2), end - timedelta(milliseconds=1), end):
            self.move_to(moment)
            self.reserve(guild_id, user_id, (), 1)
            self.limits_agree()

    @rule(guild_id=ANY_GUILD, period=PERIODS)
    def report_by_model(self, guild_id: int, period: str) -> None:
        self.assert_reports_agree(guild_id, period)

    @rule()
    def restart(self) -> None:
        self.run_async(self.database.close())
        self.open()

    @rule()
    def prune(self) -> None:
        at = int(self.model.now.timestamp() * 1000)
        self.run_async(self.database.run(lambda tx: running_totals.prune(tx, at)))
        newest = max((booking.at for booking in self.model.bookings.values()), default=None)
        if newest is not None:
            reached = min(newest, self.model.now)
            self.pruned_at = max(reached, self.pruned_at or reached)


LedgerMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("KUAS_MACHINE_EXAMPLES", "60")),
    stateful_step_count=int(os.environ.get("KUAS_MACHINE_STEPS", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedgerMachine = LedgerMachine.TestCase
