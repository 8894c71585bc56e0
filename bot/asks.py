"""Requests that wait for their member to say yes to the price; one yes is one job.

Owns the table asks. Never imports anything of ours but clock, database, ids, jobs, rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.clock import DAY_MS, now_ms
from bot.ids import HIGHEST_ID
from bot.rows import reference_from

if TYPE_CHECKING:
    import sqlite3

    from bot.database import Database
    from bot.jobs import Reference, Request

KEPT_MS: Final = DAY_MS
"""As long as Discord keeps an attached reference."""

_TAKEN: Final = (
    "(job_id IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM jobs WHERE jobs.job_id = asks.job_id AND stage = 'cancelled'))"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for, but for its destination: that is the interaction that says yes."""

    ask_id: int
    """The interaction that asked."""
    guild_id: int
    user_id: int
    prompt: str
    model: str
    size: str
    format: str
    private: bool
    spoiler: bool
    reference: Reference | None
    taken: bool
    """Whether a yes has made a job of it already."""


def take(transaction: sqlite3.Connection, ask_id: int, job_id: str) -> bool:
    """Make this job the one that came of the ask; False if another has.

    A job that was cancelled before anything was spent counts for nothing: its yes never reached Discord.
    """
    row = transaction.execute(
        f"UPDATE asks SET job_id = ? WHERE ask_id = ? AND NOT {_TAKEN} RETURNING ask_id",  # noqa: S608  # our own text
        (job_id, ask_id),
    ).fetchone()
    return row is not None


def prune(transaction: sqlite3.Connection, at: int) -> None:
    """Forget what nobody said yes to in time."""
    transaction.execute("DELETE FROM asks WHERE asked_at < ?", (at - KEPT_MS,))


class Asks:
    """The requests that wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, request: Request) -> int | None:
        """Keep a request until its member says yes; returns the id to say yes to.

        None if this interaction was kept before: Discord may deliver an event twice.
        """
        at, destination, reference = now_ms(), request.destination, request.reference

        def unit(tx: sqlite3.Connection) -> int | None:
            row = tx.execute(
                "INSERT INTO asks (ask_id, guild_id, user_id, prompt, model, size, format, private, spoiler,"
                " reference_url, reference_filename, reference_type, reference_bytes, asked_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ask_id) DO NOTHING"
                " RETURNING ask_id",
                (
                    destination.interaction_id,
                    destination.guild_id,
                    destination.user_id,
                    request.prompt,
                    request.model,
                    request.size,
                    request.format,
                    destination.private,
                    request.spoiler,
                    *(
                        (None, None, None, None)
                        if reference is None
                        else (reference.url, reference.filename, reference.content_type, reference.size_bytes)
                    ),
                    at,
                ),
            ).fetchone()
            return None if row is None else int(row["ask_id"])

        return await self._database.run(unit)

    async def find(self, ask_id: int) -> Ask | None:
        """The request that waits under this id; None if it was forgotten, or is too old."""
        if ask_id > HIGHEST_ID:  # made by hand, and more than SQLite can compare with
            return None
        since = now_ms() - KEPT_MS

        def unit(tx: sqlite3.Connection) -> Ask | None:
            row = tx.execute(
                f"SELECT *, {_TAKEN} AS taken FROM asks WHERE ask_id = ? AND asked_at >= ?",  # noqa: S608  # our own text
                (ask_id, since),
            ).fetchone()
            return None if row is None else _ask(row)

        return await self._database.run(unit)

    async def forget(self, ask_id: int) -> bool:
        """Take the question back; False if a job came of it already, or it was forgotten before."""

        def unit(tx: sqlite3.Connection) -> bool:
            row = tx.execute(
                f"DELETE FROM asks WHERE ask_id = ? AND NOT {_TAKEN} RETURNING ask_id",  # noqa: S608  # our own text
                (ask_id,),
            ).fetchone()
            return row is not None

        return await self._database.run(unit)


def _ask(row: sqlite3.Row) -> Ask:
    return Ask(
        ask_id=row["ask_id"],
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        prompt=row["prompt"],
        model=row["model"],
        size=row["size"],
        format=row["format"],
        private=bool(row["private"]),
        spoiler=bool(row["spoiler"]),
        reference=reference_from(row),
        taken=bool(row["taken"]),
    )
