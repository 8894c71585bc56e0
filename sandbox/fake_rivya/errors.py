"""Errors of the fake Rivya.

The envelope and the codes: https://rivya.ai/docs/api-errors-and-limits. The HTTP status of
`insufficient_credits` is not documented; 402 is a guess, so clients should match the code.
"""

from __future__ import annotations

STATUSES = {
    "validation_failed": 400,
    "api_key_missing": 401,
    "api_key_invalid": 401,
    "insufficient_credits": 402,
    "api_scope_denied": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "idempotency_conflict": 409,
    "rate_limited": 429,
    "public_api_disabled": 503,
}


class ApiError(Exception):
    """An error response of the API; `code` is a key of `STATUSES`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = STATUSES[code]


class TooLargeError(Exception):
    """The body is so large that the edge proxy answers with a web page before the API sees it."""


def envelope(code: str, message: str, request_id: str) -> dict[str, dict[str, str]]:
    """Return the JSON body of an error; `requestId` is camelCase in the real API, too."""
    return {"error": {"code": code, "message": message, "requestId": request_id}}
