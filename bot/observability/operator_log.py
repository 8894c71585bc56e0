"""Log errors that the operator must act on: as an error at first, as info while the cause lasts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from bot.domain.errors import OperatorError

log = structlog.get_logger(__name__)

THROTTLE_SECONDS: Final = 600.0
"""For how long errors of the same code are logged as info after one was logged as an error."""


class OperatorLog:
    """Throttles by the code of an error; one for each bot, so that fifty jobs log an empty wallet once."""

    def __init__(self) -> None:
        self._throttled_until: dict[str, float] = {}

    def report(self, error: OperatorError, **facts: object) -> None:
        """Log an error; `facts` are further fields of the log line."""
        now = time.monotonic()
        is_new = now >= self._throttled_until.get(error.code, 0.0)
        if is_new:
            self._throttled_until[error.code] = now + THROTTLE_SECONDS
        (log.error if is_new else log.info)(
            "operator must act", code=error.code, error=str(error), request_id=error.request_id, **facts
        )
