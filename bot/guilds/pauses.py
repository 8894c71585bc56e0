"""Pauses: the operator stops new jobs of one guild, or of all. Jobs that were accepted before go on.

Rows are appended: the newest row of a guild counts.

Owns the table pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.guilds import operator_decisions

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause in force. `set_at` is in epoch milliseconds, UTC."""

    guild_id: int
    """One guild, or `ALL_GUILDS`."""
    sentence: str
    """What members read, in the operator's words; may be empty."""
    set_by: int
    set_at: int


def set_pause(
    transaction: sqlite3.Connection, guild_id: int, *, paused: bool, sentence: str, set_by: int, at: int
) -> None:
    """Pause a guild, or end its pause; `at` is in epoch milliseconds."""
    transaction.execute(
        "INSERT INTO pauses (guild_id, paused, sentence, set_by, set_at) VALUES (?, ?, ?, ?, ?)",
        (guild_id, paused, sentence, set_by, at),
    )


def active(transaction: sqlite3.Connection) -> list[Pause]:
    """Return every pause in force, that of all guilds first."""
    rows = transaction.execute(
        "SELECT * FROM pauses WHERE paused"
        " AND pause_id IN (SELECT max(pause_id) FROM pauses GROUP BY guild_id) ORDER BY guild_id"
    )
    return [Pause(row["guild_id"], row["sentence"], row["set_by"], row["set_at"]) for row in rows]


class PauseStore:
    """Shows and changes the pauses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, guild_id: int, *, paused: bool, sentence: str = "", set_by: int) -> None:
        """Pause a guild, or end its pause; `ALL_GUILDS` for all."""
        at = now_ms()
        await self._database.run(
            lambda tx: set_pause(tx, guild_id, paused=paused, sentence=sentence, set_by=set_by, at=at)
        )

    async def refusal(self, guild_id: int) -> MemberError | None:
        """Return what every request of a guild is refused with now; None if it is not paused."""
        sentence = await self._database.run(lambda tx: operator_decisions.load(tx, guild_id).pause_sentence)
        return None if sentence is None else MemberError(MemberReason.PAUSED, sentence=sentence)

    async def active(self) -> list[Pause]:
        """Return every pause in force, that of all guilds first."""
        return await self._database.run(active)
