"""The chart is readable on a phone and without colours, and no text is cut."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from PIL import Image, ImageChops

from bot.credits.reports import chart
from bot.credits.reports.models import COLOURED, BarUnit, Bucket, Report, Spender
from bot.domain.limits import MAX_CREDITS, Limit
from bot.domain.periods import Period
from cogs.credits.chart_labels import chart_labels, period_title
from cogs.text.translation import languages, use_locale
from tests.support.paths import ROOT

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
READABLE_ON_A_GRAPH, READABLE_AS_TEXT = 3.0, 4.5
"""https://www.w3.org/TR/WCAG22/#non-text-contrast and #contrast-minimum"""


def make_report(
    *,
    members: int = 1,
    each: int = 4,
    others: int = 0,
    erased: int = 0,
    unit: str = "day",
    period: str = Period.MONTH,
    bars: int = 30,
    step: timedelta = timedelta(days=1),
    limit: Limit | None = None,
) -> Report:
    starts = [int((FIRST + number * step).timestamp() * 1000) for number in range(bars)]
    top = (each,) * min(members, COLOURED)
    drawn = tuple(Bucket(start, top, others, erased) for start in starts)
    credits = sum(bar.credits for bar in drawn)
    return Report(
        guild_id=1,
        period=Period(period),
        periods_ago=0,
        end=starts[-1] + 1,
        zone=UTC,
        unit=BarUnit(unit),
        buckets=drawn,
        spenders=tuple(Spender(user_id, each * bars, 0, bars) for user_id in range(1, members + 1)),
        members=members,
        erased=Spender(0, erased * bars, 0, 0),
        reservations=bars,
        spent_credits=credits,
        held_credits=0,
        refunded_credits=0,
        granted_credits=0,
        pictures=bars,
        failures=0,
        before_credits=None,
        limit=limit or Limit(200, Period.TOTAL),
    )


def draw_chart(report: Report, language: str = "en") -> Image.Image:
    with use_locale(language):
        labels = chart_labels(report)
    # Drawn without a locale, as in the thread of `ReportBuilder`.
    picture = Image.open(io.BytesIO(chart.draw(report, labels)), formats=["PNG"])
    picture.load()
    return picture.convert("RGB")


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in rgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def count_pixels(picture: Image.Image, colour: str) -> int:
    """Count the pixels of exactly this colour."""
    counted = {value: count for count, value in picture.getcolors(picture.width * picture.height) or []}
    return counted.get(rgb(colour), 0)


def test_the_contrast_formula_is_right() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", chart.COLOURS)
def test_every_colour_contrasts_with_the_background(colour: str) -> None:
    assert contrast(colour, chart.BACKGROUND) >= READABLE_ON_A_GRAPH


def test_text_and_line_are_readable() -> None:
    assert contrast(chart.TEXT, chart.BACKGROUND) >= READABLE_AS_TEXT
    assert contrast(chart.PACE_COLOUR, chart.BACKGROUND) >= READABLE_AS_TEXT
    assert chart.TEXT_POINTS * chart.DPI / 72 >= 24


def test_neighbouring_bars_differ_without_colour() -> None:
    assert len(set(chart.COLOURS)) == len(chart.COLOURS) == len(chart.HATCHES) == COLOURED + 2
    assert all(one != other for one, other in pairwise(chart.HATCHES))


def test_the_picture_has_its_size_and_background() -> None:
    picture = draw_chart(make_report(members=2))
    assert picture.size == (1200, 800)
    corners = [(0, 0), (1199, 0), (0, 799), (1199, 799)]
    assert {picture.getpixel(corner) for corner in corners} == {rgb(chart.BACKGROUND)}


@pytest.mark.parametrize("members", [1, 6, 7])
def test_each_of_the_six_top_spenders_has_a_colour(members: int) -> None:
    picture = draw_chart(make_report(members=members, others=9 if members > COLOURED else 0))
    seen = [count_pixels(picture, colour) > 500 for colour in chart.COLOURS]
    assert seen == [place < min(members, COLOURED) or (place == COLOURED < members) for place in range(8)]


