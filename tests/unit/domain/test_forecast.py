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
    ("usage", "elapsed_ms", "after_ms"),
    [
        (make_usage(100), 10 * DAY, 10 * DAY),
        (make_usage(160), 8 * DAY, 2 * DAY),
        (make_usage(100, resets_at=START + 30 * DAY), 10 * DAY, 10 * DAY),
        (make_usage(100, granted=100), 10 * DAY, 20 * DAY),
        (make_usage(199), 199 * HOUR, HOUR),
    ],
)
def test_the_forecast_extrapolates_the_pace(usage: Usage, elapsed_ms: int, after_ms: int) -> None:
    at = START + elapsed_ms
    assert exhausted_at(usage, START, at) == at + after_ms


@pytest.mark.parametrize(
    ("usage", "elapsed_ms"),
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
def test_there_is_no_forecast(usage: Usage, elapsed_ms: int) -> None:
    assert exhausted_at(usage, START, START + elapsed_ms) is None


@given(
    used=st.integers(0, 10**9),
    limit=st.integers(0, 10**9),
    granted=st.integers(0, 10**9),
    elapsed_ms=st.integers(-DAY, 400 * DAY),
    remaining_ms=st.none() | st.integers(1, 366 * DAY),
)
def test_a_forecast_is_ahead_within_the_period_and_true_to_the_pace(
    used: int, limit: int, granted: int, elapsed_ms: int, remaining_ms: int | None
) -> None:
    at = START + elapsed_ms
    usage = make_usage(
        used, limit, granted=granted, resets_at=None if remaining_ms is None else at + remaining_ms
    )
    empty = exhausted_at(usage, START, at)
    if empty is None:
        return
    assert at < empty <= at + MAX_AHEAD_MS
    assert remaining_ms is None or empty < at + remaining_ms
    # At this rate what is left is used by then, and not a millisecond sooner.
    assert used * (empty - at) >= usage.left_credits * elapsed_ms > used * (empty - at - 1)
