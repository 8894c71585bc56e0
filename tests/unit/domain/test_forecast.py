"""The forecast of when a limit is used up, at the rate so far."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.forecast import MAX_AHEAD_MS, MIN_OBSERVED_MS, exhausted_at
from bot.domain.limits import LimitScope, Usage
from bot.domain.periods import Period

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR
START = 1_750_000_000_000


def make_usage(used: int, limit: int = 200, *, granted: int = 0, resets_at: int | None = None) -> Usage:
    return Usage(LimitScope.GUILD, limit, used, 0, Period.MONTH, resets_at, granted_credits=granted)


@pytest.mark.parametrize(
    ("usage", "seen_ms", "after_ms"),
    [
        (make_usage(100), 10 * DAY, 10 * DAY),
        (make_usage(160), 8 * DAY, 2 * DAY),
        (make_usage(100, resets_at=START + 30 * DAY), 10 * DAY, 10 * DAY),
        (make_usage(100, granted=100), 10 * DAY, 20 * DAY),
        (make_usage(199), 199 * HOUR, HOUR),
    ],
)
def test_the_pace_goes_on(usage: Usage, seen_ms: int, after_ms: int) -> None:
    at = START + seen_ms
    assert exhausted_at(usage, START, at) == at + after_ms


@pytest.mark.parametrize(
    ("usage", "seen_ms"),
    [
        (make_usage(0), 10 * DAY),
        (make_usage(200), 10 * DAY),
        (make_usage(250), 10 * DAY),
        (make_usage(100), MIN_OBSERVED_MS - 1),
        (make_usage(100), -DAY),
        (make_usage(100, resets_at=START + 20 * DAY), 10 * DAY),
        (make_usage(100, resets_at=START + 15 * DAY), 10 * DAY),
        (make_usage(1, 10**9), DAY),
    ],
    ids=[
        "nothing is used",
        "nothing is left",
        "more than all is used",
        "seen for too short",
        "the clock was set back",
        "it lasts exactly until it resets",
        "it lasts longer",
        "it lasts for ages",
    ],
)
def test_there_is_nothing_to_say(usage: Usage, seen_ms: int) -> None:
    assert exhausted_at(usage, START, START + seen_ms) is None


@given(
    used=st.integers(0, 10**9),
    limit=st.integers(0, 10**9),
    granted=st.integers(0, 10**9),
    seen_ms=st.integers(-DAY, 400 * DAY),
    rest_ms=st.none() | st.integers(1, 366 * DAY),
)
def test_a_forecast_is_ahead_within_the_period_and_true_to_the_pace(
    used: int, limit: int, granted: int, seen_ms: int, rest_ms: int | None
) -> None:
    at = START + seen_ms
    usage = make_usage(used, limit, granted=granted, resets_at=None if rest_ms is None else at + rest_ms)
    empty = exhausted_at(usage, START, at)
    if empty is None:
        return
    assert at < empty <= at + MAX_AHEAD_MS
    assert rest_ms is None or empty < at + rest_ms
    # At this rate what is left is used by then, and not a millisecond sooner.
    assert used * (empty - at) >= usage.left_credits * seen_ms > used * (empty - at - 1)