def test_erased_members_have_a_colour() -> None:
    assert count_pixels(draw_chart(make_report(erased=5)), chart.COLOURS[-1]) > 500
    assert count_pixels(draw_chart(make_report()), chart.COLOURS[-1]) == 0


@pytest.mark.parametrize("members", [0, 7])
def test_make_report_of_nothing_is_an_empty_chart(members: int) -> None:
    picture = draw_chart(make_report(members=members, each=0))
    assert not any(count_pixels(picture, colour) for colour in chart.COLOURS)
    assert count_pixels(picture, chart.TEXT) > 500


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("each", [1, 12_499, MAX_CREDITS, 10**13])
def test_no_number_is_cut_by_the_edge(each: int, language: str) -> None:
    report = make_report(members=6, each=each, others=each, erased=each, limit=Limit(each, Period.MONTH))
    assert_margins_free(draw_chart(report, language))


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize(
    ("unit", "period", "bars", "step"),
    [
        ("hour", "day", 25, timedelta(hours=1)),
        ("day", "week", 7, timedelta(days=1)),
        ("day", "month", 31, timedelta(days=1)),
        ("day", "total", 1, timedelta(days=1)),
        ("week", "total", 31, timedelta(days=7)),
        ("month", "total", 31, timedelta(days=31)),
        ("months", "total", 16, timedelta(days=62)),
    ],
)
def test_no_label_is_cut_by_the_edge_or_lacks_a_character(
    unit: str, period: str, bars: int, step: timedelta, language: str
) -> None:
    """A letter that the font lacks is a warning, which is an error in tests."""
    report = make_report(members=6, others=3, erased=3, unit=unit, period=period, bars=bars, step=step)
    assert len(chart_labels(report).buckets) == bars
    assert_margins_free(draw_chart(report, language))


def test_a_long_title_is_made_smaller() -> None:
    report = make_report()
    labels = replace(chart_labels(report), title="Credits by " + "a very long while " * 5)
    with Image.open(io.BytesIO(chart.draw(report, labels)), formats=["PNG"]) as picture:
        assert_margins_free(picture.convert("RGB"))


@pytest.mark.parametrize(
    ("unit", "period", "language", "title", "bar"),
    [
        ("hour", "day", "en-GB", "Credits by hour, 1 November 2026", "13h"),
        ("hour", "day", "id", "Kredit per jam, 1 November 2026", "13.00"),
        ("day", "week", "en-US", "Credits by day, week of 1 November 2026", "Sun 1"),
        ("day", "week", "id", "Kredit per hari, minggu mulai 1 November 2026", "Min, 1"),
        ("day", "month", "id", "Kredit per hari, November 2026", "1"),
        ("week", "total", "en-US", "Credits by week, since 1 November 2026", "1 Nov"),
        ("day", "total", "id", "Kredit per hari, sejak 1 November 2026", "1 Nov"),
        ("months", "total", "en-US", "Credits by several months, since 1 November 2026", "Nov 2026"),
        ("month", "total", "id", "Kredit per bulan, sejak 1 November 2026", "Nov 2026"),
    ],
)
def test_every_label_is_in_the_language_of_the_reader(
    unit: str, period: str, language: str, title: str, bar: str
) -> None:
    report = make_report(unit=unit, period=period, bars=1)
    noon = replace(report.buckets[0], start=report.start + 13 * 60 * 60 * 1000)
    with use_locale(language):
        labels = chart_labels(replace(report, buckets=(*report.buckets, noon)))
    assert (labels.title, labels.buckets[-1]) == (title, bar)
    assert labels.others == ("lainnya" if language == "id" else "others")
    assert labels.erased == ("dihapus" if language == "id" else "erased")


