"""What an admin reads in a report, beside its chart and its file.

The numbers of the members here are those in the chart's legend.

Owns the words of reports. Never imports anything of ours but bounds, cards, chart_words, press, reports,
text, tongues, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import MediaGalleryItem, ui

from bot.credits.reports.models import COLOURED
from cogs.credits.chart_labels import beginning, period_title
from cogs.text.escaping import shorten
from cogs.text.terms import mention, period_name
from cogs.text.translation import count, noted, number, say
from cogs.ui.discord_limits import ALT_TEXT_UNITS, attachments
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    from bot.credits.reports.builder import Edition
    from bot.credits.reports.models import Report, Spender

_BEFORE: Final = {
    "day": noted("The whole day before: {credits}."),
    "week": noted("The whole week before: {credits}."),
    "month": noted("The whole month before: {credits}."),
}
_PACES: Final = {
    "day": noted("The dashed line is an even pace: with {pace} the limit lasts for exactly the day."),
    "week": noted("The dashed line is an even pace: with {pace} the limit lasts for exactly the week."),
    "month": noted("The dashed line is an even pace: with {pace} the limit lasts for exactly the month."),
}


def report_card(edition: Edition) -> ui.LayoutView:
    """The whole answer; the files it shows are those of `files`."""
    report = edition.report
    if not report.reservations:
        return card(_title(report), _empty(report), small(_zone(report)))
    shown: list[ui.Item[ui.LayoutView]] = []
    if edition.chart is not None:
        picture = MediaGalleryItem(f"attachment://{edition.name}.png", description=alt_text(report))
        shown.append(ui.MediaGallery(picture))
    if edition.sheet is not None:
        shown.append(ui.File(f"attachment://{edition.sheet.filename}"))
    notes = [_pace(report) if edition.chart is not None else "", _drawing(edition), _sheet(edition)]
    return card(
        _title(report),
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
    return attachments(found)


def alt_text(report: Report) -> str:
    """The chart in words, with numbers for names, as in the picture."""
    parts = [f"{place}: {number(amount)}" for place, amount in enumerate(_coloured(report), start=1)]
    if others := sum(bar.others for bar in report.bars):
        parts.append(say("others: {amount}", amount=number(others)))
    if report.erased.credits:
        parts.append(say("erased: {amount}", amount=number(report.erased.credits)))
    told = say(
        "Bar chart of the credits of {period}, {credits} in all. By member: {members}."
        " The highest bar, {highest}, begins at {moment}.",
        period=period_title(report),
        credits=_credits(report.credits),
        members=", ".join(parts),
        highest=number(report.highest.credits),
        moment=beginning(report, report.highest.start),
    )
    return shorten(told, ALT_TEXT_UNITS)


def _title(report: Report) -> str:
    return say("### Report: {period}", period=period_title(report))


def _coloured(report: Report) -> list[int]:
    return [spender.credits for spender in report.spenders[:COLOURED]]


def _empty(report: Report) -> str:
    if report.period == "total":
        return say("Nobody has asked for a picture in this server yet. `/imagine` asks for the first.")
    return say(
        "Nobody asked for a picture in this time. Choose another `period`, or go back further with `ago`."
    )


def _headlines(report: Report) -> list[str]:
    lines = [_spent(report)]
    if report.held_credits:
        lines.append(say("{credits} held for what is not finished.", credits=_credits(report.held_credits)))
    if report.failures:
        lines.append(
            count(
                "{amount} request failed.",
                "{amount} requests failed.",
                report.failures,
                amount=number(report.failures),
            )
        )
    if report.refunded_credits:
        refunded = _credits(report.refunded_credits)
        lines.append(say("{credits} of these refunded; the limit does not count them.", credits=refunded))
    if report.granted_credits:
        granted = _credits(report.granted_credits)
        lines.append(say("{credits} of these paid by grants, not by the limit.", credits=granted))
    if report.limit.period == report.period:
        used = number(report.limited_credits)
        lines.append(say("The limit: {used} of {limit} used.", used=used, limit=_limit(report)))
    if report.before_credits is not None:
        lines.append(say(_BEFORE[report.period], credits=_credits(report.before_credits)))
    return lines


def _spent(report: Report) -> str:
    facts = {"credits": _credits(report.spent_credits), "pictures": _pictures(report.pictures)}
    if report.average_credits is None:
        return say("**{credits}** spent, **{pictures}** painted.", **facts)
    each = number(round(report.average_credits, 2))
    return say("**{credits}** spent, **{pictures}** painted, {each} each.", **facts, each=each)


def _spenders(report: Report) -> list[str]:
    lines = [say("**Who spent most**")] if report.spenders else []
    lines += [f"{place}\\. {_spender(spender)}" for place, spender in enumerate(report.spenders, start=1)]
    listed = sum(spender.credits for spender in report.spenders)
    if report.members > len(report.spenders):
        rest, left = report.members - len(report.spenders), report.credits - report.erased.credits - listed
        lines.append(
            count(
                "{amount} other member: {credits}",
                "{amount} other members: {credits}",
                rest,
                amount=number(rest),
                credits=_credits(left),
            )
        )
    if report.erased.credits or report.erased.pictures:
        lines.append(say("Names erased: {amounts}", amounts=_amounts(report.erased)))
    return lines


def _spender(spender: Spender) -> str:
    return f"{mention(spender.user_id)}: {_amounts(spender)}"


def _amounts(spender: Spender) -> str:
    facts = {"credits": _credits(spender.credits), "pictures": _pictures(spender.pictures)}
    if not spender.refunded_credits:
        return say("{credits}, {pictures}", **facts)
    return say(
        "{credits}, {pictures}, {refunded} refunded", **facts, refunded=number(spender.refunded_credits)
    )


def _pace(report: Report) -> str:
    if report.pace is None:
        return say("No line for an even pace: this server's limit is {limit}.", limit=_limit(report))
    credits = round(report.pace, 2)
    # Whatever is no whole number stands with the plural.
    counted = int(credits) if credits == int(credits) else 2
    if report.unit == "hour":
        pace = count("{amount} credit an hour", "{amount} credits an hour", counted, amount=number(credits))
    else:
        pace = count("{amount} credit a day", "{amount} credits a day", counted, amount=number(credits))
    if report.drawn_pace is None:
        return say("The even pace of the limit, {pace}, is far above the bars and not drawn.", pace=pace)
    return say(_PACES[report.period], pace=pace)


def _drawing(edition: Edition) -> str:
    if not edition.report.credits:
        return say("There is no chart, since nothing was spent.")
    if edition.draws:
        return ""
    return say(
        "There is no chart: the bot runs without its extra `charts`, which draws it."
        " Whoever runs the bot can install that."
    )


def _sheet(edition: Edition) -> str:
    if edition.sheet is None or edition.sheet.rows == edition.report.reservations:
        return ""
    return say(
        "The file holds the newest {written} of {all} requests:"
        " more do not fit into one upload. Shorter periods show the others.",
        written=number(edition.sheet.rows),
        all=number(edition.report.reservations),
    )


def _zone(report: Report) -> str:
    days = say("Days begin at midnight in the time zone {zone}.", zone=report.zone)
    back = say("Everything so far has no earlier time, so `ago` was left out.")
    return f"{days} {back}" if _ignored(report) else days


def _ignored(report: Report) -> bool:
    return report.period == "total" and report.ago > 0


def _limit(report: Report) -> str:
    return say(
        "{credits} {period}",
        credits=_credits(report.limit.credits),
        period=period_name(report.limit.period),
    )


def _credits(amount: int) -> str:
    return count("{amount} credit", "{amount} credits", amount, amount=number(amount))


def _pictures(amount: int) -> str:
    return count("{amount} picture", "{amount} pictures", amount, amount=number(amount))
