"""Compute the best ages for polls from how long tasks have taken.

A duration is interval-censored: a task was running at one poll and had ended by the next.
`estimate_distribution` estimates the distribution of durations from such intervals (expectation maximisation
with smoothing, on a grid); taking the poll that saw the end for the end would only confirm the polls that are
made already. `optimal_schedule` then finds the schedule with the least expected delay for a number of polls,
by dynamic programming.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_GAP_INTERVALS: Final = 0.4
"""The least time between two polls of a task, in fixed intervals."""
HORIZON_INTERVALS: Final = 60.0
"""Up to which age polls are learned, in fixed intervals after the first poll: 5 minutes at the defaults."""
_CELLS_A_GAP: Final = (8, 4)
"""Cells of the grid in the least gap: 8 for short horizons, 4 for long ones."""
_MANY_CELLS: Final = 400
_ROUNDS: Final = 12
"""Rounds of the estimate: it has converged to a few percent by then, and stopping early keeps it smooth."""
_BLUR: Final = 0.13
"""How far a duration is smoothed over the cells around it, as a part of its age."""
_BLUR_LIMIT: Final = 6.0
_BLUR_POWER: Final = 0.3
"""The smoothing widens where few tasks are left: a single late one says little about the exact age."""
_PRICES: Final = (1e-4, 20.0)
"""The least and the most price of a poll, as a delay in fixed intervals."""
_HALVINGS: Final = 12


@dataclass(frozen=True, slots=True)
class PollInterval:
    """Rivya's guidance, in seconds: a first poll, then one each interval."""

    first_seconds: float
    interval_seconds: float

    @property
    def gap_seconds(self) -> float:
        """Return the least time between two polls of a task."""
        return MIN_GAP_INTERVALS * self.interval_seconds


@dataclass(frozen=True, slots=True)
class DurationBounds:
    """The bounds of a duration: the task was running at age `after_seconds` and had ended by `by_seconds`."""

    after_seconds: float
    by_seconds: float


@dataclass(frozen=True, slots=True)
class DurationDistribution:
    """The distribution of durations on a grid: the share of tasks that have ended by each age."""

    step_seconds: float
    moments: tuple[float, ...]
    """Ages in seconds; the first is that of the first poll at the fixed interval."""
    ended: tuple[float, ...]
    """The share of tasks that have ended by each of `moments`; the last is 1."""

    def shares(self, bounds: DurationBounds) -> tuple[float, float]:
        """Return the shares of tasks that have ended by the two bounds; over all tasks they are uniform."""
        before = bisect_right(self.moments, bounds.after_seconds) - 1
        upto = min(bisect_left(self.moments, bounds.by_seconds), len(self.moments) - 1)
        low = self.ended[before] if before >= 0 else 0.0
        return low, max(low, self.ended[upto])

    def polls(self, chosen: Sequence[int]) -> float:
        """Return the mean number of polls of a task that is polled at these places of the grid."""
        return 1.0 + sum(1.0 - self.ended[place] for place in chosen[:-1])

    def fixed_polls(self, bounds: DurationBounds, interval: PollInterval) -> float:
        """Return how many polls at the fixed interval it takes to see a task end within these bounds."""
        low, high = self.shares(bounds)
        at_polls = self.ended[:: self.cells_an_interval(interval)]
        later = max(0.0, bounds.after_seconds - self.moments[-1]) / interval.interval_seconds
        if high - low < 1e-9:  # noqa: PLR2004  # no end was expected there: as if it had ended at once
            return 1.0 + sum(ended < low for ended in at_polls) + later
        return 1.0 + sum((high - min(max(ended, low), high)) / (high - low) for ended in at_polls) + later

    def cells_an_interval(self, interval: PollInterval) -> int:
        """Return how many cells of the grid a fixed interval has."""
        return round(interval.interval_seconds / self.step_seconds)


def estimate_distribution(
    durations: Sequence[DurationBounds], interval: PollInterval
) -> DurationDistribution:
    """Estimate the distribution of at least one duration; the bounds of each are finite and in order."""
    last = max(bounds.by_seconds for bounds in durations) - interval.first_seconds
    between = interval.interval_seconds
    horizon = min(1.25 * max(0.0, last) + between, HORIZON_INTERVALS * between)
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
    """Estimate the weights of the cells that end at the moments.

    Each round distributes every duration over the cells of its interval in proportion to their weights, then
    smooths (EMS: Silverman, Jones, Wilson and Nychka, "A smoothed EM approach to indirect estimation
    problems", 1990).
    """
    weights = [step / moment for moment in moments]
    reaches = _reaches(weights, moments, step)
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
        for weight, change in zip(weights, changes, strict=False):
            factor += change
            shared.append(weight * max(factor, 0.0))
        if number % 4 == 0:  # they hardly change from round to round
            reaches = _reaches(shared, moments, step)
        weights = _blurred(shared, reaches)
    return weights


def _reaches(weights: list[float], moments: tuple[float, ...], step: float) -> list[tuple[int, int]]:
    """Return the first and the last cell that each cell is smoothed over."""
    last, left, total, found = len(weights) - 1, sum(weights), sum(weights), []
    for place, (weight, moment) in enumerate(zip(weights, moments, strict=True)):
        left -= weight
        # The share at the middle of the cell, and more than 0: sums of floats may end a little below 0.
        share = max(left / total, 0.0) + weight / total / 2 + 1e-9
        reach = int(_BLUR * moment / step * min(_BLUR_LIMIT, share**-_BLUR_POWER))
        found.append((max(0, place - reach), min(last, place + reach)))
    return found


def _blurred(weights: list[float], reaches: list[tuple[int, int]]) -> list[float]:
    """Distribute the weight of each cell evenly over its reach, twice: a triangular kernel."""
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
    distribution: DurationDistribution, interval: PollInterval, *, part: float = 1.0
) -> tuple[float, ...]:
    """Return the schedule with the least expected delay and no more polls a task than the fixed interval.

    The ages are in seconds, none earlier than the first poll of the fixed interval, none closer together than
    the gap; after the last one polls follow at the fixed interval. `part` is how many polls a task may take,
    as a part of those of the fixed interval.
    """
    fixed = range(0, len(distribution.moments), distribution.cells_an_interval(interval))
    allowed = part * distribution.polls(fixed)
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


def _cheapest(
    distribution: DurationDistribution, interval: PollInterval, price_intervals: float
) -> list[int]:
    """Return the places of the schedule with the least sum of expected delay and price of its polls.

    From a poll at i the next one at j costs a delay of moments[j] * (ended[j] - ended[i]), less the mean
    duration, which is the same for all schedules. For each j that is a line in ended[i] with the slope
    -moments[j], so the best j is found on the lower hull of the lines, in one pass from the last moment to
    the first.
    """
    moments, ended = distribution.moments, distribution.ended
    gap = math.ceil(interval.gap_seconds / distribution.step_seconds - 1e-9)
    price, cells = price_intervals * interval.interval_seconds, len(moments)
    costs, following = [0.0] * cells, [cells] * cells
    hull: deque[tuple[float, float, int]] = deque()
    for place in range(cells - 1, -1, -1):
        share, after = ended[place], place + gap
        if after >= cells:  # polls at the fixed interval follow
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
    """Add a line that is less steep than all before it, and drop those that are no longer lowest anywhere."""
    slope, height, _ = line
    while len(hull) > 1:
        (slope_0, height_0, _), (slope_1, height_1, _) = hull[-2], hull[-1]
        if (height - height_0) * (slope_0 - slope_1) > (height_1 - height_0) * (slope_0 - slope):
            break
        hull.pop()
    hull.append(line)