@pytest.mark.parametrize(
    ("unit", "period", "language", "pace"),
    [
        ("day", "month", "en-US", "even pace: 6.7 a day"),
        ("day", "month", "id", "laju merata: 6,7 per hari"),
        ("hour", "day", "id", "laju merata: 6,7 per jam"),
    ],
)
def test_the_pace_has_a_label_if_it_is_drawn(unit: str, period: str, language: str, pace: str) -> None:
    with use_locale(language):
        assert (
            chart_labels(make_report(unit=unit, period=period, limit=Limit(200, Period(period)))).pace == pace
        )
        assert chart_labels(make_report(unit=unit, period=period, limit=Limit(200, Period.TOTAL))).pace == ""


def test_times_are_in_the_servers_time_zone() -> None:
    """In English as always; Babel alone would write `Sept`, or the month first."""
    at = int(datetime(2026, 9, 1, 23, tzinfo=UTC).timestamp() * 1000)
    in_jakarta = replace(
        make_report(period="day"), zone=ZoneInfo("Asia/Jakarta"), buckets=(Bucket(at, (4,), 0, 0),)
    )
    assert period_title(in_jakarta) == "2 September 2026"
    assert chart_labels(replace(in_jakarta, period=Period.TOTAL)).buckets == ("2 Sep",)
    assert chart_labels(replace(in_jakarta, unit=BarUnit.HOUR)).buckets == ("06h",)


def assert_margins_free(picture: Image.Image) -> None:
    """The outermost pixels have the colour of the background."""
    ground = Image.new("RGB", picture.size, chart.BACKGROUND)
    box = ImageChops.difference(picture, ground).getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert left >= 4
    assert top >= 4
    assert right <= picture.width - 4
    assert bottom <= picture.height - 4


def test_the_pace_is_drawn_if_it_is_visible() -> None:
    colour = chart.PACE_COLOUR
    assert count_pixels(draw_chart(make_report(limit=Limit(150, Period.MONTH))), colour) > 1000
    assert count_pixels(draw_chart(make_report(limit=Limit(150, Period.WEEK))), colour) == 0
    assert count_pixels(draw_chart(make_report(limit=Limit(MAX_CREDITS, Period.MONTH))), colour) == 0


@pytest.mark.parametrize(
    ("value", "text", "indonesian"),
    [
        (0, "0", "0"),
        (0.25, "0.25", "0,25"),
        (6.6667, "6.7", "6,7"),
        (10.4, "10", "10"),
        (1200, "1,200", "1.200"),
        (9_999, "9,999", "9.999"),
        (12_500, "12.5k", "12,5rb"),
        (250_000, "250k", "250rb"),
        (1_200_000, "1.2M", "1,2jt"),
        (3_600_000_000, "3.6B", "3,6M"),
        (10**13, "10T", "10T"),
    ],
)
def test_numbers_are_abbreviated(value: float, text: str, indonesian: str) -> None:
    report = make_report()
    with use_locale("id"):
        indonesian_number = chart_labels(report).number
    assert chart_labels(report).number(value) == text
    assert indonesian_number(value) == indonesian


def test_matplotlib_is_imported_with_the_first_chart_and_pyplot_never() -> None:
    script = (
        "import sys, runpy; from bot.credits.reports import chart; assert chart.is_available();"
        "assert 'matplotlib' not in sys.modules;"
        "from tests.unit.credits import test_chart; report = test_chart.make_report();"
        "chart.draw(report, test_chart.chart_labels(report));"
        "assert 'matplotlib' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    warnings = ["error", "ignore:'audioop' is deprecated:DeprecationWarning"]  # the same as in pyproject.toml
    command = [sys.executable, *(part for each in warnings for part in ("-W", each)), "-c", script]
    subprocess.run(command, check=True, cwd=ROOT)


def test_without_matplotlib_charts_are_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not chart.is_available()
