"""The nouns of a report: what a guild spent in one period, by member and over time.

The figures are what Rivya charged, or may still charge (`counted_credits`), refunded pictures included: so
the bars, the members and the sheet of a report all add up to the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from bot.domain.limits import Limit

COLOURED: Final = 6
"""How many members have a colour of their own."""
LISTED: Final = 10
"""How many members are listed."""
ERASED: Final = 0
"""The `user_id` of members whose name was erased, all together."""
PACE_IN_SIGHT: Final = 4
"""An even pace so many times higher than the highest bar would press all bars flat."""


@dataclass(frozen=True, slots=True)
class Spender:
    """What one member spent, or with `ERASED` all those without a name."""

    user_id: int
    credits: int
    """Spent and held."""
    refunded_credits: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """The credits reserved between `start` (epoch milliseconds) and the start of the next bar."""

    start: int
    top: tuple[int, ...]
    """Those of the first spenders, in their order; `COLOURED` of them at most."""
    others: int
    erased: int

    @property
    def credits(self) -> int:
        """Those of all members together."""
        return sum(self.top) + self.others + self.erased


@dataclass(frozen=True, slots=True)
class Report:
    """One period of one guild. Credits are integers; times are epoch milliseconds, UTC."""

    guild_id: int
    period: str
    """`day`, `week`, `month` or `total`."""
    periods_ago: int
    """How many periods back; `total` has no earlier one, whatever stands here."""
    end: int
    """Where the last bar ends, which may be in the future."""
    zone: tzinfo
    """The guild's: its periods and bars begin at its midnights."""
    unit: str
    """What one bar is: an `hour`, a `day`, a `week`, a `month`, or several `months`."""
    buckets: tuple[Bucket, ...]
    """At least one."""
    spenders: tuple[Spender, ...]
    """The first `LISTED` that have a name, the highest first."""
    members: int
    """How many with a name asked for a picture."""
    erased: Spender
    reservations: int
    spent_credits: int
    held_credits: int
    refunded_credits: int
    """Part of what was spent; it counts against no limit any more."""
    granted_credits: int
    """Part of what was spent or held; grants to the guild paid it, not its limit."""
    pictures: int
    """Painted, whether or not they could be posted."""
    failures: int
    before_credits: int | None
    """Spent and held in the whole period before this one; None for `total`."""
    limit: Limit
    """The guild's limit when the period ended, or now if it has not."""

    @property
    def start(self) -> int:
        """Where the first bar begins."""
        return self.buckets[0].start

    @property
    def credits(self) -> int:
        """Spent and held together: what the bars add up to."""
        return self.spent_credits + self.held_credits

    @property
    def limited_credits(self) -> int:
        """What of that counts against the guild's limit."""
        return self.credits - self.refunded_credits - self.granted_credits

    @property
    def average_credits(self) -> float | None:
        """Spent for each picture; None without any. A failure that was charged makes them dearer."""
        return self.spent_credits / self.pictures if self.pictures else None

    @property
    def highest(self) -> Bucket:
        """The highest bar; of equals the first."""
        return max(self.buckets, key=lambda bar: bar.credits)

    @property
    def pace(self) -> float | None:
        """The credits of each bar if the limit were used evenly; None if it is for another period."""
        if self.limit.period != self.period or self.period == "total":
            return None
        return self.limit.credits / len(self.buckets)

    @property
    def visible_pace(self) -> float | None:
        """The pace, if it is near enough to the bars to be drawn with them."""
        pace = self.pace
        return pace if pace is not None and pace <= PACE_IN_SIGHT * self.highest.credits else None


@dataclass(frozen=True, slots=True)
class ChartLabels:
    """All that is written in the chart of a report, in the language of who asked for it."""

    title: str
    buckets: tuple[str, ...]
    """What stands under each bar."""
    others: str
    """Those members who have no colour of their own."""
    erased: str
    """Those without a name."""
    pace: str
    """The line of the even pace; empty where none is drawn."""
    number: Callable[[float], str]
    """An amount, short enough for an axis. The thread that draws calls it."""
