"""What answers from the database, and from the pictures beside it, for more than one part of the bot.

Owns the building of it. Never imports anything of ours but alerts, catalog, charts, database, drafts,
gallery, guilds, habits, ledger, presets, press, prices, register, rules, settings, store, treasury, vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits.admin import Treasury
from bot.credits.alerts import Alerts
from bot.credits.ledger import Ledger
from bot.credits.preflight import Prices
from bot.credits.reports import chart
from bot.credits.reports.builder import Press
from bot.domain.image_models import CHEAPEST_CREDITS
from bot.domain.limits import Limit
from bot.guilds.access_rules import Register
from bot.guilds.presets import Presets
from bot.guilds.settings import Guilds
from bot.jobs.drafts import Drafts
from bot.jobs.history import Gallery
from bot.jobs.member_defaults import Habits
from bot.jobs.store import Store
from bot.storage.picture_store import Vault, vault_beside

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.storage.database import Database


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
                settings.database.path, default, chart.draw if chart.supported() else None, chart.load
            ),
        )
