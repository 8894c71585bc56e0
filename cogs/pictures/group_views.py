"""The message of a group: its pictures, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from discord import ui

from bot.domain.jobs import BEFORE_TASK, FailureCause, FailureCode, GroupKind, Stage
from bot.domain.pictures import MOST_IN_MESSAGE
from bot.domain.progress import Phase
from cogs.pictures import texts, views
from cogs.pictures.group_buttons import group_rows
from cogs.text.terms import credits_text, mention, model_text, pictures_text, size_note
from cogs.text.translation import gettext, ngettext, number
from cogs.ui.layout import build_view, fit_lines, subtext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.jobs import Failure, Job
    from bot.domain.limits import Receipt
    from bot.domain.progress import Progress
    from bot.jobs.groups import JobGroup

REASONS_UNITS: Final = 1600
"""How much room the reasons of failures have."""
_SLOWEST_FIRST: Final = (
    Phase.OUTAGE,
    Phase.WAITING,
    Phase.UPLOADING,
    Phase.ASKING,
    Phase.PAINTING,
    Phase.LATE,
    Phase.RESULT_LATE,
    Phase.FETCHING,
)
"""Of which phase the message tells when it will be over, if its jobs are in several."""


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group as its message shows it."""

    group: JobGroup
    filenames: Mapping[str, tuple[str, ...]]
    """Of the pictures in the message, by the ids of their jobs."""
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """Of the running jobs, as far as it is known."""
    receipt: Receipt | None = None
    """Of the job that ended last; None if that is not known."""
    model_names: Mapping[str, str | None] = field(default_factory=dict)
    """By the models' ids; None where only one model is offered."""
    most: Mapping[str, int] = field(default_factory=dict)
    """How many pictures the settings of the jobs allow, by their ids; 1 where it is not said."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many pictures of a job could not be downloaded, by its id."""
    shrunk: frozenset[str] = frozenset()
    """The jobs whose pictures are smaller than the originals."""
    unreachable: frozenset[str] = frozenset()
    """The jobs whose pictures were posted before, and could not be brought to this message."""
    stuck: frozenset[str] = frozenset()
    """The jobs whose pictures Discord refuses here."""
    show_prompt: bool = True

    @property
    def first(self) -> Job:
        """The first job; what the jobs were asked for is the same, except for the model."""
        return self.group.jobs[0]


def group_view(
    shown: ShownGroup, *, greeting: str = "", in_guild: bool = True, is_private: bool = False
) -> ui.LayoutView:
    """Show the pictures that are there, what became of the others, and what they cost.

    `is_private` says that the member alone reads it; else what they have to act on is not explained.
    """
    gallery = _gallery(shown)
    return build_view(
        greeting,
        views.quote_of(shown.first, show_prompt=shown.show_prompt),
        *([gallery] if gallery else []),
        _places(shown),
        _progress(shown),
        _reasons(shown, is_private=is_private),
        _small_print(shown, with_member=not greeting and not is_private),
        *group_rows(as_shown(shown), in_guild=in_guild),
    )


def minimal_group_view(shown: ShownGroup) -> ui.LayoutView:
    """Show the pictures, and the id of the first job; no text here can exceed a limit."""
    gallery = _gallery(replace(shown, show_prompt=False))
    return build_view(*([gallery] if gallery else []), subtext(texts.job_text(shown.first.job_id)))


def as_shown(shown: ShownGroup) -> JobGroup:
    """Return the group as it is once this message is posted: with the pictures in it, jobs are delivered."""
    jobs = tuple(
        replace(job, stage=Stage.DELIVERED) if job.job_id in shown.filenames else job
        for job in shown.group.jobs
    )
    return replace(shown.group, jobs=jobs)


def _gallery(shown: ShownGroup) -> views.Gallery | None:
    """Return the pictures that are there, in the order of their numbers."""
    items = [
        views.gallery_item(job, f"attachment://{filename}", show_prompt=shown.show_prompt, place=job.number)
        for job in shown.group.jobs
        for filename in shown.filenames.get(job.job_id, ())
    ]
    return ui.MediaGallery(*items[:MOST_IN_MESSAGE]) if items else None


def _places(shown: ShownGroup) -> str:
    """Return `1 done · 2 painting · 3 late`; of compared models a line each, with what it cost."""
    if shown.group.kind is GroupKind.PICTURES:
        return " · ".join(f"{number(job.number)} {_state(shown, job)}" for job in shown.group.jobs)
    return "\n".join(_compared(shown, job) for job in shown.group.jobs)


def _compared(shown: ShownGroup, job: Job) -> str:
    place, model_id = job.number, job.request.model
    charged = shown.group.charged_credits.get(job.job_id)
    votes = shown.group.votes.get(place, 0)
    parts = [
        model_text(shown.model_names.get(model_id) or model_id),
        credits_text(charged) if charged else "",
        _state(shown, job),
        ngettext("{n} vote", "{n} votes", votes) if votes else "",
        size_note(job.request),
    ]
    return f"**{number(place)}** {' · '.join(filter(None, parts))}"


