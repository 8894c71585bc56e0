"""Compare how soon the end of a task is noticed: with a fixed interval, learned polls, and optimal polls.

The optimum is the least mean delay of any schedule that is the same for all tasks, makes as many polls a task
as the fixed interval, keeps the least gap between two polls, and is found by someone who knows the
distribution of durations exactly. The scheduler has to learn it, from at most its last 200 tasks and from
intervals between two polls. An optimum for drawn durations would know their chances, such as the outliers of
a heavy tail, in advance; so it is found for ten thousand evenly spaced quantiles of the distribution, and the
durations that count are fewer of them in random order.

Time is simulated and the dice are seeded, so every run has the same figures.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Final

from bot.engine.polling.schedule import DurationBounds, PollInterval
from bot.engine.polling.scheduler import PollScheduler
from bot.engine.polling.task_kind import TaskKind
from tests.benchmarks.results_table import Ratio, Row, ratio_row

FIRST, INTERVAL = 2.5, 5.0
GAP = 0.4 * INTERVAL
WARM_UP_TASKS = 30
TASKS = 2000
SHIFTS = 20
SHIFTED_TASKS = 100
NEW_KINDS, FIRST_TASKS = 60, 5
EXACT_TASKS = 10_000
"""So many quantiles are the distribution."""
MARGIN = 1.0
QUICK: Final = {"TASKS": 500, "SHIFTS": 3, "NEW_KINDS": 20, "MARGIN": 1.1}
OF_OPTIMUM, OF_FIXED, FIRST_OF_FIXED = 1.1, 0.7, 0.8
KIND = TaskKind("qwen-image", with_reference=False)
NEW_KIND = TaskKind("qwen-image", with_reference=True)
Quantiles = Callable[[float], float]
"""A distribution: the duration that a share of the tasks, above 0 and below 1, does not exceed."""


@dataclass(frozen=True)
class Cost:
    """Means over tasks: seconds from the end of a task to the next poll, and number of polls."""

    delay_seconds: float
    polls: float


def log_normal(middle: float, sigma: float) -> Quantiles:
    normal = NormalDist(0, sigma)
    return lambda share: middle * math.exp(normal.inv_cdf(share))


def two_humped(share: float) -> float:
    low = share < 0.5
    return (8 if low else 25) * math.exp(NormalDist(0, 0.12).inv_cdf(2 * share if low else 2 * share - 1))


def heavy_tailed(share: float) -> float:
    return min(300.0, 6 * math.pow(1 - share, -1 / 1.5))


TRACES: dict[str, Quantiles] = {
    "log-normal, 12 s, sigma 0.25": log_normal(12, 0.25),
    "log-normal, 12 s, sigma 0.5": log_normal(12, 0.5),
    "two-humped, 8 s and 25 s": two_humped,
    "heavy-tailed, from 6 s": heavy_tailed,
    "log-normal, 60 s, sigma 0.25": log_normal(60, 0.25),
}
CHANGES: dict[str, tuple[Quantiles, Quantiles]] = {
    "from 12 s to 60 s": (log_normal(12, 0.25), log_normal(60, 0.25)),
    "from 60 s to 12 s": (log_normal(60, 0.25), log_normal(12, 0.25)),
    "from 12 s to 20 s": (log_normal(12, 0.25), log_normal(20, 0.25)),
    "from 12 s to two humps": (log_normal(12, 0.25), two_humped),
}


def draw(quantiles: Quantiles, tasks: int, rng: random.Random) -> list[float]:
    """Return durations that are drawn independently."""
    return [quantiles(rng.random() or 0.5) for _ in range(tasks)]


def evenly(quantiles: Quantiles, tasks: int) -> list[float]:
    """Return evenly spaced quantiles: the distribution, without chance in it."""
    return [quantiles((number + 0.5) / tasks) for number in range(tasks)]


def shuffled(quantiles: Quantiles, tasks: int, rng: random.Random) -> list[float]:
    """Return evenly spaced quantiles in random order."""
    durations = evenly(quantiles, tasks)
    rng.shuffle(durations)
    return durations


def replay(scheduler: PollScheduler, durations: Iterable[float], kind: TaskKind = KIND) -> Cost:
    """Poll each task by the scheduler, which then observes between which two polls the task ended."""
    delays, polls = [], 0
    for duration in durations:
        before, at, made = 0.0, scheduler.next_poll(kind), 1
        while at < duration:
            before, at, made = at, scheduler.next_poll(kind, at), made + 1
        scheduler.observe(kind, DurationBounds(before, at), polls=made)
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


def optimum(quantiles: Quantiles, polls: float) -> Cost:
    """Return the optimum for a distribution, with so many polls a task."""
    durations = evenly(quantiles, EXACT_TASKS)
    return OptimalSchedule(durations, 0.1 if max(durations) < 200 else 0.2).at(polls)


@dataclass(frozen=True)
class Trial:
    """What the scheduler made of durations. `note` says of which."""

    learned: Cost
    fixed: Cost
    quantiles: Quantiles
    note: str


async def measure(folder: Path) -> list[Row]:
    trials = {name: steady(name, quantiles) for name, quantiles in TRACES.items()}
    trials |= {name: shifted(name, *change) for name, change in CHANGES.items()}
    pairs = [(trial.learned, trial.fixed) for trial in trials.values()]
    return [
        *(_row(name, trial) for name, trial in trials.items()),
        ratio_row(
            "delay beside the fixed interval",
            Ratio(max(ours.delay_seconds / theirs.delay_seconds for ours, theirs in pairs), at_most=OF_FIXED),
            "the most of all above",
            "The fixed interval polls after 2.5 s, then every 5 s.",
            "learning gains too little",
        ),
        ratio_row(
            "polls a task beside the fixed interval",
            Ratio(max(ours.polls / theirs.polls for ours, theirs in pairs), at_most=1.0),
            "the most of all above",
            "The fixed interval polls after 2.5 s, then every 5 s.",
            "more polls than Rivya's guidance",
        ),
        _first_row(first_tasks()),
    ]


def steady(name: str, quantiles: Quantiles) -> Trial:
    """Poll tasks whose distribution does not change."""
    rng = random.Random(name)
    scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=rng)
    replay(scheduler, draw(quantiles, WARM_UP_TASKS, rng))
    durations = shuffled(quantiles, TASKS, rng)
    note = f"{TASKS} tasks after the first {WARM_UP_TASKS}."
    return Trial(replay(scheduler, durations), fixed(durations), quantiles, note)


def shifted(name: str, before: Quantiles, after: Quantiles) -> Trial:
    """Poll tasks whose distribution has changed a while ago."""
    rng = random.Random(name)
    durations = shuffled(after, SHIFTS * SHIFTED_TASKS, rng)
    learned = []
    for number in range(SHIFTS):
        scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=rng)
        replay(scheduler, draw(before, 100, rng))
        replay(scheduler, draw(after, WARM_UP_TASKS, rng))
        learned.append(replay(scheduler, durations[number::SHIFTS]))
    note = f"100 tasks before and {WARM_UP_TASKS} after it, then {SHIFTED_TASKS} that count; {SHIFTS} times."
    return Trial(_mean(learned), fixed(durations), after, note)


def first_tasks() -> tuple[Cost, Cost]:
    """Poll the first tasks of kinds whose model has a history, and poll them at the fixed interval."""
    rng = random.Random("first tasks")
    learned, plain = [], []
    for _ in range(NEW_KINDS):
        median = 5 * math.pow(12, rng.random())
        scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=rng)
        replay(scheduler, draw(log_normal(median, 0.25), 60, rng))
        durations = draw(log_normal(median * math.exp(rng.gauss(0, 0.4)), 0.25), FIRST_TASKS, rng)
        learned.append(replay(scheduler, durations, NEW_KIND))
        plain.append(fixed(durations))
    return _mean(learned), _mean(plain)


def _first_row(costs: tuple[Cost, Cost]) -> Row:
    learned, plain = costs
    return ratio_row(
        "delay beside the fixed interval: the first tasks of a kind",
        Ratio(learned.delay_seconds / plain.delay_seconds, at_most=FIRST_OF_FIXED),
        f"{_format(learned)}; fixed {_format(plain)}",
        f"{FIRST_TASKS} tasks of each of {NEW_KINDS} kinds, beside 60 of another kind of the model with a"
        " median of 5 to 60 s; their medians are 40 percent apart.",
        "what other tasks of the model take says too little about them",
        margin=MARGIN,
    )


def _mean(costs: Sequence[Cost]) -> Cost:
    return Cost(fmean(cost.delay_seconds for cost in costs), fmean(cost.polls for cost in costs))


def _row(name: str, trial: Trial) -> Row:
    best = optimum(trial.quantiles, trial.fixed.polls)
    return ratio_row(
        f"delay until an end is noticed: {name}",
        Ratio(trial.learned.delay_seconds / best.delay_seconds, at_most=OF_OPTIMUM),
        f"{_format(trial.learned)}; optimum {_format(best)}; fixed {_format(trial.fixed)}",
        f"Mean delay and polls a task, beside the optimum. {trial.note}",
        "what is learned of the durations, or how polls are placed by it, is not good enough",
        margin=MARGIN,
    )


def _format(cost: Cost) -> str:
    return f"{cost.delay_seconds:.2f} s/{cost.polls:.2f}"
