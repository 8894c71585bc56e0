"""The text of a report, beside its chart and its file.

A member's number in the list is their number in the chart's legend; models have their names in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import MediaGalleryItem, ui

from bot.credits.reports.models import BarUnit, Grouping
from bot.domain.periods import Period
from cogs.credits.chart_labels import bucket_start, period_title
from cogs.text.escaping import truncate
from cogs.text.terms import credits_text, limit_text, mention, model_text, pictures_text
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.discord_limits import ALT_TEXT_UNITS, attachments
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from bot.credits.reports.builder import ReportFiles
    from bot.credits.reports.models import Report, Spender
    from cogs.credits.chart_labels import NameOf

_BEFORE: Final = {
    Period.DAY: gettext_noop("The whole day before: {credits}."),
    Period.WEEK: gettext_noop("The whole week before: {credits}."),
    Period.MONTH: gettext_noop("The whole month before: {credits}."),
}
_TITLES: Final = {
    Grouping.MEMBER: gettext_noop("**Who spent most**"),
    Grouping.MODEL: gettext_noop("**Which models cost most**"),
}
_ALT_TEXTS: Final = {
    Grouping.MEMBER: gettext_noop(
        "Bar chart of the credits, {period}: {credits} in all. By member: {members}."
        " The highest bar, {highest}, begins at {moment}."
    ),
    Grouping.MODEL: gettext_noop(
        "Bar chart of the credits, {period}: {credits} in all. By model: {models}."
        " The highest bar, {highest}, begins at {moment}."
    ),
}
_PACES: Final = {
    Period.DAY: gettext_noop(
        "The dashed line is an even pace: with {pace} the limit lasts for exactly the day."
    ),
    Period.WEEK: gettext_noop(
        "The dashed line is an even pace: with {pace} the limit lasts for exactly the week."
    ),
    Period.MONTH: gettext_noop(
        "The dashed line is an even pace: with {pace} the limit lasts for exactly the month."
    ),
}


def report_view(report_files: ReportFiles, name_of: NameOf = str) -> ui.LayoutView:
    """Show a report; the message needs the attachments of `files`.

    `name_of` returns the name of a model by its id.
    """
    report = report_files.report
    if not report.reservations:
        return build_view(_title(report), _empty(report), subtext(_zone(report)))
    shown: list[ui.Item[ui.LayoutView]] = []
    if report_files.chart is not None:
        picture = MediaGalleryItem(
            f"attachment://{report_files.name}.png", description=alt_text(report, name_of)
        )
        shown.append(ui.MediaGallery(picture))
    if report_files.sheet is not None:
        shown.append(ui.File(f"attachment://{report_files.sheet.filename}"))
    notes = [
        _pace(report) if report_files.chart is not None else "",
        _missing_chart(report_files),
        _missing_rows(report_files),
    ]
    return build_view(
        _title(report),
        "\n".join(_headlines(report)),
        "\n".join(_spenders(report, name_of)),
        *shown,
        *(subtext(note) for note in (*notes, _zone(report)) if note),
    )


def files(report_files: ReportFiles) -> list[discord.File]:
    """Return the attachments of `report_view`, opened anew: one that was sent is closed."""
    contents = {}
    if report_files.chart is not None:
        contents[f"{report_files.name}.png"] = report_files.chart
    if report_files.sheet is not None:
        contents[report_files.sheet.filename] = report_files.sheet.data
    return attachments(contents)


def alt_text(report: Report, name_of: NameOf = str) -> str:
    """Return the chart's text for screen readers; members have numbers for names, as in the picture."""
    parts = [
        f"{_place(spender, place, name_of)}: {number(spender.credits)}"
        for place, spender in enumerate(report.coloured, start=1)
    ]
    if others := sum(bar.others for bar in report.buckets):
        parts.append(gettext("others: {amount}", amount=number(others)))
    if report.erased.credits:
        parts.append(gettext("erased: {amount}", amount=number(report.erased.credits)))
    text = gettext(
        _ALT_TEXTS[report.grouping],
        period=period_title(report),
        credits=credits_text(report.credits),
        members=", ".join(parts),
        models=", ".join(parts),
        highest=number(report.highest.credits),
        moment=bucket_start(report, report.highest.start),
    )
    return truncate(text, ALT_TEXT_UNITS)


def _place(spender: Spender, place: int, name_of: NameOf) -> str:
    return name_of(spender.subject) if isinstance(spender.subject, str) else str(place)


def _title(report: Report) -> str:
    return gettext("### Report: {period}", period=period_title(report))


def _empty(report: Report) -> str:
    if report.period is Period.TOTAL:
        return gettext("Nobody has asked for a picture in this server yet. `/imagine` asks for the first.")
    return gettext(
        "Nobody asked for a picture in this time. Choose another `period`, or go back further with `ago`."
    )


