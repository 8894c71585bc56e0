"""The periods of limits and reports, and when they begin and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

if TYPE_CHECKING:
    from datetime import tzinfo


class Period(StrEnum):
    """How long the credits of a limit last. The values stand in rows, settings, commands and custom ids."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"
    """Never ends: credits that are spent do not come back."""


RESETTING: Final = (Period.DAY, Period.WEEK, Period.MONTH)
"""The periods that end, the shortest first."""


def period_bounds(period: Period, at: int, zone: tzinfo = UTC) -> tuple[int, int | None]:
    """Return the start and the end of the period that contains `at`; all in epoch milliseconds.

    Days begin at midnight in `zone`, weeks on Monday, months on the first. `TOTAL` began at 0; its end is
    None.
    """
    if period is Period.TOTAL:
        return 0, None
    moment = datetime.fromtimestamp(at / 1000, zone)
    # fold=0 is the first of two midnights, where clocks are set back at midnight.
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match period:
        case Period.DAY:
            start = midnight
            end = start + timedelta(days=1)
        case Period.WEEK:
            start = midnight - timedelta(days=midnight.weekday())
            end = start + timedelta(days=7)
        case Period.MONTH:
            start = midnight.replace(day=1)
            # Four days after the 28th is always in the next month.
            end = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        case _:
            assert_never(period)
    return _ms(start), _ms(end)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
