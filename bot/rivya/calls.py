"""One request to Rivya's API, as plain data: what is sent, for how long, and how an attempt at it went."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from bot.domain.errors import ContractViolation, KuasError, OperatorError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bot.rivya.responses import Operation


@dataclass(frozen=True, slots=True)
class ApiTimeouts:
    """The longest one attempt may take, from its start to the last byte of the answer."""

    connect_seconds: float = 10.0
    """For a connection to be there; part of the others."""
    upload_seconds: float = 120.0
    create_seconds: float = 60.0
    status_seconds: float = 20.0
    small_seconds: float = 20.0
    """The wallet and the list of models."""


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """A multipart body around a file."""

    path: Path
    filename: str
    mime_type: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, the same in each attempt."""

    operation: Operation
    method: str
    path: str
    total_seconds: float
    body: bytes | MultipartBody | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    with_key: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt of a call went, for whoever watches."""

    operation: Operation
    seconds: float
    error: KuasError | None
    status: int | None
    """HTTP's; None if no answer came."""
    clock_ahead_seconds: float | None = None
    """How far Rivya's clock is ahead of ours, to the second; None if it did not say."""

    @property
    def answered(self) -> bool:
        """Whether the API itself answered, even if only to say no or not so fast."""
        if isinstance(self.error, ContractViolation):
            return self.error.code != "unreadable"
        return not isinstance(self.error, TransientError) or self.status == HTTPStatus.TOO_MANY_REQUESTS


@contextmanager
def request_body(body: bytes | MultipartBody | None) -> Iterator[bytes | aiohttp.FormData | None]:
    """Make what aiohttp sends, anew for each attempt: it closes the file, and a form is good for one."""
    if not isinstance(body, MultipartBody):
        yield body
        return
    try:
        file = body.path.open("rb")
    except OSError as error:
        raise OperatorError("reference_file", f"cannot open the reference: {error.strerror}") from error
    with file:
        form = aiohttp.FormData()
        for name, value in body.fields.items():
            form.add_field(name, value)
        form.add_field("file", file, filename=body.filename, content_type=body.mime_type)
        yield form
