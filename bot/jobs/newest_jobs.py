"""What the newest jobs have at Rivya: the task that was created last, and where the latest picture is stored.

Read beside a running bot, to check a key and the way to a host.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from bot.storage.file_lock import database_error
from bot.storage.read_only import open_read_only

if TYPE_CHECKING:
    from pathlib import Path

_TASK: Final = "SELECT task_id AS value FROM jobs WHERE task_id IS NOT NULL ORDER BY accepted_at DESC LIMIT 1"
_RESULT: Final = (
    "SELECT result_url AS value FROM jobs WHERE result_url LIKE 'http%://%' ORDER BY accepted_at DESC LIMIT 1"
)


def newest_task_id(path: Path) -> str | None:
    """Return the id of the task that was created last; None before the first.

    Raises:
        OperatorError: `database`; the file is missing, of another version, or unreadable.
    """
    return _read(path, _TASK)


def newest_result_url(path: Path) -> str | None:
    """Return the http or https URL of the latest result; None if there is none, or its prompt has expired.

    Raises:
        OperatorError: as `newest_task_id`.
    """
    return _read(path, _RESULT)


def _read(path: Path, statement: str) -> str | None:
    with closing(open_read_only(path)) as connection:
        try:
            row = connection.execute(statement).fetchone()
        except sqlite3.Error as error:
            raise database_error(path, error) from error
    return None if row is None else str(row["value"])
