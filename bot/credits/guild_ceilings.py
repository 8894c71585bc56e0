"""The ceiling of the settings, stored at each start; at the first one nobody who has more loses it.

Owns no table; `bot/credits/limits.py` has the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits import limits
from bot.credits.usage import LimitUsage
from bot.domain.ids import ALL_GUILDS
from bot.domain.limits import MAX_CREDITS, Limit, LimitScope

if TYPE_CHECKING:
    import sqlite3

    from bot.storage.database import Database

KEPT_REASON: Final = "what this server had before there was a ceiling for every server"
"""The reason in the row of a ceiling that an upgrade has made."""
NOBODY: Final = 0
"""The `set_by` of such a row."""


async def apply_default_ceiling(database: Database, ceiling: Limit, default: Limit, at: int) -> int:
    """Store the ceiling of the settings; return how many servers were given one of their own.

    At the first start each server that has more, by its limit or by grants, gets a ceiling row that allows
    the same. It is the transaction that first stores the ceiling, so it happens once. `default` is the limit
    of guilds without one of their own, `at` is in epoch milliseconds.

    Raises:
        OperatorError: `database`.
    """

    def unit(tx: sqlite3.Connection) -> int:
        if not limits.set_default_ceiling(tx, ceiling):
            return 0
        if limits.current(tx, ALL_GUILDS, LimitScope.CEILING) is not None:
            return 0  # the operator's ceiling for each server bound them all before
        return sum(_keep(tx, guild_id, ceiling, default, at) for guild_id in _guilds(tx))

    return await database.run(unit)


def _guilds(transaction: sqlite3.Connection) -> list[int]:
    """Return every guild that may have more than the default limit."""
    rows = transaction.execute(
        "SELECT guild_id FROM limits WHERE rule = 'guild' UNION SELECT guild_id FROM grants"
        " UNION SELECT guild_id FROM refunds"
    )
    return [row["guild_id"] for row in rows]


def _keep(transaction: sqlite3.Connection, guild_id: int, ceiling: Limit, default: Limit, at: int) -> bool:
    """Give a guild a ceiling of what it has, if that is more than `ceiling`; return whether it is."""
    if limits.current(transaction, guild_id, LimitScope.CEILING) is not None:
        return False
    own = limits.current(transaction, guild_id, LimitScope.GUILD)
    limit_usage = LimitUsage.at_time(transaction, guild_id, default, at)
    limit, left = own or default, limit_usage.guild().left_credits
    # A ceiling counts what grants paid and what was refunded, too; what grants still hold is part of `left`.
    has = max(limit.credits, limit_usage.counted() + left)
    if own is None and has == limit.credits:
        return False
    kept = Limit(
        min(has, MAX_CREDITS), limit.period, NOBODY, at, scope=LimitScope.CEILING, reason=KEPT_REASON
    )
    # What was spent under an earlier limit may have used up more of the ceiling than of the limit now.
    left_by_ceiling = min(
        usage.left_credits for usage in limit_usage.ceilings() if usage.scope is LimitScope.CEILING
    )
    if not kept.allows_more_than(ceiling) and left <= left_by_ceiling:
        return False
    return limits.append(transaction, guild_id, kept)
