"""Validate the JSON body of the create call and the multipart body of the upload.

Pages: https://rivya.ai/docs/api-files, https://rivya.ai/docs/api-generations and
https://rivya.ai/docs/api-openapi-schema. Where they are silent, the strictest plausible rule applies.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import BodyPartReader
from PIL import Image

from sandbox.fake_rivya.errors import ApiError, TooLargeError
from sandbox.fake_rivya.model_catalog import (
    MODELS,
    PICTURE_TYPES,
    REFERENCE_LIMIT_BYTES,
    SIZE_OF_RATIO,
    ModelSpec,
)
from sandbox.fake_rivya.models import UploadForm

if TYPE_CHECKING:
    from aiohttp import web

EDGE_LIMIT_BYTES = 25_000_000
"""Larger bodies do not reach the API. The documentation names no such limit; this one is a guess."""
CLIENT_REQUEST_ID_LIMIT = 128
_TOP_KEYS = {"model", "prompt", "params", "client_request_id"}
_ITEM_KEYS = {"url", "kind", "name", "mimeType", "durationSeconds", "durationToken"}
_TEXT_FIELDS = {"kind", "model", "client_request_id"}
_TEXT_LIMIT_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class ReferenceItem:
    """The only item of `params.referenceMediaItems`."""

    url: str
    mime_type: str | None
    duration_token: str | None


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A valid create call; `size` and `output_format` are arguments of the painter."""

    model: ModelSpec
    prompt: str
    size: str
    output_format: str
    reference: ReferenceItem | None
    client_request_id: str | None


def invalid(message: str) -> ApiError:
    """Return the error for an invalid request."""
    return ApiError("validation_failed", message)


def parse_create(body: bytes) -> CreateRequest:
    """Parse the body of the create call.

    Raises:
        ApiError: validation_failed.
    """
    try:
        document: object = json.loads(body)
    except ValueError:
        raise invalid("The body is not JSON.") from None
    fields = _object(document, "The body", _TOP_KEYS)
    model = _model(fields.get("model"))
    if model is None:
        raise invalid("model is required.")
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise invalid("prompt is required.")
    if len(prompt) > model.prompt_limit:
        raise invalid(f"prompt is longer than {model.prompt_limit} characters.")
    allowed = set(model.params) | ({"referenceMediaItems"} if model.reference_count else set())
    params = _object(fields.get("params", {}), "params", allowed)
    chosen = {
        name: _choice(name, params.get(name, options[0]), options) for name, options in model.params.items()
    }
    return CreateRequest(
        model=model,
        prompt=prompt,
        size=chosen.get("image_size") or SIZE_OF_RATIO[chosen["aspect_ratio"]],
        output_format=chosen.get("output_format", "png"),
        reference=_reference(params.get("referenceMediaItems", []), model),
        client_request_id=_client_request_id(fields.get("client_request_id")),
    )


async def parse_upload(request: web.Request) -> UploadForm:
    """Read the multipart body of an upload.

    Raises:
        ApiError: validation_failed.
        TooLargeError: a part is larger than its limit.
    """
    texts: dict[str, str] = {}
    file: tuple[bytes, str, str | None] | None = None
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise invalid("Nested multipart bodies are not accepted.")
            if part.name == "file" and file is None:
                if not part.filename:
                    raise invalid("file has to be sent as a file, with a file name.")
                file = (
                    await _bounded(part, EDGE_LIMIT_BYTES),
                    part.filename,
                    part.headers.get("Content-Type"),
                )
            elif part.name in _TEXT_FIELDS and part.name not in texts:
                texts[part.name] = (await _bounded(part, _TEXT_LIMIT_BYTES)).decode()
            else:
                raise invalid(f"Unexpected field: {part.name}.")
    except ValueError:
        raise invalid("The multipart body cannot be read.") from None
    if file is None:
        raise invalid("file is required.")
    return _upload_form(*file, texts)


def decodes(data: bytes) -> bool:
    """Return whether the bytes are a complete PNG, JPEG or WebP picture. Blocks: run it in a thread."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False  # which of these Pillow raises depends on where the file is broken
    return True


def signature(data: bytes) -> str | None:
    """Return the MIME type by the first bytes, None for anything but JPEG, PNG and WebP."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _upload_form(data: bytes, name: str, declared: str | None, texts: dict[str, str]) -> UploadForm:
    kind = texts.get("kind")
    if kind not in {"image", "video", "audio"}:
        raise invalid("kind is required: image, video or audio.")
    mime_type = signature(data)
    if kind != "image" or mime_type is None:
        raise invalid(f"Not accepted as {kind}: the file's signature is {mime_type or 'unknown'}.")
    if len(data) > REFERENCE_LIMIT_BYTES:
        raise invalid(f"file is larger than {REFERENCE_LIMIT_BYTES} bytes.")
    if declared not in {None, "application/octet-stream", mime_type}:
        raise invalid(f"file is declared as {declared}, but it is {mime_type}.")
    model = _model(texts.get("model"))
    if model is not None and not model.reference_count:
        raise invalid(f"{model.model_id} takes no reference media.")
    return UploadForm(
        data=data,
        name=name,
        mime_type=mime_type,
        model=None if model is None else model.model_id,
        client_request_id=_client_request_id(texts.get("client_request_id")),
    )


async def _bounded(part: BodyPartReader, limit_bytes: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(65_536):
        data += chunk
        if len(data) > limit_bytes:
            raise TooLargeError
    return bytes(data)


def _object(value: object, what: str, allowed: set[str]) -> dict[str, object]:
    if not isinstance(value, dict):
        raise invalid(f"{what} has to be an object.")
    if unknown := sorted(set(value) - allowed):
        raise invalid(f"{what} has unknown fields: {', '.join(unknown)}.")
    return value


def _model(model_id: object) -> ModelSpec | None:
    if model_id is None:
        return None
    if not isinstance(model_id, str) or model_id not in MODELS:
        raise invalid("There is no such model.")
    return MODELS[model_id]


def _choice(name: str, value: object, options: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in options:
        raise invalid(f"{name} has to be one of {', '.join(options)}.")
    return value


def _reference(value: object, model: ModelSpec) -> ReferenceItem | None:
    if not isinstance(value, list):
        raise invalid("referenceMediaItems has to be a list.")
    if len(value) > model.reference_count:
        raise invalid(f"referenceMediaItems takes {model.reference_count} at most.")
    if not value:
        return None
    item = _object(value[0], "A reference media item", _ITEM_KEYS)
    url, mime_type = item.get("url"), item.get("mimeType")
    if not isinstance(url, str) or not re.match(r"https?://", url):
        raise invalid("A reference media item needs a url.")
    if item.get("kind") != "image":
        raise invalid(f"{model.model_id} takes references of kind image only.")
    if mime_type is not None and mime_type not in PICTURE_TYPES:
        raise invalid("The mimeType of a reference is not accepted.")
    for key in ("name", "durationToken"):
        if not isinstance(item.get(key), str | None):
            raise invalid(f"{key} has to be text.")
    if not isinstance(item.get("durationSeconds"), float | int | None):
        raise invalid("durationSeconds has to be a number.")
    token = item.get("durationToken")
    return ReferenceItem(
        url,
        mime_type if isinstance(mime_type, str) else None,
        token if isinstance(token, str) else None,
    )


def _client_request_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= CLIENT_REQUEST_ID_LIMIT:
        raise invalid(f"client_request_id has to be text of 1 to {CLIENT_REQUEST_ID_LIMIT} characters.")
    return value
