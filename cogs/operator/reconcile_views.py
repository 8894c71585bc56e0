"""What the operator reads of a comparison with Rivya: how far it is, what it found, what was booked of it.

The command line says the same in English, see `differences.describe`.

Owns the words about comparisons. Never imports anything of ours but cards, differences, findings, reconcile,
text, tongues, wording.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from discord import ui

from bot.credits.reconciliation.models import Booking, Closing, Finding, Kind
from bot.credits.reconciliation.store import PAGE
from cogs.text.escaping import harmless, plain
from cogs.text.terms import credits_text, moment
from cogs.text.translation import count, noted, say
from cogs.ui.layout import card, small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.credits.reconciliation.reconciler import Comparison

SHOWN: Final = 8
"""Findings on a card; with more there is a file, too."""
LISTED: Final = 25 * PAGE
"""Findings in the file; all others are on the command line."""
NOTE_UNITS: Final = 120
_SHEET: Final = (
    "job_id",
    "guild_id",
    "kind",
    "state",
    "booked_credits",
    "rivya_status",
    "rivya_credits",
    "note",
)
_FOUND: Final = {
    Kind.CHARGED_OTHER: noted("booked {booked}, Rivya charged {charged}"),
    Kind.CHARGED_AFTER_RELEASE: noted("released, Rivya charged {charged}"),
    Kind.HELD_DONE: noted("held {booked}, Rivya charged {charged} in the end"),
    Kind.HELD_RUNNING: noted("held {booked}, Rivya is still painting"),
    Kind.HELD_WAITING: noted("held {booked}, its job still waits for a task: see the log for what stops it"),
    Kind.HELD_UNKNOWN: noted("held {booked} in doubt, to be closed by hand"),
    Kind.NOT_OVER: noted("booked {booked}, Rivya is still painting"),
}
_VANISHED: Final = {
    "held": noted("held with {booked}, Rivya does not know the task"),
    "settled": noted("settled with {booked}, Rivya does not know the task"),
    "released": noted("released with {booked}, Rivya does not know the task"),
}
_UNCLEAR: Final = {
    "held": noted("held with {booked}, Rivya's answer cannot be read"),
    "settled": noted("settled with {booked}, Rivya's answer cannot be read"),
    "released": noted("released with {booked}, Rivya's answer cannot be read"),
}
_LEFT_OPEN: Final = {
    Closing.UNKNOWN: noted("There is no job {job}. A comparison lists the ids of those that are in doubt."),
    Closing.WALKING: noted("{job} is still under way: the bot settles it by itself when it is over."),
    Closing.NOT_HELD: noted("{job} is closed already. Only what is held in doubt can be decided by hand."),
}

COMPARING: Final = noted("A comparison is under way already. Its result comes when it is done.")
BOOK_LABEL: Final = noted("Book these corrections")


def comparing_card(run: Comparison) -> ui.LayoutView:
    """How far a comparison has come."""
    return card(
        say("### Comparing with Rivya"),
        count(
            "{looked_at} of {total} looked at, {n} difference so far.",
            "{looked_at} of {total} looked at, {n} differences so far.",
            run.found,
            looked_at=run.looked_at,
            total=run.total,
        ),
        small(say("Run `{run_id}`", run_id=run.run_id)),
    )


def compared_card(
    run: Comparison, found: Sequence[Finding], filename: str, row: ui.ActionRow[ui.LayoutView] | None
) -> ui.LayoutView:
    """What a comparison has found, the first of it in words; nothing has been changed by it."""
    ended = (
        say("It ended before its end: {reason}. Run it again later.", reason=harmless(run.stopped, 200))
        if run.stopped
        else ""
    )
    sheet: list[str | ui.Item[ui.LayoutView]] = [ui.File(f"attachment://{filename}")] if filename else []
    buttons: list[str | ui.Item[ui.LayoutView]] = [] if row is None else [row]
    return card(
        say("### Compared with Rivya"),
        _looked_at(run),
        ended,
        _first(run, found),
        small(say("Run `{run_id}`. Nothing was changed so far.", run_id=run.run_id)),
        *sheet,
        *buttons,
    )


def _looked_at(run: Comparison) -> str:
    looked_at = count(
        "{n} reservation looked at, those since {since} and all that are held for longer than a day:"
        " {result}.",
        "{n} reservations looked at, those since {since} and all that are held for longer than a day:"
        " {result}.",
        run.looked_at,
        since=moment(run.since, "f"),
        result=_result(run.found),
    )
    if not run.unsaid:
        return looked_at
    unsaid = count(
        "Of {n} task Rivya does not say the price.",
        "Of {n} tasks Rivya does not say the price.",
        run.unsaid,
    )
    return f"{looked_at} {unsaid}"


def _result(found: int) -> str:
    if not found:
        return say("the books and Rivya agree")
    return count("one difference", "{n} differences", found)


def _first(run: Comparison, found: Sequence[Finding]) -> str:
    lines = [f"- `{item.booked.job_id}`: {_words(item)}" for item in found[:SHOWN]]
    if run.found > SHOWN:
        lines.append(count("and {n} more", "and {n} more", run.found - SHOWN))
    return "\n".join(lines)


def _words(found: Finding) -> str:
    said = difference(found)
    return f"{said} ({harmless(found.booked.note, NOTE_UNITS)})" if found.booked.note else said


def difference(found: Finding) -> str:
    """One difference in plain words, without the note of what is in doubt."""
    match found.kind:
        case Kind.VANISHED:
            message = _VANISHED[found.booked.state]
        case Kind.UNCLEAR:
            message = _UNCLEAR[found.booked.state]
        case _:
            message = _FOUND[found.kind]
    return say(message, booked=found.booked.credits, charged=found.rivya_credits)


def booking_card(run_id: str, booking: Booking) -> ui.LayoutView:
    """What was booked of a run, and what was not."""
    lines = [
        _booked(booking) if booking.booked else say("There was nothing to book."),
        say("Stood as Rivya says already: {number}.", number=booking.before) if booking.before else "",
        say("Changed since and left alone: {number}. Compare again.", number=booking.changed)
        if booking.changed
        else "",
        say("Still under way and left to the bot: {number}.", number=booking.walking)
        if booking.walking
        else "",
    ]
    return card(
        say("### Corrections"), "\n".join(filter(None, lines)), small(say("Run `{run_id}`", run_id=run_id))
    )


def _booked(booking: Booking) -> str:
    gained = booking.difference_credits
    if gained > 0:
        return count(
            "Booked {n} correction: the books now hold {credits} more.",
            "Booked {n} corrections: the books now hold {credits} more.",
            booking.booked,
            credits=credits_text(gained),
        )
    if gained < 0:
        return count(
            "Booked {n} correction: the books now hold {credits} less.",
            "Booked {n} corrections: the books now hold {credits} less.",
            booking.booked,
            credits=credits_text(-gained),
        )
    return count(
        "Booked {n} correction: the books now hold as many credits as before.",
        "Booked {n} corrections: the books now hold as many credits as before.",
        booking.booked,
    )


def closing_card(job_id: str, final_credits: int, closing: Closing) -> ui.LayoutView:
    """What became of a decision by hand."""
    job = f"`{plain(job_id, 40).replace('`', '')}`"
    if closing is Closing.CLOSED:
        return card(say("### Closed"), _closed(job, final_credits))
    return card(say(_LEFT_OPEN[closing], job=job))


def _closed(job: str, final_credits: int) -> str:
    if not final_credits:
        return say("{job} is released, on the record with your reason.", job=job)
    return say(
        "{job} is settled with {credits}, on the record with your reason.",
        job=job,
        credits=credits_text(final_credits),
    )


def sheet(found: Sequence[Finding]) -> bytes:
    """The findings as CSV, with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_SHEET)
    for item in found:
        booked = item.booked
        writer.writerow(
            (
                booked.job_id,
                booked.guild_id,
                item.kind,
                booked.state,
                booked.credits,
                item.rivya_status or "",
                "" if item.rivya_credits is None else item.rivya_credits,
                plain(booked.note, 500),
            )
        )
    return text.getvalue().encode("utf-8-sig")
