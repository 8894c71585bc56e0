"""What answers from the database, and from the pictures beside it, for more than one part of the bot.

Owns the building of it. Never imports anything of ours but alerts, catalog, charts, database, drafts,
gallery, guilds, habits, ledger, presets, press, prices, register, rules, settings, store, treasury, vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import charts
from bot.access.register import Register
from bot.catalog import CHEAPEST_CREDITS
from bot.drafts import Drafts
from bot.gallery import Gallery
from bot.guilds import Guilds
from bot.habits import Habits
from bot.money.alerts import Alerts
from bot.money.ledger import Ledger
from bot.money.prices import Prices
from bot.money.rules import Limit
from bot.money.treasury import Treasury
from bot.pictures.vault import Vault, vault_beside
from bot.presets import Presets
from bot.press import Press
from bot.store import Store

if TYPE_CHECKING:
    from bot.database import Database
    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Shelf:
    """What several parts ask; who is alone with a question asks the database itself."""

    database: Database
    vault: Vault
    store: Store
    ledger: Ledger
    treasury: Treasury
    drafts: Drafts
    prices: Prices
    register: Register
    presets: Presets
    habits: Habits
    gallery: Gallery
    alerts: Alerts
    guilds: Guilds
    press: Press

    @classmethod
    def of(cls, database: Database, settings: Settings) -> Shelf:
        """Open none of them anew: they share the one connection."""
        default = Limit(settings.limits.guild_credits, settings.limits.period)
        return cls(
            database=database,
            vault=Vault(vault_beside(settings.database.path)),
            store=Store(database, default),
            ledger=Ledger(database, default),
            treasury=Treasury(database, default),
            drafts=Drafts(database),
            prices=Prices(database, default),
            register=Register(database),
            presets=Presets(database),
            habits=Habits(database),
            gallery=Gallery(database),
            alerts=Alerts(database, default, CHEAPEST_CREDITS),
            guilds=Guilds(database),
            press=Press(
                settings.database.path, default, charts.draw if charts.supported() else None, charts.load
            ),
        )
