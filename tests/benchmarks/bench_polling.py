"""How soon the end of a task is seen: by the fixed beat, by the learned polls, and at best."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.engine.polling.schedule import DurationBounds, PollInterval
from bot.engine.polling.scheduler import PollScheduler, TaskKind
from tests.benchmarks.results_table import Row

FIRST, INTERVAL = 2.5, 5.0
GAP = 0.4 * INTERVAL
WARM = 30
TASKS = 2000
# So that chance, of which a heavy tail has more, decides nothing.
TAILED_TASKS = 4000
SHIFTS = 9
OF_OPTIMUM, OF_FIXED = 1.2, 0.7
KIND = TaskKind("qwen-image", with_reference=False)
Lengths = Callable[[random.Random], float]


@dataclass(frozen=True)
class Cost:
    """Means over tasks: from a task's end to the poll that sees it, and polls."""

    delay_seconds: float
    polls: float


def around(middle: float, sigma: float) -> Lengths:
    return lambda dice: middle * math.exp(dice.gauss(0, sigma))


def two_humped(dice: random.Random) -> float:
    return dice.choice((8, 25)) * math.exp(dice.gauss(0, 0.12))


def heavy_tailed(dice: random.Random) -> float:
    return min(300.0, 6 * math.pow(1 - dice.random(), -1 / 1.5))


TRACES: dict[str, Lengths] = {
    "log-normal, 12 s, sigma 0.25": around(12, 0.25),
    "log-normal, 12 s, sigma 0.5": around(12, 0.5),
    "two-humped, 8 s and 25 s": two_humped,
    "heavy-tailed, from 6 s": heavy_tailed,
    "log-normal, 60 s, sigma 0.25": around(60, 0.25),
}
CHANGES: dict[str, tuple[Lengths, Lengths]] = {
    "from 12 s to 60 s": (around(12, 0.25), around(60, 0.25)),
    "from 60 s to 12 s": (around(60, 0.25), around(12, 0.25)),
    "from 12 s to 20 s": (around(12, 0.25), around(20, 0.25)),
    "from 12 s to two humps": (around(12, 0.25), two_humped),
}


def trace(lengths: Lengths, tasks: int, dice: random.Random) -> list[float]:
    return [lengths(dice) for _ in range(tasks)]


def replayed(scheduler: PollScheduler, durations: Iterable[float]) -> Cost:
    """Each task is polled as the tempo says, and then it learns what a poller sees: an interval."""
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
    """Rivya's guidance at its quickest: after 2.5 s, then every 5 s."""
    polls = [1 + max(0, math.ceil((duration - FIRST) / INTERVAL)) for duration in durations]
    ends = (FIRST + (number - 1) * INTERVAL for number in polls)
    delays = [end - duration for end, duration in zip(ends, durations, strict=True)]
    return Cost(sum(delays) / len(delays), sum(polls) / len(polls))


