"""Search for the pictures of a guild that can be refunded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from bot.guilds.settings import timezone_of

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

MAX_SEARCHED: Final = 200
"""The newest pictures, among which is searched."""

_PAID: Final = (
    "SELECT r.job_id, r.counted_credits, r.created_at, j.prompt, j.private"
    " FROM reservations r JOIN jobs j USING (job_id)"
    " WHERE r.guild_id = ? AND r.state = 'settled' AND r.counted_credits > 0"
    " AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.job_id = r.job_id)"
)


@dataclass(frozen=True, slots=True)
class RefundablePicture:
    """A picture that was charged and not refunded."""

    job_id: str
    credits: int
    asked: datetime
    """When it was asked for, in the guild's time zone."""
    prompt: str
    """Empty if the picture was private or the prompt was erased."""


class RefundablePictures:
    """Searches the pictures that can be refunded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, guild_id: int, typed: str, at_most: int) -> list[RefundablePicture]:
        """Return the newest pictures whose prompt contains, or whose job id begins with, what was typed."""
        sought = typed.strip().casefold()

        def unit(tx: sqlite3.Connection) -> list[RefundablePicture]:
            zone = timezone_of(tx, guild_id)
            rows = tx.execute(f"{_PAID} ORDER BY r.created_at DESC LIMIT ?", (guild_id, MAX_SEARCHED))
            pictures = [
                RefundablePicture(
                    job_id=row["job_id"],
                    credits=row["counted_credits"],
                    asked=datetime.fromtimestamp(row["created_at"] / 1000, zone),
                    prompt="" if row["private"] else row["prompt"],
                )
                for row in rows
            ]
            found = (
                picture
                for picture in pictures
                if picture.job_id.startswith(sought) or sought in picture.prompt.casefold()
            )
            return list(islice(found, at_most))

        return await self._database.run(unit)

    async def match_ids(self, guild_id: int, beginning: str, at_most: int = 2) -> list[str]:
        """Return at most `at_most` ids of the guild's jobs, charged or not, that begin with `beginning`."""

        def unit(tx: sqlite3.Connection) -> list[str]:
            rows = tx.execute(
                # Ids are hexadecimal, so none that begins so sorts after the beginning with a g.
                "SELECT job_id FROM reservations WHERE job_id >= ? AND job_id < ? AND guild_id = ? LIMIT ?",
                (beginning, f"{beginning}g", guild_id, at_most),
            )
            return [row["job_id"] for row in rows]

        return await self._database.run(unit)
