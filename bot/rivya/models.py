"""Rivya's JSON: parse answers into frozen types, and write the body of a create call.

Parsing is tolerant: unknown fields are ignored, keys may be snake_case or camelCase, and an optional value
that cannot be read is None. Facts: https://rivya.ai/docs/api-generations, api-generation-status, api-files,
api-credits and api-models (read 2026-05).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin

from bot.domain.errors import ContractViolation
from bot.domain.image_models import REFERENCES_PARAMETER
from bot.domain.jobs import UploadedReference
from bot.domain.model_catalog import LiveModel
from bot.domain.pictures import MOST_IN_MESSAGE
from bot.rivya.json_values import as_count, as_object, as_seconds, as_token, first_present, message, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.image_models import ImageModel
    from bot.domain.model_settings import SettingValues
    from bot.rivya.json_values import Json

_URL_KEYS = ("url", "image_url", "imageUrl")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(?:https?://|data:|/)", re.IGNORECASE)


class TaskStatus(StrEnum):
    """The state of a task at Rivya; the last two are final."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @classmethod
    def from_json(cls, value: Json, *, has_result: bool = False) -> TaskStatus:
        """Parse a status, ignoring case and how words are joined; an unknown one counts as processing.

        Words of other APIs for success count as succeeded only with a result: some of them also end a step.
        """
        word = _joined(value).lower().replace("-", "_")
        if word in _SUCCESS_WORDS:
            return cls.SUCCEEDED if has_result else cls.PROCESSING
        return _STATUSES.get(word, cls.FAILED if word in _FAILURE_WORDS else cls.PROCESSING)


