"""Classify what a call of discord.py raises, and turn it into our own errors.

https://discord.com/developers/docs/topics/opcodes-and-status-codes
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
import discord
import structlog

from bot.domain.errors import OperatorError, TransientError
from bot.network.connections import describe
from bot.network.http_headers import retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = structlog.get_logger(__name__)

CONNECTION_ERRORS: Final = (aiohttp.ClientError, OSError)
"""Discord did not answer: the connection was cut, or timed out (TimeoutError is an OSError)."""
API_ERRORS: Final = (discord.DiscordException, *CONNECTION_ERRORS, KeyError, TypeError, ValueError)
"""Everything that a call raises. discord.py does not check answers: reading a malformed one raises one of the
last three."""


class DiscordErrorKind(Enum):
    """What an error means for the call that raised it."""

    UNREACHABLE = auto()
    """No answer came; the call may have had its effect."""
    UNAVAILABLE = auto()
    """Discord answered 429 or 5xx: the same call may work later."""
    MALFORMED = auto()
    """The answer could not be read, or discord.py refused the call; it may have had its effect."""
    INTERACTION_EXPIRED = auto()
    """The first answer came too late: the member was told that the application did not respond."""
    ALREADY_ACKNOWLEDGED = auto()
    """Discord has a first answer to this interaction already."""
    MESSAGE_GONE = auto()
    """The message or its channel was deleted."""
    THREAD_ARCHIVED = auto()
    FILE_TOO_LARGE = auto()
    CONTENT_BLOCKED = auto()
    """AutoMod of the server or Discord itself objects to the text."""
    NO_ACCESS = auto()
    """A missing permission, an expired token, or something that the bot cannot see."""
    COMMAND_QUOTA = auto()
    """200 commands were created today; Discord takes no more."""
    REJECTED = auto()
    """Another answer of 4xx: a mistake of ours."""


_KINDS: Final[Mapping[int, DiscordErrorKind]] = {
    10003: DiscordErrorKind.MESSAGE_GONE,  # unknown channel
    10008: DiscordErrorKind.MESSAGE_GONE,  # unknown message
    10015: DiscordErrorKind.NO_ACCESS,  # unknown webhook: an expired token may look like this
    10062: DiscordErrorKind.INTERACTION_EXPIRED,  # unknown interaction
    20009: DiscordErrorKind.CONTENT_BLOCKED,  # explicit content
    30034: DiscordErrorKind.COMMAND_QUOTA,  # commands created in a day
    40005: DiscordErrorKind.FILE_TOO_LARGE,  # request entity too large
    40060: DiscordErrorKind.ALREADY_ACKNOWLEDGED,  # interaction has already been acknowledged
    50001: DiscordErrorKind.NO_ACCESS,  # missing access
    50007: DiscordErrorKind.NO_ACCESS,  # no direct messages to this member
    50013: DiscordErrorKind.NO_ACCESS,  # missing permissions
    50027: DiscordErrorKind.NO_ACCESS,  # the interaction's token expired
    50045: DiscordErrorKind.FILE_TOO_LARGE,  # file over the limit of the server
    50083: DiscordErrorKind.THREAD_ARCHIVED,
    50278: DiscordErrorKind.NO_ACCESS,  # no direct messages without a common server
    200000: DiscordErrorKind.CONTENT_BLOCKED,  # AutoMod, in a message
    240000: DiscordErrorKind.CONTENT_BLOCKED,  # a link that Discord blocks
}
"""By Discord's JSON error code."""
_NO_ACCESS_STATUS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


def classify(error: BaseException) -> DiscordErrorKind:
    """Return the kind of an error; MALFORMED also for what is none of `API_ERRORS`."""
    if isinstance(error, (*CONNECTION_ERRORS, discord.GatewayNotFound)):
        return DiscordErrorKind.UNREACHABLE
    if not isinstance(error, discord.HTTPException):
        return DiscordErrorKind.MALFORMED
    if error.status == HTTPStatus.TOO_MANY_REQUESTS or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return DiscordErrorKind.UNAVAILABLE
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return DiscordErrorKind.FILE_TOO_LARGE
    unlisted = DiscordErrorKind.NO_ACCESS if error.status in _NO_ACCESS_STATUS else DiscordErrorKind.REJECTED
    return _KINDS.get(error.code, unlisted)


def is_refusal(error: BaseException) -> bool:
    """Whether Discord has refused a request, and will refuse it again.

    What it refused is better not sent again: it bans for 10,000 refusals in ten minutes.
    https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
    """
    return isinstance(error, discord.HTTPException) and classify(error) is not DiscordErrorKind.UNAVAILABLE


def log_if_rejected(error: discord.HTTPException) -> None:
    """Log an answer that shows a mistake of ours."""
    if classify(error) is DiscordErrorKind.REJECTED:
        log.error("unknown refusal", status=error.status, code=error.code, error=error.text)


@contextmanager
def translate_outages() -> Iterator[None]:
    """Translate the errors that only time can mend; the others pass.

    Raises:
        TransientError: Discord does not answer, or answers 429 or 5xx.
    """
    try:
        yield
    except (*CONNECTION_ERRORS, discord.GatewayNotFound) as error:
        if isinstance(error.__cause__, discord.HTTPException):  # the answer that there is no gateway in
            raise _outage(error.__cause__) or error.__cause__ from error
        raise TransientError(f"Discord is out of reach: {describe(error)}") from error
    except discord.HTTPException as error:
        outage = _outage(error)
        if outage is None:
            raise
        raise outage from error


def _outage(error: discord.HTTPException) -> TransientError | None:
    """Return our own error for an answer that only time can mend; None for another one."""
    if classify(error) is not DiscordErrorKind.UNAVAILABLE:
        return None
    return TransientError(
        f"Discord answers {error.status}",
        # Cloudflare's error 1015 has it, too.
        retry_after_seconds=retry_after_seconds(error.response.headers),
        answered=True,
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate every error of a call that nobody but the operator waits for.

    Raises:
        OperatorError: `discord`: somebody must act in the portal or in the settings.
        TransientError: Discord does not answer, or answers 429 or 5xx.
    """
    try:
        with translate_outages():
            yield
    except discord.LoginFailure as error:
        raise OperatorError("discord", "Discord refuses the token") from error
    except (discord.ConnectionClosed, discord.PrivilegedIntentsRequired) as error:
        raise OperatorError("discord", f"Discord ended the connection for good: {error}") from error
    except discord.HTTPException as error:
        raise OperatorError("discord", f"Discord refuses: {error}") from error
