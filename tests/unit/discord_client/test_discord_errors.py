"""What each error of a call of discord.py means, and which of our errors it becomes."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp.client_reqrep import ConnectionKey
from structlog.testing import capture_logs

from bot.discord_client.errors import (
    API_ERRORS,
    DiscordErrorKind,
    classify,
    log_if_rejected,
    translate_errors,
    translate_outages,
)
from bot.domain.errors import OperatorError, TransientError


def answer(status: int, code: int = 0, message: str = "no") -> discord.HTTPException:
    """The exception that discord.py raises for an answer."""
    kinds: dict[int, type[discord.HTTPException]] = {403: discord.Forbidden, 404: discord.NotFound}
    response: Any = SimpleNamespace(status=status, reason="", headers={})
    default = discord.DiscordServerError if status >= 500 else discord.HTTPException
    return kinds.get(status, default)(response, {"code": code, "message": message})


def unresolved() -> aiohttp.ClientConnectorDNSError:
    """The exception of a host whose name cannot be resolved."""
    key = ConnectionKey(
        "discord.com", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    return aiohttp.ClientConnectorDNSError(key, socket.gaierror(-2, "Name or service not known"))


CASES = [
    (TimeoutError(), DiscordErrorKind.UNREACHABLE),
    (ConnectionResetError(104, "Connection reset by peer"), DiscordErrorKind.UNREACHABLE),
    (aiohttp.ServerDisconnectedError(), DiscordErrorKind.UNREACHABLE),
    (aiohttp.ClientPayloadError("cut"), DiscordErrorKind.UNREACHABLE),
    (discord.GatewayNotFound(), DiscordErrorKind.UNREACHABLE),
    (answer(429), DiscordErrorKind.UNAVAILABLE),
    (answer(429, 30034), DiscordErrorKind.UNAVAILABLE),
    (answer(500), DiscordErrorKind.UNAVAILABLE),
    (answer(503, 10062), DiscordErrorKind.UNAVAILABLE),
    (KeyError("id"), DiscordErrorKind.MALFORMED),
    (TypeError("string indices must be integers"), DiscordErrorKind.MALFORMED),
    (ValueError("invalid literal"), DiscordErrorKind.MALFORMED),
    (discord.InvalidData("unknown channel type"), DiscordErrorKind.MALFORMED),
    (discord.ClientException("already"), DiscordErrorKind.MALFORMED),
    (answer(404, 10062), DiscordErrorKind.INTERACTION_EXPIRED),
    (answer(400, 40060), DiscordErrorKind.ALREADY_ACKNOWLEDGED),
    (answer(404, 10003), DiscordErrorKind.MESSAGE_GONE),
    (answer(404, 10008), DiscordErrorKind.MESSAGE_GONE),
    (answer(400, 50083), DiscordErrorKind.THREAD_ARCHIVED),
    (answer(413), DiscordErrorKind.FILE_TOO_LARGE),
    (answer(413, 40005), DiscordErrorKind.FILE_TOO_LARGE),
    (answer(400, 50045), DiscordErrorKind.FILE_TOO_LARGE),
    (answer(400, 20009), DiscordErrorKind.CONTENT_BLOCKED),
    (answer(403, 200000), DiscordErrorKind.CONTENT_BLOCKED),
    (answer(400, 240000), DiscordErrorKind.CONTENT_BLOCKED),
    (answer(404, 10015), DiscordErrorKind.NO_ACCESS),
    (answer(403, 50001), DiscordErrorKind.NO_ACCESS),
    (answer(403, 50007), DiscordErrorKind.NO_ACCESS),
    (answer(403, 50013), DiscordErrorKind.NO_ACCESS),
    (answer(400, 50027), DiscordErrorKind.NO_ACCESS),
    (answer(400, 50278), DiscordErrorKind.NO_ACCESS),
    (answer(401), DiscordErrorKind.NO_ACCESS),
    (answer(403, 99999), DiscordErrorKind.NO_ACCESS),
    (answer(404), DiscordErrorKind.NO_ACCESS),
    (answer(400, 30034), DiscordErrorKind.COMMAND_QUOTA),
    (answer(400, 50035), DiscordErrorKind.REJECTED),
    (answer(405), DiscordErrorKind.REJECTED),
]


def name_of(case: object) -> str | None:
    return repr(case) if isinstance(case, BaseException) else None


@pytest.mark.parametrize(("error", "kind"), CASES, ids=name_of)
def test_an_error_has_the_kind_of_its_status_and_code(error: Exception, kind: DiscordErrorKind) -> None:
    assert isinstance(error, API_ERRORS)
    assert classify(error) is kind


@pytest.mark.parametrize(("error", "kind"), CASES, ids=name_of)
def test_only_what_time_can_mend_is_translated(error: Exception, kind: DiscordErrorKind) -> None:
    unanswered = kind is DiscordErrorKind.UNREACHABLE
    with pytest.raises(Exception) as raised, translate_outages():  # which one, is compared
        raise error
    if unanswered or kind is DiscordErrorKind.UNAVAILABLE:
        assert isinstance(raised.value, TransientError)
        assert raised.value.had_no_effect is not unanswered
        assert raised.value.__cause__ is error
    else:
        assert raised.value is error


def closed(code: int) -> discord.ConnectionClosed:
    socket: Any = SimpleNamespace(close_code=code)
    return discord.ConnectionClosed(socket, shard_id=0)


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (discord.LoginFailure("Improper token has been passed."), OperatorError, "Discord refuses the token"),
        (closed(4014), OperatorError, "ended the connection for good: Shard ID 0 WebSocket closed with 4014"),
        (discord.PrivilegedIntentsRequired(0), OperatorError, "ended the connection for good: Shard ID 0 is"),
        (answer(403, 50001, "Missing Access"), OperatorError, "Discord refuses: 403  (error code: 50001)"),
        (answer(502), TransientError, "Discord answers 502"),
        (TimeoutError(), TransientError, "Discord is out of reach: it took too long"),
        (
            discord.GatewayNotFound(),
            TransientError,
            "out of reach: The gateway to connect to discord was not",
        ),
    ],
    ids=repr,
)
def test_the_operator_reads_every_error_in_one_line(
    error: Exception, expected: type[Exception], words: str
) -> None:
    with pytest.raises(expected) as raised, translate_errors():
        raise error
    assert words in str(raised.value)


@pytest.mark.parametrize(("error", "logged"), [(answer(400, 50035), 1), (answer(403, 50013), 0)])
def test_only_an_answer_to_a_mistake_of_ours_is_logged(error: discord.HTTPException, logged: int) -> None:
    with capture_logs() as lines:
        log_if_rejected(error)
    assert [line["log_level"] for line in lines] == ["error"] * logged
