"""The start and end of a limit's period."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.periods import RESETTING, Period, period_bounds


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("period", "at", "start", "end"),
    [
        (Period.DAY, "2026-02-28T23:59:59+00:00", "2026-02-28T00:00:00+00:00", "2026-03-01T00:00:00+00:00"),
        (Period.WEEK, "2026-11-22T12:00:00+00:00", "2026-11-16T00:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        (Period.WEEK, "2026-11-23T00:00:00+00:00", "2026-11-23T00:00:00+00:00", "2026-11-30T00:00:00+00:00"),
        (Period.MONTH, "2026-12-31T23:59:59+00:00", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        (Period.MONTH, "2028-02-29T01:00:00+00:00", "2028-02-01T00:00:00+00:00", "2028-03-01T00:00:00+00:00"),
    ],
)
def test_periods_follow_the_calendar(period: Period, at: str, start: str, end: str) -> None:
    assert period_bounds(period, ms(at)) == (ms(start), ms(end))


def test_total_never_ends() -> None:
    assert period_bounds(Period.TOTAL, ms("2026-11-22T12:00:00+00:00")) == (0, None)


def test_a_day_in_a_zone_is_as_long_as_its_clocks_say() -> None:
    start, end = period_bounds(Period.DAY, ms("2026-03-29T12:00:00+02:00"), ZoneInfo("Europe/Berlin"))
    assert end is not None
    assert (end - start) / 3_600_000 == 23


@pytest.mark.parametrize("at", ["2026-11-01T00:30:00-04:00", "2026-11-01T00:30:00-05:00"])
def test_a_day_with_two_midnights_begins_at_the_first(at: str) -> None:
    # Where the clocks of Havana go back, from 1:00 to 0:00.
    start, _ = period_bounds(Period.DAY, ms(at), ZoneInfo("America/Havana"))
    assert start == ms("2026-11-01T00:00:00-04:00")


@given(
    period=st.sampled_from(RESETTING),
    seconds=st.integers(ms("2020-01-01T00:00:00+00:00") // 1000, ms("2100-01-01T00:00:00+00:00") // 1000),
)
def test_every_time_is_in_its_period_and_periods_are_adjacent(period: Period, seconds: int) -> None:
    moment = seconds * 1000 + 1
    start, end = period_bounds(period, moment)
    assert end is not None
    assert start <= moment < end
    assert period_bounds(period, end)[0] == end
    assert period_bounds(period, start - 1)[1] == start
