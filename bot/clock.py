"""What time it is.

Owns the one clock of the rows. Never imports anything of ours.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """The wall clock in epoch milliseconds, UTC: the unit of every `_at` column and field."""
    return time.time_ns() // 1_000_000
