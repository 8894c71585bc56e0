"""How a job lies in its row, and back.

Owns the columns of jobs. Never imports anything of ours but jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.jobs import Destination, Failure, Job, Reference, Request, Stage

if TYPE_CHECKING:
    import sqlite3


def columns_of(job: Job) -> dict[str, object]:
    """What is known of a job when it is accepted, by column; the other columns are set on its way."""
    request, destination, reference = job.request, job.request.destination, job.request.reference
    return {
        "job_id": job.job_id,
        "interaction_id": destination.interaction_id,
        "interaction_token": destination.interaction_token,
        "application_id": destination.application_id,
        "guild_id": destination.guild_id,
        "channel_id": destination.channel_id,
        "user_id": destination.user_id,
        "upload_limit_bytes": destination.upload_limit_bytes,
        "locale": destination.locale,
        "private": int(destination.private),
        "spoiler": int(request.spoiler),
        "prompt": request.prompt,
        "model": request.model,
        "size": request.size,
        "format": request.format,
        "reference_url": reference.url if reference else None,
        "reference_filename": reference.filename if reference else None,
        "reference_type": reference.content_type if reference else None,
        "reference_bytes": reference.size_bytes if reference else None,
        "stage": job.stage,
        "quote_credits": job.quote_credits,
        "accepted_at": job.accepted_at,
    }


def job_from(row: sqlite3.Row) -> Job:
    """The one place where a row of `jobs` becomes a job."""
    failure = None
    if row["failure_who"] is not None:
        failure = Failure(
            who=row["failure_who"],
            code=row["failure_code"],
            message=row["failure_message"],
            charged_credits=row["failure_charged"],
            in_doubt=bool(row["failure_in_doubt"]),
        )
    return Job(
        job_id=row["job_id"],
        request=_request(row),
        stage=Stage(row["stage"]),
        quote_credits=row["quote_credits"],
        accepted_at=row["accepted_at"],
        acknowledged_at=row["acknowledged_at"],
        message_id=row["message_id"],
        upload_url=row["upload_url"],
        upload_mime=row["upload_mime"],
        create_body=row["create_body"],
        task_id=row["task_id"],
        task_created_at=row["task_created_at"],
        result_url=row["result_url"],
        failure=failure,
        late_told_at=row["late_told_at"],
        finished_at=row["finished_at"],
    )


def reference_from(row: sqlite3.Row) -> Reference | None:
    """The reference of a row of `jobs` or `asks`; None if there is none, or its words were erased."""
    if row["reference_url"] is None:
        return None
    return Reference(
        url=row["reference_url"],
        filename=row["reference_filename"],
        content_type=row["reference_type"],
        size_bytes=row["reference_bytes"],
    )


def _request(row: sqlite3.Row) -> Request:
    return Request(
        destination=Destination(
            guild_id=row["guild_id"],
            channel_id=row["channel_id"],
            user_id=row["user_id"],
            application_id=row["application_id"],
            interaction_id=row["interaction_id"],
            interaction_token=row["interaction_token"],
            upload_limit_bytes=row["upload_limit_bytes"],
            locale=row["locale"],
            private=bool(row["private"]),
        ),
        prompt=row["prompt"],
        model=row["model"],
        size=row["size"],
        format=row["format"],
        reference=reference_from(row),
        spoiler=bool(row["spoiler"]),
    )
