"""What became of the jobs of a group, as far as its buttons and menus depend on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.jobs import BEFORE_TASK, IN_FLIGHT, GroupKind

if TYPE_CHECKING:
    from bot.domain.jobs import Job
    from bot.jobs.groups import JobGroup


def has_outcome(job: Job) -> bool:
    """Whether it is known what becomes of a job: its picture may still be on its way to Discord."""
    return job.stage not in IN_FLIGHT


def has_picture(job: Job) -> bool:
    """Whether Rivya has made the picture, and it is neither lost nor deleted."""
    return job.is_painted and job.deleted_at is None


def ended_without_picture(job: Job) -> bool:
    """Whether there will be no picture: the job failed or was cancelled, or what was charged is lost."""
    return has_outcome(job) and not job.is_painted


def can_cancel(job: Job) -> bool:
    """Whether a click on *Cancel* could come in time: no create call was written down yet."""
    return job.stage in BEFORE_TASK and job.create_body is None


def can_vote(group: JobGroup) -> bool:
    """Whether members compare the pictures of this group: everybody can see it, and all have ended."""
    return group.kind is GroupKind.COMPARE and not group.is_private and all(map(has_outcome, group.jobs))
