"""The operator's decisions about servers: admitted with a ceiling, or refused.

Each is one transaction, so that two people who decide at once make one decision.

Owns no table; `bot/guilds/admission.py` and `bot/credits/limits.py` have the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.credits import limits
from bot.domain.clock import now_ms
from bot.domain.limits import Limit, LimitScope
from bot.domain.periods import Period
from bot.guilds import admission

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from bot.domain.admission import Admission
    from bot.storage.database import Database


@dataclass(frozen=True, slots=True)
class GuildStanding:
    """How a server stands, and what it may spend."""

    guild_id: int
    admission: Admission | None
    """None if the bot has never seen it, or has erased it."""
    limit: Limit
    """The server's own, or the default."""
    ceiling: Limit | None
    """What no admin can pass."""
    decided_now: bool = False
    """Whether the call that returned this has decided; False if somebody had decided before."""


class GuildApprovals:
    """Shows and decides; `default` is the limit of guilds without one of their own."""

    def __init__(self, database: Database, default: Limit) -> None:
        self._database = database
        self._default = default

    async def standing(self, guild_id: int) -> GuildStanding:
        """Return how a server stands."""
        return await self._database.run(lambda tx: self._standing(tx, guild_id))

    async def allow(
        self,
        guild_id: int,
        credits: int,
        *,
        decided_by: int,
        period: Period | None = None,
        interaction_id: int | None = None,
        again: bool = False,
    ) -> GuildStanding:
        """Admit a server with a ceiling, in the period of its ceiling now unless `period` says otherwise.

        With `again` an earlier decision is replaced; otherwise it stays, and is returned.

        Raises:
            ValueError: as `limits.append`.
        """
        at = now_ms()

        def write(tx: sqlite3.Connection) -> None:
            now = limits.guild_ceiling(tx, guild_id)
            per = period or (Period.MONTH if now is None else now.period)
            ceiling = Limit(credits, per, decided_by, at, LimitScope.CEILING)
            limits.append(tx, guild_id, ceiling, interaction_id=interaction_id)
            admission.decide(tx, guild_id, admitted=True, decided_by=decided_by, at=at)

        return await self._decide(guild_id, write, again=again)

    async def refuse(self, guild_id: int, *, decided_by: int, again: bool = False) -> GuildStanding:
        """Refuse a server, which the bot leaves after a day; `again` as for `allow`."""
        at = now_ms()
        return await self._decide(
            guild_id,
            lambda tx: admission.decide(tx, guild_id, admitted=False, decided_by=decided_by, at=at),
            again=again,
        )

    async def _decide(
        self, guild_id: int, write: Callable[[sqlite3.Connection], object], *, again: bool
    ) -> GuildStanding:
        def unit(tx: sqlite3.Connection) -> GuildStanding:
            known = admission.get(tx, guild_id)
            decides = again or known is None or not known.is_decided
            if decides:
                write(tx)
            return self._standing(tx, guild_id, decided_now=decides)

        return await self._database.run(unit)

    def _standing(self, tx: sqlite3.Connection, guild_id: int, *, decided_now: bool = False) -> GuildStanding:
        return GuildStanding(
            guild_id=guild_id,
            admission=admission.get(tx, guild_id),
            limit=limits.current(tx, guild_id, LimitScope.GUILD) or self._default,
            ceiling=limits.guild_ceiling(tx, guild_id),
            decided_now=decided_now,
        )
