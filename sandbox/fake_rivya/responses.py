"""Response bodies of the fake Rivya: files, tasks, and web pages of the edge proxy.

The nine keys of a task: https://rivya.ai/docs/api-generation-status. The keys of a file other than `url` and
`duration_token` are a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aiohttp import web

from sandbox.fake_rivya.models import iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from http import HTTPStatus

    from sandbox.fake_rivya.models import Task, Upload

Spelling = Literal["snake", "camel"]

_CAMEL = {
    "id": "fileId",
    "mime_type": "mimeType",
    "size": "sizeBytes",
    "duration_seconds": "durationSeconds",
    "duration_token": "durationToken",
    "client_request_id": "clientRequestId",
    "created_at": "createdAt",
    "expires_at": "expiresAt",
}


def public_file(upload: Upload, spelling: Spelling) -> dict[str, object]:
    """Return the metadata of an upload (`PublicApiFile`)."""
    answer: dict[str, object] = {
        "id": upload.id,
        "object": "file",
        "kind": "image",
        "url": upload.url,
        "name": upload.name,
        "mime_type": upload.mime_type,
        "size": len(upload.data),
        "duration_seconds": None if upload.duration_token is None else 1.5,
        "duration_token": upload.duration_token,
        "model": upload.model,
        "client_request_id": upload.client_request_id,
        "created_at": iso(upload.created_at),
        "expires_at": None,
    }
    if spelling == "camel":
        return {_CAMEL.get(key, key): value for key, value in answer.items()}
    return answer


def public_task(task: Task, urls: Sequence[str], status_words: Mapping[str, str]) -> dict[str, object]:
    """Return a task with the nine documented keys, the same for the create and the status call.

    `urls` are the addresses of its pictures, `status_words` replaces words for its status.
    """
    message = f"The generation failed: {task.error_code}."
    if task.error_code == "generation_failed":
        message = "The generation failed."
    refusal = {"error": {"code": "generation_failed", "message": "This picture failed."}}
    entries = [refusal if number in task.refused else url for number, url in enumerate(urls)]
    return {
        "id": task.id,
        "status": status_words.get(task.status, task.status),
        "model": task.model,
        "reserved_credits": task.reserved_credits,
        "final_credits": task.final_credits,
        "created_at": iso(task.created_at),
        "updated_at": iso(task.updated_at),
        "result": {"primary_url": urls[0], "urls": entries} if task.status == "succeeded" else None,
        "error": None if task.error_code is None else {"code": task.error_code, "message": message},
    }


def edge_page(status: HTTPStatus) -> web.Response:
    """Return an HTML error page, as a proxy in front of an API sends."""
    title = f"{status} {status.phrase}"
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(text=text, status=status, content_type="text/html")
