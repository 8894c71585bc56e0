"""What an error of Discord's means for a message that was to be posted.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    import discord

log = structlog.get_logger(__name__)


class SendError(Enum):
    """What to do about it."""

    CLOSED = auto()
    """This way is closed: try the next."""
    TOO_BIG = auto()
    """Try again with a smaller file."""
    WORDS = auto()
    """A server's AutoMod or Discord itself objects to the content: try again without the prompt."""


THREAD_ARCHIVED: Final = 50083
_TOO_BIG: Final = frozenset({40005, 50045})
_WORDS: Final = frozenset({20009, 200000, 240000})
_CLOSED: Final = frozenset({
    10003,  # unknown channel
    10008,  # unknown message: deleted
    10015,  # unknown webhook: how a dead token may look
    10062,  # unknown interaction
    50001,  # missing access
    50007,  # no direct messages to this member
    50013,  # missing permissions
    50027,  # the token died
    50278,  # no direct messages where no server is shared
    THREAD_ARCHIVED,
})  # fmt: skip
MESSAGE_GONE: Final = frozenset({10003, 10008})
"""Unknown channel, unknown message: nobody sees it any more."""
_CLOSED_STATUS: Final = frozenset({401, 403, 404})


def classify(error: discord.HTTPException) -> SendError:
    """What an answer of 4xx means. One that nobody knows closes its way, and is logged as our mistake."""
    if error.status == 413 or error.code in _TOO_BIG:  # noqa: PLR2004  # HTTP's own number
        return SendError.TOO_BIG
    if error.code in _WORDS:
        return SendError.WORDS
    if error.code not in _CLOSED and error.status not in _CLOSED_STATUS:
        log.error("unknown refusal", status=error.status, code=error.code, error=error.text)
    return SendError.CLOSED
