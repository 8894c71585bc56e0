"""A request to Rivya's API and its time limits, as plain data, and the outcome of an attempt."""

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
    from bot.rivya.scopes import Scope


@dataclass(frozen=True, slots=True)
class ApiTimeouts:
    """Time limits of one attempt, from its start to the last byte of the answer."""

    connect_seconds: float = 10.0
    """To get a connection; counts towards the other limits."""
    upload_seconds: float = 120.0
    create_seconds: float = 60.0
    status_seconds: float = 20.0
    small_seconds: float = 20.0
    """The balance of the wallet, and the list of models."""
    large_seconds: float = 120.0
    """For the rest of an answer that is larger than `client.ANSWER_LIMIT_BYTES`."""


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """A multipart body with a file, its MIME type and text fields."""

    path: Path
    filename: str
    mime_type: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request; each attempt sends it unchanged."""

    operation: Operation
    method: str
    path: str
    total_seconds: float
    body: bytes | MultipartBody | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    scope: Scope | None = None
    """What the key is sent for; None for a public endpoint, which gets no key."""
    may_hold_picture: bool = False
    """Whether the answer may be as large as a result, as a `data:` URL."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one attempt of a call, for metrics and the circuit breaker."""

    operation: Operation
    seconds: float
    error: KuasError | None
    status: int | None
    """The HTTP status; None if no answer came."""
    clock_ahead_seconds: float | None = None
    """How far Rivya's clock is ahead of ours, to the second; None if the answer has no date."""

    @property
    def answered(self) -> bool:
        """Whether the API itself answered, even with an error or 429; not with 5xx or unreadable data."""
        if isinstance(self.error, ContractViolation):
            return self.error.code != "unreadable"
        return not isinstance(self.error, TransientError) or self.status == HTTPStatus.TOO_MANY_REQUESTS


@contextmanager
def request_body(body: bytes | MultipartBody | None) -> Iterator[bytes | aiohttp.FormData | None]:
    """Yield the body as aiohttp takes it, made anew for each attempt: a form can be sent only once.

    Raises:
        OperatorError: `reference_file`; the file cannot be opened.
    """
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
