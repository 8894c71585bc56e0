"""What an admin reads in a report, beside its chart and its file.

The numbers of the members here are those in the chart's legend.

Owns the words of reports. Never imports anything of ours but cards, press, reports, text, wording.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Final

import discord
from discord import MediaGalleryItem, ui

from bot.money.reports import COLOURED
from cogs.ground.cards import ALT_TEXT_UNITS, card, small
from cogs.ground.text import shorten
from cogs.ground.wording import mention, period_name

if TYPE_CHECKING:
    from bot.money.reports import Report, Spender
    from bot.press import Edition

_PERIOD_CHOICES: Final = {
    "day": "By the day",
    "week": "By the week, from Monday",
    "month": "By the month, from the first",
    "total": "Everything so far",
}
_UNITS: Final = {"hour": "an hour", "day": "a day"}
HOW_TO_DRAW: Final = (
    "There is no chart: the bot runs without its extra `charts`, which draws it."
    " Whoever runs the bot can install that."
)


def period_choice(period: str) -> str:
    """A report's period in the menu."""
    return _PERIOD_CHOICES[period]


def report_card(edition: Edition) -> ui.LayoutView:
    """The whole answer; the files it shows are those of `files`."""
    report = edition.report
    if not report.reservations:
        return card(f"### Report: {report.title}", _empty(report), small(_zone(report)))
    shown: list[ui.Item[ui.LayoutView]] = []
    if edition.chart is not None:
        picture = MediaGalleryItem(f"attachment://{edition.name}.png", description=alt_text(report))
        shown.append(ui.MediaGallery(picture))
    if edition.sheet is not None:
        shown.append(ui.File(f"attachment://{edition.sheet.filename}"))
    notes = [_pace(report) if edition.chart is not None else "", _drawing(edition), _sheet(edition)]
    return card(
        f"### Report: {report.title}",
        "\n".join(_headlines(report)),
        "\n".join(_spenders(report)),
        *shown,
        *(small(note) for note in (*notes, _zone(report)) if note),
    )


def files(edition: Edition) -> list[discord.File]:
    """What the card shows, opened anew: a file that was sent is closed."""
    found = {}
    if edition.chart is not None:
        found[f"{edition.name}.png"] = edition.chart
    if edition.sheet is not None:
        found[edition.sheet.filename] = edition.sheet.data
    return [discord.File(io.BytesIO(data), name) for name, data in found.items()]


def alt_text(report: Report) -> str:
    """The chart in words, with numbers for names, as in the picture."""
    peak = datetime.fromtimestamp(report.highest.start / 1000, report.zone)
    when = f"{peak:%H}:00" if report.unit == "hour" else f"{peak.day} {peak:%B %Y}"
    parts = [f"{place}: {amount:,}" for place, amount in enumerate(_coloured(report), start=1)]
    others = sum(bar.others for bar in report.bars)
    parts += [f"others: {others:,}"] if others else []
    parts += [f"erased: {report.erased.credits:,}"] if report.erased.credits else []
    return shorten(
        f"Bar chart of the credits of {report.title}, {_credits(report.credits)} in all. By member: "
        f"{', '.join(parts)}. The highest bar, {report.highest.credits:,}, begins at {when}.",
        ALT_TEXT_UNITS,
    )


def _coloured(report: Report) -> list[int]:
    return [spender.credits for spender in report.spenders[:COLOURED]]


def _empty(report: Report) -> str:
    if report.period == "total":
        return "Nobody has asked for a picture in this server yet. `/imagine` asks for the first."
    return "Nobody asked for a picture in this time. Choose another `period`, or go back further with `ago`."


def _headlines(report: Report) -> list[str]:
    average = report.average_credits
    each = "" if average is None else f", {f'{average:.2f}'.rstrip('0').rstrip('.')} each"
    lines = [
        f"**{_credits(report.spent_credits)}** spent, **{_count(report.pictures, 'picture')}** painted{each}."
    ]
    if report.held_credits:
        lines.append(f"{_credits(report.held_credits)} held for what is not finished.")
    if report.failures:
        lines.append(f"{_count(report.failures, 'request')} failed.")
    if report.refunded_credits:
        lines.append(f"{_credits(report.refunded_credits)} of these refunded; the limit does not count them.")
    if report.granted_credits:
        lines.append(f"{_credits(report.granted_credits)} of these paid by grants, not by the limit.")
    if report.limit.period == report.period:
        lines.append(f"The limit: {report.limited_credits:,} of {_limit(report)} used.")
    if report.before_credits is not None:
        lines.append(f"The whole {report.period} before: {_credits(report.before_credits)}.")
    return lines


def _spenders(report: Report) -> list[str]:
    lines = ["**Who spent most**"] if report.spenders else []
    lines += [f"{place}\\. {_spender(spender)}" for place, spender in enumerate(report.spenders, start=1)]
    listed = sum(spender.credits for spender in report.spenders)
    if report.members > len(report.spenders):
        rest, left = report.members - len(report.spenders), report.credits - report.erased.credits - listed
        lines.append(f"{_count(rest, 'other member')}: {_credits(left)}")
    if report.erased.credits or report.erased.pictures:
        lines.append(f"Names erased: {_amounts(report.erased)}")
    return lines


def _spender(spender: Spender) -> str:
    return f"{mention(spender.user_id)}: {_amounts(spender)}"


def _amounts(spender: Spender) -> str:
    refunded = f", {spender.refunded_credits:,} refunded" if spender.refunded_credits else ""
    return f"{_credits(spender.credits)}, {_count(spender.pictures, 'picture')}{refunded}"


def _pace(report: Report) -> str:
    if report.pace is None:
        return f"No line for an even pace: this server's limit is {_limit(report)}."
    pace = f"{f'{report.pace:,.2f}'.rstrip('0').rstrip('.')} credits {_UNITS[report.unit]}"
    if report.drawn_pace is None:
        return f"The even pace of the limit, {pace}, is far above the bars and not drawn."
    return f"The dashed line is an even pace: with {pace} the limit lasts for exactly the {report.period}."


def _drawing(edition: Edition) -> str:
    if not edition.report.credits:
        return "There is no chart, since nothing was spent."
    return "" if edition.draws else HOW_TO_DRAW


def _sheet(edition: Edition) -> str:
    if edition.sheet is None or edition.sheet.rows == edition.report.reservations:
        return ""
    return (
        f"The file holds the newest {edition.sheet.rows:,} of {edition.report.reservations:,} requests:"
        " more do not fit into one upload. Shorter periods show the others."
    )


def _zone(report: Report) -> str:
    back = " Everything so far has no earlier time, so `ago` was left out." if _ignored(report) else ""
    return f"Days begin at midnight in the time zone {report.zone}.{back}"


def _ignored(report: Report) -> bool:
    return report.period == "total" and report.ago > 0


def _limit(report: Report) -> str:
    return f"{_credits(report.limit.credits)} {period_name(report.limit.period)}"


def _credits(count: int) -> str:
    return _count(count, "credit")


def _count(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count:,} {thing}s"
