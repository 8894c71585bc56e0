"""Validate the JSON body of the create call and the multipart body of the upload.

Pages: https://rivya.ai/docs/api-files, https://rivya.ai/docs/api-generations and
https://rivya.ai/docs/api-openapi-schema. Where they are silent, the strictest plausible rule applies.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from aiohttp import BodyPartReader
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.fake_rivya.errors import ApiError, TooLargeError
from sandbox.fake_rivya.model_catalog import FORMAT_PARAMETERS, MEGABYTE, SHAPE_PARAMETERS, ModelSpec
from sandbox.fake_rivya.models import UploadForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiohttp import web

EDGE_LIMIT_BYTES = 35_000_000
"""Larger bodies do not reach the API. The documentation names no such limit; this one is a guess."""
_TEXT_LIMIT_BYTES = 4_096
_REFERENCE_LIMIT_BYTES = 10 * MEGABYTE
"""Of an upload that names no model: https://rivya.ai/docs/api-files."""

_ClientRequestId = Annotated[str, Field(min_length=1, max_length=128)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReferenceItem(_Strict, alias_generator=to_camel):
    """An item of `params.referenceMediaItems`."""

    url: Annotated[str, Field(pattern="^https?://")]
    kind: Literal["image"]
    name: str | None = None
    mime_type: str | None = None
    duration_seconds: float | None = None
    duration_token: str | None = None


class _Params(_Strict, alias_generator=to_camel, extra="allow"):
    """The references; what else is allowed depends on the model."""

    reference_media_items: tuple[ReferenceItem, ...] = ()


class _CreateBody(_Strict):
    model: str
    prompt: Annotated[str, Field(pattern=r"\S")]
    params: _Params = _Params()
    client_request_id: _ClientRequestId | None = None


class _UploadFields(_Strict):
    """The text fields of an upload."""

    kind: Literal["image", "video", "audio"]
    model: str | None = None
    client_request_id: _ClientRequestId | None = None


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A valid create call; `size` and `output_format` are arguments of the painter."""

    model: ModelSpec
    prompt: str
    params: Mapping[str, object]
    """All but the references, with the default of each that was left out."""
    size: str
    output_format: str
    references: tuple[ReferenceItem, ...]
    client_request_id: str | None


def invalid(message: str) -> ApiError:
    """Return the error for an invalid request."""
    return ApiError("validation_failed", message)


@contextmanager
def _refuse_invalid() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "The body"
        raise invalid(f"{where}: {first['msg']}.") from None


def parse_create(data: bytes, models: Mapping[str, ModelSpec]) -> CreateRequest:
    """Parse the body of the create call.

    Raises:
        ApiError: validation_failed.
    """
    with _refuse_invalid():
        body = _CreateBody.model_validate_json(data)
    model, references = _model(body.model, models), body.params.reference_media_items
    if len(body.prompt) > model.prompt_limit:
        raise invalid(f"prompt is longer than {model.prompt_limit} characters.")
    if len(references) > model.reference_count:
        raise invalid(f"referenceMediaItems takes {model.reference_count} at most.")
    params = _params(model, body.params.model_dump(by_alias=True, exclude_unset=True))
    file_format = next((params[name] for name in FORMAT_PARAMETERS if name in params), "png")
    return CreateRequest(
        model=model,
        prompt=body.prompt,
        params=params,
        size=next(str(params[name]) for name in SHAPE_PARAMETERS if name in params),
        output_format="jpeg" if file_format == "jpg" else str(file_format),
        references=references,
        client_request_id=body.client_request_id,
    )


def _params(model: ModelSpec, given: Mapping[str, object]) -> dict[str, object]:
    """Check every parameter, and fill in the defaults."""
    references = {"referenceMediaItems"} if model.reference_count else set()
    if unknown := sorted(given.keys() - model.params.keys() - references):
        raise invalid(f"params has unknown fields: {', '.join(unknown)}.")
    chosen = model.defaults() | {name: given[name] for name in model.params if name in given}
    for name, value in chosen.items():
        if not model.params[name].accepts(value):
            raise invalid(f"{name} has to be as documented: {model.params[name].public()}.")
    return chosen


async def parse_upload(request: web.Request, models: Mapping[str, ModelSpec]) -> UploadForm:
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
            elif part.name in _UploadFields.model_fields and part.name not in texts:
                texts[part.name] = (await _bounded(part, _TEXT_LIMIT_BYTES)).decode()
            else:
                raise invalid(f"Unexpected field: {part.name}.")
    except ValueError:
        raise invalid("The multipart body cannot be read.") from None
    if file is None:
        raise invalid("file is required.")
    return _upload_form(*file, texts, models)


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


def _upload_form(
    data: bytes, name: str, declared: str | None, texts: dict[str, str], models: Mapping[str, ModelSpec]
) -> UploadForm:
    with _refuse_invalid():
        fields = _UploadFields.model_validate(texts)
    model = None if fields.model is None else _model(fields.model, models)
    mime_type = signature(data)
    if fields.kind != "image" or mime_type is None:
        raise invalid(f"Not accepted as {fields.kind}: the file's signature is {mime_type or 'unknown'}.")
    limit_bytes = _REFERENCE_LIMIT_BYTES if model is None else model.reference_limit_bytes
    if len(data) > limit_bytes:
        raise invalid(f"file is larger than {limit_bytes} bytes.")
    if declared not in {None, "application/octet-stream", mime_type}:
        raise invalid(f"file is declared as {declared}, but it is {mime_type}.")
    if model is not None and not model.reference_count:
        raise invalid(f"{fields.model} takes no reference media.")
    return UploadForm(
        data=data,
        name=name,
        mime_type=mime_type,
        model=fields.model,
        client_request_id=fields.client_request_id,
    )


async def _bounded(part: BodyPartReader, limit_bytes: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(65_536):
        data += chunk
        if len(data) > limit_bytes:
            raise TooLargeError
    return bytes(data)


def _model(model_id: str, models: Mapping[str, ModelSpec]) -> ModelSpec:
    if model_id not in models or models[model_id].api_status != "available":
        raise invalid("There is no such model.")
    return models[model_id]
