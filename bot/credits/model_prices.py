"""Remember over restarts which prices of models the operator knows.

Owns the table model_prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.storage.database import Database


class ModelPriceStore:
    """The price that the operator was told last, by model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told(self) -> Mapping[str, int]:
        """Return the credits that the operator was told, by the ids of models."""
        return await self._database.run(
            lambda tx: {
                row["model_id"]: row["credits"]
                for row in tx.execute("SELECT model_id, credits FROM model_prices")
            }
        )

    async def mark_told(self, credits_by_model: Mapping[str, int]) -> None:
        """Record what the operator was told now."""
        at = now_ms()
        rows = [(model_id, credits, at) for model_id, credits in credits_by_model.items()]
        await self._database.run(
            lambda tx: tx.executemany(
                "INSERT INTO model_prices VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                " SET credits = excluded.credits, told_at = excluded.told_at",
                rows,
            )
        )
