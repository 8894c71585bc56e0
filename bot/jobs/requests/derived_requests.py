"""Make new requests from earlier jobs: repeat one or several, vary a picture, or use it as the reference."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat
from typing import TYPE_CHECKING

from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import GroupKind, Reference, Request, stored_url
from bot.domain.model_settings import without_seed
from bot.domain.pictures import picture_filename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.access import AccessPolicy
    from bot.domain.jobs import Destination, Job, UploadedReference
    from bot.jobs.groups import JobGroup
    from bot.jobs.history import HistoryItem


def require_visible(item: HistoryItem | None, guild_id: int | None, user_id: int) -> HistoryItem:
    """Return the job if the member may see it: it is of this guild, and not another member's private one.

    In direct messages, where `guild_id` is None, members see only their own.

    Raises:
        MemberError: JOB_UNKNOWN.
    """
    if item is not None and _is_visible(item.job, guild_id, user_id):
        return item
    raise MemberError(MemberReason.JOB_UNKNOWN)


def require_group_visible(group: JobGroup | None, guild_id: int | None, user_id: int) -> JobGroup:
    """Return the group with those of its jobs that the member may see, as `require_visible` decides.

    Raises:
        MemberError: JOB_UNKNOWN; there is none.
    """
    jobs = () if group is None else group.jobs
    visible = tuple(job for job in jobs if _is_visible(job, guild_id, user_id))
    if group is None or not visible:
        raise MemberError(MemberReason.JOB_UNKNOWN)
    return replace(group, jobs=visible)


def _is_visible(job: Job, guild_id: int | None, user_id: int) -> bool:
    destination = job.request.destination
    hidden = destination.private or guild_id is None
    return guild_id in {None, destination.guild_id} and (destination.user_id == user_id or not hidden)


def repeat_request(job: Job, destination: Destination, policy: AccessPolicy) -> Request:
    """Return the same request for another interaction, if its member may use the buttons of the picture.

    Raises:
        MemberError: NOT_YOURS, REFERENCE_NOT_YOURS, PICTURE_DELETED.
    """
    _require_usable(job, destination.user_id, policy)
    references = job.request.references
    if not job.request.prompt:
        raise MemberError(MemberReason.PICTURE_DELETED)
    if references and job.request.destination.user_id != destination.user_id:
        raise MemberError(MemberReason.REFERENCE_NOT_YOURS)
    return replace(
        job.request,
        destination=destination,
        references=tuple(map(_ready, references, chain(job.uploads, repeat(None)))),
        parent_job_id=_parent_of(job),
        repeats=job.job_id,
    )


def repeat_jobs(
    kind: GroupKind, jobs: Sequence[Job], destination: Destination, policy: AccessPolicy
) -> Request:
    """Return one request for as many pictures as these jobs of a group are, or with the models they compare.

    Raises:
        MemberError: as `repeat_request`; PICTURE_DELETED only if all were deleted.
    """
    first = next((job for job in jobs if job.deleted_at is None), jobs[0])
    request = repeat_request(first, destination, policy)
    if len(jobs) > 1 and kind is GroupKind.COMPARE:
        return replace(request, models=tuple(job.request.model for job in jobs))
    return replace(request, pictures=len(jobs))


def request_from_picture(
    job: Job, destination: Destination, policy: AccessPolicy, reference: Reference
) -> Request:
    """Return a request without a prompt that has the picture as its reference.

    Raises:
        MemberError: PICTURE_DELETED, NOT_YOURS, PICTURE_UNFINISHED.
    """
    return replace(_with_picture(job, destination, policy, reference), prompt="", preset=None)


def vary_request(job: Job, destination: Destination, policy: AccessPolicy, reference: Reference) -> Request:
    """Return the same request with the picture itself as its only reference.

    A seed is left out, since with it the model could paint the same picture again.

    Raises:
        MemberError: PICTURE_DELETED, also if the words were erased; NOT_YOURS, PICTURE_UNFINISHED.
    """
    request = _with_picture(job, destination, policy, reference)
    if not request.prompt:
        raise MemberError(MemberReason.PICTURE_DELETED)
    return replace(request, settings=without_seed(request.settings))


def _with_picture(job: Job, destination: Destination, policy: AccessPolicy, reference: Reference) -> Request:
    _require_usable(job, destination.user_id, policy)
    if not job.is_painted:
        raise MemberError(MemberReason.PICTURE_UNFINISHED)
    return replace(
        job.request,
        destination=destination,
        references=(replace(reference, job_id=job.job_id),),
        parent_job_id=job.job_id,
    )


def _ready(reference: Reference, upload: UploadedReference | None) -> Reference:
    """Return the reference with the type of its stored file, if it has one."""
    if reference.sha256 is None or upload is None:
        return reference
    return replace(reference, content_type=upload.mime_type or reference.content_type)


def stored_reference(item: HistoryItem, number: int = 1) -> Reference | None:
    """Return a stored picture of the job, by its number, as a reference; None if it is not stored."""
    found = {each.number: (each.sha256, each.format) for each in item.job.more_pictures}
    found[1] = (item.kept_sha256, item.kept_format)
    sha256, kept_format = found.get(number, (None, ""))
    if sha256 is None:
        return None
    name = picture_filename(item.job.job_id, kept_format, number)
    return Reference(stored_url(sha256), name, f"image/{kept_format}", 0)


def _require_usable(job: Job, user_id: int, policy: AccessPolicy) -> None:
    if job.deleted_at is not None:
        raise MemberError(MemberReason.PICTURE_DELETED)
    if policy.owner_only and job.request.destination.user_id != user_id:
        raise MemberError(MemberReason.NOT_YOURS)


def _parent_of(job: Job) -> str | None:
    """Return the parent of the new request; a job without a picture passes its own parent on."""
    return job.job_id if job.is_painted else job.request.parent_job_id
