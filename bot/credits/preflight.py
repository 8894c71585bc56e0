"""Whether there is room for a picture, and what it would leave, before anything is written or spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.credits.usage import LimitUsage
from bot.domain.clock import now_ms
from bot.domain.errors import LimitExceeded
from bot.guilds import pauses
from bot.guilds.access_rules import enforce, load_policy
from bot.guilds.settings import GuildSetting, setting

if TYPE_CHECKING:
    from bot.credits.ledger import Transaction
    from bot.domain.jobs import Request, RequestContext
    from bot.domain.limits import Limit, MemberLimits
    from bot.storage.database import Database


class PreflightCheck:
    """Knows when a price is to be asked about. `default` binds guilds whose admins have set nothing."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self._default = default

    async def needs_confirmation(
        self, request: Request, context: RequestContext, cost_credits: int
    ) -> MemberLimits | None:
        """How the member's rules stand, if their guild wants them asked before they spend as much; else None.

        A yes reserves like any request. What it would be refused for now is refused instead of asked.

        Raises:
            MemberError: PAUSED by the operator; refused by a rule of the server, as `check_access`.
            LimitExceeded: a rule about credits has no room.
        """
        at, guild_id = now_ms(), request.destination.guild_id

        def unit(tx: Transaction) -> MemberLimits | None:
            above = setting(tx, guild_id, GuildSetting.CONFIRM_ABOVE)
            if above is None or cost_credits <= int(above):
                return None
            return self._require_room(tx, request, context, cost_credits, at)

        return await self._database.run(unit)

    async def require_capacity(self, request: Request, context: RequestContext, cost_credits: int) -> None:
        """Refuse what would be refused if it were sent in now: before a form is opened in vain.

        Raises:
            MemberError, LimitExceeded: as `needs_confirmation`.
        """
        at = now_ms()
        await self._database.run(lambda tx: self._require_room(tx, request, context, cost_credits, at))

    def _require_room(
        self, tx: Transaction, request: Request, context: RequestContext, cost_credits: int, at: int
    ) -> MemberLimits:
        guild_id, user_id = request.destination.guild_id, request.destination.user_id
        pauses.require_not_paused(tx, guild_id)
        enforce(tx, request, context, load_policy(tx, guild_id, at), at)
        member_limits = LimitUsage.at_time(tx, guild_id, self._default, at).member_limits(
            user_id, context.role_ids
        )
        if member_limits.tightest.left_credits < cost_credits:
            raise LimitExceeded(member_limits.tightest, cost_credits)
        return member_limits
