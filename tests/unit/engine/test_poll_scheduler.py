"""The poll scheduler: bounds that hold for every history, and the delay until an end is seen."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine.polling.schedule import DurationBounds, PollInterval, estimate_distribution, optimal_schedule
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.polling.task_kind import HISTORY_SIZE, MAX_KINDS, TaskKind

INTERVAL = PollInterval(2.5, 5.0)
KIND = TaskKind("qwen-image", with_reference=False)
EDIT = TaskKind("qwen-image", with_reference=True)
YEAR_SECONDS = 365 * 86400.0

DURATIONS = st.floats(0.0, 400.0) | st.sampled_from([0.0, 2.5, 7.5, 12.0, 60.0])
HISTORIES = st.lists(DURATIONS, min_size=5, max_size=40)


class NoDice(random.Random):
    """Always in the middle, so that two schedulers can be compared."""

    def random(self) -> float:
        return 0.5


def poll_to_end(scheduler: PollScheduler, seconds: float, kind: TaskKind = KIND) -> list[float]:
    """Poll a task until it ends at this age, and learn from it; return the ages of the polls."""
    polls = [scheduler.next_poll(kind)]
    while polls[-1] < seconds:
        polls.append(scheduler.next_poll(kind, polls[-1]))
    before = polls[-2] if len(polls) > 1 else 0.0
    assert scheduler.observe(kind, DurationBounds(before, polls[-1]), polls=len(polls))
    return polls


def count_fixed_polls(seconds: float) -> int:
    """Return the number of polls at a fixed interval: after 2.5 s, then every 5 s."""
    return 1 + max(0, math.ceil((seconds - 2.5) / 5))


def draw_durations(median: float, number: int, *, seed: int, sigma: float = 0.25) -> list[float]:
    rng = random.Random(seed)
    return [median * math.exp(rng.gauss(0, sigma)) for _ in range(number)]


def mean_delay(scheduler: PollScheduler, durations: list[float]) -> float:
    return statistics.fmean(poll_to_end(scheduler, seconds)[-1] - seconds for seconds in durations)


def make_scheduler(*durations: float) -> PollScheduler:
    scheduler = PollScheduler(INTERVAL, dice=random.Random(1))
    for seconds in durations:
        poll_to_end(scheduler, seconds)
    return scheduler


def test_without_history_the_interval_is_fixed() -> None:
    polls = poll_to_end(PollScheduler(INTERVAL), 60.0)
    assert polls[0] == 2.5
    steps = [later - sooner for sooner, later in itertools.pairwise(polls)]
    assert all(5.0 <= step <= 6.0 for step in steps)


def test_without_adaptive_polling_the_interval_is_fixed_and_durations_are_still_recorded() -> None:
    scheduler = PollScheduler(INTERVAL, adaptive=False)
    for seconds in draw_durations(12, 40, seed=1):
        poll_to_end(scheduler, seconds)
    polls = poll_to_end(scheduler, 60.0)
    assert polls[0] == 2.5
    assert all(5.0 <= later - sooner <= 6.0 for sooner, later in itertools.pairwise(polls))
    typical = scheduler.typical_seconds(KIND)
    assert typical is not None
    assert 8 < typical < 16


@pytest.mark.parametrize(("age", "slower"), [(299.0, 1), (301.0, 2), (1801.0, 6)])
def test_old_tasks_are_polled_more_slowly(age: float, slower: int) -> None:
    assert 5 * slower <= PollScheduler(INTERVAL).next_poll(KIND, age) - age <= 6 * slower
    learned = make_scheduler(*draw_durations(12, 40, seed=1))
    assert 5 * slower <= learned.next_poll(KIND, age) - age <= 6 * slower


@given(HISTORIES, st.floats(0.0, 500.0))
@settings(max_examples=15, deadline=None)
def test_no_history_leads_to_early_or_dense_polls(history: list[float], next_one: float) -> None:
    polls = poll_to_end(make_scheduler(*history), next_one)
    assert polls[0] >= 2.5
    assert all(later - sooner >= 2.0 - 1e-9 for sooner, later in itertools.pairwise(polls))


@given(HISTORIES, st.floats(0.0, 2000.0))
@settings(max_examples=15, deadline=None)
def test_no_poll_is_much_later_than_any_earlier_end_or_than_the_fixed_interval(
    history: list[float], next_one: float
) -> None:
    scheduler = make_scheduler(*history)
    learned_until = 1.25 * scheduler.longest_seconds(KIND) + 2 * 5.0
    polls = poll_to_end(scheduler, next_one)
    assert polls[0] <= max(2.5, learned_until)
    for sooner, later in itertools.pairwise(polls):
        slower = 1 if sooner < 300 else 2 if sooner < 1800 else 6
        # A half more if polls are saved, and a fifth at random.
        assert later <= max(learned_until, sooner + 5 * slower * 1.5 * 1.2)


@given(HISTORIES)
@settings(max_examples=15, deadline=None)
def test_a_schedule_expects_no_more_polls_than_the_fixed_interval(history: list[float]) -> None:
    distribution = estimate_distribution(
        [DurationBounds(seconds * 0.9, seconds) for seconds in history], INTERVAL
    )
    schedule = optimal_schedule(distribution, INTERVAL)
    places = [distribution.moments.index(moment) for moment in schedule]
    timings = range(0, len(distribution.moments), distribution.cells_an_interval(INTERVAL))
    assert distribution.polls(places) <= distribution.polls(timings) + 1e-9


MEDIANS = st.sampled_from([1.0, 6.0, 9.0, 12.0, 28.0, 61.0, 240.0])


@given(st.lists(st.tuples(MEDIANS, st.sampled_from([KIND, EDIT])), min_size=1, max_size=5))
@settings(max_examples=5, deadline=None)
def test_the_number_of_polls_is_bounded_for_any_change_of_durations(
    stretches: list[tuple[float, TaskKind]],
) -> None:
    scheduler, polls = PollScheduler(INTERVAL, dice=random.Random(2)), Counter[TaskKind]()
    for seed, (median, kind) in enumerate(stretches):
        for seconds in draw_durations(median, 25, seed=seed):
            polls[kind] += len(poll_to_end(scheduler, seconds, kind)) - count_fixed_polls(seconds)
    # The limit of extra polls, and what one long task may add to it.
    assert max(polls.values()) <= 50 + 100


@pytest.mark.parametrize("median", [12.0, 60.0])
def test_the_delay_is_near_the_minimum_without_more_polls(median: float) -> None:
    scheduler = make_scheduler(*draw_durations(median, 30, seed=3))
    durations = draw_durations(median, 300, seed=4)
    polls, delays = 0, []
    for seconds in durations:
        ages = poll_to_end(scheduler, seconds)
        polls += len(ages)
        delays.append(ages[-1] - seconds)
    # No schedule of these durations is much below half the smallest interval; the fixed one has 2.5 s.
    assert statistics.fmean(delays) <= 1.2
    assert polls <= sum(map(count_fixed_polls, durations))


@pytest.mark.parametrize(("before", "after"), [(12.0, 60.0), (60.0, 12.0), (12.0, 20.0)])
def test_thirty_tasks_are_enough_to_learn_new_durations(before: float, after: float) -> None:
    late = []
    for seed in range(3):
        scheduler = make_scheduler(
            *draw_durations(before, 100, seed=seed), *draw_durations(after, 30, seed=10 + seed)
        )
        late.append(mean_delay(scheduler, draw_durations(after, 60, seed=20 + seed)))
    assert statistics.fmean(late) <= 1.25


def test_wide_intervals_do_not_keep_it_from_learning() -> None:
    # Every end was seen by the first poll, at 31 s, so nothing is known of the time before.
    scheduler = PollScheduler(INTERVAL, dice=random.Random(5))
    for _ in range(HISTORY_SIZE):
        scheduler.observe(KIND, DurationBounds(0.0, 31.0), polls=1)
    durations = draw_durations(10, 130, seed=6)
    mean_delay(scheduler, durations[:30])
    assert mean_delay(scheduler, durations[30:]) <= 1.3


def test_the_first_tasks_of_a_kind_are_polled_as_others_of_its_model_until_it_has_its_own_history() -> None:
    scheduler = make_scheduler(*draw_durations(30, 40, seed=7))
    high = TaskKind("qwen-image", with_reference=False, settings=(("quality", "high"),))
    for kind in (KIND, EDIT, high):
        assert scheduler.next_poll(kind) > 8
    assert scheduler.next_poll(TaskKind("another", with_reference=False)) == 2.5
    for seconds in draw_durations(6, 10, seed=8):
        poll_to_end(scheduler, seconds, high)
    assert scheduler.next_poll(high) < 8
    assert scheduler.next_poll(KIND) > 8


def test_models_with_very_different_durations_do_not_disturb_each_other() -> None:
    medians = (6.0, 20.0, 90.0)
    kinds = {median: TaskKind(f"of {median:g} seconds", with_reference=False) for median in medians}
    drawn = {median: draw_durations(median, 90, seed=17) for median in medians}
    together = PollScheduler(INTERVAL, dice=NoDice())
    polls = [
        {median: poll_to_end(together, drawn[median][number], kinds[median]) for median in medians}
        for number in range(90)
    ]
    for median, kind in kinds.items():
        alone = PollScheduler(INTERVAL, dice=NoDice())
        assert [each[median] for each in polls] == [poll_to_end(alone, each, kind) for each in drawn[median]]
        assert together.typical_duration(kind.model) == pytest.approx(median, rel=0.15)


def test_the_kinds_without_tasks_for_the_longest_time_are_forgotten() -> None:
    scheduler = PollScheduler(INTERVAL)
    kinds = [TaskKind(f"model {number}", with_reference=False) for number in range(MAX_KINDS)]
    for _ in range(5):
        for kind in kinds:
            scheduler.observe(kind, DurationBounds(9.0, 11.0))
    scheduler.observe(kinds[0], DurationBounds(9.0, 11.0))
    assert scheduler.typical_duration(kinds[1].model) == 10.0
    for _ in range(5):
        scheduler.observe(TaskKind("one more", with_reference=False), DurationBounds(9.0, 11.0))
    known = [scheduler.typical_duration(kind.model) is not None for kind in kinds]
    assert known == [True, False, *[True] * (MAX_KINDS - 2)]
    assert scheduler.typical_duration("one more") == 10.0


def test_a_kind_with_few_tasks_is_expected_to_take_as_long_as_its_model() -> None:
    scheduler = make_scheduler()
    assert scheduler.typical_seconds(EDIT) is None
    assert scheduler.longest_seconds(EDIT) == 0.0
    for seconds in (10.0, 11.0, 12.0, 13.0, 14.0):
        scheduler.observe(KIND, DurationBounds(seconds, seconds))
    scheduler.observe(EDIT, DurationBounds(30.0, 30.0))
    assert scheduler.typical_seconds(EDIT) == 12.5
    assert scheduler.longest_seconds(EDIT) == 30.0
    assert scheduler.longest_seconds(KIND) == 14.0
    for _ in range(4):
        scheduler.observe(EDIT, DurationBounds(20.0, 20.0))
    assert scheduler.typical_seconds(EDIT) == 20.0


def test_the_typical_duration_of_a_model_is_that_of_its_tasks_with_and_without_reference() -> None:
    scheduler = make_scheduler(8.0, 8.0)
    poll_to_end(scheduler, 90.0, TaskKind("another", with_reference=False))
    assert scheduler.typical_duration("qwen-image") is None
    for _ in range(3):
        poll_to_end(scheduler, 30.0, TaskKind("qwen-image", with_reference=True))
    typical = scheduler.typical_duration("qwen-image")
    assert typical == pytest.approx(30, abs=3)
    for _ in range(9):
        poll_to_end(scheduler, 8.0)
    typical = scheduler.typical_duration("qwen-image")
    assert typical == pytest.approx(8, abs=3)
    assert scheduler.typical_duration("another") is None


def test_the_schedule_scales_with_the_settings() -> None:
    small = PollScheduler(PollInterval(0.025, 0.05), dice=random.Random(1))
    for seconds in draw_durations(12, 60, seed=8):
        poll_to_end(small, seconds / 100)
    large = make_scheduler(*draw_durations(12, 60, seed=8))
    assert small.next_poll(KIND) * 100 == pytest.approx(large.next_poll(KIND))


@pytest.mark.parametrize("first", [0.001, 2.5, 1000.0])
@pytest.mark.parametrize("interval", [0.001, 5.0, 1000.0])
def test_any_positive_settings_work(first: float, interval: float) -> None:
    scheduler = PollScheduler(PollInterval(first, interval))
    for seconds in (0.0, 1.0, first, first + 7 * interval, first + 100 * interval, 12.0) * 3:
        scheduler.observe(KIND, DurationBounds(0.5 * seconds, seconds), polls=3)
    polled = scheduler.next_poll(KIND)
    assert first <= polled < math.inf
    assert scheduler.next_poll(KIND, polled) >= polled + 0.4 * interval - 1e-9


@pytest.mark.parametrize(
    ("after", "by"),
    [(-1.0, 5.0), (6.0, 5.0), (0.0, math.inf), (math.inf, math.inf), (math.nan, 5.0), (0.0, math.nan)],
)
def test_impossible_durations_are_not_learned(after: float, by: float) -> None:
    scheduler = PollScheduler(INTERVAL)
    assert not any(scheduler.observe(KIND, DurationBounds(after, by), polls=1) for _ in range(10))
    assert scheduler.next_poll(KIND) == 2.5


def test_a_task_of_a_year_does_not_spoil_the_schedule() -> None:
    scheduler = make_scheduler(*draw_durations(12, 60, seed=9))
    scheduler.observe(KIND, DurationBounds(YEAR_SECONDS - 60, YEAR_SECONDS), polls=10**6)
    assert 2.5 <= scheduler.next_poll(KIND) <= 20
    assert mean_delay(scheduler, draw_durations(12, 100, seed=10)) <= 4.0


def test_extra_polls_are_saved_later() -> None:
    scheduler = make_scheduler(*draw_durations(30, 60, seed=11))
    for seconds in draw_durations(30, 12, seed=12):
        scheduler.observe(
            KIND, DurationBounds(seconds - 1, seconds + 1), polls=count_fixed_polls(seconds) + 10
        )
    durations = draw_durations(30, 40, seed=13)
    spared = sum(count_fixed_polls(seconds) - len(poll_to_end(scheduler, seconds)) for seconds in durations)
    assert spared > 20


def test_history_is_loaded_only_for_kinds_without_any() -> None:
    history = {
        KIND: [DurationBounds(seconds - 1, seconds + 1) for seconds in draw_durations(30, 40, seed=14)]
    }
    fresh = PollScheduler(INTERVAL)
    fresh.load(history)
    assert fresh.next_poll(KIND) > 5
    known = make_scheduler(*draw_durations(8, 40, seed=15))
    known.load(history)
    assert known.next_poll(KIND) < 8
