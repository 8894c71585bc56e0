"""Parse Rivya's HTTP responses, and turn its errors into our own by who must act.

Facts: https://rivya.ai/docs/api-errors-and-limits (read 2026-05). New error codes may appear without notice,
so an unknown one is judged by its HTTP status. Responses of proxies and gateways are handled, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self, TypeVar

from bot.domain.errors import (
    ContractViolation,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.network.http_headers import parse_date, retry_after_seconds
from bot.rivya.json_values import as_object, as_token, first_present, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.rivya.json_values import Json
    from bot.rivya.scopes import Scope

T = TypeVar("T")

_OK = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_CONFLICT = 409
_TOO_BIG = 413
_TOO_MANY = 429
_VALUES_LIMIT = 100_000
"""Of an answer of many megabytes, which a picture may be, 20 million empty lists would take gigabytes."""
_TRANSIENT = (408, 425)
"""Client errors after which the same request may succeed: it came too slowly, or too early."""

_SCOPE_DENIED: Final = "api_scope_denied"
_OPERATOR_CODES = {
    "api_key_missing": ("key_refused", "Rivya refuses the API key"),
    "api_key_invalid": ("key_refused", "Rivya refuses the API key"),
    "api_key_revoked": ("key_refused", "Rivya refuses the API key"),
    "api_key_expired": ("key_refused", "Rivya refuses the API key"),
    "insufficient_credits": ("wallet_empty", "Rivya's wallet is empty"),
}
_OPERATOR_STATUSES = {
    401: ("key_refused", "Rivya refuses the API key"),
    402: ("wallet_empty", "Rivya's wallet is empty"),
    403: ("key_refused", "Rivya refuses the API key"),
}


_MODERATION: Final = re.compile(
    r"content[ _-]?policy|moderat(ed|ion)|nsfw|safety[ _-](system|filter|check)|sensitive[ _-](content|word)"
    r"|inappropriate",
    re.IGNORECASE,
)
"""What image APIs call a refusal of content; Rivya documents no such code."""


class Operation(StrEnum):
    """The purpose of a call, as far as the meaning of an error depends on it."""

    UPLOAD = "upload"
    CREATE = "create"
    READ = "read"
    """Changes nothing, so its outcome is never in doubt."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response, and what could be parsed of it."""

    status: int
    readable: bool
    """The body is JSON."""
    value: Json
    code: str | None
    """`error.code`, the documented part of an error."""
    message: str
    """Rivya's text about an error, at most 500 characters. It may quote the prompt: not for logs."""
    request_id: str | None
    """For Rivya's support."""
    retry_after_seconds: float | None
    """From 0 to a day."""
    sent_at: float | None = None
    """The `Date` header, in seconds since the epoch."""

    @classmethod
    def from_http(cls, status: int, headers: Mapping[str, str], body: bytes | bytearray) -> Self:
        """Parse a response; this never fails. `headers` must ignore the case of names."""
        readable, value = _parse(body)
        error = as_object(first_present(as_object(value), "error"))
        return cls(
            status=status,
            readable=readable,
            value=value,
            code=as_token(first_present(error, "code")),
            message=message(first_present(error, "message")) or "",
            request_id=as_token(first_present(error, "requestId", "request_id")),
            retry_after_seconds=retry_after_seconds(headers),
            sent_at=sent.timestamp() if (sent := parse_date(headers.get("Date", ""))) else None,
        )

    @property
    def is_ok(self) -> bool:
        """Whether the status is any 2xx: which one each call answers with is not documented."""
        return self.status in _OK


def is_moderation(code: str | None, message: str | None) -> bool:
    """Whether an error's code or message says that moderation refused the prompt or the reference."""
    return _MODERATION.search(f"{code or ''} {message or ''}") is not None


def error_from(answer: Response, purpose: Operation, scope: Scope | None = None) -> KuasError:
    """Return the error for a response: by its code, or by its status if the code is unknown.

    `scope` is what the call needs, for the sentence about a key that lacks it.

    The text of the error holds codes and numbers, never Rivya's message, which is in the `data` of a
    `MemberError` (`code`, `message`).
    """
    error: KuasError | None
    if answer.code == _SCOPE_DENIED:
        error = OperatorError("scope_denied", _denied(scope))
    else:
        error = _error_by_code(answer, purpose) or _error_by_status(answer, purpose)
    error.request_id = answer.request_id
    return error


def parse_response(
    answer: Response, purpose: Operation, parse: Callable[[Json], T], scope: Scope | None = None
) -> T:
    """Return what `parse` makes of the answer's JSON.

    Raises:
        KuasError: see `error_from`. Also `TransientError` if a 2xx holds no JSON, since a proxy may have sent
            it, and what `parse` raises, in doubt unless the call only reads.
    """
    if not answer.is_ok:
        raise error_from(answer, purpose, scope)
    if not answer.readable:
        raise TransientError(f"Rivya answered {answer.status} with something that is not JSON")
    try:
        return parse(answer.value)
    except ContractViolation as error:
        error.in_doubt = purpose is not Operation.READ
        error.request_id = answer.request_id
        raise


