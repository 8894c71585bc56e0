"""The wall clock in epoch milliseconds, and its ISO 8601 form."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds, the unit of every `_at` column and field."""
    return time.time_ns() // 1_000_000


def iso(at: int) -> str:
    """Format epoch milliseconds as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