class Hindsight:
    """The best schedules for tasks whose durations are all known, polls on a grid."""

    def __init__(self, durations: Iterable[float], step: float) -> None:
        self._known = sorted(durations)
        self._step, self._gap = step, round(GAP / step)
        end = max(FIRST, self._known[-1])
        self._moments = [FIRST + step * place for place in range(math.ceil((end - FIRST) / step) + 1)]
        self._ended = [bisect_right(self._known, moment) for moment in self._moments]
        sums = [0.0]
        for duration in self._known:
            sums.append(sums[-1] + duration)
        self._sums = [sums[ended] for ended in self._ended]

    def at(self, polls: float) -> Cost:
        """The least mean delay for so many polls; between two schedules, of some tasks by one, some by other.

        No schedule does better: the line between two neighbours on the hull is below all others.
        """
        cheap, dear = 0.0, 1000.0
        many, few = self._best(cheap), self._best(dear)
        if many.polls <= polls:
            return many
        for _ in range(16):
            price = (cheap + dear) / 2 if cheap else dear / 4
            cost = self._best(price)
            if cost.polls > polls:
                cheap, many = price, cost
            else:
                dear, few = price, cost
        part = (polls - few.polls) / (many.polls - few.polls)
        return Cost(few.delay_seconds + part * (many.delay_seconds - few.delay_seconds), polls)

    def _best(self, price: float) -> Cost:
        """Backwards over the moments of a poll: its own delays, and the best that can follow."""
        tasks, last = len(self._known), len(self._moments) - 1
        best: list[tuple[float, float]] = [(0.0, 0.0)] * (last + 1)
        for place in range(last - 1, -1, -1):
            ended, total = self._ended[place], self._sums[place]
            if ended == tasks:
                continue
            found, after = math.inf, (0.0, 0.0)
            for following in range(min(place + self._gap, last), last + 1):
                delay = self._moments[following] * (self._ended[following] - ended)
                delay -= self._sums[following] - total
                if delay > found:
                    break  # it only grows
                cost = delay + best[following][0] + price * best[following][1]
                if cost < found:
                    found, after = cost, (delay + best[following][0], best[following][1])
            best[place] = (after[0], after[1] + tasks - ended)
        firsts = (
            Cost(
                (self._moments[place] * self._ended[place] - self._sums[place] + best[place][0]) / tasks,
                1 + best[place][1] / tasks,
            )
            for place in range(last + 1)
        )
        return min(firsts, key=lambda cost: cost.delay_seconds + price * cost.polls)


def optimum(durations: Sequence[float]) -> Cost:
    """At no more polls than the fixed beat makes."""
    return Hindsight(durations, 0.1 if max(durations) < 200 else 0.2).at(fixed(durations).polls)


async def measure(folder: Path) -> list[Row]:
    return [
        *(_steady(name, lengths) for name, lengths in TRACES.items()),
        *(_shifted(name, *change) for name, change in CHANGES.items()),
    ]


def _steady(name: str, lengths: Lengths) -> Row:
    dice = random.Random(name)
    scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=dice)
    replayed(scheduler, trace(lengths, WARM, dice))
    durations = trace(lengths, TAILED_TASKS if lengths is heavy_tailed else TASKS, dice)
    return _row(
        name,
        replayed(scheduler, durations),
        fixed(durations),
        optimum(durations),
        f"{len(durations)} tasks after the first {WARM}, each learned as the interval between two polls.",
    )


def _shifted(name: str, before: Lengths, after: Lengths) -> Row:
    learned, durations = [], []
    for number in range(SHIFTS):
        dice = random.Random(f"{name} {number}")
        scheduler = PollScheduler(PollInterval(FIRST, INTERVAL), dice=dice)
        replayed(scheduler, trace(before, 100, dice))
        replayed(scheduler, trace(after, WARM, dice))
        measured = trace(after, 100, dice)
        learned.append(replayed(scheduler, measured))
        durations += measured
    means = Cost(sum(c.delay_seconds for c in learned) / SHIFTS, sum(c.polls for c in learned) / SHIFTS)
    return _row(
        name,
        means,
        fixed(durations),
        optimum(durations),
        f"100 tasks of the one and {WARM} of the other, then 100 that count; {SHIFTS} times.",
    )


def _row(name: str, learned: Cost, fixed: Cost, best: Cost, note: str) -> Row:
    of_best = learned.delay_seconds / best.delay_seconds
    of_fixed = learned.delay_seconds / fixed.delay_seconds
    return Row(
        what=f"seen late: {name}",
        measured=f"{_said(learned)}; fixed {_said(fixed)}; optimum {_said(best)};"
        f" {of_best:.2f}, {of_fixed:.2f}",
        target=f"<= {OF_OPTIMUM} of the optimum, <= {OF_FIXED} of fixed",
        met=of_best <= OF_OPTIMUM and of_fixed <= OF_FIXED and learned.polls <= fixed.polls,
        note=f"Mean delay and polls a task. {note}",
        reason="the optimum knows every duration beforehand, and each single late one of a heavy tail",
    )


def _said(cost: Cost) -> str:
    return f"{cost.delay_seconds:.2f} s/{cost.polls:.2f}"
