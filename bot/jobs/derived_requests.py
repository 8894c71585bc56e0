"""What a picture can be the beginning of: the same again, something changed, or a new one worked from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import Reference, Request, stored_url

if TYPE_CHECKING:
    from bot.domain.access import AccessPolicy
    from bot.domain.jobs import Destination
    from bot.jobs.history import HistoryItem


def require_visible(item: HistoryItem | None, guild_id: int | None, user_id: int) -> HistoryItem:
    """The picture, if somebody may know of it: it belongs to this server, and is not another's private one.

    Outside of servers, in direct messages, members see their own pictures alone.

    Raises:
        MemberError: JOB_UNKNOWN.
    """
    if item is not None:
        where = item.job.request.destination
        hidden = where.private or guild_id is None
        if guild_id in {None, where.guild_id} and (where.user_id == user_id or not hidden):
            return item
    raise MemberError(MemberReason.JOB_UNKNOWN)


def repeat_request(item: HistoryItem, destination: Destination, policy: AccessPolicy) -> Request:
    """The same request once more, from somebody who may press the buttons of this picture.

    Raises:
        MemberError: NOT_YOURS, REFERENCE_NOT_YOURS, PICTURE_DELETED.
    """
    _require_usable(item, destination.user_id, policy)
    job, reference = item.job, item.job.request.reference
    if not job.request.prompt:
        raise MemberError(MemberReason.PICTURE_DELETED)
    if reference is not None and job.request.destination.user_id != destination.user_id:
        raise MemberError(MemberReason.REFERENCE_NOT_YOURS)
    if reference is not None and reference.sha256 is not None:
        reference = replace(reference, content_type=job.upload_mime or reference.content_type)
    return replace(
        job.request,
        destination=destination,
        reference=reference,
        parent_job_id=_parent_of(item),
        repeats=job.job_id,
    )


def request_from_picture(
    item: HistoryItem, destination: Destination, policy: AccessPolicy, reference: Reference
) -> Request:
    """A request without words yet that has a picture as its reference.

    Raises:
        MemberError: NOT_YOURS, PICTURE_UNFINISHED.
    """
    _require_usable(item, destination.user_id, policy)
    if not item.is_painted:
        raise MemberError(MemberReason.PICTURE_UNFINISHED)
    return replace(
        item.job.request,
        destination=destination,
        prompt="",
        preset=None,
        reference=reference,
        parent_job_id=item.job.job_id,
    )


def stored_reference(item: HistoryItem) -> Reference | None:
    """A stored picture as a reference; None if it is not stored."""
    if item.kept_sha256 is None:
        return None
    return Reference(stored_url(item.kept_sha256), item.filename, f"image/{item.kept_format}", 0)


def _require_usable(item: HistoryItem, user_id: int, policy: AccessPolicy) -> None:
    if item.job.deleted_at is not None:
        raise MemberError(MemberReason.PICTURE_DELETED)
    if policy.owner_only and item.job.request.destination.user_id != user_id:
        raise MemberError(MemberReason.NOT_YOURS)


def _parent_of(item: HistoryItem) -> str | None:
    """What failed is nobody's parent: the next try grows from the same picture."""
    return item.job.job_id if item.is_painted else item.job.request.parent_job_id
