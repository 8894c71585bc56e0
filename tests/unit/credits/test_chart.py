"""The chart is readable on a phone and without colours, and no text is cut."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import pytest
from PIL import Image, ImageChops, ImageFont

from bot.credits.reports import chart
from bot.credits.reports.models import COLOURED, BarUnit, Bucket, ChartLabels, Report, Spender
from bot.domain.limits import MAX_CREDITS, Limit
from bot.domain.periods import Period
from bot.images import bar_chart
from cogs.credits.chart_labels import chart_labels, period_title
from cogs.text.translation import languages, use_locale
from tests.support.paths import ROOT

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
READABLE_ON_A_GRAPH, READABLE_AS_TEXT = 3.0, 4.5
"""https://www.w3.org/TR/WCAG22/#non-text-contrast and #contrast-minimum"""
PHONE_WIDTH, READABLE_ON_A_PHONE = 390, 11
TOLD_APART = 18
"""Distance of two colours in CIELAB; 2.3 is just noticeable side by side."""
VISION = {
    "of everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "without red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "without green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
"""How linear red, green and blue are seen: https://doi.org/10.1109/TVCG.2009.113, table 1, severity 1.0."""


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


def draw_png(report: Report, labels: ChartLabels) -> bytes:
    png = chart.draw(report, labels)
    assert png is not None
    return png


def draw_chart(report: Report, language: str = "en") -> Image.Image:
    with use_locale(language):
        labels = chart_labels(report)
    # Drawn without a locale, as in a thread that does not know it.
    with Image.open(io.BytesIO(draw_png(report, labels)), formats=["PNG"]) as picture:
        return picture.convert("RGB")


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def linear(colour: str) -> list[float]:
    return [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in rgb(colour))
    ]


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def cielab(colour: str, vision: str) -> tuple[float, float, float]:
    """http://www.brucelindbloom.com/index.html?Eqn_XYZ_to_Lab.html, for sRGB and its white"""
    seen = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(one * other for one, other in zip(row, seen, strict=True))))
        for row in VISION[vision]
    )
    x, y, z = (
        part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
        for part in (
            (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047,
            0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
            (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, vision: str) -> float:
    pairs = zip(cielab(one, vision), cielab(other, vision), strict=True)
    return float(sum((first - second) ** 2 for first, second in pairs) ** 0.5)


def count_pixels(picture: Image.Image, colour: str) -> int:
    """Count the pixels of exactly this colour."""
    counted = {value: count for count, value in picture.getcolors(picture.width * picture.height) or []}
    return counted.get(rgb(colour), 0)


def test_the_contrast_formula_is_right() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_the_distance_of_colours_is_right() -> None:
    assert distance("#000000", "#FFFFFF", "of everybody") == pytest.approx(100, abs=0.01)
    assert cielab("#FF0000", "of everybody") == pytest.approx((53.24, 80.09, 67.20), abs=0.02)
    assert distance("#FF0000", "#00A000", "of everybody") > 100
    assert distance("#C08000", "#609000", "without green") < TOLD_APART


@pytest.mark.parametrize("vision", sorted(VISION))
def test_any_two_colours_are_told_apart_without_red_or_green(vision: str) -> None:
    for one, other in combinations(chart.COLOURS, 2):
        assert distance(one, other, vision) >= TOLD_APART, (one, other)


@pytest.mark.parametrize("colour", chart.COLOURS)
def test_every_colour_contrasts_with_the_background(colour: str) -> None:
    assert contrast(colour, chart.BACKGROUND) >= READABLE_ON_A_GRAPH


def test_text_and_line_are_readable() -> None:
    assert contrast(chart.TEXT, chart.BACKGROUND) >= READABLE_AS_TEXT
    assert contrast(chart.PACE_COLOUR, chart.BACKGROUND) >= READABLE_AS_TEXT
    for pixels in (bar_chart.TEXT_PIXELS, bar_chart.TITLE_PIXELS):
        assert pixels * PHONE_WIDTH / bar_chart.WIDTH >= READABLE_ON_A_PHONE


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
    limit = Limit(4 * 6 * bars, Period(period))
    for members in (1, 6):  # with one, the numbers are short and the first bar is near the edge
        report = make_report(
            members=members, others=3, erased=3, unit=unit, period=period, bars=bars, step=step, limit=limit
        )
        with use_locale(language):
            labels = chart_labels(report)
        assert len(labels.buckets) == bars
        assert_margins_free(draw_chart(report, language))
        font = ImageFont.truetype(bar_chart.FONT, bar_chart.TITLE_PIXELS)
        smaller = bar_chart.TITLE_PIXELS / bar_chart.TEXT_PIXELS
        assert font.getlength(labels.title) <= (bar_chart.WIDTH - 48) * smaller, (
            "the title would be too small"
        )
        shown = "".join((labels.title, *labels.buckets, labels.others, labels.erased, labels.pace))
        shown += "".join(labels.number(value) for value in (0.25, 1234, 12_500, 1_200_000, 3 * 10**9, 10**13))
        assert [letter for letter in shown if lacks(font, letter)] == []


def lacks(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Whether the font shows its box for unknown letters instead."""
    return not letter.isspace() and bytes(font.getmask(letter)) == bytes(font.getmask("\U0010ffff"))


def test_a_letter_that_the_font_lacks_is_found() -> None:
    font = ImageFont.truetype(bar_chart.FONT, 20)
    assert [letter for letter in "aéßЯΩệ字ไ" if lacks(font, letter)] == ["字", "ไ"]


def test_long_texts_are_neither_cut_nor_overlap() -> None:
    """A title is made smaller, the legend takes more lines, and few bars have a label."""
    report = make_report(members=6, others=3, erased=3, limit=Limit(900, Period.MONTH))
    labels = replace(
        chart_labels(report),
        title="Credits by " + "a very long while " * 5,
        buckets=("a long label",) * 30,
        others="all the other members of this server",
        erased="members whose names were erased",
        pace="the pace at which the limit lasts until the end",
    )
    with Image.open(io.BytesIO(draw_png(report, labels)), formats=["PNG"]) as picture:
        shown = picture.convert("RGB")
    assert_margins_free(shown)
    assert all(count_pixels(shown, colour) > 500 for colour in chart.COLOURS)


@pytest.mark.parametrize(
    ("highest", "numbers"),
    [
        (1, [0, 1]),
        (5, [0, 1, 2, 3, 4, 5]),
        (5.5, [0, 2, 4]),
        (1710, [0, 500, 1000, 1500]),
        (10**13, [0, 2 * 10**12, 4 * 10**12, 6 * 10**12, 8 * 10**12, 10**13]),
    ],
)
def test_the_axis_has_a_few_round_numbers(highest: float, numbers: list[int]) -> None:
    assert bar_chart._axis(highest) == numbers


def test_bars_are_as_high_as_their_numbers() -> None:
    """Layers with three times the credits have three times the pixels."""
    report = make_report(bars=2)
    buckets = tuple(
        replace(bar, top=(300, 900), others=300 * (index == 1)) for index, bar in enumerate(report.buckets)
    )
    spenders = (Spender(1, 600, 0, 2), Spender(2, 1800, 0, 2))
    picture = draw_chart(replace(report, buckets=buckets, spenders=spenders))
    swatch = bar_chart._SWATCH[0] * bar_chart._SWATCH[1]
    first, others = (count_pixels(picture, chart.COLOURS[style]) - swatch for style in (0, COLOURED))
    assert first / others == pytest.approx(2, rel=0.05)


def test_charts_drawn_at_once_are_the_same() -> None:
    report = make_report(members=6, others=3, erased=3)
    labels = chart_labels(report)
    with ThreadPoolExecutor(4) as threads:
        drawn = {*threads.map(lambda _: draw_png(report, labels), range(8))}
    assert len(drawn) == 1


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


def test_pillow_is_not_loaded_before_the_first_chart() -> None:
    script = (
        "import sys; from bot.credits.reports import builder, chart;"
        "assert 'bot.images.bar_chart' not in sys.modules; assert 'PIL' not in sys.modules"
    )
    warnings = ["error", "ignore:'audioop' is deprecated:DeprecationWarning"]  # the same as in pyproject.toml
    command = [sys.executable, *(part for each in warnings for part in ("-W", each)), "-c", script]
    subprocess.run(command, check=True, cwd=ROOT)


def test_without_freetype_there_is_no_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL._imagingft", None)  # as if Pillow was built without it
    report = make_report()
    assert chart.draw(report, chart_labels(report)) is None
