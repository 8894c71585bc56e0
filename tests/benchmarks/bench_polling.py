"""Compare how soon the end of a task is noticed: with a fixed interval, learned polls, and optimal polls."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.engine.polling.schedule import DurationBounds, PollInterval
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.polling.task_kind import TaskKind
from tests.benchmarks.results_table import Row

FIRST, INTERVAL = 2.5, 5.0
GAP = 0.4 * INTERVAL
WARM_UP_TASKS = 30
TASKS = 2000
TAILED_TASKS = 4000  # a heavy tail has more variance
SHIFTS = 9
OF_OPTIMUM, OF_FIXED = 1.2, 0.7
KIND = TaskKind("qwen-image", with_reference=False)
DurationSampler = Callable[[random.Random], float]


@dataclass(frozen=True)
class Cost:
    """Means over tasks: seconds from the end of a task to the next poll, and number of polls."""

    delay_seconds: float
    polls: float


def log_normal(middle: float, sigma: float) -> DurationSampler:
    return lambda rng: middle * math.exp(rng.gauss(0, sigma))


def two_humped(rng: random.Random) -> float:
    return rng.choice((8, 25)) * math.exp(rng.gauss(0, 0.12))


def heavy_tailed(rng: random.Random) -> float:
    return min(300.0, 6 * math.pow(1 - rng.random(), -1 / 1.5))


TRACES: dict[str, DurationSampler] = {
    "log-normal, 12 s, sigma 0.25": log_normal(12, 0.25),
    "log-normal, 12 s, sigma 0.5": log_normal(12, 0.5),
    "two-humped, 8 s and 25 s": two_humped,
    "heavy-tailed, from 6 s": heavy_tailed,
    "log-normal, 60 s, sigma 0.25": log_normal(60, 0.25),
}
CHANGES: dict[str, tuple[DurationSampler, DurationSampler]] = {
    "from 12 s to 60 s": (log_normal(12, 0.25), log_normal(60, 0.25)),
    "from 60 s to 12 s": (log_normal(60, 0.25), log_normal(12, 0.25)),
    "from 12 s to 20 s": (log_normal(12, 0.25), log_normal(20, 0.25)),
    "from 12 s to two humps": (log_normal(12, 0.25), two_humped),
}


def sample(sampler: DurationSampler, tasks: int, rng: random.Random) -> list[float]:
    return [sampler(rng) for _ in range(tasks)]


def replay(scheduler: PollScheduler, durations: Iterable[float]) -> Cost:
    """Poll each task by the scheduler, which then observes between which two polls the task ended."""
    delays, polls = [], 0
    for duration in durations:
        before, at, made = 0.0, scheduler.next_poll(KIND), 1
        while at < duration:
            before, at, made = at, scheduler.next_poll(KIND, at), made + 1
        scheduler.observe(KIND, DurationBounds(before, at), polls=made)
        delays.append(at - duration)
        polls += made
    return Cost(sum(delays) / len(delays), polls / len(delays))


def fixed(durations: Sequence[float]) -> Cost:
    """Poll by the shortest interval that Rivya recommends: after 2.5 s, then every 5 s."""
    polls = [1 + max(0, math.ceil((duration - FIRST) / INTERVAL)) for duration in durations]
    ends = (FIRST + (number - 1) * INTERVAL for number in polls)
    delays = [end - duration for end, duration in zip(ends, durations, strict=True)]
    return Cost(sum(delays) / len(delays), sum(polls) / len(polls))


class OptimalSchedule:
    """The best schedules for known durations, with polls at multiples of `step` seconds."""

    def __init__(self, durations: Iterable[float], step: float) -> None:
        self._known = sorted(durations)
        self._step, self._gap = step, round(GAP / step)
        end = max(FIRST, self._known[-1])
        self._moments = [FIRST + step * index for index in range(math.ceil((end - FIRST) / step) + 1)]
        self._ended = [bisect_right(self._known, moment) for moment in self._moments]
        sums = [0.0]
        for duration in self._known:
            sums.append(sums[-1] + duration)
        self._sums = [sums[ended] for ended in self._ended]

    def at(self, polls: float) -> Cost:
        """Return the least mean delay for a mean number of polls, by a bisection over the price of a poll.

        It may take two schedules, each for a part of the tasks. Nothing is better: the two are neighbours on
        the convex hull of all schedules.
        """
        low, high = 0.0, 1000.0
        many, few = self._best(low), self._best(high)
        if many.polls <= polls:
            return many
        for _ in range(16):
            price = (low + high) / 2 if low else high / 4
            cost = self._best(price)
            if cost.polls > polls:
                low, many = price, cost
            else:
                high, few = price, cost
        share = (polls - few.polls) / (many.polls - few.polls)
        return Cost(few.delay_seconds + share * (many.delay_seconds - few.delay_seconds), polls)

    def _best(self, price: float) -> Cost:
        """Return the schedule with the least delay plus `price` per poll, by dynamic programming."""
        tasks, last = len(self._known), len(self._moments) - 1
        best: list[tuple[float, float]] = [(0.0, 0.0)] * (last + 1)
        for index in range(last - 1, -1, -1):
            ended, total = self._ended[index], self._sums[index]
            if ended == tasks:
                continue
            found, after = math.inf, (0.0, 0.0)
            for following in range(min(index + self._gap, last), last + 1):
                delay = self._moments[following] * (self._ended[following] - ended)
                delay -= self._sums[following] - total
                if delay > found:
                    break  # later polls only add delay
                cost = delay + best[following][0] + price * best[following][1]
                if cost < found:
                    found, after = cost, (delay + best[following][0], best[following][1])
            best[index] = (after[0], after[1] + tasks - ended)
        firsts = (
            Cost(
                (self._moments[index] * self._ended[index] - self._sums[index] + best[index][0]) / tasks,
                1 + best[index][1] / tasks,
            )
            for index in range(last + 1)
        )
        return min(firsts, key=lambda cost: cost.delay_seconds + price * cost.polls)


def optimum(durations: Sequence[float]) -> Cost:
    """Return the optimum with no more polls than the fixed interval makes."""
    return OptimalSchedule(durations, 0.1 if max(durations) < 200 else 0.2).at(fixed(durations).polls)


async def measure(folder: Path) -> list[Row]:
    return [
        *(_steady(name, sampler) for name, sampler in TRACES.items()),
        *(_shifted(name, *change) for name, change in CHANGES.items()),
    ]


def _steady(name: str, sampler: DurationSampler) -> Row:
    rng = random.Random(name)
    scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=rng)
    replay(scheduler, sample(sampler, WARM_UP_TASKS, rng))
    durations = sample(sampler, TAILED_TASKS if sampler is heavy_tailed else TASKS, rng)
    return _row(
        name,
        replay(scheduler, durations),
        fixed(durations),
        optimum(durations),
        f"{len(durations)} tasks after the first {WARM_UP_TASKS}, each observed between two polls.",
    )


def _shifted(name: str, before: DurationSampler, after: DurationSampler) -> Row:
    learned, durations = [], []
    for number in range(SHIFTS):
        rng = random.Random(f"{name} {number}")
        scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=rng)
        replay(scheduler, sample(before, 100, rng))
        replay(scheduler, sample(after, WARM_UP_TASKS, rng))
        measured = sample(after, 100, rng)
        learned.append(replay(scheduler, measured))
        durations += measured
    means = Cost(sum(c.delay_seconds for c in learned) / SHIFTS, sum(c.polls for c in learned) / SHIFTS)
    return _row(
        name,
        means,
        fixed(durations),
        optimum(durations),
        f"100 tasks before and {WARM_UP_TASKS} after the change, then 100 that count; {SHIFTS} times.",
    )


def _row(name: str, learned: Cost, fixed: Cost, best: Cost, note: str) -> Row:
    of_best = learned.delay_seconds / best.delay_seconds
    of_fixed = learned.delay_seconds / fixed.delay_seconds
    return Row(
        what=f"delay until a task's end is noticed: {name}",
        measured=f"{_format(learned)}; fixed {_format(fixed)}; optimum {_format(best)};"
        f" {of_best:.2f}, {of_fixed:.2f}",
        target=f"<= {OF_OPTIMUM} of the optimum, <= {OF_FIXED} of fixed",
        met=of_best <= OF_OPTIMUM and of_fixed <= OF_FIXED and learned.polls <= fixed.polls,
        note=f"Mean delay and polls a task. {note}",
        reason="the optimum knows all durations in advance, with every outlier of a heavy tail",
    )


def _format(cost: Cost) -> str:
    return f"{cost.delay_seconds:.2f} s/{cost.polls:.2f}"
