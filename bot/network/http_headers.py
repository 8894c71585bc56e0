"""Parse the headers of HTTP responses that say when a response was sent, and when to ask again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MAX_SECONDS: Final = 86_400.0
"""Longer waits are cut to a day."""


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, which is a number or a date; None if there is no such header.

    A date is compared with the response's own: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3.
    `headers` must ignore the case of names.
    """
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _MAX_SECONDS)
    until = parse_date(value)
    if until is None:
        return None
    now = parse_date(headers.get("Date", "")) or datetime.now(UTC)
    return min(max(0.0, (until - now).total_seconds()), _MAX_SECONDS)


def parse_date(value: str) -> datetime | None:
    """Parse a date of HTTP, which is always GMT; None if it is none."""
    try:
        return parsedate_to_datetime(value).replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
