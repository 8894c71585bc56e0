"""What the operator reads about a comparison with Rivya: its progress, its result, what was booked.

The command line says the same in English: `describe` in bot/credits/reconciliation/models.py.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from discord import ButtonStyle, ui

from bot.credits.reconciliation.models import (
    ApplyResult,
    CloseResult,
    Discrepancy,
    DiscrepancyKind,
    count_by_model,
)
from bot.domain.limits import ReservationState
from cogs.text.escaping import escape, single_line, truncate
from cogs.text.terms import credits_text, model_text, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, row, subtext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.credits.reconciliation.reconciler import ReconcileRun

    NameOf = Callable[[str], str | None]

SHOWN: Final = 8
"""How many discrepancies the message lists; if there are more, a file has them all."""
LISTED: Final = 5000
"""How many discrepancies the file has at most; the command line shows all."""
NOTE_UNITS: Final = 120
BY_MODEL_UNITS: Final = 500
_CSV_HEADER: Final = (
    "job_id",
    "guild_id",
    "kind",
    "state",
    "booked_credits",
    "rivya_status",
    "rivya_credits",
    "note",
    "model",
    "rivya_model",
)
_FOUND: Final = {
    DiscrepancyKind.CHARGED_OTHER: gettext_noop("booked {booked}, Rivya charged {charged}"),
    DiscrepancyKind.CHARGED_AFTER_RELEASE: gettext_noop("released, Rivya charged {charged}"),
    DiscrepancyKind.HELD_DONE: gettext_noop("held {booked}, Rivya charged {charged} in the end"),
    DiscrepancyKind.HELD_RUNNING: gettext_noop("held {booked}, Rivya is still painting"),
    DiscrepancyKind.HELD_WAITING: gettext_noop(
        "held {booked}, its job still waits for a task: see the log for what stops it"
    ),
    DiscrepancyKind.HELD_UNKNOWN: gettext_noop("held {booked} in doubt, to be closed by hand"),
    DiscrepancyKind.NOT_OVER: gettext_noop("booked {booked}, Rivya is still painting"),
}
_VANISHED: Final = {
    ReservationState.HELD: gettext_noop("held with {booked}, Rivya does not know the task"),
    ReservationState.SETTLED: gettext_noop("settled with {booked}, Rivya does not know the task"),
    ReservationState.RELEASED: gettext_noop("released with {booked}, Rivya does not know the task"),
}
_UNCLEAR: Final = {
    ReservationState.HELD: gettext_noop("held with {booked}, Rivya's answer cannot be read"),
    ReservationState.SETTLED: gettext_noop("settled with {booked}, Rivya's answer cannot be read"),
    ReservationState.RELEASED: gettext_noop("released with {booked}, Rivya's answer cannot be read"),
}
_OTHER_MODELS: Final = {
    ReservationState.HELD: gettext_noop("held with {booked} as at Rivya, which names the model {model}"),
    ReservationState.SETTLED: gettext_noop(
        "settled with {booked} as at Rivya, which names the model {model}"
    ),
    ReservationState.RELEASED: gettext_noop(
        "released with {booked} as at Rivya, which names the model {model}"
    ),
}
_LEFT_OPEN: Final = {
    CloseResult.UNKNOWN: gettext_noop(
        "There is no job {job}. A comparison lists the ids of those that are in doubt."
    ),
    CloseResult.IN_PROGRESS: gettext_noop(
        "{job} is still under way: the bot settles it by itself when it is over."
    ),
    CloseResult.NOT_HELD: gettext_noop(
        "{job} is closed already. Only what is held in doubt can be decided by hand."
    ),
}

COMPARING: Final = gettext_noop("A comparison is under way already. Its result comes when it is done.")


def reconcile_progress_view(run: ReconcileRun) -> ui.LayoutView:
    """Show the progress of a comparison."""
    return build_view(
        gettext("### Comparing with Rivya"),
        ngettext(
            "{looked_at} of {total} looked at, {n} difference so far.",
            "{looked_at} of {total} looked at, {n} differences so far.",
            run.found,
            looked_at=number(run.looked_at),
            total=number(run.total),
        ),
        subtext(gettext("Run `{run_id}`", run_id=run.run_id)),
    )


def reconcile_result_view(
    run: ReconcileRun, found: Sequence[Discrepancy], filename: str, name_of: NameOf
) -> ui.LayoutView:
    """Show what a comparison found, `SHOWN` of it in words, and a button if corrections can be booked.

    `filename` is the attachment with all of it; empty if there is none. `name_of` returns the name of a model
    by its id, or None where members need no name.
    """
    stopped = (
        gettext("It stopped early: {reason}. Run it again later.", reason=escape(run.stopped, 200))
        if run.stopped
        else ""
    )
    items: list[ui.Item[ui.LayoutView]] = [ui.File(f"attachment://{filename}")] if filename else []
    if any(discrepancy.kind.is_proof for discrepancy in found):
        items.append(row(apply_button(run.run_id)))
    return build_view(
        gettext("### Compared with Rivya"),
        _looked_at(run),
        stopped,
        _by_model(found, name_of),
        _first(run, found, name_of),
        subtext(gettext("Run `{run_id}`. Nothing was changed so far.", run_id=run.run_id)),
        *items,
    )


def apply_button(run_id: str) -> ui.Button[ui.LayoutView]:
    """Make the button that books the corrections of a run."""
    return ui.Button(
        label=gettext("Book these corrections"),
        style=ButtonStyle.danger,
        custom_id=f"kuas:reconcile:{run_id}",
    )


def _looked_at(run: ReconcileRun) -> str:
    looked_at = ngettext(
        "{n} reservation looked at, those since {since} and all that are held for longer than a day:"
        " {result}.",
        "{n} reservations looked at, those since {since} and all that are held for longer than a day:"
        " {result}.",
        run.looked_at,
        since=timestamp(run.since, "f"),
        result=_result(run.found),
    )
    if not run.unpriced:
        return looked_at
    unpriced = ngettext(
        "Rivya does not give the price of {n} task.",
        "Rivya does not give the price of {n} tasks.",
        run.unpriced,
    )
    return f"{looked_at} {unpriced}"


def _result(found: int) -> str:
    if not found:
        return gettext("the books and Rivya agree")
    return ngettext("one difference", "{n} differences", found)


def _by_model(found: Sequence[Discrepancy], name_of: NameOf) -> str:
    """Return how many differences each model has; empty where there is one model."""
    counts = {name_of(model): count for model, count in count_by_model(found).items()}
    listed = [f"{model_text(name)}: {number(count)}" for name, count in counts.items() if name is not None]
    if not listed:
        return ""
    return truncate(gettext("By model: {models}.", models=", ".join(listed)), BY_MODEL_UNITS)


def _first(run: ReconcileRun, found: Sequence[Discrepancy], name_of: NameOf) -> str:
    lines = [f"- {_job(item, name_of)}: {_with_note(item)}" for item in found[:SHOWN]]
    if run.found > SHOWN:
        lines.append(ngettext("and {n} more", "and {n} more", run.found - SHOWN))
    return "\n".join(lines)


def _job(found: Discrepancy, name_of: NameOf) -> str:
    job, name = f"`{found.booked.job_id}`", name_of(found.booked.model)
    return job if name is None else f"{job} ({model_text(name)})"


def _with_note(found: Discrepancy) -> str:
    text = difference(found)
    return f"{text} ({escape(found.booked.note, NOTE_UNITS)})" if found.booked.note else text


def difference(found: Discrepancy) -> str:
    """Return one discrepancy in words, without the note on what is in doubt."""
    match found.kind:
        case DiscrepancyKind.VANISHED:
            message = _VANISHED[found.booked.state]
        case DiscrepancyKind.UNCLEAR:
            message = _UNCLEAR[found.booked.state]
        case DiscrepancyKind.OTHER_MODEL:
            message = _OTHER_MODELS[found.booked.state]
        case _:
            message = _FOUND[found.kind]
    model = model_text(found.rivya_model or "")
    text = gettext(message, booked=found.booked.credits, charged=found.rivya_credits, model=model)
    if found.other_model is None or found.kind is DiscrepancyKind.OTHER_MODEL:
        return text
    return gettext("{difference}; Rivya names the model {model}", difference=text, model=model)


def reconcile_applied_view(run_id: str, result: ApplyResult) -> ui.LayoutView:
    """Show which discrepancies of a run were booked, and which were not."""
    lines = [
        _applied(result) if result.booked else gettext("There was nothing to book."),
        gettext("Already as Rivya says: {number}.", number=number(result.before)) if result.before else "",
        gettext("Changed since and left alone: {number}. Compare again.", number=number(result.changed))
        if result.changed
        else "",
        gettext("Still under way and left to the bot: {number}.", number=number(result.in_progress))
        if result.in_progress
        else "",
    ]
    return build_view(
        gettext("### Corrections"),
        "\n".join(filter(None, lines)),
        subtext(gettext("Run `{run_id}`", run_id=run_id)),
    )


def _applied(result: ApplyResult) -> str:
    difference_credits = result.difference_credits
    if difference_credits > 0:
        return ngettext(
            "Booked {n} correction: the books now hold {credits} more.",
            "Booked {n} corrections: the books now hold {credits} more.",
            result.booked,
            credits=credits_text(difference_credits),
        )
    if difference_credits < 0:
        return ngettext(
            "Booked {n} correction: the books now hold {credits} less.",
            "Booked {n} corrections: the books now hold {credits} less.",
            result.booked,
            credits=credits_text(-difference_credits),
        )
    return ngettext(
        "Booked {n} correction: the books now hold as many credits as before.",
        "Booked {n} corrections: the books now hold as many credits as before.",
        result.booked,
    )


def reservation_closed_view(job_id: str, final_credits: int, result: CloseResult) -> ui.LayoutView:
    """Show whether a reservation was closed by hand, and if not, why."""
    job = f"`{single_line(job_id, 40).replace('`', '')}`"
    if result is CloseResult.CLOSED:
        return build_view(gettext("### Closed"), _closed(job, final_credits))
    return build_view(gettext(_LEFT_OPEN[result], job=job))


def _closed(job: str, final_credits: int) -> str:
    if not final_credits:
        return gettext("{job} is released; your reason is kept with the correction.", job=job)
    return gettext(
        "{job} is settled with {credits}; your reason is kept with the correction.",
        job=job,
        credits=credits_text(final_credits),
    )


def csv_file(found: Sequence[Discrepancy]) -> bytes:
    """Return discrepancies as CSV with a header, in UTF-8 with a byte order mark, for spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_CSV_HEADER)
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
                single_line(booked.note, 500),
                booked.model,
                item.rivya_model or "",
            )
        )
    return text.getvalue().encode("utf-8-sig")
