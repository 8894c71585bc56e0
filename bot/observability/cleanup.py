"""Close what was opened, so that a failure to close never hides why it is closed."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from types import TracebackType

log = structlog.get_logger(__name__)


class CleanupStack(AsyncExitStack):
    """An AsyncExitStack that raises the error of its block, also if closing raises another, which is logged.

    After a block without an error, what closing raises is raised.
    """

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool:
        try:
            return bool(await super().__aexit__(exc_type, exc, traceback))
        except BaseException as error:
            if exc is None or error is exc:
                raise
            log.exception("closing failed")
            return False
