"""What time it is, in the unit of the rows, and how that is written down."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS


def now_ms() -> int:
    """The wall clock in epoch milliseconds, UTC: the unit of every `_at` column and field."""
    return time.time_ns() // 1_000_000


def iso(at: int) -> str:
    """A moment for a file or a terminal: ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
