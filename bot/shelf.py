"""What answers from the database for more than one part of the bot, built around its one connection.

Owns the building of it. Never imports anything of ours but alerts, asks, catalog, charts, database, guilds,
ledger, press, prices, rules, settings, store, treasury.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import charts
from bot.asks import Asks
from bot.catalog import CHEAPEST_CREDITS
from bot.guilds import Guilds
from bot.money.alerts import Alerts
from bot.money.ledger import Ledger
from bot.money.prices import Prices
from bot.money.rules import Limit
from bot.money.treasury import Treasury
from bot.press import Press
from bot.store import Store

if TYPE_CHECKING:
    from bot.database import Database
    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Shelf:
    """What several parts ask; who is alone with a question asks the database itself."""

    database: Database
    store: Store
    ledger: Ledger
    treasury: Treasury
    asks: Asks
    prices: Prices
    alerts: Alerts
    guilds: Guilds
    press: Press

    @classmethod
    def of(cls, database: Database, settings: Settings) -> Shelf:
        """Open none of them anew: they share the one connection."""
        default = Limit(settings.limits.guild_credits, settings.limits.period)
        return cls(
            database=database,
            store=Store(database, default),
            ledger=Ledger(database, default),
            treasury=Treasury(database, default),
            asks=Asks(database),
            prices=Prices(database, default),
            alerts=Alerts(database, default, CHEAPEST_CREDITS),
            guilds=Guilds(database),
            press=Press(
                settings.database.path, default, charts.draw if charts.supported() else None, charts.load
            ),
        )
