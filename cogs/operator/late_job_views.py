"""What the operator reads about late jobs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.domain.jobs import Stage
from bot.jobs.late_jobs import LateJobResult
from cogs.operator.views import guild_text
from cogs.text.escaping import code_span, escape
from cogs.text.terms import credits_text, mention, place_text, timestamp
from cogs.text.translation import gettext, gettext_noop, ngettext, number
from cogs.ui.layout import build_view, subtext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discord import ui

    from bot.jobs.late_jobs import LateJob, LateJobPage
    from cogs.operator.views import NameOf

NOTE_UNITS: Final = 160
TASK_ID_UNITS: Final = 60
NO_REASON: Final = gettext_noop("Give a reason in words; it is recorded. Nothing was changed.")


class LateAction(StrEnum):
    """What the operator does with a late job. The values are in custom ids: do not change them."""

    RETRY = "retry"
    ABANDON = "abandon"
    RELEASE = "release"


_WAITS_FOR: Final = {
    Stage.ACCEPTED: gettext_noop("its reference is not uploaded yet"),
    Stage.UPLOADED: gettext_noop("Rivya has not accepted it yet"),
    Stage.CREATED: gettext_noop("Rivya has not finished it"),
    Stage.SUCCEEDED: gettext_noop("painted, but not downloaded yet"),
    Stage.UNDELIVERABLE: gettext_noop("painted, and given up after a week"),
    Stage.FAILED: gettext_noop("given up; what it cost is not known"),
}
_DONE: Final = {
    LateAction.RETRY: gettext_noop("`{job_id}` is tried now."),
    LateAction.ABANDON: gettext_noop(
        "`{job_id}` is no longer waited for. What Rivya has charged, or may still charge, is not given back."
    ),
    LateAction.RELEASE: gettext_noop("`{job_id}` is no longer waited for, and its credits are given back."),
}
_REFUSED: Final = {
    LateJobResult.UNKNOWN: gettext_noop("`{job_id}` is not known."),
    LateJobResult.NOT_LATE: gettext_noop("`{job_id}` is under way as usual."),
    LateJobResult.OVER: gettext_noop("`{job_id}` has ended meanwhile."),
    LateJobResult.CHARGED: gettext_noop("`{job_id}` was charged by Rivya meanwhile; it cannot be released."),
}


def outcome_text(action: LateAction, result: LateJobResult, job_id: str) -> str:
    """Say what an action on a late job did."""
    sentences = _DONE[action] if result is LateJobResult.DONE else _REFUSED[result]
    return gettext(sentences, job_id=job_id)


def late_jobs_view(
    page: LateJobPage,
    name_of: NameOf,
    buttons: Sequence[ui.ActionRow[ui.LayoutView]],
    pages: ui.ActionRow[ui.LayoutView],
    outcome: str,
) -> ui.LayoutView:
    """Show one page of late jobs, each with its row of buttons; `outcome` is what was just done."""
    title = gettext("### Late pictures")
    if not page.rows:
        return build_view(title, outcome, gettext("No picture is late."))
    parts: list[str | ui.Item[ui.LayoutView]] = []
    for late_job, actions in zip(page.rows, buttons, strict=True):
        parts += [_text(late_job, name_of), actions]
    total = ngettext("{n} picture is late.", "{n} pictures are late.", page.total)
    foot = gettext("Page {page} of {pages}", page=number(page.page), pages=number(page.pages))
    return build_view(title, outcome, total, *parts, subtext(foot), pages)


def _text(late_job: LateJob, name_of: NameOf) -> str:
    job, destination = late_job.job, late_job.job.request.destination
    who = f"{mention(destination.user_id)} · " if destination.user_id > 0 else ""
    facts = [
        place_text(job.number, job.group_size),
        gettext("asked for {when}", when=timestamp(job.accepted_at)),
        gettext(_WAITS_FOR[job.stage]) if job.stage in _WAITS_FOR else job.stage,
        gettext("{credits} set aside", credits=credits_text(late_job.held_credits))
        if late_job.held_credits
        else "",
    ]
    lines = [f"{who}{guild_text(destination.guild_id, name_of)}", " · ".join(filter(None, facts))]
    if job.late_note:
        lines.append(gettext("Last answer: {words}", words=escape(job.late_note, NOTE_UNITS)))
    if late_job.unreadable_sha256 is not None:
        lines.append(
            gettext(
                "Downloaded instead of a picture: {size} bytes, stored as `{name}`",
                size=number(late_job.unreadable_bytes),
                name=late_job.unreadable_sha256,
            )
        )
    ids = filter(None, (f"`{job.job_id}`", code_span(job.task_id or "", TASK_ID_UNITS)))
    return "\n".join([*lines, subtext(" · ".join(ids))])
