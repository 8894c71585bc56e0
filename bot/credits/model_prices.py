"""What is known of prices: those of settings that move them, and which prices the operator was told.

Owns the tables model_prices and reserved_prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.clock import now_ms
from bot.domain.model_settings import to_json
from bot.domain.prices import Quote

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from bot.domain.image_models import ImageModel
    from bot.domain.model_settings import SettingValues
    from bot.domain.prices import PricedSettings, SettingsPrices
    from bot.storage.database import Database


def quote(
    transaction: sqlite3.Connection, model: ImageModel, settings: SettingValues, known: SettingsPrices
) -> Quote:
    """Return what a picture with these settings will cost; `known` are the prices that the operator gave.

    It is the price of the model if no setting moves it, and else what is known of these settings: the
    operator's, or what Rivya reserved last, changed by as much as the price of the model has changed since.
    """
    moving = model.price_settings(settings)
    if not moving:
        return Quote(model.cost_credits)
    if (credits := known.get((model.model_id, moving))) is not None:
        return Quote(credits)
    row = transaction.execute(
        "SELECT credits, base_credits FROM reserved_prices WHERE model_id = ? AND settings = ?",
        (model.model_id, to_json(moving)),
    ).fetchone()
    credits = 0 if row is None else row["credits"] + model.cost_credits - row["base_credits"]
    # Rivya charges for what was not free before: at a price of 0 no limit would refuse it.
    if row is None or credits <= 0 < row["credits"]:
        return Quote(model.cost_credits, is_exact=False)
    return Quote(max(0, credits))


def record_reserved(transaction: sqlite3.Connection, priced: PricedSettings, credits: int, at: int) -> None:
    """Record what Rivya reserved for a model with settings that move the price."""
    transaction.execute(
        "INSERT INTO reserved_prices (model_id, settings, credits, base_credits, reserved_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET credits = excluded.credits,"
        " base_credits = excluded.base_credits, reserved_at = excluded.reserved_at",
        (priced.model_id, to_json(priced.settings), credits, priced.base_credits, at),
    )


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