class UncertainOutcome:
    """Remembers whether any attempt of one call may have had an effect that no answer confirmed."""

    def __init__(self) -> None:
        self._in_doubt = False

    def mark(self, error: KuasError) -> None:
        """Record an attempt's error, and set its `had_no_effect` or `in_doubt` to that of the whole call.

        A `MemberError` about the request itself, which is the same in each attempt, is never in doubt.
        Moderation and refusals with an unknown code may decide differently the next time.
        """
        if isinstance(error, TransientError):
            self._in_doubt |= not error.had_no_effect
            error.had_no_effect = not self._in_doubt
        elif isinstance(error, OperatorError | ContractViolation):
            self._in_doubt |= error.in_doubt
            error.in_doubt = self._in_doubt
        elif isinstance(error, MemberError) and error.data.get("code") != "validation_failed":
            error.in_doubt = self._in_doubt


def _denied(scope: Scope | None) -> str:
    lacks = "a scope" if scope is None else f"the scope {scope}"
    return f"Rivya's API key lacks {lacks} and must be made anew ({_SCOPE_DENIED})"


def _error_by_code(answer: Response, purpose: Operation) -> KuasError | None:
    code = answer.code or ""
    error: KuasError | None = None
    if code in _OPERATOR_CODES:
        ours, sentence = _OPERATOR_CODES[code]
        error = OperatorError(ours, f"{sentence} ({code})")
    elif (
        purpose is not Operation.READ
        and answer.status in _CLIENT_ERRORS
        and is_moderation(code, answer.message)
    ):
        error = _member_error(MemberReason.CONTENT_REFUSED, answer)
    elif code == "validation_failed" and purpose is Operation.UPLOAD:
        error = _member_error(MemberReason.REFERENCE_UNREADABLE, answer)
    elif code == "validation_failed" and purpose is Operation.CREATE:
        about_prompt = "prompt" in answer.message.casefold()
        reason = MemberReason.PROMPT_REFUSED if about_prompt else MemberReason.REQUEST_REFUSED
        error = _member_error(reason, answer)
    elif code in {"rate_limited", "public_api_disabled"}:
        error = _try_later(answer, refused=True)
    elif code in {"idempotency_conflict", "not_found"}:
        error = ContractViolation(code, f"Rivya answered {answer.status} {code}")
        # The key was used before, perhaps by an earlier attempt of the same call.
        error.in_doubt = code == "idempotency_conflict"
    return error


def _error_by_status(answer: Response, purpose: Operation) -> KuasError:
    status, code = answer.status, answer.code or f"http_{answer.status}"
    error: KuasError
    if status in _OPERATOR_STATUSES:
        ours, sentence = _OPERATOR_STATUSES[status]
        error = OperatorError(ours, f"{sentence} ({code})")
    elif status == _TOO_BIG and purpose is Operation.UPLOAD:
        error = _member_error(MemberReason.REFERENCE_TOO_BIG, answer)
    elif status == _TOO_MANY:
        error = _try_later(answer, refused=answer.code is not None)
    elif (
        status in _CLIENT_ERRORS
        and status not in (*_TRANSIENT, _CONFLICT)
        and answer.code is not None
        and purpose is not Operation.READ
    ):
        error = _member_error(MemberReason.REQUEST_REFUSED, answer)
    elif status in _CLIENT_ERRORS and status not in _TRANSIENT and (answer.readable or status == _TOO_BIG):
        error = ContractViolation(code, f"Rivya answered {status} {code}")
        # An earlier attempt may be what it conflicts with: only `idempotency_conflict` is documented.
        error.in_doubt = status == _CONFLICT and purpose is Operation.CREATE
    else:
        # 5xx; redirects, which are not followed so that the key stays here; responses of proxies.
        error = _try_later(answer, refused=False)
    return error


def _member_error(reason: MemberReason, answer: Response) -> MemberError:
    return MemberError(reason, code=answer.code, message=answer.message)


def _try_later(answer: Response, *, refused: bool) -> TransientError:
    """`refused` means that the API itself refused the call, so that it had no effect."""
    text = f"Rivya answered {answer.status} {answer.code or 'without a code'}"
    return TransientError(text, retry_after_seconds=answer.retry_after_seconds, answered=refused)


def _parse(body: bytes | bytearray) -> tuple[bool, Json]:
    if sum(map(body.count, (b"[", b"{", b","))) > _VALUES_LIMIT:
        return False, None
    try:
        return True, json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, a number too long, nested too deeply
        return False, None
