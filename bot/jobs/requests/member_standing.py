"""What a member may use and spend now, read at once for lists of models, their settings and their prices.

Owns no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits.model_prices import quote
from bot.credits.usage import LimitUsage
from bot.domain.clock import now_ms
from bot.domain.prices import NO_PRICES, PriceList
from bot.guilds.access_rules import load_policy
from bot.jobs.requests.model_choice import default_model, usable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bot.domain.access import AccessPolicy
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import RequestContext
    from bot.domain.limits import Limit, Usage
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.model_settings import SettingValues
    from bot.domain.prices import Quote, SettingsPrices
    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class MemberStanding:
    """What decides which models a member can use in a guild."""

    policy: AccessPolicy
    tightest: Usage
    """The limit that leaves the least."""
    default_model: str
    """The id of the model of a request that names none; it may be gone."""


class MemberStandingReader:
    """Reads how members stand.

    `default_limit` binds guilds that have set none; `known_prices` is what the operator says that settings
    cost.
    """

    def __init__(
        self,
        database: Database,
        catalog: ModelCatalog,
        default_limit: Limit,
        known_prices: SettingsPrices = NO_PRICES,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._default_limit = default_limit
        self._known_prices = known_prices

    async def read(
        self, guild_id: int, user_id: int, role_ids: tuple[int, ...], preset_name: str | None = None
    ) -> MemberStanding:
        """Return how a member stands now: one statement, where rules, limits and defaults are cached.

        `preset_name` is the preset that they have chosen so far, if any.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()
        return await self._database.run(
            lambda tx: self._standing(tx, guild_id, user_id, role_ids, at, preset_name)
        )

    async def read_with_quotes(
        self,
        guild_id: int,
        user_id: int,
        role_ids: tuple[int, ...],
        models: Sequence[ImageModel],
        settings: SettingValues,
    ) -> tuple[MemberStanding, list[Quote]]:
        """Return how a member stands now, and what a picture of each model with these settings will cost.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()
        return await self._database.run(
            lambda tx: (
                self._standing(tx, guild_id, user_id, role_ids, at),
                [quote(tx, model, settings, self._known_prices) for model in models],
            )
        )

    async def prices(self, guild_id: int, user_id: int, context: RequestContext) -> PriceList:
        """Return what a picture costs with each model that a member may use, that of their default first.

        It is the whole list if they may use none. Where one model is offered nothing is read.

        Raises:
            OperatorError: `database`.
        """
        if not self._catalog.has_choice:
            return self._catalog.price_list
        standing = await self.read(guild_id, user_id, context.role_ids)
        models = usable(self._catalog, context, standing.policy)
        if not models:
            return self._catalog.price_list
        models.sort(key=lambda model: model.model_id != standing.default_model)
        return PriceList(tuple(map(self._catalog.shown_price, models)))

    def _standing(
        self,
        tx: sqlite3.Connection,
        guild_id: int,
        user_id: int,
        role_ids: tuple[int, ...],
        at: int,
        preset_name: str | None = None,
    ) -> MemberStanding:
        usage = LimitUsage.at_time(tx, guild_id, self._default_limit, at, split_held=False)
        binding = usage.member_limits(user_id, role_ids).binding
        return MemberStanding(
            policy=load_policy(tx, guild_id, at),
            tightest=min(binding, key=lambda each: each.left_credits),
            default_model=default_model(tx, self._catalog, guild_id, user_id, preset_name).model_id,
        )
