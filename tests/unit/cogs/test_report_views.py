"""The view of a report: what was spent, by whom, and the alternative text of the chart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from simcord.components import walk_components

from bot.credits.reports.builder import ReportFiles
from bot.credits.reports.csv_export import CsvExport
from bot.credits.reports.models import BarUnit, Bucket, Grouping, Report, Spender
from bot.domain.clock import DAY_MS
from bot.domain.limits import Limit
from bot.domain.periods import Period
from cogs.credits import report_views
from cogs.credits.chart_labels import chart_labels
from cogs.text.escaping import utf16_length
from cogs.text.translation import languages, use_locale
from cogs.ui.discord_limits import VIEW_TEXT_UNITS

NOVEMBER = 1_793_491_200_000
REPORT = Report(
    guild_id=1,
    period=Period.MONTH,
    periods_ago=0,
    end=NOVEMBER + 2 * DAY_MS,
    zone=UTC,
    unit=BarUnit.DAY,
    buckets=(Bucket(NOVEMBER, (4, 4), 0, 0), Bucket(NOVEMBER + DAY_MS, (1200, 0), 0, 0)),
    spenders=(Spender(7, 1204, 0, 300), Spender(8, 4, 4, 1)),
    members=2,
    erased=Spender(0, 0, 0, 0),
    reservations=303,
    spent_credits=1204,
    held_credits=4,
    refunded_credits=0,
    granted_credits=0,
    pictures=301,
    failures=0,
    before_credits=0,
    limit=Limit(2000, Period.MONTH),
)


def make_report_files(report: Report = REPORT, **changes: Any) -> ReportFiles:
    sheet = CsvExport("report.csv", b"job_id\r\n", report.reservations)
    return replace(ReportFiles(report, "report", sheet, b"picture"), **changes)


def texts_of(report_files: ReportFiles) -> str:
    found = walk_components(report_views.report_view(report_files).to_components())
    return "\n".join(item["content"] for item in found if "content" in item)


def test_a_report_says_what_was_spent_and_by_whom() -> None:
    text = texts_of(make_report_files())
    for part in (
        "### Report: November 2026",
        "**1,204 credits** spent, **301 pictures** painted, 4 each.",
        "4 credits set aside for what is not finished.",
        "The limit: 1,208 of 2,000 credits a month used.",
        "The whole month before: 0 credits.",
        "1\\. <@7>: 1,204 credits, 300 pictures\n2\\. <@8>: 4 credits, 1 picture, 4 refunded",
        "with 1,000 credits a day the limit lasts for exactly the month",
        "time zone UTC",
    ):
        assert part in text
    for part in ("failed", "grants", "erased", "other member", "newest", "extra"):
        assert part not in text


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"failures": 1}, "1 request failed."),
        ({"refunded_credits": 8}, "8 credits of these refunded"),
        ({"granted_credits": 1}, "1 credit of these paid by grants"),
        ({"members": 4}, "2 other members: 0 credits"),
        ({"erased": Spender(0, 12, 0, 3)}, "Names erased: 12 credits, 3 pictures"),
        (
            {"limit": Limit(5, Period.WEEK)},
            "There is no line for an even pace, since this server's limit is 5 credits a week.",
        ),
        ({"limit": Limit(10**9, Period.MONTH)}, "500,000,000 credits a day, is far above the bars"),
        ({"zone": ZoneInfo("Asia/Jakarta")}, "time zone Asia/Jakarta"),
        ({"period": Period.TOTAL, "periods_ago": 2, "before_credits": None}, "`ago` was ignored"),
        ({"pictures": 300}, "4.01 each"),
        ({"pictures": 0}, "**0 pictures** painted."),
    ],
)
def test_failures_refunds_grants_and_the_rest_are_shown(changes: dict[str, Any], part: str) -> None:
    assert part in texts_of(make_report_files(replace(REPORT, **changes)))


def test_missing_charts_and_rows_are_explained() -> None:
    assert "without FreeType" in texts_of(make_report_files(chart=None))
    assert "no chart" not in texts_of(make_report_files())
    spent_nothing = replace(REPORT, spent_credits=0, held_credits=0)
    assert "no chart, since nothing was spent" in texts_of(make_report_files(spent_nothing, chart=None))
    cut = CsvExport("report.zip", b"", 200)
    assert "newest 200 of 303 requests" in texts_of(make_report_files(sheet=cut))


@pytest.mark.parametrize(
    ("locale", "title", "chart"),
    [
        ("en-US", "### Report: since 1 November 2026", "Bar chart of the credits, since 1 November 2026: "),
        ("id", "### Laporan: sejak 1 November 2026", "Diagram batang kredit, sejak 1 November 2026: "),
    ],
)
def test_a_report_of_everything_reads_as_a_sentence(locale: str, title: str, chart: str) -> None:
    report = replace(REPORT, period=Period.TOTAL, before_credits=None)
    with use_locale(locale):
        assert title in texts_of(make_report_files(report))
        assert report_views.alt_text(report).startswith(chart)


@pytest.mark.parametrize(("period", "part"), [(Period.DAY, "`ago`"), (Period.TOTAL, "`/imagine`")])
def test_an_empty_period_has_a_text_and_no_files(period: Period, part: str) -> None:
    empty = make_report_files(replace(REPORT, reservations=0, period=period), sheet=None, chart=None)
    assert part in texts_of(empty)
    assert report_views.files(empty) == []


def test_the_view_shows_its_files() -> None:
    report_files = make_report_files()
    shown = str(report_views.report_view(report_files).to_components())
    files = report_views.files(report_files)
    assert len(files) == 2
    for file in files:
        assert f"attachment://{file.filename}" in shown
        file.close()


def test_the_chart_has_an_alternative_text() -> None:
    alt_text = report_views.alt_text(REPORT)
    assert "1: 1,204, 2: 4. The highest bar, 1,200, begins at 2 November 2026." in alt_text
    by_hour = report_views.alt_text(replace(REPORT, unit=BarUnit.HOUR))
    assert "begins at 00:00" in by_hour
    assert "<@" not in alt_text


def test_a_report_is_in_the_language_of_the_reader() -> None:
    report = replace(
        REPORT,
        members=1234,
        failures=1,
        refunded_credits=8,
        granted_credits=1500,
        erased=Spender(0, 12, 0, 3),
        pictures=300,
        zone=ZoneInfo("Asia/Jakarta"),
    )
    with use_locale("id"):
        text, alt_text = texts_of(make_report_files(report)), report_views.alt_text(report)
    for part in (
        "### Laporan: November 2026",
        "**1.204 kredit** terpakai, **300 gambar** dilukis, rata-rata 4,01 per gambar.",
        "4 kredit disisihkan untuk yang belum selesai.",
        "1 permintaan gagal.",
        "8 kredit di antaranya dikembalikan",
        "1.500 kredit di antaranya dibayar dari hibah",
        "dari 2.000 kredit",
        "Sepanjang bulan sebelumnya: 0 kredit.",
        "2\\. <@8>: 4 kredit, 1 gambar, 4 dikembalikan",
        "1.232 anggota lain:",
        "Nama dihapus: 12 kredit, 3 gambar",
        "dengan 1.000 kredit per hari, batas habis tepat di akhir bulan.",
        "zona waktu Asia/Jakarta",
    ):
        assert part in text
    assert "1: 1.204, 2: 4, dihapus: 12. Batang tertinggi, 1.200, mulai 2 November 2026." in alt_text
    for english in ("credit", "picture", "member", "erased", "The "):
        assert english not in text
        assert english not in alt_text


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("period", Period)
def test_every_variant_of_a_report_has_a_text_in_every_language(period: Period, language: str) -> None:
    unit = BarUnit.HOUR if period is Period.DAY else BarUnit.DAY
    with use_locale(language):
        for limit in (Limit(200, period), Limit(10**9, period), Limit(1, Period.TOTAL)):
            before = None if period is Period.TOTAL else 8
            report = replace(
                REPORT, period=period, unit=unit, limit=limit, periods_ago=1, before_credits=before
            )
            cut = CsvExport("report.zip", b"", 200)
            assert texts_of(make_report_files(report, sheet=cut))
            assert texts_of(make_report_files(replace(report, spent_credits=0, held_credits=0), chart=None))
            assert texts_of(make_report_files(replace(report, reservations=0), sheet=None, chart=None))
            assert report_views.alt_text(report)


def test_the_singular_is_used_for_exactly_one_credit() -> None:
    """The pace is a number that may have a fraction."""
    for credits, text in ((2, "with 1 credit a day "), (1, "with 0.5 credits a day ")):
        assert text in texts_of(make_report_files(replace(REPORT, limit=Limit(credits, Period.MONTH))))


@pytest.mark.parametrize("language", sorted(languages()))
def test_the_longest_report_fits(language: str) -> None:
    many = tuple(Spender(2**63 - number, 10**12, 10**12, 10**9) for number in range(10))
    longest = replace(
        REPORT, spenders=many, members=10**6, erased=many[0], refunded_credits=10**12, failures=10**9
    )
    with use_locale(language):
        assert utf16_length(texts_of(make_report_files(longest))) <= VIEW_TEXT_UNITS
        assert utf16_length(report_views.alt_text(longest)) <= 1024


BY_MODEL = replace(
    REPORT,
    spenders=(Spender("flux-2-pro", 1204, 0, 240), Spender("gone", 4, 4, 1)),
    members=5,
    grouping=Grouping.MODEL,
)
NAMES = {"flux-2-pro": "Flux *2* Pro"}


def name_of(model_id: str) -> str:
    return NAMES.get(model_id, model_id)


def text_by_model(report: Report = BY_MODEL) -> str:
    found = walk_components(report_views.report_view(make_report_files(report), name_of).to_components())
    return "\n".join(item["content"] for item in found if "content" in item)


def test_a_report_by_model_names_models_also_one_that_is_gone() -> None:
    text = text_by_model()
    for part in (
        "**Which models cost most**",
        "1\\. Flux \\*2\\* Pro: 1,204 credits, 240 pictures\n2\\. gone: 4 credits, 1 picture, 4 refunded",
        "3 other models: 0 credits",
    ):
        assert part in text
    assert "member" not in text
    assert "By model: Flux *2* Pro: 1,204, gone: 4. The highest" in report_views.alt_text(BY_MODEL, name_of)


def test_a_report_by_model_is_in_the_language_of_the_reader() -> None:
    with use_locale("id"):
        assert "3 model lain: 0 kredit" in text_by_model()
        assert "Per model: Flux *2* Pro: 1.204" in report_views.alt_text(BY_MODEL, name_of)
    with use_locale("es-ES"):
        assert "3 modelos más: 0 créditos" in text_by_model()


def test_the_legend_has_names_of_models_that_the_font_has_and_that_fit() -> None:
    spenders = tuple(Spender(each, 1, 0, 1) for each in ("flux-2-pro", "模型", "x" * 25, "x" * 24))
    report = replace(BY_MODEL, spenders=spenders, buckets=(Bucket(NOVEMBER, (1, 1, 1, 1), 0, 0),))
    assert chart_labels(report, name_of).spenders == ("Flux *2* Pro", "2", "3", "x" * 24)
    assert chart_labels(REPORT).spenders == ("1", "2")


def test_a_lower_ceiling_is_said_and_its_pace_is_the_line() -> None:
    report = replace(REPORT, ceiling=Limit(1000, Period.MONTH))
    text = texts_of(make_report_files(report))
    assert "The limit: 1,208 of 2,000 credits a month used." in text
    assert "The people who run this bot allow less than the limit: 1,000 credits a month." in text
    assert "with 500 credits a day the limit lasts" in text
    daily = texts_of(make_report_files(replace(REPORT, ceiling=Limit(5, Period.DAY))))
    assert "no line for an even pace, since the people who run this bot allow 5 credits a day" in daily


@pytest.mark.parametrize("language", sorted(languages()))
def test_the_longest_report_by_model_fits(language: str) -> None:
    many = tuple(Spender(f"{number}" * 100, 10**12, 10**12, 10**9) for number in range(10))
    longest = replace(BY_MODEL, spenders=many, members=30, refunded_credits=10**12, failures=10**9)
    with use_locale(language):
        assert utf16_length(text_by_model(longest)) <= VIEW_TEXT_UNITS
        assert utf16_length(report_views.alt_text(longest, name_of)) <= 1024
