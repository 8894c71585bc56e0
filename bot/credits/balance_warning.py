"""Remember over restarts whether the operator was warned that the balance at Rivya is low.

Owns the table balance_warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import now_ms

if TYPE_CHECKING:
    from bot.storage.database import Database


class BalanceWarningStore:
    """One warning for the whole bot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_sent(self) -> bool:
        """Whether the warning was sent and the balance was not filled up since."""
        return await self._database.run(
            lambda tx: tx.execute("SELECT 1 FROM balance_warning").fetchone() is not None
        )

    async def mark_sent(self) -> None:
        """Record that the warning was sent; a second call keeps the first time."""
        at = now_ms()
        await self._database.run(
            lambda tx: tx.execute("INSERT INTO balance_warning VALUES (1, ?) ON CONFLICT DO NOTHING", (at,))
        )

    async def clear(self) -> None:
        """Record that the balance was filled up."""
        await self._database.run(lambda tx: tx.execute("DELETE FROM balance_warning"))
