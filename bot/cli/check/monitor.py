"""The check of the monitoring port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.domain.errors import OperatorError
from bot.observability.http_server import listen
from bot.observability.probes import answers_as_kuas
from bot.storage.file_lock import DatabaseInUse, acquire_lock

if TYPE_CHECKING:
    from pathlib import Path


async def check_port(host: str, port: int, database: Path) -> str:
    """Listen on the port for a moment; returns the detail of the check.

    Raises:
        OperatorError: `monitor`; the bot could not listen there, and is not what listens there now.
    """
    try:
        listen(host, port).close()
    except OperatorError:
        if _is_in_use(database) and await asyncio.to_thread(answers_as_kuas, host, port):
            return f"port {port} on {host}, in use by the running bot"
        raise
    return f"port {port} on {host} is free" if port else f"any free port on {host}"


def _is_in_use(database: Path) -> bool:
    """Return whether a bot runs on this database."""
    try:
        acquire_lock(database).close()
    except DatabaseInUse:
        return True
    return False