# The last two are internal names in https://rivya.ai/docs/task-lifecycle; SUCCESS is below.
_STATUSES = {
    "queued": TaskStatus.QUEUED,
    "processing": TaskStatus.PROCESSING,
    "succeeded": TaskStatus.SUCCEEDED,
    "failed": TaskStatus.FAILED,
    "waiting": TaskStatus.QUEUED,
    "generating": TaskStatus.PROCESSING,
}
# What other image APIs call the ends of a task; Rivya documents none of them for its public API.
_SUCCESS_WORDS = frozenset({
    "success", "successful", "succeed", "complete", "completed", "done", "finished", "ready",
})  # fmt: skip
_FAILURE_WORDS = frozenset({
    "fail", "failure", "error", "errored", "cancelled", "canceled", "aborted", "expired", "rejected",
    "refused", "timeout", "timed_out", "timedout", "moderated", "content_moderated", "request_moderated",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """A task at Rivya as of its last answer; None means that the answer does not say."""

    task_id: str
    status: TaskStatus
    reserved_credits: int | None = None
    final_credits: int | None = None
    result_urls: tuple[str, ...] = ()
    """Of its pictures, in their order, each once, at most `MOST_IN_MESSAGE`. Absolute if the base URL was
    given, and not checked: any scheme, also `data:` URLs of many MB."""
    unusable_results: int = 0
    """How many entries of the list name no picture: null, empty, or an error in its place."""
    error_code: str | None = None
    error_message: str | None = None
    """Rivya's text, at most 500 characters."""
    model: str | None = None
    """The id of the model that the task was created with."""
    status_word: str | None = None
    """The status as Rivya spelled it, with `_` for spaces, for a log line or the operator."""

    @classmethod
    def from_json(cls, value: Json, *, base_url: str = "", with_data_url: bool = True) -> Self:
        """Parse the answer of the create or the status call.

        A relative result URL is resolved against `base_url`. A `data:` URL is no result without
        `with_data_url`.

        Raises:
            ContractViolation: `unreadable`; it holds no id.
        """
        fields = as_object(value)
        task_id = text(first_present(fields, "id", "task_id", "taskId"))
        if task_id is None:
            raise ContractViolation("unreadable", "Rivya's answer about a task holds no id")
        error = as_object(first_present(fields, "error"))
        status = first_present(fields, "status")
        urls, unusable = _result_urls(first_present(fields, "result"), base_url, with_data_url=with_data_url)
        return cls(
            task_id=task_id,
            status=TaskStatus.from_json(status, has_result=bool(urls)),
            reserved_credits=as_count(first_present(fields, "reserved_credits", "reservedCredits")),
            final_credits=as_count(first_present(fields, "final_credits", "finalCredits")),
            result_urls=urls,
            unusable_results=unusable,
            error_code=as_token(first_present(error, "code")),
            error_message=message(first_present(error, "message")),
            model=text(first_present(fields, "model")),
            status_word=as_token(_joined(status)),
        )


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


def parse_models(value: Json) -> tuple[LiveModel, ...]:
    """Parse the answer of `GET /models`; entries without an id are left out.

    Raises:
        ContractViolation: `unreadable`; it holds no list.
    """
    entries = value if isinstance(value, list) else first_present(as_object(value), "data", "models")
    if not isinstance(entries, list):
        raise ContractViolation("unreadable", "Rivya's list of models holds no list")
    return tuple(
        LiveModel(
            model_id=model_id,
            base_credits=as_count(first_present(fields, "base_credits", "baseCredits")),
            prompt_limit=as_count(first_present(fields, "max_prompt_length", "maxPromptLength")),
            status=as_token(first_present(fields, "api_status", "apiStatus")),
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
    references: Sequence[UploadedReference],
    client_request_id: str,
    settings: SettingValues = (),
    loose_safety: bool = False,
) -> str:
    """Return the JSON body that creates a task, in ASCII; the same arguments give the same text.

    What each upload returned of name, MIME type and duration is sent back with its URL.
    """
    params: dict[str, object] = dict(model.params(size, format, settings, loose_safety=loose_safety))
    if references:
        params[REFERENCES_PARAMETER] = [_media_item(reference) for reference in references]
    body = {
        "model": model.model_id,
        "prompt": prompt,
        "params": params,
        "client_request_id": client_request_id,
    }
    return json.dumps(body, separators=(",", ":"))


def _media_item(reference: UploadedReference) -> dict[str, object]:
    # In camelCase, unlike the other fields: https://rivya.ai/docs/api-openapi-schema
    item = {
        "url": reference.url,
        "kind": "image",
        "name": reference.name,
        "mimeType": reference.mime_type,
        "durationSeconds": reference.duration_seconds,
        "durationToken": reference.duration_token,
    }
    return {key: value for key, value in item.items() if value is not None}


def _result_urls(result: Json, base_url: str, *, with_data_url: bool) -> tuple[tuple[str, ...], int]:
    """Return the addresses of the pictures, in their order, and how many entries of the list name none."""
    primary, entries = _named(result)
    found: dict[str, None] = {}
    unusable = 0
    for entry in entries:
        address = _address(entry)
        if address is None:
            unusable += 1
        elif (url := _usable(address, base_url, with_data_url=with_data_url)) is not None:
            found[url] = None
    first = None if primary is None else _usable(primary, base_url, with_data_url=with_data_url)
    # Compared without queries, as the same picture may have been signed twice.
    if first is not None and first.partition("?")[0] not in {url.partition("?")[0] for url in found}:
        found = {first: None, **found}
    return tuple(found)[:MOST_IN_MESSAGE], unusable


def _named(result: Json) -> tuple[str | None, list[Json]]:
    """Return the address that stands by itself, and the entries of the list: as documented, else otherwise.

    Elsewhere a word may be anything, such as a file name or "ok", so it has to look like an address.
    """
    fields = as_object(result)
    urls = first_present(fields, "urls")
    primary = text(first_present(fields, "primary_url", "primaryUrl"))
    if primary is not None or any(_address(entry) is not None for entry in _as_list(urls)):
        return primary, _as_list(urls)
    images = first_present(fields, "images", "image")
    alone = (
        *(result, urls, *(fields.get(key) for key in _URL_KEYS)),
        *(images, *(as_object(images).get(key) for key in _URL_KEYS)),
    )
    primary = next((url for each in alone if (url := text(each)) and _ADDRESS.match(url)), None)
    entries = _as_list(images) or _as_list(result)
    return primary, [entry for entry in entries if (url := _address(entry)) and _ADDRESS.match(url)]


def _address(entry: Json) -> str | None:
    """Return the address of an entry of a list of results; None if it says that there is none."""
    fields = as_object(entry)
    if first_present(fields, "error") is not None:
        return None
    return text(entry) or next((url for key in _URL_KEYS if (url := text(fields.get(key)))), None)


def _usable(address: str, base_url: str, *, with_data_url: bool) -> str | None:
    url = address.strip()
    if url[:5].lower() != "data:":
        return _resolve(url, base_url)
    return url if with_data_url else None


def _joined(status: Json) -> str:
    """Return at most 128 characters of a status, with `_` for spaces."""
    return "_".join(status[:128].split()) if isinstance(status, str) else ""


def _as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _resolve(url: str, base_url: str) -> str:
    """Return the URL, made absolute; with a scheme unchanged, as another spelling may break its signature."""
    if not base_url or _SCHEME.match(url):
        return url
    try:
        return urljoin(f"{base_url}/", url)
    except ValueError:  # such as half an IPv6 address; the download refuses it
        return url
