"""Where polls are best placed, once it is known where tasks have been ending.

A duration is known as an interval only: running at one poll, ended by the next. `estimate_distribution` draws
from the intervals how likely an end is at each moment (expectation maximisation with smoothing, on a grid);
taking an end for the poll that saw it would only confirm the polls that are made already. `optimal_schedule`
then finds the schedule with the least expected delay for a number of polls, by dynamic programming.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP_BEATS: Final = 0.4
"""Two polls of a task are never closer together, in intervals of the fixed beat."""
LONGEST_BEATS: Final = 60.0
"""What is learned ends here, in intervals after the first poll: 5 minutes at the defaults."""
_CELLS_A_GAP: Final = (8, 4)
"""The grid, fine for short horizons and coarse for long ones."""
_MANY_CELLS: Final = 400
_ROUNDS: Final = 12
"""Of the estimate: it is settled to a few percent by then, and stopping early keeps it smooth."""
_DOUBT: Final = 1.0
"""How many endings the assumption counts for that any moment is possible, early ones sooner."""
_BLUR: Final = 0.13
"""How far one ending speaks for its neighbourhood, as a part of its own age."""
_BLUR_LIMIT: Final = 6.0
_BLUR_POWER: Final = 0.3
"""Further where few tasks are left: a single late one says little about the exact moment."""
_PRICES: Final = (1e-4, 20.0)
"""The least and the most a poll may cost, as a delay in intervals of the fixed beat."""
_HALVINGS: Final = 12


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The fixed beat of Rivya's guidance, in seconds: a first poll, then one each interval."""

    first_seconds: float
    interval_seconds: float

    @property
    def gap_seconds(self) -> float:
        """The least time between two polls of a task."""
        return GAP_BEATS * self.interval_seconds


@dataclass(frozen=True, slots=True)
class DurationBounds:
    """A task was still running `after_seconds` after its creation, and had ended by `by_seconds`."""

    after_seconds: float
    by_seconds: float


@dataclass(frozen=True, slots=True)
class DurationDistribution:
    """How likely a task has ended by each moment of a grid."""

    step_seconds: float
    moments: tuple[float, ...]
    """Seconds since the task's creation; the first is the first poll of the fixed beat."""
    ended: tuple[float, ...]
    """The share of tasks that have ended by each of the moments; the last is 1."""

    def shares(self, bounds: DurationBounds) -> tuple[float, float]:
        """The shares before and up to the end of the interval: all tasks together fill them evenly."""
        before = bisect_right(self.moments, bounds.after_seconds) - 1
        upto = min(bisect_left(self.moments, bounds.by_seconds), len(self.moments) - 1)
        low = self.ended[before] if before >= 0 else 0.0
        return low, max(low, self.ended[upto])

    def polls(self, chosen: Sequence[int]) -> float:
        """How many polls a task takes on average if it is polled at these moments, given by their places."""
        return 1.0 + sum(1.0 - self.ended[place] for place in chosen[:-1])

    def polls_of_beat(self, bounds: DurationBounds, interval: PollInterval) -> float:
        """How many polls the fixed beat takes to see this ending, wherever in its interval it likely is."""
        low, high = self.shares(bounds)
        beats = self.ended[:: self.a_beat(interval)]
        later = max(0.0, bounds.after_seconds - self.moments[-1]) / interval.interval_seconds
        if high - low < 1e-9:  # noqa: PLR2004  # nothing was expected there: as if it had ended at once
            return 1.0 + sum(ended < low for ended in beats) + later
        return 1.0 + sum((high - min(max(ended, low), high)) / (high - low) for ended in beats) + later

    def a_beat(self, interval: PollInterval) -> int:
        """How many places of the grid one interval of the fixed beat takes."""
        return round(interval.interval_seconds / self.step_seconds)


def estimate_distribution(
    durations: Sequence[DurationBounds], interval: PollInterval
) -> DurationDistribution:
    """Estimate from at least one ending where tasks end; the ages of each are finite and in order."""
    last = max(bounds.by_seconds for bounds in durations) - interval.first_seconds
    between = interval.interval_seconds
    horizon = min(1.25 * max(0.0, last) + between, LONGEST_BEATS * between)
    step = interval.gap_seconds / _CELLS_A_GAP[0]
    if horizon > _MANY_CELLS * step:
        step = interval.gap_seconds / _CELLS_A_GAP[1]
    end = math.ceil(horizon / step)
    moments = tuple(interval.first_seconds + place * step for place in range(end + 1))
    spans = []
    for bounds in durations:
        low = min(bisect_right(moments, bounds.after_seconds), end)
        spans.append((low, max(low, min(bisect_left(moments, bounds.by_seconds), end))))
    total, ended = 0.0, []
    for weight in _estimate(moments, step, spans):
        total += weight
        ended.append(total)
    return DurationDistribution(step, moments, tuple(share / total for share in ended))