def _headlines(report: Report) -> list[str]:
    lines = [_spent(report)]
    if report.held_credits:
        held = credits_text(report.held_credits)
        lines.append(gettext("{credits} set aside for what is not finished.", credits=held))
    if report.failures:
        lines.append(ngettext("{n} request failed.", "{n} requests failed.", report.failures))
    if report.refunded_credits:
        refunded = credits_text(report.refunded_credits)
        lines.append(gettext("{credits} of these refunded; the limit does not count them.", credits=refunded))
    if report.granted_credits:
        granted = credits_text(report.granted_credits)
        lines.append(gettext("{credits} of these paid by grants, not by the limit.", credits=granted))
    if report.limit.period == report.period:
        used = number(report.limited_credits)
        lines.append(gettext("The limit: {used} of {limit} used.", used=used, limit=limit_text(report.limit)))
    if report.ceiling is not None:
        ceiling = limit_text(report.ceiling)
        lines.append(
            gettext("The people who run this bot allow less than the limit: {ceiling}.", ceiling=ceiling)
        )
    if report.before_credits is not None:
        lines.append(gettext(_BEFORE[report.period], credits=credits_text(report.before_credits)))
    return lines


def _spent(report: Report) -> str:
    facts = {"credits": credits_text(report.spent_credits), "pictures": pictures_text(report.pictures)}
    if report.average_credits is None:
        return gettext("**{credits}** spent, **{pictures}** painted.", **facts)
    each = number(round(report.average_credits, 2))
    return gettext("**{credits}** spent, **{pictures}** painted, {each} each.", **facts, each=each)


def _spenders(report: Report, name_of: NameOf) -> list[str]:
    lines = [gettext(_TITLES[report.grouping])] if report.spenders else []
    lines += [
        f"{place}\\. {_name(spender, name_of)}: {_amounts(spender)}"
        for place, spender in enumerate(report.spenders, start=1)
    ]
    others = report.members - len(report.spenders)
    if others:
        listed_credits = report.erased.credits + sum(spender.credits for spender in report.spenders)
        credits = credits_text(report.credits - listed_credits)
        if report.grouping is Grouping.MODEL:
            more = ngettext(
                "{n} other model: {credits}", "{n} other models: {credits}", others, credits=credits
            )
        else:
            more = ngettext(
                "{n} other member: {credits}", "{n} other members: {credits}", others, credits=credits
            )
        lines.append(more)
    if report.erased.credits or report.erased.pictures:
        lines.append(gettext("Names erased: {amounts}", amounts=_amounts(report.erased)))
    return lines


def _name(spender: Spender, name_of: NameOf) -> str:
    subject = spender.subject
    return model_text(name_of(subject)) if isinstance(subject, str) else mention(subject)


def _amounts(spender: Spender) -> str:
    facts = {"credits": credits_text(spender.credits), "pictures": pictures_text(spender.pictures)}
    if not spender.refunded_credits:
        return gettext("{credits}, {pictures}", **facts)
    return gettext(
        "{credits}, {pictures}, {refunded} refunded", **facts, refunded=number(spender.refunded_credits)
    )


def _pace(report: Report) -> str:
    if report.pace is None and report.ceiling is not None:
        return gettext(
            "There is no line for an even pace, since the people who run this bot allow {limit}.",
            limit=limit_text(report.ceiling),
        )
    if report.pace is None:
        return gettext(
            "There is no line for an even pace, since this server's limit is {limit}.",
            limit=limit_text(report.limit),
        )
    credits = round(report.pace, 2)
    # A number with decimals takes the plural.
    counted = int(credits) if credits == int(credits) else 2
    if report.unit is BarUnit.HOUR:
        pace = ngettext(
            "{amount} credit an hour", "{amount} credits an hour", counted, amount=number(credits)
        )
    else:
        pace = ngettext("{amount} credit a day", "{amount} credits a day", counted, amount=number(credits))
    if report.visible_pace is None:
        return gettext("The even pace of the limit, {pace}, is far above the bars and not drawn.", pace=pace)
    return gettext(_PACES[report.period], pace=pace)


def _missing_chart(report_files: ReportFiles) -> str:
    if not report_files.report.credits:
        return gettext("There is no chart, since nothing was spent.")
    if report_files.chart is not None:
        return ""
    return gettext(
        "There is no chart: Pillow, which draws it, was built without FreeType on the bot's computer."
        " The people who run this bot can install Pillow from a wheel, which has that."
    )


def _missing_rows(report_files: ReportFiles) -> str:
    if report_files.sheet is None or report_files.sheet.rows == report_files.report.reservations:
        return ""
    return gettext(
        "The file holds the newest {written} of {all} requests:"
        " more do not fit into one upload. Shorter periods show the others.",
        written=number(report_files.sheet.rows),
        all=number(report_files.report.reservations),
    )


def _zone(report: Report) -> str:
    days = gettext("Days begin at midnight in the time zone {zone}.", zone=report.zone)
    if report.period is not Period.TOTAL or not report.periods_ago:
        return days
    return f"{days} {gettext('Everything so far has no earlier period, so `ago` was ignored.')}"
