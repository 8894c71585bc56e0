"""The headers of HTTP that all clients read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.network.http_headers import retry_after_seconds

DATE = datetime(2026, 5, 11, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        (format_datetime(DATE + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(DATE - timedelta(seconds=90), usegmt=True), 0.0),
        ("999999999", 86_400.0),
        ("-5", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_both_forms_of_retry_after_are_read(value: str, seconds: float | None) -> None:
    headers = {"Retry-After": value, "Date": format_datetime(DATE, usegmt=True)}
    assert retry_after_seconds(headers) == seconds


def test_without_a_date_header_retry_after_is_compared_with_our_clock() -> None:
    value = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    seconds = retry_after_seconds({"Retry-After": value})
    assert seconds is not None
    assert 500 < seconds <= 600


def test_without_the_header_nothing_is_asked_for() -> None:
    assert retry_after_seconds({"Date": format_datetime(DATE, usegmt=True)}) is None