def _estimate(moments: tuple[float, ...], step: float, spans: list[tuple[int, int]]) -> list[float]:
    """Weights of the cells that end at the moments.

    Each round shares every ending out over its interval as the weights stand, then smooths (EMS: Silverman,
    Jones, Wilson and Nychka, "A smoothed EM approach to indirect estimation problems", 1990).
    """
    doubt = [step / moment for moment in moments]
    scale = sum(doubt)
    doubt = [_DOUBT * weight / scale for weight in doubt]
    weights, reaches = doubt, _reaches(doubt, moments, step)
    for number in range(_ROUNDS):
        upto = [0.0]
        for weight in weights:
            upto.append(upto[-1] + weight)
        changes = [0.0] * (len(moments) + 1)
        for low, high in spans:
            share = 1.0 / max(upto[high + 1] - upto[low], 1e-12)
            changes[low] += share
            changes[high + 1] -= share
        factor, shared = 0.0, []
        for weight, change, floor in zip(weights, changes, doubt, strict=False):
            factor += change
            shared.append(weight * max(factor, 0.0) + floor)
        if number % 4 == 0:  # they hardly change from round to round
            reaches = _reaches(shared, moments, step)
        weights = _blurred(shared, reaches)
    return weights


def _reaches(weights: list[float], moments: tuple[float, ...], step: float) -> list[tuple[int, int]]:
    """The first and the last place of each cell's neighbourhood."""
    last, left, total, found = len(weights) - 1, sum(weights), sum(weights), []
    for place, (weight, moment) in enumerate(zip(weights, moments, strict=True)):
        left -= weight
        # The middle of the cell, and never nothing: sums of floats may end a little below 0.
        share = max(left / total, 0.0) + weight / total / 2 + 1e-9
        reach = int(_BLUR * moment / step * min(_BLUR_LIMIT, share**-_BLUR_POWER))
        found.append((max(0, place - reach), min(last, place + reach)))
    return found


def _blurred(weights: list[float], reaches: list[tuple[int, int]]) -> list[float]:
    """Spread each cell's weight evenly over its neighbourhood, twice: a triangle."""
    cells = len(weights)
    for _ in range(2):
        changes = [0.0] * (cells + 1)
        for weight, (low, high) in zip(weights, reaches, strict=True):
            part = weight / (high - low + 1)
            changes[low] += part
            changes[high + 1] -= part
        level, weights = 0.0, []
        for change in changes[:cells]:
            level += change
            weights.append(level if level > 0.0 else 0.0)  # noqa: FURB136  # far quicker than max()
    return weights


def optimal_schedule(
    distribution: DurationDistribution, interval: PollInterval, *, extra_polls: float = 0.0
) -> tuple[float, ...]:
    """The schedule with the least expected delay that takes no more polls a task than the fixed beat.

    Returns ages in seconds, none earlier than the fixed beat's first, none closer together than the gap;
    after the last one the fixed beat goes on. `extra_polls` a task may be had beyond the fixed beat's, or
    must be saved if it is negative.
    """
    allowed = (
        distribution.polls(range(0, len(distribution.moments), distribution.a_beat(interval))) + extra_polls
    )
    low, high = _PRICES
    best = _cheapest(distribution, interval, high)
    for _ in range(_HALVINGS):
        price = math.sqrt(low * high)
        chosen = _cheapest(distribution, interval, price)
        if distribution.polls(chosen) > allowed:
            low = price
        else:
            high, best = price, chosen
    return tuple(distribution.moments[place] for place in best)


def _cheapest(distribution: DurationDistribution, interval: PollInterval, price_beats: float) -> list[int]:
    """Places of the schedule with the least expected delay plus price of its polls.

    From a poll at i the next one at j costs its delay, moments[j] * (ended[j] - ended[i]) less the mean end,
    which no schedule changes. For each i that is a line in ended[i] with the slope -moments[j], so the best j
    is found on the lower hull of the lines: all in one pass, from the last moment to the first.
    """
    moments, ended = distribution.moments, distribution.ended
    gap = math.ceil(interval.gap_seconds / distribution.step_seconds - 1e-9)
    price, cells = price_beats * interval.interval_seconds, len(moments)
    costs, following = [0.0] * cells, [cells] * cells
    hull: deque[tuple[float, float, int]] = deque()
    for place in range(cells - 1, -1, -1):
        share, after = ended[place], place + gap
        if after >= cells:  # the fixed beat goes on from here
            costs[place] = (1.0 - share) * (moments[place] + interval.interval_seconds + price)
            continue
        _lower(hull, (moments[after], moments[after] * ended[after] + costs[after], after))
        while len(hull) > 1 and hull[1][1] - hull[1][0] * share <= hull[0][1] - hull[0][0] * share:
            hull.popleft()
        slope, height, following[place] = hull[0]
        costs[place] = height - slope * share + price * (1.0 - share)
    place = min(range(cells), key=lambda first: moments[first] * ended[first] + costs[first])
    chosen = []
    while place < cells:
        chosen.append(place)
        place = following[place]
    return chosen


def _lower(hull: deque[tuple[float, float, int]], line: tuple[float, float, int]) -> None:
    """Add a line that is less steep than all before it, and drop those that are now nowhere the lowest."""
    slope, height, _ = line
    while len(hull) > 1:
        (slope_0, height_0, _), (slope_1, height_1, _) = hull[-2], hull[-1]
        if (height - height_0) * (slope_0 - slope_1) > (height_1 - height_0) * (slope_0 - slope):
            break
        hull.pop()
    hull.append(line)
