"""When a limit's period began and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import tzinfo

RESETTING: Final = ("day", "week", "month")
"""Those that end, the shortest first."""
PERIODS: Final = (*RESETTING, "total")


def period_bounds(period: str, at: int, zone: tzinfo = UTC) -> tuple[int, int | None]:
    """The start and the end of the period that holds the moment `at`, in epoch milliseconds.

    Days begin at midnight in `zone`, weeks on Monday, months on the first; `total` began at 0 and never ends.

    Raises:
        ValueError: the period is none of `PERIODS`.
    """
    if period == "total":
        return 0, None
    moment = datetime.fromtimestamp(at / 1000, zone)
    # fold: where clocks go back at midnight there are two of them, and the day began at the first.
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "day":
        start = midnight
        end = start + timedelta(days=1)
    elif period == "week":
        start = midnight - timedelta(days=midnight.weekday())
        end = start + timedelta(days=7)
    elif period == "month":
        start = midnight.replace(day=1)
        # The 28th plus four days is in the next month, whichever month it is.
        end = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        raise ValueError(f"no such period: {period}")
    return _ms(start), _ms(end)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
