"""Convert jobs and requests to the columns of `jobs` and `drafts`, and back."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from bot.domain.jobs import (
    DeliveredMessage,
    DeliveryMethod,
    Destination,
    Failure,
    FailureCause,
    GroupPlace,
    Job,
    Preset,
    Request,
    Stage,
)
from bot.domain.model_settings import from_json, to_json
from bot.domain.pictures import MorePicture, PostedPicture
from bot.jobs.job_pictures import job_pictures, more_pictures_from
from bot.jobs.references import insert_references, job_references, references_from, uploads_from

if TYPE_CHECKING:
    import sqlite3

_Columns = dict[str, Any]
"""A row by the names of its columns."""


def rows_of_jobs(jobs: str = "jobs") -> str:
    """Return columns for a SELECT from `jobs`, by its name there; they hold rows of other tables."""
    return f"{job_references(jobs)}, {job_pictures(jobs)}"


SELECT_JOBS: Final = f"SELECT *, {rows_of_jobs()} FROM jobs"  # noqa: S608  # our own text
"""Selects rows for `job_from`."""
SELECT_JOB: Final = f"{SELECT_JOBS} WHERE job_id = ?"


def request_columns(request: Request) -> dict[str, object]:
    """Return the columns that `jobs` and `drafts` both have: neither the destination nor the references."""
    preset = request.preset
    return {
        "prompt": request.prompt,
        "model": request.model,
        "size": request.size,
        "format": request.format,
        "private": int(request.destination.private),
        "spoiler": int(request.spoiler),
        "preset_name": preset.name if preset else None,
        "preset_before": preset.before if preset else None,
        "preset_after": preset.after if preset else None,
        "parent_job_id": request.parent_job_id,
        "asked_size": request.asked_size,
        "settings": to_json(request.settings),
    }


def job_columns(job: Job) -> dict[str, object]:
    """Return the columns that are known when a job is accepted."""
    destination = job.request.destination
    return {
        "job_id": job.job_id,
        "interaction_id": destination.interaction_id,
        "number": job.number,
        "group_size": job.group_size,
        "interaction_token": destination.interaction_token,
        "application_id": destination.application_id,
        "guild_id": destination.guild_id,
        "channel_id": destination.channel_id,
        "user_id": destination.user_id,
        "upload_limit_bytes": destination.upload_limit_bytes,
        "locale": destination.locale,
        "guild_locale": destination.guild_locale,
        **request_columns(job.request),
        "loose_safety": int(job.request.loose_safety),
        "stage": job.stage.value,
        "quote_credits": job.quote_credits,
        "accepted_at": job.accepted_at,
    }


def insert_job(transaction: sqlite3.Connection, job: Job) -> bool:
    """Insert an accepted job with its references; False if its interaction has one of its number already."""
    if not insert(transaction, "jobs", job_columns(job), "interaction_id, number"):
        return False
    if job.request.references:
        insert_references(transaction, "job_references", job.job_id, job.request.references)
    return True


def insert(transaction: sqlite3.Connection, table: str, columns: dict[str, object], key: str) -> bool:
    """Insert a row; False if there is one with the same `key` already."""
    statement = _insert_statement(table, tuple(columns), key)
    return transaction.execute(statement, tuple(columns.values())).rowcount == 1


@cache
def _insert_statement(table: str, columns: tuple[str, ...], key: str) -> str:
    # The names are our own; every value is bound.
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO NOTHING"  # noqa: S608  # see above


@cache
def update_statement(changes: str, stages: tuple[Stage, ...]) -> str:
    """Return the statement that changes a job by its id if it is in one of the stages."""
    # `changes` are our own texts; every value is bound.
    among = ", ".join(f"'{stage}'" for stage in stages)
    return f"UPDATE jobs SET {changes} WHERE job_id = ? AND stage IN ({among})"  # noqa: S608  # see above


def plain(value: object) -> object:
    """Return the text of an enum: sqlite3 takes as long to adapt one as to run a short statement."""
    return value.value if isinstance(value, StrEnum) else value


def job_from(found: sqlite3.Row) -> Job:
    """Return the job of a row of `jobs` that was selected with its `rows_of_jobs`."""
    # A `sqlite3.Row` looks for a name among all before it, for each of the many columns.
    row = dict(zip(found.keys(), found, strict=True))
    failure = None
    if row["failure_who"] is not None:
        failure = Failure(
            cause=FailureCause(row["failure_who"]),
            code=row["failure_code"],
            message=row["failure_message"],
            charged_credits=row["failure_charged"],
            in_doubt=bool(row["failure_in_doubt"]),
        )
    more_pictures = more_pictures_from(row)
    return Job(
        job_id=row["job_id"],
        request=_request(row),
        stage=Stage(row["stage"]),
        quote_credits=row["quote_credits"],
        accepted_at=row["accepted_at"],
        place=GroupPlace(row["number"], row["group_size"]) if row["group_size"] > 1 else None,
        acknowledged_at=row["acknowledged_at"],
        message_id=row["message_id"],
        uploads=uploads_from(row),
        create_body=row["create_body"],
        task_id=row["task_id"],
        task_created_at=row["task_created_at"],
        result_url=row["result_url"],
        more_pictures=more_pictures,
        failure=failure,
        delay_notified_at=row["late_told_at"],
        late_at=row["late_at"],
        late_note=row["late_note"],
        painted_at=row["painted_at"],
        finished_at=row["finished_at"],
        delivered_message=_delivered_message(row, more_pictures),
        shared_at=row["shared_at"],
        deleted_at=row["deleted_at"],
    )


def _delivered_message(row: _Columns, more: tuple[MorePicture, ...]) -> DeliveredMessage | None:
    if row["landed_message_id"] is None:
        return None
    return DeliveredMessage(
        channel_id=row["landed_channel_id"],
        message_id=row["landed_message_id"],
        method=DeliveryMethod(row["landed_way"]),
        url=row["landed_url"],
        attachment_id=row["landed_attachment_id"],
        more=tuple(PostedPicture(picture.url, picture.attachment_id) for picture in more),
    )


def preset_from(row: sqlite3.Row | _Columns) -> Preset | None:
    """Return the preset of a row of `jobs` or `drafts`, as it was when the request was made."""
    if row["preset_name"] is None:
        return None
    return Preset(row["preset_name"], row["preset_before"], row["preset_after"])


def _request(row: _Columns) -> Request:
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
            guild_locale=row["guild_locale"],
        ),
        prompt=row["prompt"],
        model=row["model"],
        size=row["size"],
        format=row["format"],
        references=references_from(row),
        spoiler=bool(row["spoiler"]),
        preset=preset_from(row),
        parent_job_id=row["parent_job_id"],
        asked_size=row["asked_size"],
        settings=from_json(row["settings"]),
        loose_safety=bool(row["loose_safety"]),
    )
