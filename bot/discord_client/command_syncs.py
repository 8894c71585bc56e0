"""Hashes of the commands that were last synced, those of all guilds and those of single guilds.

Owns the table command_syncs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import now_ms

if TYPE_CHECKING:
    from bot.storage.database import Database


class CommandSyncStore:
    """The hash of each command payload that Discord has; the guild id `ALL_GUILDS` is for global commands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, application_id: int) -> dict[int, str]:
        """Return the hashes by guild id."""
        return await self._database.run(
            lambda tx: dict(
                tx.execute(
                    "SELECT guild_id, payload_sha256 FROM command_syncs WHERE application_id = ?",
                    (application_id,),
                ).fetchall()
            )
        )

    async def record(self, application_id: int, guild_id: int, payload_sha256: str) -> None:
        """Record that Discord has taken this payload."""
        at = now_ms()
        await self._database.run(
            lambda tx: tx.execute(
                "INSERT INTO command_syncs (application_id, guild_id, payload_sha256, synced_at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (application_id, guild_id) DO UPDATE"
                " SET payload_sha256 = excluded.payload_sha256, synced_at = excluded.synced_at",
                (application_id, guild_id, payload_sha256, at),
            )
        )

    async def delete(self, application_id: int, guild_id: int) -> None:
        """Delete the row of a guild that has no commands of its own any more."""
        await self._database.run(
            lambda tx: tx.execute(
                "DELETE FROM command_syncs WHERE application_id = ? AND guild_id = ?",
                (application_id, guild_id),
            )
        )
