"""Whether there is room for a picture, and what it would leave, before anything is written or spent.

Owns the questions before spending. Never imports anything of ours but clock, database, errors, guilds, jobs,
ledger, pauses, register, rules, usage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.credits.usage import Sight
from bot.domain.clock import now_ms
from bot.domain.errors import LimitReached
from bot.guilds import pauses
from bot.guilds.access_rules import admit, terms_of
from bot.guilds.settings import Setting, setting

if TYPE_CHECKING:
    from bot.credits.ledger import Transaction
    from bot.domain.jobs import Presence, Request
    from bot.domain.limits import Limit, Standing
    from bot.storage.database import Database


class Prices:
    """Knows when a price is to be asked about. `default` binds guilds whose admins have set nothing."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self._default = default

    async def to_confirm(self, request: Request, presence: Presence, cost_credits: int) -> Standing | None:
        """How the member's rules stand, if their guild wants them asked before they spend as much; else None.

        A yes reserves like any request. What it would be refused for now is refused instead of asked.

        Raises:
            MemberError: PAUSED by the operator; refused by a rule of the server, as `access.rules.judge`.
            LimitReached: a rule about credits has no room.
        """
        at, guild_id = now_ms(), request.destination.guild_id

        def unit(tx: Transaction) -> Standing | None:
            above = setting(tx, guild_id, Setting.CONFIRM_ABOVE)
            if above is None or cost_credits <= int(above):
                return None
            return self._require_room(tx, request, presence, cost_credits, at)

        return await self._database.run(unit)

    async def require_room(self, request: Request, presence: Presence, cost_credits: int) -> None:
        """Refuse what would be refused if it were sent in now: before a form is opened in vain.

        Raises:
            MemberError, LimitReached: as `to_confirm`.
        """
        at = now_ms()
        await self._database.run(lambda tx: self._require_room(tx, request, presence, cost_credits, at))

    def _require_room(
        self, tx: Transaction, request: Request, presence: Presence, cost_credits: int, at: int
    ) -> Standing:
        guild_id, user_id = request.destination.guild_id, request.destination.user_id
        pauses.require_open(tx, guild_id)
        admit(tx, request, presence, terms_of(tx, guild_id, at), at)
        standing = Sight.of(tx, guild_id, self._default, at).standing(user_id, presence.role_ids)
        if standing.tightest.left_credits < cost_credits:
            raise LimitReached(standing.tightest, cost_credits)
        return standing
