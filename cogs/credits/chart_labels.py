"""Text of a report's chart, and names of its times, in the current language.

The chart is drawn in a thread that does not know the language, so all text is translated here first, and the
function that writes the numbers of the axis keeps the language.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal

from bot.credits.reports.models import BarUnit, ChartLabels, Grouping
from bot.domain.periods import Period
from cogs.text.translation import current_locale, gettext, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Callable

    from babel import Locale

    from bot.credits.reports.models import Report

    NameOf = Callable[[str], str]

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
_SCALES: Final = (
    (10**12, gettext_noop("{number}T")),
    (10**9, gettext_noop("{number}B")),
    (10**6, gettext_noop("{number}M")),
    (10**3, gettext_noop("{number}k")),
)
_LEGEND_CHARACTERS: Final = 24
"""The longest name in the legend, so that two have room in a line."""
_SCALED_FROM, _WHOLE_FROM = 10_000, 10

_DAY, _MONTH, _HOUR = "long", "yMMMM", "Hm"
_WEEKDAY_LABEL, _DAY_LABEL, _MONTH_LABEL = "Ed", "MMMd", "yMMM"
_ENGLISH: Final = {
    _DAY: "d MMMM y",
    _MONTH: "MMMM y",
    _HOUR: "HH:mm",
    _WEEKDAY_LABEL: "E d",
    _DAY_LABEL: "d MMM",
    _MONTH_LABEL: "MMM y",
}
"""English with the day before the month and 24 hours: Babel's own patterns are those of the United States."""


def period_title(report: Report) -> str:
    """Return the period in the guild's time zone: `November 2026`, `week of 23 November 2026`."""
    if report.period is Period.MONTH:
        return _format(report, report.start, _MONTH)
    day = _format(report, report.start, _DAY)
    match report.period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return gettext("week of {day}", day=day)
        case _:
            return gettext("since {day}", day=day)


def bucket_start(report: Report, start: int) -> str:
    """Return when a bar begins (epoch milliseconds) as a day, or as a time in a report by the hour."""
    return _format(report, start, _HOUR if report.unit is BarUnit.HOUR else _DAY)


def chart_labels(report: Report, name_of: NameOf = str) -> ChartLabels:
    """Return all text of a report's chart; `name_of` returns the name of a model by its id."""
    number = partial(
        axis_number, locale=current_locale(), scales=tuple((size, gettext(form)) for size, form in _SCALES)
    )
    pace = report.visible_pace
    return ChartLabels(
        title=gettext(_CHART_TITLES[report.unit], period=period_title(report)),
        buckets=tuple(_bucket_label(report, bar.start) for bar in report.buckets),
        spenders=tuple(_legend_name(report, place, name_of) for place in range(1, 1 + len(report.coloured))),
        others=gettext("others"),
        erased=gettext("erased"),
        pace="" if pace is None else gettext(_PACES[report.unit], credits=number(pace)),
        number=number,
    )


def _legend_name(report: Report, place: int, name_of: NameOf) -> str:
    """Return the place of a member in the list; the name of a model, if the font surely has it."""
    if report.grouping is Grouping.MEMBER:
        return str(place)
    name = name_of(str(report.coloured[place - 1].subject))
    return name if name.isascii() and name.isprintable() and len(name) <= _LEGEND_CHARACTERS else str(place)


def axis_number(value: float, *, locale: Locale, scales: tuple[tuple[int, str], ...]) -> str:
    """Write a number of the axis: `6.7` below ten, `1,200`, and from ten thousand on `12.5k`, `1.2M` or `3B`.

    `scales` are sizes, the largest first, with their forms, which have a `{number}`.
    """
    if value >= _SCALED_FROM:
        size, form = next((size, form) for size, form in scales if value >= size)
        return form.format(number=format_decimal(float(f"{value / size:.4g}"), locale=locale))
    return format_decimal(round(value) if value >= _WHOLE_FROM else float(f"{value:.2g}"), locale=locale)


def _bucket_label(report: Report, start: int) -> str:
    match report.unit, report.period:
        case BarUnit.HOUR, _:
            return gettext("{hour}h", hour=f"{datetime.fromtimestamp(start / 1000, report.zone):%H}")
        case BarUnit.DAY, Period.WEEK:
            return _format(report, start, _WEEKDAY_LABEL)
        case BarUnit.DAY, Period.MONTH:
            return str(datetime.fromtimestamp(start / 1000, report.zone).day)
        case (BarUnit.DAY | BarUnit.WEEK, _):
            return _format(report, start, _DAY_LABEL)
    return _format(report, start, _MONTH_LABEL)


def _format(report: Report, at: int, parts: str) -> str:
    """Write a time with these parts of it, in the order of the current language."""
    moment, locale = datetime.fromtimestamp(at / 1000, report.zone), current_locale()
    if locale.language == "en":
        return format_datetime(moment, _ENGLISH[parts], tzinfo=report.zone, locale=locale)
    if parts == _DAY:
        # Not every locale has a skeleton with the month spelled out, so the long date is used.
        return format_date(moment, _DAY, locale=locale)
    return format_skeleton(parts, moment, tzinfo=report.zone, locale=locale)
