"""The operator's switch for new jobs: for one guild, or for all. What was accepted before goes on.

Owns the table pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.domain.errors import MemberError, MemberReason
from bot.domain.ids import ALL_GUILDS

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class Pause:
    """A switch that is off. `set_at` is in epoch milliseconds, UTC."""

    guild_id: int
    """`ALL_GUILDS`, or one."""
    sentence: str
    """What members are told, in the operator's words; may be empty."""
    set_by: int
    set_at: int


def require_not_paused(transaction: sqlite3.Connection, guild_id: int) -> None:
    """See that the operator lets new jobs in.

    Raises:
        MemberError: PAUSED, with the operator's sentence.
    """
    row = transaction.execute(
        "SELECT sentence FROM pauses WHERE paused AND pause_id IN ("
        " (SELECT max(pause_id) FROM pauses WHERE guild_id = ?),"
        " (SELECT max(pause_id) FROM pauses WHERE guild_id = ?)"
        ") ORDER BY guild_id LIMIT 1",
        (ALL_GUILDS, guild_id),
    ).fetchone()
    if row is not None:
        raise MemberError(MemberReason.PAUSED, sentence=row["sentence"])


def set_pause(
    transaction: sqlite3.Connection, guild_id: int, *, paused: bool, sentence: str, set_by: int, at: int
) -> None:
    """Append the new position of the switch."""
    transaction.execute(
        "INSERT INTO pauses (guild_id, paused, sentence, set_by, set_at) VALUES (?, ?, ?, ?, ?)",
        (guild_id, paused, sentence, set_by, at),
    )


def active(transaction: sqlite3.Connection) -> list[Pause]:
    """Every switch that is off now, the one over all guilds first."""
    rows = transaction.execute("SELECT DISTINCT guild_id FROM pauses ORDER BY guild_id").fetchall()
    return [pause for row in rows if (pause := _pause(transaction, row["guild_id"])) is not None]


def _pause(transaction: sqlite3.Connection, guild_id: int) -> Pause | None:
    row = transaction.execute(
        "SELECT * FROM pauses WHERE guild_id = ? ORDER BY pause_id DESC LIMIT 1", (guild_id,)
    ).fetchone()
    if row is None or not row["paused"]:
        return None
    return Pause(row["guild_id"], row["sentence"], row["set_by"], row["set_at"])


class PauseStore:
    """The switches, for the bot's own commands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, guild_id: int, *, paused: bool, sentence: str = "", set_by: int) -> None:
        """Let no new jobs in, or let them in again."""
        at = now_ms()
        await self._database.run(
            lambda tx: set_pause(tx, guild_id, paused=paused, sentence=sentence, set_by=set_by, at=at)
        )

    async def active(self) -> list[Pause]:
        """Every switch that is off now."""
        return await self._database.run(active)
