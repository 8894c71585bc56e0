"""What the operator must hear: loudly the first time, quietly while it lasts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from bot.domain.errors import OperatorError

log = structlog.get_logger(__name__)

THROTTLE_SECONDS: Final = 600.0
"""How long the same trouble is logged quietly after it was logged as an error."""


class OperatorLog:
    """One for the whole process, so that fifty jobs that meet an empty wallet are one notice."""

    def __init__(self) -> None:
        self._quiet_until: dict[str, float] = {}

    def report(self, error: OperatorError, **facts: object) -> None:
        """Log that the operator must act; `facts` say where it showed."""
        now = time.monotonic()
        loud = now >= self._quiet_until.get(error.code, 0.0)
        if loud:
            self._quiet_until[error.code] = now + THROTTLE_SECONDS
        (log.error if loud else log.info)(
            "operator must act", code=error.code, error=str(error), request_id=error.request_id, **facts
        )
