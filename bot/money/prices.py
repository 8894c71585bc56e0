"""What a picture would leave, before anything is spent: for guilds that want their members asked first.

Owns the question whether to ask. Never imports anything of ours but clock, database, errors, guilds, ledger,
pauses, rules, usage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import pauses
from bot.clock import now_ms
from bot.errors import LimitReached
from bot.guilds import Setting, setting
from bot.money.usage import Sight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.database import Database
    from bot.money.ledger import Transaction
    from bot.money.rules import Limit, Standing


class Prices:
    """Knows when a price is to be asked about. `default` binds guilds whose admins have set nothing."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self._default = default

    async def to_confirm(
        self, guild_id: int, user_id: int, role_ids: Iterable[int], cost_credits: int
    ) -> Standing | None:
        """How the member's rules stand, if their guild wants them asked before they spend as much; else None.

        A yes reserves like any request. What it would be refused for now is refused instead of asked.

        Raises:
            MemberError: PAUSED by the operator.
            LimitReached: a rule has no room.
        """
        at, roles = now_ms(), tuple(role_ids)

        def unit(tx: Transaction) -> Standing | None:
            above = setting(tx, guild_id, Setting.CONFIRM_ABOVE)
            if above is None or cost_credits <= int(above):
                return None
            pauses.require_open(tx, guild_id)
            standing = Sight.of(tx, guild_id, self._default, at).standing(user_id, roles)
            if standing.tightest.left_credits < cost_credits:
                raise LimitReached(standing.tightest, cost_credits)
            return standing

        return await self._database.run(unit)
