"""What a report calls its times, and all that its chart has written in it.

A chart is drawn by `bot`, which knows no language, and in a thread where none is spoken: so every word is
said before, and the numbers of the axis, which only the drawing knows, get a language to keep.

Owns the words in charts. Never imports anything of ours but reports, tongues.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal

from bot.credits.reports.models import Lettering
from cogs.text.translation import noted, say, spoken_locale

if TYPE_CHECKING:
    from babel import Locale

    from bot.credits.reports.models import Report

_CHART_TITLES: Final = {
    "hour": noted("Credits by hour, {period}"),
    "day": noted("Credits by day, {period}"),
    "week": noted("Credits by week, {period}"),
    "month": noted("Credits by month, {period}"),
    "months": noted("Credits by several months, {period}"),
}
_PACES: Final = {"hour": noted("even pace: {credits} an hour"), "day": noted("even pace: {credits} a day")}
_SIGNS: Final = (
    (10**12, noted("{number}T")),
    (10**9, noted("{number}B")),
    (10**6, noted("{number}M")),
    (10**3, noted("{number}k")),
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
    if report.period == "month":
        return _written(report, report.start, _MONTH)
    day = _written(report, report.start, _DAY)
    match report.period:
        case "day":
            return day
        case "week":
            return say("week of {day}", day=day)
        case _:
            return say("since {day}", day=day)


def beginning(report: Report, start: int) -> str:
    """When a bar begins: a day, or of a report by the hour a time."""
    return _written(report, start, _HOUR if report.unit == "hour" else _DAY)


def lettering(report: Report) -> Lettering:
    """All that the chart of a report says."""
    number = partial(
        axis_number, locale=spoken_locale(), signs=tuple((size, say(form)) for size, form in _SIGNS)
    )
    pace = report.drawn_pace
    return Lettering(
        title=say(_CHART_TITLES[report.unit], period=period_title(report)),
        bars=tuple(_under(report, bar.start) for bar in report.bars),
        others=say("others"),
        erased=say("erased"),
        pace="" if pace is None else say(_PACES[report.unit], credits=number(pace)),
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
        case "hour", _:
            return say("{hour}h", hour=f"{datetime.fromtimestamp(start / 1000, report.zone):%H}")
        case "day", "week":
            return _written(report, start, _WEEKDAY_UNDER)
        case "day", "month":
            return str(datetime.fromtimestamp(start / 1000, report.zone).day)
        case (("day" | "week"), _):
            return _written(report, start, _DAY_UNDER)
    return _written(report, start, _MONTH_UNDER)


def _written(report: Report, at: int, parts: str) -> str:
    """A moment with these parts of it, in the order of the language that is spoken."""
    moment, locale = datetime.fromtimestamp(at / 1000, report.zone), spoken_locale()
    if locale.language == "en":
        return format_datetime(moment, _ENGLISH[parts], tzinfo=report.zone, locale=locale)
    if parts == _DAY:
        # Every language has the whole date; not every one has a skeleton of it that spells the month out.
        return format_date(moment, _DAY, locale=locale)
    return format_skeleton(parts, moment, tzinfo=report.zone, locale=locale)
