"""What a report calls its times, and all that its chart has written in it.

A chart is drawn by `bot`, which knows no language, and in a thread where none is spoken: so every word is
said before, and the numbers of the axis, which only the drawing knows, get a language to keep.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal

from bot.credits.reports.models import BarUnit, ChartLabels
from bot.domain.periods import Period
from cogs.text.translation import current_locale, gettext, gettext_noop

if TYPE_CHECKING:
    from babel import Locale

    from bot.credits.reports.models import Report

_CHART_TITLES: Final = {
    BarUnit.HOUR: gettext_noop("Credits by hour, {period}"),
    BarUnit.DAY: gettext_noop("Credits by day, {period}"),
    BarUnit.WEEK: gettext_noop("Credits by week, {period}"),
    BarUnit.MONTH: gettext_noop("Credits by month, {period}"),
    BarUnit.MONTHS: gettext_noop("Credits by several months, {period}"),
}
_PACES: Final = {
    BarUnit.HOUR: gettext_noop("even pace: {credits} an hour"),
    BarUnit.DAY: gettext_noop("even pace: {credits} a day"),
}
_SIGNS: Final = (
    (10**12, gettext_noop("{number}T")),
    (10**9, gettext_noop("{number}B")),
    (10**6, gettext_noop("{number}M")),
    (10**3, gettext_noop("{number}k")),
)
_SIGN_FROM, _WHOLE_FROM = 10_000, 10

_DAY, _MONTH, _HOUR = "long", "yMMMM", "Hm"
_WEEKDAY_UNDER, _DAY_UNDER, _MONTH_UNDER = "Ed", "MMMd", "yMMM"
_ENGLISH: Final = {
    _DAY: "d MMMM y",
    _MONTH: "MMMM y",
    _HOUR: "HH:mm",
    _WEEKDAY_UNDER: "E d",
    _DAY_UNDER: "d MMM",
    _MONTH_UNDER: "MMM y",
}
"""The day before the month and 24 hours: Babel would write English as in the United States."""


def period_title(report: Report) -> str:
    """The period in the guild's own calendar: `November 2026`, `week of 23 November 2026`."""
    if report.period is Period.MONTH:
        return _written(report, report.start, _MONTH)
    day = _written(report, report.start, _DAY)
    match report.period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return gettext("week of {day}", day=day)
        case _:
            return gettext("since {day}", day=day)


def beginning(report: Report, start: int) -> str:
    """When a bar begins: a day, or of a report by the hour a time."""
    return _written(report, start, _HOUR if report.unit is BarUnit.HOUR else _DAY)


def chart_labels(report: Report) -> ChartLabels:
    """All that the chart of a report says."""
    number = partial(
        axis_number, locale=current_locale(), signs=tuple((size, gettext(form)) for size, form in _SIGNS)
    )
    pace = report.visible_pace
    return ChartLabels(
        title=gettext(_CHART_TITLES[report.unit], period=period_title(report)),
        buckets=tuple(_under(report, bar.start) for bar in report.buckets),
        others=gettext("others"),
        erased=gettext("erased"),
        pace="" if pace is None else gettext(_PACES[report.unit], credits=number(pace)),
        number=number,
    )


def axis_number(value: float, *, locale: Locale, signs: tuple[tuple[int, str], ...]) -> str:
    """`1,200`, from ten thousand on `12.5k`, `1.2M` or `3B`, below ten `6.7`; `signs` have a `{number}`."""
    if value >= _SIGN_FROM:
        size, form = next((size, form) for size, form in signs if value >= size)
        return form.format(number=format_decimal(float(f"{value / size:.4g}"), locale=locale))
    return format_decimal(round(value) if value >= _WHOLE_FROM else float(f"{value:.2g}"), locale=locale)


def _under(report: Report, start: int) -> str:
    match report.unit, report.period:
        case BarUnit.HOUR, _:
            return gettext("{hour}h", hour=f"{datetime.fromtimestamp(start / 1000, report.zone):%H}")
        case BarUnit.DAY, Period.WEEK:
            return _written(report, start, _WEEKDAY_UNDER)
        case BarUnit.DAY, Period.MONTH:
            return str(datetime.fromtimestamp(start / 1000, report.zone).day)
        case (BarUnit.DAY | BarUnit.WEEK, _):
            return _written(report, start, _DAY_UNDER)
    return _written(report, start, _MONTH_UNDER)


def _written(report: Report, at: int, parts: str) -> str:
    """A moment with these parts of it, in the order of the language that is spoken."""
    moment, locale = datetime.fromtimestamp(at / 1000, report.zone), current_locale()
    if locale.language == "en":
        return format_datetime(moment, _ENGLISH[parts], tzinfo=report.zone, locale=locale)
    if parts == _DAY:
        # Every language has the whole date; not every one has a skeleton of it that spells the month out.
        return format_date(moment, _DAY, locale=locale)
    return format_skeleton(parts, moment, tzinfo=report.zone, locale=locale)
