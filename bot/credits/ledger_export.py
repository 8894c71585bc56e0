"""Export every reservation, beside a running bot."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bot.domain.clock import iso
from bot.domain.errors import OperatorError
from bot.storage.read_only import open_read_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LedgerEntry = dict[str, str | int | None]
"""One reservation: Discord's ids are strings, times ISO 8601 in UTC; `final_credits` is None while held."""


def export_ledger(path: Path) -> Iterator[LedgerEntry]:
    """Yield every reservation, the oldest first.

    Raises:
        OperatorError: `database`; the file cannot be read.
    """
    connection = open_read_only(path)
    try:
        rows = connection.execute(
            """
            SELECT r.job_id, r.guild_id, r.user_id, r.state, r.reserved_credits, r.final_credits,
                   j.task_id, r.created_at, r.closed_at, j.quote_credits, r.over_limit_credits, r.model
            FROM reservations r JOIN jobs j ON j.job_id = r.job_id
            ORDER BY r.created_at, r.job_id
            """
        )
        for row in rows:
            yield {
                "job_id": row["job_id"],
                "guild_id": str(row["guild_id"]),
                "user_id": str(row["user_id"]),
                "state": row["state"],
                "reserved_credits": row["reserved_credits"],
                "final_credits": row["final_credits"],
                "task_id": row["task_id"],
                "created_at": iso(row["created_at"]),
                "closed_at": None if row["closed_at"] is None else iso(row["closed_at"]),
                "quoted_credits": row["quote_credits"],
                "over_limit_credits": row["over_limit_credits"],
                "model": row["model"],
            }
    except sqlite3.Error as error:
        raise OperatorError("database", f"database {path}: {error}") from error
    finally:
        connection.close()
