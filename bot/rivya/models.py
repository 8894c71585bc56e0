"""Rivya's JSON: parse answers into frozen types, and write the body of a create call.

Parsing is tolerant: unknown fields are ignored, keys may be snake_case or camelCase, and an optional value
that cannot be read is None. Facts: https://rivya.ai/docs/api-generations, api-generation-status, api-files,
api-credits and api-models (read 2026-05).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from bot.domain.errors import ContractViolation
from bot.domain.jobs import UploadedReference
from bot.rivya.json_values import as_count, as_object, as_seconds, as_token, first_present, message, text

if TYPE_CHECKING:
    from bot.domain.image_models import ImageModel
    from bot.rivya.json_values import Json


class TaskStatus(StrEnum):
    """The state of a task at Rivya; the last two are final."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @classmethod
    def from_json(cls, value: Json) -> TaskStatus:
        """Parse a status, ignoring case; an unknown one counts as processing, never as final."""
        return _STATUSES.get(value.lower(), cls.PROCESSING) if isinstance(value, str) else cls.PROCESSING


# The second of each line is the internal name in https://rivya.ai/docs/task-lifecycle.
_STATUSES = {
    "queued": TaskStatus.QUEUED, "waiting": TaskStatus.QUEUED,
    "processing": TaskStatus.PROCESSING, "generating": TaskStatus.PROCESSING,
    "succeeded": TaskStatus.SUCCEEDED, "success": TaskStatus.SUCCEEDED,
    "failed": TaskStatus.FAILED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """A task at Rivya as of its last answer; None means that the answer does not say."""

    task_id: str
    status: TaskStatus
    reserved_credits: int | None = None
    final_credits: int | None = None
    result_url: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    """Rivya's text, at most 500 characters."""

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Parse the answer of the create or the status call.

        Raises:
            ContractViolation: `unreadable`; it holds no id.
        """
        fields = as_object(value)
        task_id = text(first_present(fields, "id", "task_id", "taskId"))
        if task_id is None:
            raise ContractViolation("unreadable", "Rivya's answer about a task holds no id")
        error = as_object(first_present(fields, "error"))
        return cls(
            task_id=task_id,
            status=TaskStatus.from_json(first_present(fields, "status")),
            reserved_credits=as_count(first_present(fields, "reserved_credits", "reservedCredits")),
            final_credits=as_count(first_present(fields, "final_credits", "finalCredits")),
            result_url=_result_url(as_object(first_present(fields, "result"))),
            error_code=as_token(first_present(error, "code")),
            error_message=message(first_present(error, "message")),
        )


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """One model in Rivya's list; None means that the list does not say."""

    model_id: str
    base_credits: int | None
    api_status: str | None
    """`available`, `coming_soon` or `studio_only`, as of 2026-05."""


def parse_upload(value: Json) -> UploadedReference:
    """Parse the answer of `POST /files`, be it bare or wrapped in `data` or `file`.

    Raises:
        ContractViolation: `unreadable`; it holds no http or https URL.
    """
    fields = as_object(value)
    if "url" not in fields:
        fields = as_object(first_present(fields, "data", "file"))
    url = text(first_present(fields, "url"))
    if url is None or not url.lower().startswith(("https://", "http://")):
        raise ContractViolation("unreadable", "Rivya's answer to an upload holds no address")
    return UploadedReference(
        url=url,
        mime_type=text(first_present(fields, "mime_type", "mimeType")),
        name=text(first_present(fields, "name")),
        duration_seconds=as_seconds(first_present(fields, "duration_seconds", "durationSeconds")),
        duration_token=text(first_present(fields, "duration_token", "durationToken")),
    )


def parse_models(value: Json) -> tuple[ModelOffer, ...]:
    """Parse the answer of `GET /models`; entries without an id are left out.

    Raises:
        ContractViolation: `unreadable`; it holds no list.
    """
    entries = value if isinstance(value, list) else first_present(as_object(value), "data", "models")
    if not isinstance(entries, list):
        raise ContractViolation("unreadable", "Rivya's list of models holds no list")
    return tuple(
        ModelOffer(
            model_id=model_id,
            base_credits=as_count(first_present(fields, "base_credits", "baseCredits")),
            api_status=as_token(first_present(fields, "api_status", "apiStatus")),
        )
        for fields in map(as_object, entries)
        if (model_id := text(first_present(fields, "id", "model_id", "modelId"))) is not None
    )


def parse_balance(value: Json) -> int:
    """Parse the answer of `GET /credits`: the credits left in the key's wallet.

    Raises:
        ContractViolation: `unreadable`; it holds no such number.
    """
    left = as_count(first_present(as_object(value), "current_credits", "currentCredits"))
    if left is None:
        raise ContractViolation("unreadable", "Rivya's answer about the wallet holds no credits")
    return left


def create_body(
    model: ImageModel,
    *,
    prompt: str,
    size: str,
    format: str,  # noqa: A002  # the word of Request and of the command's option
    reference: UploadedReference | None,
    client_request_id: str,
) -> str:
    """Return the JSON body that creates a task, in ASCII; the same arguments give the same text.

    What the upload returned of name, MIME type and duration is sent back with its URL.
    """
    params: dict[str, object] = {"image_size": size, "output_format": format}
    if reference is not None:
        # In camelCase, unlike the other fields: https://rivya.ai/docs/api-openapi-schema
        item = {
            "url": reference.url,
            "kind": "image",
            "name": reference.name,
            "mimeType": reference.mime_type,
            "durationSeconds": reference.duration_seconds,
            "durationToken": reference.duration_token,
        }
        params["referenceMediaItems"] = [{key: value for key, value in item.items() if value is not None}]
    body = {
        "model": model.model_id,
        "prompt": prompt,
        "params": params,
        "client_request_id": client_request_id,
    }
    return json.dumps(body, separators=(",", ":"))


def _result_url(result: dict[str, Json]) -> str | None:
    primary = text(first_present(result, "primary_url", "primaryUrl"))
    urls = first_present(result, "urls")
    others = urls if isinstance(urls, list) else []
    return primary or next((url for url in map(text, others) if url), None)
