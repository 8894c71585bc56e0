"""A report: what a guild spent in one period, by member or by model, and over time.

Credits are what Rivya charged or may still charge (`counted_credits`), refunded pictures included, so that
the bars, the spenders and the CSV file of a report have the same sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.periods import Period

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from bot.domain.limits import Limit

COLOURED: Final = 6
"""The first spenders, which have a colour of their own in the chart."""
LISTED: Final = 10
"""The first spenders, which are listed."""
ERASED: Final = 0
"""The `subject` of all members whose names were erased."""
MAX_PACE_RATIO: Final = 4
"""The even pace is drawn up to so many times the highest bar; a higher one would make all bars flat."""


class Grouping(StrEnum):
    """By what a report tells spenders apart."""

    MEMBER = "member"
    MODEL = "model"


class BarUnit(StrEnum):
    """The length of a bar."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    MONTHS = "months"
    """Several months."""


@dataclass(frozen=True, slots=True)
class Spender:
    """What one member spent, or with `ERASED` all members whose names were erased; or what a model cost."""

    subject: int | str
    """The id of the member, or of the model."""
    credits: int
    """Spent and held."""
    refunded_credits: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar: the credits reserved from `start` (epoch milliseconds) until the start of the next one."""

    start: int
    top: tuple[int, ...]
    """Credits of the first spenders, at most `COLOURED`, in their order."""
    others: int
    erased: int

    @property
    def credits(self) -> int:
        """Credits of all members."""
        return sum(self.top) + self.others + self.erased


@dataclass(frozen=True, slots=True)
class Report:
    """One period of one guild. Credits are integers; times are epoch milliseconds, UTC."""

    guild_id: int
    period: Period
    periods_ago: int
    """As it was asked for; ignored for `TOTAL`."""
    end: int
    """When the last bar ends; may be in the future."""
    zone: tzinfo
    """The guild's time zone, at whose midnights periods and bars begin."""
    unit: BarUnit
    buckets: tuple[Bucket, ...]
    """At least one."""
    spenders: tuple[Spender, ...]
    """The first `LISTED` members whose names were not erased, or models, the highest spender first."""
    members: int
    """How many members, whose names were not erased, asked for a picture; or how many models were used."""
    erased: Spender
    """Nothing in a report by model."""
    reservations: int
    spent_credits: int
    held_credits: int
    refunded_credits: int
    """Part of the spent credits, which no longer counts against limits."""
    granted_credits: int
    """Part of the spent or held credits, which grants to the guild paid and not its limit."""
    pictures: int
    """Finished pictures, whether or not they could be posted."""
    failures: int
    before_credits: int | None
    """Spent and held credits of the whole period before; None for `TOTAL`."""
    limit: Limit
    """The guild's limit when the period ended, or now if it has not."""
    ceiling: Limit | None = None
    """The operator's ceiling for the guild at that time, if the limit allows more."""
    grouping: Grouping = Grouping.MEMBER

    @property
    def start(self) -> int:
        """When the first bar begins."""
        return self.buckets[0].start

    @property
    def credits(self) -> int:
        """Spent and held credits: the sum of the bars."""
        return self.spent_credits + self.held_credits

    @property
    def limited_credits(self) -> int:
        """The part of `credits` that counts against the guild's limit."""
        return self.credits - self.refunded_credits - self.granted_credits

    @property
    def average_credits(self) -> float | None:
        """Spent credits per picture, charged failures included; None without pictures."""
        return self.spent_credits / self.pictures if self.pictures else None

    @property
    def coloured(self) -> tuple[Spender, ...]:
        """The spenders that have a colour of their own."""
        return self.spenders[:COLOURED]

    @property
    def highest(self) -> Bucket:
        """The highest bar; of equal ones the first."""
        return max(self.buckets, key=lambda bar: bar.credits)

    @property
    def lower_limit(self) -> Limit:
        """The limit, or the ceiling if that is lower."""
        return self.ceiling or self.limit

    @property
    def pace(self) -> float | None:
        """The credits of each bar if the lower limit were used evenly.

        None if its period is `TOTAL` or not that of the report.
        """
        if self.lower_limit.period != self.period or self.period is Period.TOTAL:
            return None
        return self.lower_limit.credits / len(self.buckets)

    @property
    def visible_pace(self) -> float | None:
        """`pace`, if it is low enough to be drawn."""
        pace = self.pace
        return pace if pace is not None and pace <= MAX_PACE_RATIO * self.highest.credits else None


@dataclass(frozen=True, slots=True)
class ChartLabels:
    """All the texts in the chart of a report, in the language of the member who asked for it."""

    title: str
    buckets: tuple[str, ...]
    """Below each bar."""
    spenders: tuple[str, ...]
    """The first spenders, at most `COLOURED`, in their order."""
    others: str
    """Spenders without a colour of their own."""
    erased: str
    """Members whose names were erased."""
    pace: str
    """The line of the even pace; empty if none is drawn."""
    number: Callable[[float], str]
    """Format a number for the axis; called in the thread that draws."""
