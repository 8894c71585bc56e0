"""Search for the pictures of a guild that can be refunded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Final

from bot.guilds.settings import timezone_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from bot.storage.database import Database

MAX_SEARCHED: Final = 200
"""The newest pictures, among which is searched."""

_PAID: Final = (
    "SELECT r.job_id, r.counted_credits, r.created_at, j.prompt, j.private,"
    " j.interaction_id, j.number, j.group_size"
    " FROM reservations r JOIN jobs j USING (job_id)"
    " WHERE r.guild_id = ? AND r.state = 'settled' AND r.counted_credits > 0"
    " AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.job_id = r.job_id)"
)


@dataclass(frozen=True, slots=True)
class RefundablePicture:
    """A picture that was charged and not refunded, or all such pictures of one request, in sum."""

    job_id: str
    """The first of them."""
    credits: int
    asked: datetime
    """When it was asked for, in the guild's time zone."""
    prompt: str
    """Empty if the picture was private or the prompt was erased."""
    number: int = 1
    """Its place in its request."""
    group_size: int = 1
    """How many pictures its request was for."""
    pictures: int = 1


class RefundablePictures:
    """Searches the pictures that can be refunded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, guild_id: int, typed: str, at_most: int) -> list[RefundablePicture]:
        """Return the newest pictures whose prompt contains, or whose job id begins with, what was typed.

        Before those of a request for several stands one entry for all of them.
        """
        sought = typed.strip().casefold()

        def unit(tx: sqlite3.Connection) -> list[RefundablePicture]:
            zone = timezone_of(tx, guild_id)
            rows = tx.execute(
                f"{_PAID} ORDER BY r.created_at DESC, j.interaction_id, j.number LIMIT ?",
                (guild_id, MAX_SEARCHED),
            )
            found: list[RefundablePicture] = []
            for _, of_request in groupby(rows, key=lambda row: row["interaction_id"]):
                found += _matching([_picture(row, zone) for row in of_request], sought)
            return found[:at_most]

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


def _picture(row: sqlite3.Row, zone: tzinfo) -> RefundablePicture:
    return RefundablePicture(
        job_id=row["job_id"],
        credits=row["counted_credits"],
        asked=datetime.fromtimestamp(row["created_at"] / 1000, zone),
        prompt="" if row["private"] else row["prompt"],
        number=row["number"],
        group_size=row["group_size"],
    )


def _matching(of_request: list[RefundablePicture], sought: str) -> Iterator[RefundablePicture]:
    """Yield the pictures of one request that match, after an entry for all of it if they are several."""
    matching = [
        picture
        for picture in of_request
        if picture.job_id.startswith(sought) or sought in picture.prompt.casefold()
    ]
    if matching and len(of_request) > 1:
        yield replace(
            of_request[0],
            credits=sum(picture.credits for picture in of_request),
            pictures=len(of_request),
        )
    yield from matching