def _state(shown: ShownGroup, job: Job) -> str:
    if job.deleted_at is not None:
        return gettext("deleted")
    if (names := shown.filenames.get(job.job_id)) is not None:
        left_out = shown.left_out.get(job.job_id, 0)
        fewer = texts.count_text(len(names), shown.most.get(job.job_id, 1), left_out)
        count = fewer or (pictures_text(len(names)) if len(names) > 1 else "")
        return gettext("done, {pictures}", pictures=count) if count else gettext("done")
    if job.failure is None and job.stage not in {Stage.CANCELLED, Stage.UNDELIVERABLE}:
        if job.job_id in shown.unreachable:
            return gettext("done, but I could not bring it here")
        if job.job_id in shown.stuck:
            return _stuck()
        if (progress := shown.progress.get(job.job_id)) is not None:
            return _doing(progress)
    return state_text(job)


def state_text(job: Job) -> str:
    """Return in a few words what a job is doing, or what became of it, by its row alone."""
    if job.failure is not None:
        return _failed(job.failure)
    match job.stage:
        case Stage.DELIVERED:
            return gettext("done")
        case Stage.UNDELIVERABLE:
            return _stuck()
        case Stage.CANCELLED:
            return gettext("cancelled, not charged")
        case _:
            return _resumed(job)


def _stuck() -> str:
    return gettext("done, but Discord does not let me post it here")


def _failed(failure: Failure) -> str:
    if failure.in_doubt:
        return gettext("failed, charge being checked")
    if failure.code == FailureCode.RESULT_LOST:
        return gettext("painted, but not handed over; {price}", price=credits_text(failure.charged_credits))
    refused = failure.cause in {FailureCause.MEMBER, FailureCause.RIVYA}
    if failure.charged_credits:
        price = credits_text(failure.charged_credits)
        if refused:
            return gettext("refused; {price}", price=price)
        return gettext("failed; {price}", price=price)
    return gettext("refused, not charged") if refused else gettext("failed, not charged")


def _doing(progress: Progress) -> str:  # noqa: PLR0911  # a table
    match progress.phase:
        case Phase.WAITING if progress.position is not None and progress.position > 1:
            return gettext("waiting, place {place}", place=number(progress.position))
        case Phase.WAITING:
            return gettext("waiting")
        case Phase.UPLOADING:
            return gettext("uploading")
        case Phase.ASKING:
            return gettext("asking")
        case Phase.PAINTING:
            return gettext("painting")
        case Phase.LATE:
            return gettext("late")
        case Phase.OUTAGE:
            return gettext("waiting for Rivya")
        case Phase.FETCHING:
            return gettext("fetching")
        case Phase.RESULT_LATE:
            return gettext("painted, not handed over yet")


def _resumed(job: Job) -> str:
    """Return what a job is doing by its row, before its runner has said so."""
    if job.late_at is not None:
        return gettext("late")
    if job.stage in BEFORE_TASK:
        return gettext("waiting")
    return gettext("painting") if job.stage is Stage.CREATED else gettext("fetching")


def _progress(shown: ShownGroup) -> str:
    """Return when those that are not there yet will be: of the slowest of them."""
    running = [
        progress
        for job in shown.group.jobs
        if job.finished_at is None
        and job.failure is None
        and job.job_id not in shown.filenames
        and job.job_id not in shown.stuck
        and (progress := shown.progress.get(job.job_id)) is not None
    ]
    if not running:
        return ""
    slowest = min(
        running, key=lambda each: (_SLOWEST_FIRST.index(each.phase), -(each.position or 0), -each.since)
    )
    return texts.progress_text(slowest, len(shown.first.request.references))


def _reasons(shown: ShownGroup, *, is_private: bool) -> str:
    """Return why there are no pictures, each reason once, with the numbers that it is about."""
    numbers: dict[str, list[str]] = {}
    for job in shown.group.jobs:
        if job.failure is None or (job.failure.is_personal and not is_private):
            continue
        text = texts.failure_text(job.failure)
        numbers.setdefault(text, []).append(number(job.number))
    lines = [f"{', '.join(places)}: {text}" for text, places in numbers.items()]
    return "\n".join([*fit_lines(lines, REASONS_UNITS), *_codes(shown, is_private=is_private)])


def _codes(shown: ShownGroup, *, is_private: bool) -> Sequence[str]:
    """Return the id of a job that the operator has to look at, if the failure is explained."""
    for job in shown.group.jobs:
        failure = job.failure
        if failure is not None and failure.needs_operator and (is_private or not failure.is_personal):
            return [subtext(texts.job_text(job.job_id))]
    return []


def _small_print(shown: ShownGroup, *, with_member: bool) -> str:
    """Return who asked, the model, what all of it cost and what is left."""
    request, charged = shown.first.request, shown.group.charged_credits
    alike = shown.group.kind is GroupKind.PICTURES  # else the line of each has its model
    name = shown.model_names.get(request.model) if alike else None
    total = sum(charged.values())
    receipt = shown.receipt and replace(shown.receipt, charged_credits=total)
    quoted = sum(job.quote_credits for job in shown.group.jobs if job.job_id in charged)
    notes = [
        # Discord shows who used a command, but not who clicked a button or submitted a form.
        mention(request.destination.user_id) if with_member else "",
        model_text(name) if name else "",
        texts.receipt_text(receipt) if receipt and total else credits_text(total) if total else "",
        texts.rise_text(quoted, receipt) if receipt and total else "",
        size_note(request) if alike else "",
        _shrunk(shown),
    ]
    found = " · ".join(filter(None, notes))
    return subtext(found) if found else ""


def _shrunk(shown: ShownGroup) -> str:
    places = [number(job.number) for job in shown.group.jobs if job.job_id in shown.shrunk]
    return f"{', '.join(places)}: {texts.shrunk_text()}" if places else ""
