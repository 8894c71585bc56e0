"""Ask the monitoring port of a running bot. These functions block, for a command or a thread."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

from bot.domain.errors import OperatorError

TIMEOUT_SECONDS: Final = 6.0
"""For the connection, and for each read: longer than the bot waits for its database."""
_LIMIT_BYTES: Final = 1 << 22
"""Of an answer, since another program may listen there."""


def probe_health(host: str, port: int) -> tuple[bool, str]:
    """Return whether a running bot's `/healthz` answers 200, and its text.

    Raises:
        OperatorError: `monitor`; nothing answers there.
    """
    try:
        status, text = _get(host, port, "/healthz")
    except (HTTPException, OSError) as error:
        raise OperatorError("monitor", f"no bot answers on port {port}: {error}") from error
    return status == HTTPStatus.OK, text.strip()


def answers_as_kuas(host: str, port: int) -> bool:
    """Return whether what listens there is a Kuas, of this version or another: its metrics say so."""
    try:
        status, text = _get(host, port, "/metrics")
    except (HTTPException, OSError):
        return False
    return status == HTTPStatus.OK and "kuas_" in text


def _get(host: str, port: int, path: str) -> tuple[int, str]:
    # An address that means "every interface" can be listened on, but not connected to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not listened on
    connection = HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(_LIMIT_BYTES).decode(errors="replace")
    finally:
        connection.close()
