"""What a member may use and spend now, read at once for the completion of models and their settings.

Owns no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits.usage import LimitUsage
from bot.domain.clock import now_ms
from bot.guilds.access_rules import load_policy
from bot.jobs.model_choice import default_model

if TYPE_CHECKING:
    import sqlite3

    from bot.domain.access import AccessPolicy
    from bot.domain.limits import Limit, Usage
    from bot.domain.model_catalog import ModelCatalog
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
    """Reads how members stand; `default_limit` binds guilds that have set none."""

    def __init__(self, database: Database, catalog: ModelCatalog, default_limit: Limit) -> None:
        self._database = database
        self._catalog = catalog
        self._default_limit = default_limit

    async def read(
        self, guild_id: int, user_id: int, role_ids: tuple[int, ...], preset_name: str | None = None
    ) -> MemberStanding:
        """Return how a member stands now: one statement, where rules, limits and defaults are cached.

        `preset_name` is the preset that they have chosen so far, if any.

        Raises:
            OperatorError: `database`.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> MemberStanding:
            usage = LimitUsage.at_time(tx, guild_id, self._default_limit, at, split_held=False)
            binding = usage.member_limits(user_id, role_ids).binding
            return MemberStanding(
                policy=load_policy(tx, guild_id, at),
                tightest=min(binding, key=lambda each: each.left_credits),
                default_model=default_model(tx, self._catalog, guild_id, user_id, preset_name).model_id,
            )

        return await self._database.run(unit)
