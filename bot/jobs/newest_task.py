"""The newest task at Rivya, which shows whether a key may read tasks."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from bot.storage.read_only import open_read_only

if TYPE_CHECKING:
    from pathlib import Path

_NEWEST = "SELECT task_id FROM jobs WHERE task_id IS NOT NULL ORDER BY accepted_at DESC LIMIT 1"


def newest_task_id(path: Path) -> str | None:
    """Return the id of the task that was created last, beside a running bot; None before the first.

    Raises:
        OperatorError: `database`; the file is missing, of another version, or unreadable.
    """
    with closing(open_read_only(path)) as connection:
        row = connection.execute(_NEWEST).fetchone()
    return None if row is None else str(row["task_id"])
